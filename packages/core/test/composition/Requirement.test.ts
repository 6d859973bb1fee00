import { assert, describe, it } from "@effect/vitest"
import { Requirement } from "@lamina/core/composition/index"
import * as Result from "effect/Result"

describe("Requirement.parse", () => {
  it.each([
    ["system-base", { name: "system-base", optional: false }],
    ["powernode/system-base@^1.0", { name: "powernode/system-base", version: "^1.0", optional: false }],
    ["a@>=1 <3 || 5.x", { name: "a", version: ">=1 <3 || 5.x", optional: false }],
    ["a@*", { name: "a", version: "*", optional: false }]
  ])("reads %s", (text, expected) => {
    const requirement = Result.getOrThrow(Requirement.parse(text))
    assert.deepStrictEqual(requirement, expected)
    assert.strictEqual(Requirement.render(requirement), text)
  })

  it.each([
    [
      "",
      `"" is not a requirement: "" is neither a module's name nor owner/name (for example powernode/system-base@^1.0)`
    ],
    [
      "a/b/c",
      `"a/b/c" is not a requirement: "a/b/c" is neither a module's name nor owner/name (for example powernode/system-base@^1.0)`
    ],
    ["a@", `"a@" is not a requirement: "" is not a semantic version range (for example ^1.2, ~1.2.3, >=1 <3, or *)`],
    [
      "a@newest",
      `"a@newest" is not a requirement: "newest" is not a semantic version range (for example ^1.2, ~1.2.3, >=1 <3, or *)`
    ],
    ["a@~> 1.2", `"a@~> 1.2" is not a requirement: "~> 1.2" is not a semantic version range (did you mean ~1.2?)`]
  ])("refuses %j", (text, message) => {
    const refused = Requirement.parse(text)
    assert.strictEqual(Result.isFailure(refused) ? refused.failure.message : "accepted", message)
  })
})

describe("Requirement", () => {
  it("speaks of a module by its name, its forge repository, or the last part of a forge path", () => {
    const module = { moduleName: "system-base", forgeRepository: "demo/base" }
    for (const name of ["system-base", "demo/base", "powernode/system-base"]) {
      assert.isTrue(Requirement.isFor({ name }, module), name)
    }
    assert.isFalse(Requirement.isFor({ name: "base" }, module))
  })

  it.each([
    ["^1.0", "1.4.2", true],
    ["^1.0", "2.0.0", false],
    [undefined, "anything", true],
    ["*", "2024a", true],
    ["2024a", "2024a", true],
    ["^1.0", "2024a", false],
    ["^1.0", "1.1.0-rc.1", false],
    ["^1.1.0-rc.0", "1.1.0-rc.1", true]
  ])("%s accepts %s: %s", (version, versionString, expected) => {
    assert.strictEqual(Requirement.accepts({ version }, versionString), expected)
  })
})
