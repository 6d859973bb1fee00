import { assert, describe, it } from "@effect/vitest"
import { PlanDiff } from "@lamina/core/composition/index"
import { Build, Expect, ExpectationFailed } from "@lamina/core/testing"
import * as fc from "fast-check"

const failureOf = (assertion: () => void): ExpectationFailed.ExpectationFailed => {
  try {
    assertion()
  } catch (error) {
    if (error instanceof ExpectationFailed.ExpectationFailed) return error
    throw error
  }
  return assert.fail("the assertion holds")
}

const base = Build.module("system-base", {
  category: "system-base",
  files: ["/etc/passwd", "/usr/local/bin/x"],
  specs: { protectedSpec: ["/etc/passwd"] }
})
const users = Build.module("users", { files: ["/etc/passwd"] })
const needy = Build.module("needy", { requires: ["ghost"] })
const template = Build.template([base, users])

describe("Expect.conflicts", () => {
  const expected = [{ _tag: "PathConflict", modules: ["users", "system-base"], path: "/etc/passwd" }] as const

  it("holds for exactly the conflicts that there are, each described as far as one likes", () => {
    Expect.conflicts(template, expected)
    Expect.conflicts(template.plan, [{ _tag: "PathConflict" }])
  })

  it("fails for one too many and for one too few, and shows the plan", () => {
    const surplus = failureOf(() => Expect.conflicts(template, []))
    assert.deepStrictEqual(surplus.actual, [
      { _tag: "PathConflict", severity: "error", modules: ["users", "system-base"], path: "/etc/passwd" }
    ])
    assert.include(surplus.message, "error: users ships /etc/passwd, which system-base protects")
    const missing = failureOf(() => Expect.conflicts(template, [...expected, { _tag: "CapabilityClash" }]))
    assert.deepStrictEqual(missing.actual, expected)
    assert.deepStrictEqual(missing.expected, [...expected, { _tag: "CapabilityClash" }])
  })

  it("finds a conflict for each description wherever that is possible", () => {
    const plan = (tags: ReadonlyArray<"a" | "b">) =>
      Build.template(
        tags.map((tag, index) =>
          Build.module(`${tag}${index}`, { requires: ["ghost"], architectures: tag === "a" ? ["amd64"] : ["arm64"] })
        )
      )
    fc.assert(
      fc.property(fc.array(fc.constantFrom("a" as const, "b" as const), { maxLength: 4 }), fc.nat(), (tags, seed) => {
        const { plan: built } = plan(tags)
        const described = built.conflicts.map(({ _tag, modules, severity }, index): Expect.ExpectedConflict =>
          (seed >> index) % 2 === 0 ? { _tag } : { _tag, modules, severity }
        )
        Expect.conflicts(built, described)
        Expect.conflicts(built, [...described].reverse())
        failureOf(() => Expect.conflicts(built, [...described, { _tag: "InvalidSpecs" }]))
        if (described.length > 0) failureOf(() => Expect.conflicts(built, described.slice(1)))
      })
    )
  })
})

describe("Expect", () => {
  it("throws what vitest, node:test and mocha show as a comparison", () => {
    const failure = failureOf(() => Expect.owners(template, { "/etc/passwd": "users" }))
    assert.instanceOf(failure, Error)
    assert.deepInclude({ ...failure }, {
      name: "AssertionError",
      code: "ERR_ASSERTION",
      showDiff: true,
      actual: { "/etc/passwd": "system-base" },
      expected: { "/etc/passwd": "users" }
    })
    assert.match(
      failure.message,
      /^paths have other owners: expected {"\/etc\/passwd":"users"}, got {"\/etc\/passwd":"system-base"}\n\namd64, 2 layers/
    )
  })

  it("calls sound what has neither a conflict nor a problem", () => {
    Expect.sound(Build.template([base]))
    failureOf(() => Expect.sound(template))
    failureOf(() => Expect.sound(Build.template([needy])))
  })

  it("knows the owner of a path, and that nobody ships one", () => {
    Expect.owners(template, { "/etc/passwd": "system-base", "/etc/shadow": undefined })
    failureOf(() => Expect.owners(template, { "/etc/shadow": "system-base" }))
    const failure = failureOf(() => Expect.owners(template, { "/etc/passwd": undefined }))
    assert.include(failure.message, "expected {\"/etc/passwd\":null}, got {\"/etc/passwd\":\"system-base\"}")
  })

  it("forbids paths, but for whom it does not", () => {
    Expect.nothingShipped(template, ["/opt/**"])
    Expect.nothingShipped(template, ["/usr/local"], { except: ["system-base"] })
    const failure = failureOf(() => Expect.nothingShipped(template, ["/opt/**", "/usr/local"]))
    assert.deepStrictEqual(failure.actual, ["system-base ships /usr/local/bin/x"])
  })

  it("knows layers and versions", () => {
    Expect.layers(template, ["system-base", "users"])
    failureOf(() => Expect.layers(template, ["users", "system-base"]))
    Expect.versions(template, { users: "1.0.0", ghost: undefined })
    failureOf(() => Expect.versions(template, { users: "1.0.1" }))
  })

  it("knows the problems of a resolution", () => {
    Expect.problems(Build.template([needy]), [{ _tag: "Missing", chain: ["needy", "ghost"] }])
    failureOf(() => Expect.problems(Build.template([needy]), []))
    failureOf(() => Expect.problems(Build.template([needy]), [{ _tag: "Cycle" }]))
  })

  it("compares the lists of changes that are given, and shows the difference", () => {
    const diff = PlanDiff.between(Build.template([base]).plan, template.plan)
    Expect.changes(diff, {})
    Expect.changes(diff, { layers: ["+ users"], reboots: [] })
    const failure = failureOf(() => Expect.changes(diff, { layers: [] }))
    assert.deepStrictEqual(failure.actual, { layers: ["+ users"] })
    assert.include(failure.message, PlanDiff.render(diff))
  })

  it("knows what policies decide, and shows who said what", () => {
    const policies = [
      Build.policy({ name: "free", decision: "auto_approve", action: "module_promote_to_*" }),
      Build.policy({ name: "redis is ours", decision: "block", moduleName: "my-redis" })
    ]
    const question = {
      action: "module_promote_to_live",
      moduleName: "my-redis",
      actor: { kind: "person", id: "ada" }
    } as const
    Expect.decision(policies, question, "block")
    Expect.decision(policies, { ...question, moduleName: "other" }, "auto_approve")
    assert.include(
      failureOf(() => Expect.decision(policies, question, "auto_approve")).message,
      "block  redis is ours: matches module_promote_to_live of my-redis"
    )
  })

  it("keeps its message short, whatever it compares", () => {
    const many = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`/file${index}`, "nobody"]))
    assert.isBelow(failureOf(() => Expect.owners(template, many)).message.length, 3000)
  })
})
