import { assert, describe, it } from "@effect/vitest"
import { MemoryRegistry } from "@lamina/oci"
import { createPlatform, PlatformOptions } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"

const secretKey = "0123456789abcdef0123456789abcdef"
const good = { registry: { directory: "/srv/registry" }, secretKey }

// What a host passes that is not written in TypeScript.
const check = (options: unknown) =>
  Result.mapError(
    Reflect.apply(PlatformOptions.check, undefined, [options]),
    (error: PlatformOptions.InvalidOptions) => error
  )

const problemsOf = (options: unknown): ReadonlyArray<string> =>
  Result.match(check(options), { onSuccess: () => [], onFailure: ({ problems }) => problems })

describe("options", () => {
  it("get defaults: storage in memory, deep ingest, keys with a transparency log", () => {
    assert.deepStrictEqual(Result.getOrThrow(PlatformOptions.check(good)), {
      ...good,
      storage: { kind: "memory" },
      previousSecretKeys: [],
      keysRequireTransparencyLog: true,
      requireReplayProtection: false,
      deepIngest: true
    })
  })

  it("take a registry as an address, a directory, or an object", () => {
    const registry = Effect.runSync(MemoryRegistry.make())
    const url = { url: "https://registry.example", username: "ada", password: "hunter2" }
    for (const option of [registry, url, { url: "http://127.0.0.1:5000", insecure: true }]) {
      assert.deepStrictEqual(problemsOf({ ...good, registry: option }), [])
    }
  })

  const invalid: ReadonlyArray<readonly [string, unknown, string]> = [
    ["no options", undefined, "options: "],
    ["no registry", { secretKey }, "registry: expected a Registry"],
    ["a registry that is none", { ...good, registry: 5 }, "registry: expected a Registry"],
    [
      "a registry of another scheme",
      { ...good, registry: { url: "ftp://x" } },
      "registry.url: expected an http:// or https:// URL"
    ],
    [
      "a registry with a misspelt option",
      { ...good, registry: { url: "http://x", pasword: "hunter2" } },
      "registry: Unrecognized key: \"pasword\""
    ],
    [
      "a password without a name",
      { ...good, registry: { url: "http://x", password: "hunter2" } },
      "registry.username: expected one"
    ],
    ["no key", { registry: good.registry }, "secretKey: "],
    ["a short key", { ...good, secretKey: "hunter2" }, "secretKey: expected at least 32 random characters"],
    ["a short previous key", { ...good, previousSecretKeys: [secretKey, "hunter2"] }, "previousSecretKeys.1: "],
    ["a storage of another kind", { ...good, storage: { kind: "mysql" } }, "storage.kind: "],
    [
      "a database that is none",
      { ...good, storage: { kind: "postgres", url: "mysql://ada:hunter2@x" } },
      "storage.url: expected a postgres:// URL"
    ],
    ["an option that does not exist", { ...good, deepIngset: false }, "options: Unrecognized key: \"deepIngset\""],
    ["a switch that is none", { ...good, deepIngest: "no" }, "deepIngest: "]
  ]
  for (const [name, options, problem] of invalid) {
    it(`are refused with ${name}, by name and without the value`, () => {
      const problems = problemsOf(options)
      assert.strictEqual(problems.length, 1, problems.join("\n"))
      assert.isTrue(problems[0]?.startsWith(problem), problems[0])
      assert.notInclude(problems.join(), "hunter2")
    })
  }

  it("are refused with every problem at once", () => {
    const problems = problemsOf({ registry: 5, secretKey: "short", storage: { kind: "postgres" } })
    assert.deepStrictEqual(problems.map((problem) => problem.split(":")[0]).sort(), [
      "registry",
      "secretKey",
      "storage.url"
    ])
  })

  it("are refused before anything is opened", async () => {
    const error = await createPlatform({ ...good, secretKey: "hunter2" }).catch((error: unknown) => error)
    assert.instanceOf(error, PlatformOptions.InvalidOptions)
    assert.notInclude(String(error), "hunter2")
  })

  it("are refused with a trusted root that is none", async () => {
    const error = await createPlatform({ ...good, trustedRoot: { tlogs: "no" } }).catch((error: unknown) => error)
    assert.instanceOf(error, PlatformOptions.InvalidOptions)
    assert.include(String(error), "trustedRoot: ")
  })
})
