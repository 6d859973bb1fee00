import { assert, describe, it } from "@effect/vitest"
import { Manifest, type ModuleManifest } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { wrapped } from "./Manifests.ts"

const read = (text: string): ModuleManifest.ModuleManifest => Result.getOrThrow(Manifest.parse(text)).manifest

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
        assert.deepStrictEqual(read(Manifest.format(one)), one)
      }),
      { numRuns: 500 }
    )
  })

  it("writes the canonical flat form", () => {
    assert.strictEqual(
      Manifest.format(read(wrapped)),
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
