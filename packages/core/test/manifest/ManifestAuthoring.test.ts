// How people really write: odd but legal YAML is read, and a slip is told what would be right.
import { assert, describe, it } from "@effect/vitest"
import { Manifest } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"

const head = "schema_version: 1\nname: my-redis\n"
const service = `${head}services:\n  - name: redis\n    start_command: /usr/bin/redis-server\n`

const read = (text: string | Uint8Array) => Result.getOrThrow(Manifest.parse(text))

const everyField = `---
# The manifest of a module, with everything that it can say.
schema_version: 1
name: my-redis
display_name: "Redis 7.2"
description: >
  A small Redis: one process,
  no cluster — and no Sentinel.
license: Apache-2.0 OR (MIT AND BSD-3-Clause)
category: userland
variety: subscription
mask: &cruft   # used again below
  - "/usr/share/doc/**"
  - '/usr/share/man/**'
file_spec:
- /etc/redis/**
- /usr/bin/redis-server
- /opt/redis tools            # a bare directory
- "/usr/lib/**/redis?.so.[0-9]"
- /usr/share/locale/日本語/**
protected_spec: [/etc/redis/redis.conf]
dependency_spec: [/etc/redis/conf.d/**]
package_spec: [redis-server, ruby3.3, libstdc++6, "python3.12", g++]
dependencies:
  requires: [powernode/system-base@^1.0, "tls@>=1.0 <2", dns@1.x, ntp]
  recommends: [node-exporter]
  conflicts: [valkey]
  provides: [redis.server, http.port:80, k8s.api@1.26]
init: {start: "", stop: "", restart: ""}
services:
  - name: redis
    start_command: |-
      /usr/bin/redis-server /etc/redis/redis.conf
    stop_command: '/usr/bin/redis-cli -a ''x'' shutdown'
    restart_policy: on-failure
    user: redis
    working_directory: /var/lib/redis
    env: {WORKERS: "16", RELEASED: "2026-01-01", VERBOSE: "yes"}
    exposed_ports:
      - {  port: 6379, protocol: tcp, name: redis }
    capabilities: [CAP_NET_BIND_SERVICE]
    health: &health {endpoint: "localhost:6379", method: TCP, interval_seconds: 10, timeout_seconds: 3}
    dependencies: [{service: warm, kind: softdep}]
    metadata: {tier: cache, masks: *cruft, since: 2026-01-01}
  - name: warm
    start_command: /bin/true
    restart_policy: never
    health: *health
reboot_required: false
security:
  capabilities: [CAP_CHOWN]
  selinux_profile: null
  apparmor_profile: /etc/apparmor.d/redis
  seccomp_profile: ~
  egress_allow: [registry.example.com:443, "*.example.com", 10.0.0.1, "[::1]:80"]
  user_namespace: true
skills:
  - name: redis-flush
    description: Empties the cache
build:
  ubuntu_digest: null
  apt_snapshot: 20260415T000000Z
  firmware_ref: "1.20240306"
  k3s_version: v1.30.2+k3s1
...
`

describe("a manifest as people write it", () => {
  it("may say everything there is to say", () => {
    const { manifest, warnings } = read(everyField)
    assert.deepStrictEqual(warnings, [])
    assert.strictEqual(manifest.description, "A small Redis: one process, no cluster — and no Sentinel.\n")
    assert.deepStrictEqual(manifest.specs.mask, ["/usr/share/doc/**", "/usr/share/man/**"])
    assert.strictEqual(manifest.services[0]?.stopCommand, "/usr/bin/redis-cli -a 'x' shutdown")
    assert.deepStrictEqual(manifest.services[0]?.metadata["masks"], manifest.specs.mask)
    assert.deepStrictEqual(manifest.services[1]?.health, manifest.services[0]?.health)
    assert.strictEqual(manifest.build.aptSnapshot, "20260415T000000Z")
    assert.deepStrictEqual(read(Manifest.format(manifest)).manifest, manifest)
  })

  it("means the same with other line ends, and with a byte order mark", () => {
    const { manifest } = read(everyField)
    const windows = everyField.replaceAll("\n", "\r\n")
    assert.deepStrictEqual(read(windows).manifest, manifest)
    assert.deepStrictEqual(read(`\uFEFF${everyField}`).manifest, manifest)
    assert.deepStrictEqual(read(new TextEncoder().encode(`\uFEFF${windows}`)).manifest, manifest)
  })

  it.each([
    ["a directive", `%YAML 1.2\n---\n${head}`],
    ["no line feed at the end", head.trimEnd()],
    ["blank lines and trailing blanks", "\n\nschema_version: 1   \n\n\nname: my-redis \t\n   \n"],
    ["a comment on every line", "# a\nschema_version: 1 # b\n# c\n\nname: my-redis\t# d\n# e"],
    ["one line", "{schema_version: 1, name: my-redis, file_spec: [/etc/redis/**,], services: []}"],
    ["JSON", JSON.stringify({ schema_version: 1, name: "my-redis", security: { privileged: false } }, null, "\t")],
    ["JSON with escapes", `{"schema_version": 1, "name": "my-redis", "description": "caf\\u00e9", "mask": ["\\/a"]}`],
    ["quoted keys", `"schema_version": 1\n'name': my-redis\n`],
    ["explicit keys", "? schema_version\n: 1\n? name\n: my-redis\n"],
    ["tags of YAML's own", `${head}description: !!str 12\nmask: !!seq [!!str /a]\nreboot_required: !!bool true\n`],
    ["a block with an indicator of its indent", `${head}description: |2\n    leading\n  text\n`],
    ["a text over several lines", `${head}description: A text\n  which goes on\n\n  here.\n`],
    ["emoji and marks of writing directions", `${head}display_name: Redis 🚀\ndescription: "a\u200fb"\n`],
    ["an anchor that nobody uses", `${head}skills: [&flush redis-flush]\n`],
    ["empty lists and maps", `${head}file_spec: []\ninit: {}\nsecurity: {}\nbuild: {}\nservices: []\nskills: []\n`],
    ["directories with a slash at their end", `${head}file_spec: [/etc/redis/, /var/lib/redis/]\n`]
  ])("may have %s", (_, text) => {
    const { manifest, warnings } = read(text)
    assert.strictEqual(manifest.name, "my-redis")
    assert.deepStrictEqual(warnings, [])
  })

  it("may leave a variable of the environment empty", () => {
    const { manifest, warnings } = read(`${service}    env:\n      HTTP_PROXY:\n      NO_PROXY: ~\n      LANG: ""\n`)
    assert.deepStrictEqual(manifest.services[0]?.env, { HTTP_PROXY: "", NO_PROXY: "", LANG: "" })
    assert.deepStrictEqual(warnings.map(({ code, message }) => [code, message]), [
      ["env_not_text", "HTTP_PROXY has no value; it is taken as empty"],
      ["env_not_text", "NO_PROXY has no value; it is taken as empty"]
    ])
  })
})

describe("a slip", () => {
  it.each([
    ["a quoted version of the format", "schema_version: \"1\"\nname: a\n", "write it without quotes"],
    ["a truth of YAML 1.1", `${head}reboot_required: yes\n`, "write true, without quotes"],
    ["a quoted falsehood", `${head}reboot_required: "false"\n`, "write false, without quotes"],
    ["a quoted number", `${service}    exposed_ports: [{port: "80", protocol: tcp}]\n`, "write it without quotes"],
    ["an empty list", `${head}mask:\n`, "an empty list is []"],
    ["an empty map", `${head}init:\n`, "leave the key out where there is nothing to say"],
    ["an empty text", `${head}description:\n`, "leave the key out where there is nothing to say"],
    ["a key beside identity", "schema_version: 1\nidentity: {name: a}\ncategory: b\n", "it stands under `identity`"],
    [
      "a key under identity",
      "schema_version: 1\nidentity: {name: a, license: MIT}\n",
      "it stands beside `identity`, not under it"
    ],
    [
      "a number for a version",
      "schema_version: 1\nname: a\ndependency_spec: [{name: b, version: 1.10}]\n",
      "quote it: \"1.10\""
    ]
  ])("of %s is told what would be right", (_, text, hint) => {
    const parsed = Manifest.parse(text)
    assert.deepStrictEqual(Result.isFailure(parsed) ? parsed.failure.issues.map(({ hint }) => hint) : [], [hint])
  })

  it("says where the missing key belongs", () => {
    const parsed = Manifest.parse(`${service}    exposed_ports: [{port: 80}]\n`)
    assert.include(
      Result.isFailure(parsed) ? parsed.failure.message : "",
      "`services[0].exposed_ports[0]` has no `protocol`"
    )
  })
})
