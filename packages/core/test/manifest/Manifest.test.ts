import { assert, describe, it } from "@effect/vitest"
import { Manifest, ManifestIssue, ModuleManifest } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { flat, wrapped } from "./Manifests.ts"

const read = (text: string, options?: { readonly lenient?: boolean }): Manifest.ParsedManifest =>
  Result.getOrThrow(Manifest.parse(text, options))

const codesOf = (input: string | Uint8Array, options?: { readonly lenient?: boolean }): ReadonlyArray<string> => {
  const parsed = Manifest.parse(input, options)
  return (Result.isFailure(parsed) ? parsed.failure.issues : parsed.success.warnings).map(({ code }) => code)
}

describe("Manifest.parse", () => {
  it("reads both authoring shapes into the same manifest", () => {
    assert.deepStrictEqual(read(wrapped).manifest, read(flat).manifest)
  })

  it("keeps whom the author says to trust apart from the manifest", () => {
    assert.deepStrictEqual(read(wrapped).trust, {
      cosignIdentityRegexp: "^https://registry\\.example\\.com/demo/modules/my-redis@.*$",
      cosignIssuerRegexp: "^https://gitea\\.example\\.com$"
    })
    assert.deepStrictEqual(read(flat).trust, { cosignIdentityRegexp: undefined, cosignIssuerRegexp: undefined })
    assert.notMatch(JSON.stringify(read(wrapped).manifest), /cosign|gitea\\\\.example/)
  })

  it("tells the two dependency_specs apart by what is in them", () => {
    const parent = read("schema_version: 1\nname: nginx\ndependency_spec: [/etc/nginx/conf.d/**]\n").manifest
    assert.deepStrictEqual(parent.specs.dependencySpec, ["/etc/nginx/conf.d/**"])
    assert.deepStrictEqual(read(wrapped).manifest.specs.dependencySpec, [])
    assert.deepStrictEqual(read(wrapped).manifest.dependencies.requires, [
      { name: "powernode/system-base", version: "^1.0", optional: false }
    ])
    assert.deepStrictEqual(read(wrapped).manifest.dependencies.recommends, [{ name: "node-exporter", optional: true }])
  })

  it("says everything that is wrong at once, in the order of the text", () => {
    const parsed = Manifest.parse(`schema_version: 2
name: My-Redis
fil_spec: [/etc]
mask:
  - var/log
services:
  - {name: a, restart_policy: sometimes}
`)
    assert.strictEqual(
      Result.isFailure(parsed) ? parsed.failure.message : "",
      "the manifest has 4 errors: 1:17 `schema_version` is 2, expected 1 (invalid_value); " +
        "2:7 `name` is \"My-Redis\", which does not have the right form (invalid_name); " +
        "3:1 unknown key `fil_spec` (unknown_key); " +
        "7:31 `services[0].restart_policy` is \"sometimes\", expected never, on-failure, always (invalid_value)"
    )
    assert.deepStrictEqual(
      codesOf("schema_version: 1\nname: a\nmask: [var]\nfile_spec: [/x/../y, /ok]\nlicense: no\npackage_spec: [A]\n"),
      ["invalid_glob", "invalid_glob", "unknown_license", "invalid_package"]
    )
  })

  it("fills in what a service leaves out, and keeps an environment as it was written", () => {
    const [service] = read(`schema_version: 1
name: a
services:
  - name: web
    start_command: /usr/bin/web
    env: {PORT: 080, VERSION: 1.10, DEBUG: true, NAME: "1"}
    health: {endpoint: http://localhost/up}
    dependencies: [{service: db}]
  - {name: db, start_command: /usr/bin/db}
`).manifest.services
    assert.deepStrictEqual(service?.env, { PORT: "080", VERSION: "1.10", DEBUG: "true", NAME: "1" })
    assert.deepStrictEqual(service?.health, {
      endpoint: "http://localhost/up",
      method: "GET",
      intervalSeconds: 30,
      timeoutSeconds: 5,
      initialDelaySeconds: 10
    })
    assert.deepStrictEqual(service?.dependencies, [{ service: "db", kind: "requires_health" }])
    assert.strictEqual(service?.restartPolicy, "always")
  })

  it("keeps unknown keys when it is lenient, and says so", () => {
    const text = `${flat}owner: {team: storage}\nsecurity: {sandbox: gvisor}\n`
    assert.deepStrictEqual(codesOf(text), ["unknown_key", "unknown_key"])
    const { manifest, warnings } = read(text, { lenient: true })
    assert.deepStrictEqual(manifest.extras, [
      { path: ["security", "sandbox"], value: "gvisor" },
      { path: ["owner"], value: { team: "storage" } }
    ])
    assert.deepStrictEqual(warnings.map(({ code, severity }) => `${severity} ${code}`), [
      "warning unknown_key",
      "warning unknown_key"
    ])
    assert.deepStrictEqual(read(Manifest.format(manifest), { lenient: true }).manifest.extras.length, 2)
  })

  it("keeps an unknown key of the other shape where it can be written", () => {
    const { manifest } = read(wrapped.replace("  name: my-redis\n", "  name: my-redis\n  owner: me\n"), {
      lenient: true
    })
    assert.deepStrictEqual(manifest.extras, [{ path: ["identity.owner"], value: "me" }])
    assert.deepStrictEqual(read(Manifest.format(manifest), { lenient: true }).manifest, {
      ...manifest,
      extras: [{ path: ["identity.owner"], value: "me" }]
    })
  })

  it("is lenient about unknown keys only", () => {
    assert.deepStrictEqual(codesOf("schema_version: 1\nname: A\nx: 1\n", { lenient: true }), [
      "invalid_name",
      "unknown_key"
    ])
  })

  it("repeats what an alias stands for", () => {
    const { manifest } = read(
      "schema_version: 1\nname: a\nmask: &m [/var/log/**]\nprotected_spec: []\nfile_spec: [/etc/**]\ndependency_spec: *m\n"
    )
    assert.deepStrictEqual(manifest.specs.dependencySpec, ["/var/log/**"])
  })

  it("points at the alias when what it repeats is wrong there", () => {
    const parsed = Manifest.parse("schema_version: 1\nname: a\nskills: &m [{x: 1}]\nmask: *m\n")
    assert.deepStrictEqual(
      Result.isFailure(parsed) ? parsed.failure.issues.map(({ code, column, line }) => [code, line, column]) : [],
      [["wrong_type", 4, 7]]
    )
  })

  it.each([
    ["my-redis", true],
    ["a", true],
    [`a${"b".repeat(63)}`, true],
    [`a${"b".repeat(64)}`, false],
    ["a-", false],
    ["1a", false],
    ["", false],
    ["a\n", false]
  ])("takes %j for a name: %s", (name, expected) => {
    assert.strictEqual(Result.isSuccess(Manifest.parse(`schema_version: 1\nname: ${JSON.stringify(name)}\n`)), expected)
    assert.strictEqual(ModuleManifest.isName(name), expected)
  })

  it.each([
    ["MIT", []],
    ["(MIT OR Apache-2.0) AND GPL-2.0-only WITH Linux-syscall-note", []],
    ["LicenseRef-Broadcom", []],
    ["GPL-2.0-only WITH MIT", ["unknown_license"]],
    ["MIT AND", ["invalid_license"]],
    ["(MIT", ["invalid_license"]],
    ["MIT WITH Font-exception-2.0 WITH Font-exception-2.0", ["invalid_license"]],
    ["OR", ["invalid_license"]]
  ])("reads the licence %s: %j", (license, expected) => {
    assert.deepStrictEqual(codesOf(`schema_version: 1\nname: a\nlicense: ${license}\n`), expected)
  })

  it.each([
    ["registry.example.com:443", true],
    ["*.example.com", true],
    ["10.0.0.1", true],
    ["[2001:db8::1]:53", true],
    ["example.com:0", false],
    ["a b", false]
  ])("lets %s be a destination: %s", (destination, expected) => {
    const text = `schema_version: 1\nname: a\nsecurity: {egress_allow: [${JSON.stringify(destination)}]}\n`
    assert.deepStrictEqual(codesOf(text), expected ? [] : ["invalid_egress"])
  })
})

describe("Manifest.toJsonSchema", () => {
  it("offers an editor the keys of both shapes, and allows no others", () => {
    const schema = JSON.stringify(Manifest.toJsonSchema())
    for (
      const key of ["fil", "file_spec", "protected_spec", "cosign_identity_regexp", "restart_policy", "apt_snapshot"]
    ) {
      assert.strictEqual(schema.includes(`"${key}":`), key !== "fil", key)
    }
    const { anyOf } = Manifest.toJsonSchema()
    assert.isTrue(
      Array.isArray(anyOf) && anyOf.length === 2 && anyOf.every((one) => one.additionalProperties === false)
    )
    assert.strictEqual(Manifest.toJsonSchema()["$schema"], "https://json-schema.org/draft/2020-12/schema")
  })
})

const vectors = join(
  process.env["LAMINA_VECTORS"] ?? join(import.meta.dirname, "../../../../../shared/vectors"),
  "manifests"
)
const real = existsSync(vectors) ? readdirSync(vectors).filter((file) => file.endsWith(".yaml")) : []
if (real.length === 0) console.log("skipped: the real manifests of ../shared/vectors/manifests are absent")

describe.skipIf(real.length === 0)("a real manifest", () => {
  it.each(real)("%s is read without an error and written back the same", (file) => {
    const parsed = Manifest.parse(readFileSync(join(vectors, file)))
    assert.strictEqual(Result.isFailure(parsed) ? parsed.failure.render(file) : "", "")
    if (Result.isFailure(parsed)) return
    const { manifest, source, warnings } = parsed.success
    assert.deepStrictEqual(read(Manifest.format(manifest)).manifest, manifest)
    assert.isAbove(manifest.specs.fileSpec.length, 0)
    for (const warning of warnings) assert.include(ManifestIssue.render(warning, source), "warning[")
  })
})
