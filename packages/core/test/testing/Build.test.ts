import { assert, describe, it } from "@effect/vitest"
import { Build, Expect } from "@lamina/core/testing"

describe("Build.module", () => {
  it("needs a name and nothing else", () => {
    const template = Build.template([Build.module("my-redis")])
    Expect.sound(template)
    Expect.versions(template, { "my-redis": "1.0.0" })
  })

  it("gives the same digests to the same description, and others where anything of the image differs", () => {
    const digest = (description: Build.ModuleDescription, name = "a") =>
      Build.assignment(name, description).artifacts.map(({ composefsDigest }) => composefsDigest)
    const plain = digest({ files: ["/x"] })
    assert.deepStrictEqual(digest({ files: ["/x"], priority: 3 }), plain)
    const others = [
      digest({ files: ["/y"] }),
      digest({ files: ["/x"], versionString: "2.0.0" }),
      digest({ files: ["/x"] }, "b")
    ]
    assert.strictEqual(new Set([plain, ...others].flat()).size, 8)
    for (const one of plain) assert.match(one, /^sha256:[0-9a-f]{64}$/)
  })

  it("lies where a new account's category lies", () => {
    assert.strictEqual(Build.assignment("a", { category: "system-base" }).categoryPosition, 10)
    assert.strictEqual(Build.assignment("a", { category: "system-base", categoryPosition: 3 }).categoryPosition, 3)
    assert.throws(
      () => Build.assignment("a", { category: "cellar" }),
      /a: the category cellar is none of a new account/
    )
  })

  it("refuses a requirement that is none", () => {
    assert.throws(() => Build.module("a", { requires: ["b@newest"] }), /"newest" is not a semantic version range/)
  })

  it("ships of a tree what its specs select", () => {
    const specs = { fileSpec: ["/etc/redis/**"], mask: ["/etc/redis/sentinel.conf"] }
    const rootfs = ["/etc/redis/redis.conf", "/etc/redis/sentinel.conf", "/usr/bin/make"]
    assert.deepStrictEqual(Build.assignment("a", { rootfs, specs }).artifacts[0]?.files, ["/etc/redis/redis.conf"])
  })

  it("has versions which differ from each other only in what they say", () => {
    const redis = Build.module("my-redis", {
      provides: ["kv"],
      versions: [{}, { versionString: "2.0.0", lifecycleState: "staging", requires: ["ghost"] }]
    })
    Expect.versions(Build.template([redis]), { "my-redis": "1.0.0" })
    const staging = Build.template([redis], { follow: { "my-redis": "staging" } })
    Expect.versions(staging, { "my-redis": "2.0.0" })
    Expect.problems(staging, [{ _tag: "Missing", chain: ["my-redis", "ghost"] }])
    assert.deepStrictEqual(staging.plan.capabilities, [{ capability: "kv", providers: ["my-redis"] }])
  })
})

describe("Build.template", () => {
  it("refuses two modules of one name, and a channel for what is no root", () => {
    const redis = Build.module("my-redis")
    assert.throws(() => Build.template([redis, Build.module("my-redis")]), "my-redis is the name of two modules")
    assert.throws(
      () => Build.template([redis], { follow: { redis: "staging" } }),
      "redis follows a channel and is no root"
    )
  })
})

describe("Build.fromManifest", () => {
  const manifest = `schema_version: 1
name: my-redis
category: system-base
license: MIT
reboot_required: true
file_spec: ["/etc/redis/**"]
protected_spec: ["/etc/redis/redis.conf"]
dependencies:
  requires: [acme/base@^1.0]
  provides: [kv]
services:
  - name: redis
    start_command: redis-server
`

  it("takes everything that the manifest says, and more from the description", () => {
    const redis = Build.fromManifest(manifest, { versionString: "0.1.0", rootfs: ["/etc/redis/redis.conf", "/etc/x"] })
    const { plan, problems } = Build.template([redis])
    const [layer] = plan.layers
    assert.deepStrictEqual(layer?.files, ["/etc/redis/redis.conf"])
    assert.deepStrictEqual(layer?.effectivePriority, 10_000)
    assert.deepStrictEqual(layer?.services?.map(({ name }) => name), ["redis"])
    assert.deepStrictEqual(plan.rebootRequiredBy, ["my-redis"])
    assert.deepStrictEqual(problems.map(({ _tag }) => _tag), ["Missing"])
  })

  it("shows what is wrong with a manifest that is none", () => {
    assert.throws(() => Build.fromManifest("schema_version: 1\nname: My Redis\n"), /manifest\.yaml.*2/s)
  })
})

describe("Build.template", () => {
  const base = Build.module("base", { category: "system-base" })
  const web = Build.module("web", { requires: ["base@^1"] })
  const other = Build.module("other")

  it("takes along what its roots require, and nothing else", () => {
    Expect.layers(Build.template([web, other, base], { roots: ["web"] }), ["base", "web"])
  })

  it("is planned for its architecture", () => {
    const template = Build.template([Build.module("a", { architectures: ["amd64"] })], { architecture: "arm64" })
    Expect.conflicts(template, [{ _tag: "NoArtifact" }])
    assert.isTrue(template.isBlocked)
  })
})
