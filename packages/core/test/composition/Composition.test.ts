import { assert, describe, it } from "@effect/vitest"
import { Composition } from "@lamina/core/composition/index"
import { Build } from "@lamina/core/testing"
import * as fc from "fast-check"

const base = Build.assignment("system-base", {
  category: "system-base",
  categoryPosition: 10,
  rebootRequired: true,
  specs: { fileSpec: ["/etc/**", "/usr/**"], protectedSpec: ["/etc/passwd"] },
  provides: ["base.os"],
  files: ["/etc/passwd", "/etc/motd", "/usr/bin/env"]
})
const nginx = Build.assignment("nginx", {
  priority: 5,
  specs: { fileSpec: ["/etc/nginx/**", "/etc/motd"] },
  requires: ["powernode/system-base@^1.0"],
  provides: ["http.port:80"],
  files: ["/etc/nginx/nginx.conf", "/etc/motd"]
})
const redis = Build.assignment("redis", { specs: { fileSpec: ["/etc/redis/**"] }, files: ["/etc/redis/redis.conf"] })

const conflictsOf = (...assignments: ReadonlyArray<Composition.Assignment>) =>
  Composition.plan(assignments, "amd64").conflicts.map(({ _tag, message, severity }) => [_tag, severity, message])

describe("Composition.plan", () => {
  const plan = Composition.plan([nginx, redis, base], "amd64")

  it("stacks the layers by category, priority and name", () => {
    assert.deepStrictEqual(
      plan.layers.map(({ effectivePriority, moduleName }) => [effectivePriority, moduleName]),
      [[10_000, "system-base"], [90_000, "redis"], [90_005, "nginx"]]
    )
  })

  it("gives overlayfs the top layer first", () => {
    assert.deepStrictEqual(plan.lowerdir, plan.layers.map(({ composefsDigest }) => composefsDigest).reverse())
  })

  it("says who owns what, who provides what, and what needs a reboot", () => {
    assert.deepStrictEqual(
      Object.fromEntries(plan.ownership.paths.map(({ owner, path }) => [path, owner])),
      {
        "/etc/motd": "nginx",
        "/etc/nginx/nginx.conf": "nginx",
        "/etc/passwd": "system-base",
        "/etc/redis/redis.conf": "redis",
        "/usr/bin/env": "system-base"
      }
    )
    assert.deepStrictEqual(plan.capabilities, [
      { capability: "base.os", providers: ["system-base"] },
      { capability: "http.port:80", providers: ["nginx"] }
    ])
    assert.deepStrictEqual(plan.rebootRequiredBy, ["system-base"])
    assert.deepStrictEqual(plan.conflicts, [])
    assert.isFalse(plan.isBlocked)
  })

  it("takes the artifact of its architecture", () => {
    const arm = Composition.plan([base], "arm64")
    assert.strictEqual(arm.layers[0]?.manifestDigest, base.artifacts[1]?.manifestDigest)
    assert.notStrictEqual(arm.planHash, Composition.plan([base], "amd64").planHash)
  })

  it("does not depend on the order of the assignments", () => {
    const module = fc.record({
      name: fc.constantFrom("a", "b", "c", "d"),
      priority: fc.integer({ min: 0, max: 2 }),
      versionString: fc.constantFrom("1.0.0", "2.0.0"),
      files: fc.uniqueArray(fc.constantFrom("/a", "/b", "/c"), { maxLength: 2 })
    })
    const modules = fc.array(module, { maxLength: 6 }).chain((of) =>
      fc.tuple(fc.constant(of), fc.shuffledSubarray(of, { minLength: of.length }))
    )
    const planOf = (
      of: ReadonlyArray<
        {
          readonly name: string
          readonly priority: number
          readonly versionString: string
          readonly files: ReadonlyArray<string>
        }
      >
    ) =>
      Composition.plan(
        of.map(({ name, ...rest }) => Build.assignment(name, { ...rest, specs: { fileSpec: ["/*"] } })),
        "amd64"
      )
    fc.assert(fc.property(modules, ([one, other]) => assert.deepStrictEqual(planOf(one), planOf(other))), {
      numRuns: 500
    })
  })

  it("keeps the same one of two assignments that differ in nothing that orders them", () => {
    const [one, other] = ["/x", "/y"].map((pattern) =>
      Build.assignment("a", { specs: { fileSpec: [pattern] }, files: ["/x"] })
    )
    assert.isDefined(one)
    assert.isDefined(other)
    assert.deepStrictEqual(Composition.plan([one, other], "amd64"), Composition.plan([other, one], "amd64"))
  })

  it("hashes what a machine mounts, and nothing else", () => {
    const hash = (...of: ReadonlyArray<Composition.Assignment>) => Composition.plan(of, "amd64").planHash
    assert.match(plan.planHash, /^sha256:[0-9a-f]{64}$/)
    assert.strictEqual(hash(base, { ...redis, rebootRequired: true, priority: 1 }), hash(base, redis))
    assert.notStrictEqual(hash(base, { ...redis, versionString: "1.0.1" }), hash(base, redis))
    assert.notStrictEqual(hash(base, { ...redis, categoryPosition: 0 }), hash(base, redis))
  })

  it("plans nothing for nothing", () => {
    const empty = Composition.plan([], "amd64")
    assert.deepStrictEqual([empty.layers, empty.lowerdir, empty.isBlocked], [[], [], false])
  })
})

describe("Composition.plan reports", () => {
  it("a module that is assigned twice, and keeps one of it", () => {
    assert.deepStrictEqual(conflictsOf(redis, { ...redis, versionString: "2.0.0" }), [
      ["DuplicateModule", "error", "redis is assigned twice, in version 1.0.0 and in version 2.0.0"]
    ])
  })

  it("a module without an artifact for the architecture", () => {
    assert.deepStrictEqual(conflictsOf({ ...redis, artifacts: redis.artifacts.slice(1) }), [
      ["NoArtifact", "error", "redis 1.0.0 has no artifact for amd64; there are: arm64"]
    ])
  })

  it("a priority that leaves its category", () => {
    assert.deepStrictEqual(conflictsOf({ ...redis, priority: 1000 }), [
      ["PriorityOutOfRange", "error", "redis has priority 1000, expected 0 to 999"]
    ])
  })

  it("specs that are no patterns", () => {
    assert.deepStrictEqual(conflictsOf(Build.assignment("redis", { specs: { fileSpec: ["/etc/redis", "etc"] } })), [
      [
        "InvalidSpecs",
        "error",
        `the specs of redis: fileSpec[1]: "etc" is not a pattern: a pattern is an absolute path from the module's root (did you mean /etc?)`
      ]
    ])
  })

  it("a child without its parent, and one below it", () => {
    const child = Build.assignment("child", { variety: "config", parentModule: "nginx" })
    assert.deepStrictEqual(conflictsOf(child), [
      ["ParentMissing", "error", "child adjusts nginx, which is not in the composition"]
    ])
    assert.deepStrictEqual(conflictsOf(child, Build.assignment("nginx", { priority: 5 })), [
      ["ChildBelowParent", "warning", "child (90000) lies below its parent nginx (90005), which hides what both ship"]
    ])
  })

  it("two instance modules of one category", () => {
    assert.deepStrictEqual(
      conflictsOf(Build.assignment("a", { variety: "instance" }), Build.assignment("b", { variety: "instance" })),
      [["InstanceCollision", "error", "category userland has more than one instance module: a, b"]]
    )
  })

  it("what a module requires and does not get", () => {
    assert.deepStrictEqual(conflictsOf(nginx), [
      [
        "RequirementUnmet",
        "error",
        "nginx requires powernode/system-base@^1.0, which is not in the composition"
      ]
    ])
    assert.deepStrictEqual(conflictsOf(nginx, { ...base, versionString: "2.0.0" }), [
      [
        "RequirementUnmet",
        "error",
        "nginx requires powernode/system-base@^1.0, and the composition has system-base 2.0.0"
      ]
    ])
  })

  it("nothing of a module that is only named like the repository that is meant", () => {
    const other = Build.assignment("redis", { forgeRepository: "other/redis" })
    const ours = Build.assignment("my-redis", { forgeRepository: "acme/redis", versionString: "2.0.0", priority: 5 })
    const needing = Build.assignment("app", { requires: ["acme/redis@^2"] })
    const hostile = Build.assignment("app", { conflicts: ["acme/redis@^1"] })
    assert.deepStrictEqual(conflictsOf(other, ours, needing), [])
    assert.deepStrictEqual(conflictsOf(other, ours, hostile), [])
    assert.deepStrictEqual(conflictsOf(other, hostile).map(([tag]) => tag), ["DeclaredConflict"])
  })

  it("a module with which another conflicts", () => {
    assert.deepStrictEqual(
      conflictsOf(redis, Build.assignment("valkey", { conflicts: ["redis@<8"] })),
      [
        ["DeclaredConflict", "error", "valkey conflicts with redis@<8, and redis 1.0.0 is in the composition"]
      ]
    )
  })

  it("two providers of one capability", () => {
    const provides = { provides: ["http.port:80"] }
    assert.deepStrictEqual(conflictsOf(Build.assignment("nginx", provides), Build.assignment("apache", provides)), [
      ["CapabilityClash", "error", "http.port:80 has more than one provider: apache, nginx"]
    ])
  })

  it("a path that a layer may not ship, so that claims hold even if the artifact ignored them", () => {
    const evil = Build.assignment("evil", { specs: { fileSpec: ["/etc/passwd"] }, files: ["/etc/passwd"] })
    assert.deepStrictEqual(conflictsOf(base, evil), [
      ["PathConflict", "error", "evil ships /etc/passwd, which system-base protects"]
    ])
  })

  it("a path that a broader claim above hides, as a warning", () => {
    const all = Build.assignment("all", { specs: { fileSpec: ["/**"] }, files: ["/usr/bin/env"] })
    assert.deepStrictEqual(conflictsOf(base, all), [
      ["PathConflict", "warning", "all hides /usr/bin/env of system-base, whose claim is more specific"]
    ])
  })
})

describe("Composition.render", () => {
  it("prints the stack from the top, owners, capabilities and conflicts", () => {
    const evil = Build.assignment("evil", {
      variety: "config",
      parentModule: "nginx",
      specs: { fileSpec: ["/etc/passwd"], protectedSpec: ["/opt/evil"] },
      files: ["/etc/passwd"]
    })
    const plan = Composition.plan([base, {
      ...nginx,
      specs: { ...nginx.specs, dependencySpec: ["/etc/**"] },
      priority: 0
    }, { ...evil, priority: 1 }], "amd64")
    assert.strictEqual(
      Composition.render(plan),
      `amd64, 3 layers, top first, plan ${plan.planHash.slice(0, 19)}, BLOCKED
  90001  evil         1.0.0  ${plan.lowerdir[0]?.slice(0, 19)}  owns 0 of 1 files  config of nginx
  90000  nginx        1.0.0  ${plan.lowerdir[1]?.slice(0, 19)}  owns 2 of 2 files
  10000  system-base  1.0.0  ${plan.lowerdir[2]?.slice(0, 19)}  owns 2 of 3 files  needs a reboot

owners of paths that several layers ship
  /etc/motd    nginx        shipped by system-base, nginx
  /etc/passwd  system-base  shipped by system-base, evil

capabilities
  base.os       system-base
  http.port:80  nginx

claims that nobody fulfils
  /opt/evil  protectedSpec of evil

conflicts
  error: evil ships /etc/passwd, which system-base protects
`
    )
  })
})
