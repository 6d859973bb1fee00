import { assert, describe, it } from "@effect/vitest"
import { Manifest, ManifestIssue, ModuleManifest } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const read = (text: string, options?: { readonly lenient?: boolean }): Manifest.ParsedManifest =>
  Result.getOrThrow(Manifest.parse(text, options))

const codesOf = (input: string | Uint8Array, options?: { readonly lenient?: boolean }): ReadonlyArray<string> => {
  const parsed = Manifest.parse(input, options)
  return (Result.isFailure(parsed) ? parsed.failure.issues : parsed.success.warnings).map(({ code }) => code)
}

const flat = `schema_version: 1
name: my-redis
description: A small Redis
category: userland
variety: subscription
mask: [/etc/redis/sentinel.conf, /var/log/**]
file_spec: [/etc/redis/**, /var/lib/redis/.gitkeep]
protected_spec: [/etc/redis/redis.conf]
package_spec: [redis-server]
dependencies:
  requires: [powernode/system-base@^1.0]
  recommends: [node-exporter]
`

const wrapped = `schema_version: 1
identity:
  name: my-redis
  description: A small Redis
  category: userland
  variety: subscription
  cosign_identity_regexp: ^https://registry\\.example\\.com/demo/modules/my-redis@.*$
  cosign_issuer_regexp: ^https://gitea\\.example\\.com$
mask: [/etc/redis/sentinel.conf]
file_spec:
  include: [/etc/redis/**, /var/lib/redis/.gitkeep]
  exclude: [/var/log/**]
protected_spec: [/etc/redis/redis.conf]
package_spec: [redis-server]
dependency_spec:
  - name: powernode/system-base
    version: ^1.0
  - name: node-exporter
    optional: true
`

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

describe("Manifest.parse of hostile input", () => {
  const kilobytes256 = 256 * 1024
  const fill = (text: string) => text.repeat(kilobytes256 / text.length)
  const head = "schema_version: 1\nname: a\n"

  it.each([
    ["10,000 nested lists", `a: ${"[".repeat(10_000)}${"]".repeat(10_000)}`, "too_deep"],
    ["10,000 nested maps", `${"{a: ".repeat(10_000)}${"}".repeat(10_000)}`, "too_deep"],
    ["10,000 nested block lists", `${"- ".repeat(10_000)}a`, "too_deep"],
    [
      "700 nested block maps",
      Array.from({ length: 700 }, (_, index) => `${" ".repeat(index)}a:`).join("\n"),
      "too_deep"
    ],
    ["256 KiB of brackets", fill("["), "too_deep"],
    ["256 KiB of explicit keys", fill("? "), "too_deep"],
    ["256 KiB of list entries", fill("- a\n"), "too_complex"],
    ["256 KiB of empty keys", fill(":\n"), "too_complex"],
    ["256 KiB of documents", fill("---\n"), "too_complex"],
    ["256 KiB of anchors", fill("&a "), "too_complex"],
    ["nothing", "", "not_a_map"],
    ["a comment", "# nothing\n", "not_a_map"],
    ["a text", "hello", "not_a_map"],
    ["tabs", `${head}services:\n\t- name: a\n`, "yaml_syntax"],
    ["two documents", `${head}---\n${head}`, "yaml_syntax"],
    ["NUL", `${head}license: "\0"\n`, "control_character"],
    ["invalid UTF-8", Uint8Array.of(0x61, 0x3a, 0xc3, 0x28), "invalid_utf8"],
    ["UTF-16", Uint8Array.of(0xff, 0xfe, 0x61, 0x00), "invalid_utf8"],
    ["a lone surrogate", `${head}license: "\ud800"\n`, "invalid_utf8"],
    ["an alias of itself", `${head}skills: &a [*a]\n`, "unknown_alias"],
    ["a key that is a list", `${head}? [a]\n: b\n`, "invalid_key"],
    [
      "a prototype as a name of a variable",
      `${head}services: [{name: a, start_command: a, env: {__proto__: x}}]\n`,
      "reserved_key"
    ],
    ["a constructor", `${head}constructor: {prototype: {}}\n`, "unknown_key"],
    ["a constructor inside", `${head}security: {constructor: 1, toString: 2}\n`, "unknown_key"]
  ])("%s is an issue", (_, input, code) => {
    assert.include(codesOf(input), code)
  })

  it("does not multiply what aliases repeat", () => {
    const levels = Array.from(
      { length: 12 },
      (_, index) =>
        `  - &a${index} [${index === 0 ? "x" : Array.from({ length: 10 }, () => `*a${index - 1}`).join(", ")}]`
    )
    assert.deepStrictEqual(codesOf(`${head}skills:\n${levels.join("\n")}\n`), ["too_complex"])
  })

  it("does not compare every key with every other one", () => {
    const keys = Array.from({ length: 7000 }, (_, index) => `k${index}: 1\n`).join("")
    assert.strictEqual(codesOf(`${head}${keys}`).length, 7000)
  })

  it("does not expand all braces of a long list", () => {
    const patterns = Array.from({ length: 4000 }, (_, index) => `- "/${"{a,b}".repeat(8)}${index}"\n`).join("")
    assert.include(codesOf(`${head}file_spec:\n${patterns}`), "too_complex")
  })

  it("does not go through the combinations of many stars when it compares patterns", () => {
    const patterns = Array.from({ length: 20 }, (_, index) => `- /${"*a".repeat(1900)}${index}\n`).join("")
    assert.deepStrictEqual([...new Set(codesOf(`${head}mask:\n${patterns}file_spec:\n${patterns}`))], [
      "glob_matches_nothing"
    ])
  })

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const parsed = Manifest.parse(bytes)
        if (Result.isFailure(parsed)) parsed.failure.render()
      }),
      { numRuns: 1000 }
    )
    const word = fc.constantFrom(
      ..."schema_version name identity file_spec services dependencies : - [ ] { } & * ! | > ' \" # ? , 1 a ~ null / ** & <<"
        .split(" "),
      "\n",
      "\n  ",
      "\n    - ",
      ": "
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => {
        const parsed = Manifest.parse(words.join(""), { lenient: true })
        if (Result.isFailure(parsed)) parsed.failure.render()
        else Manifest.format(parsed.success.manifest)
      }),
      { numRuns: 3000 }
    )
  })
})

describe("Manifest.format", () => {
  const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/)
  const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 30 })
    .filter((one) => one.trim() !== "" && !/[\p{Cc}\p{Cs}\u2028\u2029\uFEFF\uFFFE\uFFFF]/u.test(one))
  const optional = <A>(of: fc.Arbitrary<A>) => fc.option(of, { nil: undefined })
  const json: fc.Arbitrary<ModuleManifest.Json> = fc.oneof(text, fc.integer(), fc.boolean(), fc.constant(null))
  const patterns = fc.array(name.map((one) => `/${one}/**`), { maxLength: 3 })
  const requirement = (isOptional: boolean) =>
    fc.tuple(name, fc.constantFrom(undefined, "^1.0", "*", ">=1 <3")).map(([one, version]) =>
      version === undefined
        ? { name: `x-${one}`, optional: isOptional }
        : { name: `x-${one}`, version, optional: isOptional }
    )
  const requirements = (isOptional: boolean) => fc.array(requirement(isOptional), { maxLength: 2 })

  const service = fc.record({
    name,
    startCommand: optional(text),
    stopCommand: optional(text),
    restartPolicy: fc.constantFrom("never" as const, "on-failure" as const, "always" as const),
    user: optional(text),
    workingDirectory: optional(text),
    env: fc.dictionary(fc.stringMatching(/^[A-Z]{1,5}$/), text, { maxKeys: 3 }).map((env) => ({ ...env })),
    exposedPorts: fc.array(
      fc.record({
        port: fc.integer({ min: 1, max: 65_535 }),
        protocol: fc.constantFrom("tcp" as const, "udp" as const),
        name: optional(text)
      }),
      { maxLength: 1 }
    ),
    capabilities: fc.subarray(["CAP_CHOWN", "CAP_BPF"]),
    health: optional(fc.record({
      endpoint: optional(text),
      method: fc.constantFrom("GET" as const, "TCP" as const),
      intervalSeconds: fc.integer({ min: 1, max: 100 }),
      timeoutSeconds: fc.integer({ min: 1, max: 100 }),
      initialDelaySeconds: fc.integer({ min: 0, max: 100 })
    })),
    dependencies: fc.constant([]),
    metadata: fc.dictionary(name, json, { maxKeys: 2 }).map((metadata) => ({ ...metadata }))
  })

  const manifest: fc.Arbitrary<ModuleManifest.ModuleManifest> = fc.record({
    schemaVersion: fc.constant(1 as const),
    name,
    displayName: optional(text),
    description: optional(text),
    license: optional(text),
    category: optional(name),
    variety: fc.constant("subscription" as const),
    parentModule: fc.constant(undefined),
    specs: fc.record({
      mask: patterns,
      fileSpec: patterns,
      protectedSpec: patterns,
      dependencySpec: patterns,
      packageSpec: fc.array(name.map((one) => `${one}-x`), { maxLength: 2 })
    }),
    dependencies: fc.record({
      requires: requirements(false),
      recommends: requirements(true),
      conflicts: requirements(false).map((list) => list.map((one) => ({ ...one, name: `y-${one.name}` }))),
      provides: fc.array(name, { maxLength: 2 })
    }),
    init: fc.record({ start: optional(text), stop: optional(text), restart: optional(text) }),
    services: fc.array(service, { maxLength: 1 }),
    rebootRequired: fc.boolean(),
    security: fc.record({
      capabilities: fc.subarray(["CAP_CHOWN", "CAP_BPF"]),
      selinuxProfile: optional(text),
      apparmorProfile: optional(text),
      seccompProfile: optional(text),
      egressAllow: fc.subarray(["example.com", "example.com:443"]),
      privileged: fc.constant(false),
      userNamespace: fc.boolean()
    }),
    skills: fc.array(json, { maxLength: 2 }),
    build: fc.record({
      ubuntuDigest: fc.constantFrom(undefined, `sha256:${"0".repeat(64)}`),
      aptSnapshot: fc.constantFrom(undefined, "20260415T000000Z"),
      firmwareRepo: optional(text),
      firmwareRef: fc.constantFrom(undefined, "1.20240306", "0x10", "1e3", "null", "~", "yes"),
      k3sVersion: optional(text)
    }),
    extras: fc.constant([])
  })

  it("is read back to the same manifest", () => {
    fc.assert(
      fc.property(manifest, (one) => {
        assert.deepStrictEqual(read(Manifest.format(one)).manifest, one)
      }),
      { numRuns: 500 }
    )
  })

  it("writes the canonical flat form", () => {
    assert.strictEqual(
      Manifest.format(read(wrapped).manifest),
      `schema_version: 1
name: my-redis
description: A small Redis
category: userland
variety: subscription
mask:
  - /etc/redis/sentinel.conf
  - /var/log/**
file_spec:
  - /etc/redis/**
  - /var/lib/redis/.gitkeep
protected_spec:
  - /etc/redis/redis.conf
dependency_spec: []
package_spec:
  - redis-server
dependencies:
  requires:
    - powernode/system-base@^1.0
  recommends:
    - node-exporter
  conflicts: []
  provides: []
services: []
reboot_required: false
security:
  capabilities: []
  egress_allow: []
  privileged: false
  user_namespace: false
`
    )
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
