// One manifest for every code of an issue, and what the author reads. The type makes sure that no code is left out.
import { assert, describe, it } from "@effect/vitest"
import { Manifest, ManifestIssue } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"

const lines = (...of: ReadonlyArray<string>): string => `${of.join("\n")}\n`
const start = ["schema_version: 1", "name: my-redis"]
const head = lines(...start)

interface Example {
  readonly manifest: string | Uint8Array
  readonly rendered: ReadonlyArray<string>
}

const examples: { readonly [Code in ManifestIssue.ManifestIssueCode]: Example } = {
  too_large: {
    manifest: "#".repeat(262_145),
    rendered: [
      "error[too_large]: the manifest has 262145 bytes, at most 262144 are allowed",
      " --> manifest.yaml:1:1",
      "  |",
      "1 |",
      "  | ^"
    ]
  },
  invalid_utf8: {
    manifest: new Uint8Array([0x6e, 0xff, 0x0a]),
    rendered: [
      "error[invalid_utf8]: the manifest is not UTF-8",
      " --> manifest.yaml:1:1",
      "  |",
      "1 |",
      "  | ^",
      "  = help: save it as UTF-8"
    ]
  },
  control_character: {
    manifest: lines(...start, "license: \"a\u0000b\""),
    rendered: [
      "error[control_character]: the manifest contains the control character U+0000",
      " --> manifest.yaml:3:12",
      "  |",
      "3 | license: \"a b\"",
      "  |            ^"
    ]
  },
  byte_order_mark: {
    manifest: `\uFEFF${head}`,
    rendered: [
      "warning[byte_order_mark]: the file starts with a byte order mark",
      " --> manifest.yaml:1:1",
      "  |",
      "1 | schema_version: 1",
      "  | ^",
      "  = help: save it as UTF-8 without one"
    ]
  },
  carriage_return: {
    manifest: head.replaceAll("\n", "\r\n"),
    rendered: [
      "warning[carriage_return]: the file has carriage returns at the ends of its lines",
      " --> manifest.yaml:1:18",
      "  |",
      "1 | schema_version: 1",
      "  |                  ^",
      "  = help: save it with Unix line ends"
    ]
  },
  yaml_syntax: {
    manifest: lines(...start, "mask: [/a", "license: MIT"),
    rendered: [
      "error[yaml_syntax]: Flow sequence in block collection must be sufficiently indented and end with a ]",
      " --> manifest.yaml:4:1",
      "  |",
      "4 | license: MIT",
      "  | ^"
    ]
  },
  too_complex: {
    manifest: `${head}skills: [${"a,".repeat(8000)}]\n`,
    rendered: [
      "error[too_complex]: the manifest has more than 8000 tokens",
      " --> manifest.yaml:3:7999",
      "  |",
      "3 | ,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
      "  |                                                   ^",
      "  = help: split long lists into patterns"
    ]
  },
  too_deep: {
    manifest: `${head}skills: ${"[".repeat(100)}\n`,
    rendered: [
      "error[too_deep]: the manifest is nested more than 64 deep",
      " --> manifest.yaml:3:72",
      "  |",
      "3 | skills: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
      "  |                                                                        ^"
    ]
  },
  unknown_alias: {
    manifest: lines(...start, "mask: *base"),
    rendered: [
      "error[unknown_alias]: no anchor &base stands before the alias *base",
      " --> manifest.yaml:3:7",
      "  |",
      "3 | mask: *base",
      "  |       ^^^^^"
    ]
  },
  yaml_tag: {
    manifest: lines(...start, "license: !secret MIT"),
    rendered: [
      "error[yaml_tag]: the tag !secret is not supported",
      " --> manifest.yaml:3:18",
      "  |",
      "3 | license: !secret MIT",
      "  |                  ^^^",
      "  = help: remove it"
    ]
  },
  merge_key: {
    manifest: lines(...start, "security:", "  <<: {privileged: true}"),
    rendered: [
      "error[merge_key]: merge keys are not part of YAML 1.2",
      " --> manifest.yaml:4:3",
      "  |",
      "4 |   <<: {privileged: true}",
      "  |   ^^",
      "  = help: write the keys out"
    ]
  },
  invalid_key: {
    manifest: lines(...start, "1: x"),
    rendered: [
      "error[invalid_key]: a key must be a text, not 1",
      " --> manifest.yaml:3:1",
      "  |",
      "3 | 1: x",
      "  | ^",
      "  = help: quote it"
    ]
  },
  reserved_key: {
    manifest: lines(...start, "__proto__: {}"),
    rendered: [
      "error[reserved_key]: the key __proto__ is reserved",
      " --> manifest.yaml:3:1",
      "  |",
      "3 | __proto__: {}",
      "  | ^^^^^^^^^"
    ]
  },
  duplicate_key: {
    manifest: lines(...start, "name: other"),
    rendered: [
      "error[duplicate_key]: the key `name` stands here twice",
      " --> manifest.yaml:3:1",
      "  |",
      "3 | name: other",
      "  | ^^^^",
      "  = help: the first is on line 2"
    ]
  },
  not_a_map: {
    manifest: lines("- schema_version: 1"),
    rendered: [
      "error[not_a_map]: the manifest is not a map of keys",
      " --> manifest.yaml:1:1",
      "  |",
      "1 | - schema_version: 1",
      "  | ^^^^^^^^^^^^^^^^^^^",
      "  = help: it starts with `schema_version: 1`"
    ]
  },
  unknown_key: {
    manifest: lines(...start, "fil_spec:", "  - /etc/redis/**"),
    rendered: [
      "error[unknown_key]: unknown key `fil_spec`",
      " --> manifest.yaml:3:1",
      "  |",
      "3 | fil_spec:",
      "  | ^^^^^^^^",
      "  = help: did you mean `file_spec`?"
    ]
  },
  missing_key: {
    manifest: lines("schema_version: 1"),
    rendered: [
      "error[missing_key]: the manifest has no `name`",
      " --> manifest.yaml:1:1",
      "  |",
      "1 | schema_version: 1",
      "  | ^"
    ]
  },
  wrong_type: {
    manifest: lines(...start, "build:", "  firmware_ref: 1.20240306"),
    rendered: [
      "error[wrong_type]: `build.firmware_ref` is a number, expected a text",
      " --> manifest.yaml:4:17",
      "  |",
      "4 |   firmware_ref: 1.20240306",
      "  |                 ^^^^^^^^^^",
      "  = help: quote it: \"1.20240306\""
    ]
  },
  invalid_value: {
    manifest: lines(...start, "variety: subscripton"),
    rendered: [
      "error[invalid_value]: `variety` is \"subscripton\", expected subscription, config, instance",
      " --> manifest.yaml:3:10",
      "  |",
      "3 | variety: subscripton",
      "  |          ^^^^^^^^^^^",
      "  = help: did you mean `subscription`?"
    ]
  },
  out_of_range: {
    manifest: lines(
      ...start,
      "services:",
      "  - name: redis",
      "    start_command: redis",
      "    exposed_ports:",
      "      - {port: 70000, protocol: tcp}"
    ),
    rendered: [
      "error[out_of_range]: `services[0].exposed_ports[0].port` is 70000, expected at most 65535",
      " --> manifest.yaml:7:16",
      "  |",
      "7 |       - {port: 70000, protocol: tcp}",
      "  |                ^^^^^"
    ]
  },
  too_long: {
    manifest: `${head}display_name: ${"x".repeat(201)}\n`,
    rendered: [
      "error[too_long]: `display_name` may have at most 200 characters",
      " --> manifest.yaml:3:15",
      "  |",
      "3 | display_name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "  |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    ]
  },
  too_many: {
    manifest: `${head}skills: [${"a,".repeat(2001)}]\n`,
    rendered: [
      "error[too_many]: `skills` may have at most 2000 entries",
      " --> manifest.yaml:3:9",
      "  |",
      "3 | skills: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
      "  |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    ]
  },
  invalid_name: {
    manifest: lines("schema_version: 1", "name: My_Redis"),
    rendered: [
      "error[invalid_name]: `name` is \"My_Redis\", which does not have the right form",
      " --> manifest.yaml:2:7",
      "  |",
      "2 | name: My_Redis",
      "  |       ^^^^^^^^",
      "  = help: lower-case letters, digits and hyphens, starting with a letter and not ending in a hyphen, at most 64"
    ]
  },
  invalid_format: {
    manifest: lines(...start, "build:", "  apt_snapshot: \"2026-04-15\""),
    rendered: [
      "error[invalid_format]: `build.apt_snapshot` is \"2026-04-15\", which does not have the right form",
      " --> manifest.yaml:4:17",
      "  |",
      "4 |   apt_snapshot: \"2026-04-15\"",
      "  |                 ^^^^^^^^^^^^",
      "  = help: like 20260415T000000Z"
    ]
  },
  invalid_license: {
    manifest: lines(...start, "license: MIT (mostly)"),
    rendered: [
      "warning[invalid_license]: the licence is not an SPDX expression",
      " --> manifest.yaml:3:10",
      "  |",
      "3 | license: MIT (mostly)",
      "  |          ^^^^^^^^^^^^",
      "  = help: for example MIT, or GPL-2.0-only WITH Linux-syscall-note; what has no identifier is LicenseRef-…"
    ]
  },
  unknown_license: {
    manifest: lines(...start, "license: MIT OR Apach-2.0"),
    rendered: [
      "warning[unknown_license]: Apach-2.0 is not a licence or exception that is known here",
      " --> manifest.yaml:3:10",
      "  |",
      "3 | license: MIT OR Apach-2.0",
      "  |          ^^^^^^^^^^^^^^^^",
      "  = help: did you mean `Apache-2.0`?"
    ]
  },
  missing_parent: {
    manifest: lines(...start, "variety: config"),
    rendered: [
      "error[missing_parent]: a config module adjusts a parent, and none is named",
      " --> manifest.yaml:3:10",
      "  |",
      "3 | variety: config",
      "  |          ^^^^^^",
      "  = help: add `parent_module`"
    ]
  },
  unexpected_parent: {
    manifest: lines(...start, "parent_module: redis"),
    rendered: [
      "error[unexpected_parent]: only config and instance modules have a parent",
      " --> manifest.yaml:3:16",
      "  |",
      "3 | parent_module: redis",
      "  |                ^^^^^",
      "  = help: set `variety`, or remove it"
    ]
  },
  invalid_package: {
    manifest: lines(...start, "package_spec:", "  - Redis-Server"),
    rendered: [
      "error[invalid_package]: \"Redis-Server\" is not the name of a Debian package",
      " --> manifest.yaml:4:5",
      "  |",
      "4 |   - Redis-Server",
      "  |     ^^^^^^^^^^^^",
      "  = help: did you mean redis-server?"
    ]
  },
  duplicate_entry: {
    manifest: lines(...start, "mask: [/var/log/**, /var/log/**]"),
    rendered: [
      "warning[duplicate_entry]: \"/var/log/**\" stands in the list already",
      " --> manifest.yaml:3:21",
      "  |",
      "3 | mask: [/var/log/**, /var/log/**]",
      "  |                     ^^^^^^^^^^^"
    ]
  },
  invalid_glob: {
    manifest: lines(...start, "file_spec:", "  - etc/redis/**"),
    rendered: [
      "error[invalid_glob]: a pattern is an absolute path from the module's root",
      " --> manifest.yaml:4:5",
      "  |",
      "4 |   - etc/redis/**",
      "  |     ^^^^^^^^^^^^",
      "  = help: did you mean /etc/redis/**?"
    ]
  },
  glob_matches_nothing: {
    manifest: `${head}file_spec: [/${"a".repeat(256)}]\n`,
    rendered: [
      "warning[glob_matches_nothing]: the pattern can match nothing: a file name has at most 255 bytes",
      " --> manifest.yaml:3:13",
      "  |",
      "3 | file_spec: [/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "  |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    ]
  },
  include_swallowed: {
    manifest: lines(...start, "mask: [/etc/**]", "file_spec: [/etc/redis/*.conf]"),
    rendered: [
      "warning[include_swallowed]: nothing is left of /etc/redis/*.conf: the mask /etc/** covers all of it",
      " --> manifest.yaml:4:13",
      "  |",
      "4 | file_spec: [/etc/redis/*.conf]",
      "  |             ^^^^^^^^^^^^^^^^^"
    ]
  },
  protected_not_shipped: {
    manifest: lines(...start, "file_spec: [/usr/bin/redis]", "protected_spec: [/etc/redis.conf]"),
    rendered: [
      "warning[protected_not_shipped]: /etc/redis.conf is claimed, and the module ships nothing there",
      " --> manifest.yaml:4:18",
      "  |",
      "4 | protected_spec: [/etc/redis.conf]",
      "  |                  ^^^^^^^^^^^^^^^",
      "  = help: add it to `file_spec`, or leave it to its owner"
    ]
  },
  ships_nothing: {
    manifest: lines(...start, "package_spec: [redis-server]"),
    rendered: [
      "warning[ships_nothing]: packages are installed, and `file_spec` takes no file of them into the module",
      " --> manifest.yaml:3:15",
      "  |",
      "3 | package_spec: [redis-server]",
      "  |               ^^^^^^^^^^^^^^",
      "  = help: add what the packages install to `file_spec`"
    ]
  },
  invalid_requirement: {
    manifest: lines(...start, "dependencies:", "  requires:", "    - powernode/system-base@~> 1.0"),
    rendered: [
      "error[invalid_requirement]: \"~> 1.0\" is not a semantic version range",
      " --> manifest.yaml:5:7",
      "  |",
      "5 |     - powernode/system-base@~> 1.0",
      "  |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
      "  = help: did you mean ~1.0?"
    ]
  },
  self_dependency: {
    manifest: lines(...start, "dependencies: {requires: [my-redis]}"),
    rendered: [
      "error[self_dependency]: my-redis cannot depend on itself",
      " --> manifest.yaml:3:27",
      "  |",
      "3 | dependencies: {requires: [my-redis]}",
      "  |                           ^^^^^^^^"
    ]
  },
  contradictory_dependency: {
    manifest: lines(...start, "dependencies:", "  requires: [valkey]", "  conflicts: [valkey]"),
    rendered: [
      "error[contradictory_dependency]: valkey is both asked for and in conflict",
      " --> manifest.yaml:5:15",
      "  |",
      "5 |   conflicts: [valkey]",
      "  |               ^^^^^^"
    ]
  },
  invalid_capability_tag: {
    manifest: lines(...start, "dependencies: {provides: [HTTP server]}"),
    rendered: [
      "error[invalid_capability_tag]: \"HTTP server\" is not a capability tag",
      " --> manifest.yaml:3:27",
      "  |",
      "3 | dependencies: {provides: [HTTP server]}",
      "  |                           ^^^^^^^^^^^",
      "  = help: for example http.server or http.port:80"
    ]
  },
  duplicate_service: {
    manifest: lines(
      ...start,
      "services:",
      "  - {name: redis, start_command: a}",
      "  - {name: redis, start_command: b}"
    ),
    rendered: [
      "error[duplicate_service]: the service redis is there already",
      " --> manifest.yaml:5:12",
      "  |",
      "5 |   - {name: redis, start_command: b}",
      "  |            ^^^^^"
    ]
  },
  unknown_service: {
    manifest: lines(
      ...start,
      "services:",
      "  - name: web",
      "    start_command: web",
      "    dependencies:",
      "      - service: wbe"
    ),
    rendered: [
      "error[unknown_service]: the module has no service \"wbe\"",
      " --> manifest.yaml:7:18",
      "  |",
      "7 |       - service: wbe",
      "  |                  ^^^",
      "  = help: did you mean `web`?"
    ]
  },
  service_cycle: {
    manifest: lines(
      ...start,
      "services:",
      "  - {name: a, start_command: a, dependencies: [{service: b}]}",
      "  - {name: b, start_command: b, dependencies: [{service: a}]}"
    ),
    rendered: [
      "error[service_cycle]: services wait for each other in a circle: a → b → a",
      " --> manifest.yaml:4:47",
      "  |",
      "4 |   - {name: a, start_command: a, dependencies: [{service: b}]}",
      "  |                                               ^^^^^^^^^^^^^^"
    ]
  },
  service_without_command: {
    manifest: lines(...start, "services:", "  - name: redis"),
    rendered: [
      "warning[service_without_command]: the service redis has no `start_command`",
      " --> manifest.yaml:4:5",
      "  |",
      "4 |   - name: redis",
      "  |     ^^^^^^^^^^^"
    ]
  },
  port_taken: {
    manifest: lines(
      ...start,
      "services:",
      "  - {name: a, start_command: a, exposed_ports: [{port: 80, protocol: tcp}]}",
      "  - {name: b, start_command: b, exposed_ports: [{port: 80, protocol: tcp}]}"
    ),
    rendered: [
      "error[port_taken]: 80/tcp is a's already",
      " --> manifest.yaml:5:49",
      "  |",
      "5 |   - {name: b, start_command: b, exposed_ports: [{port: 80, protocol: tcp}]}",
      "  |                                                 ^^^^^^^^^^^^^^^^^^^^^^^^^"
    ]
  },
  health_timeout: {
    manifest: lines(
      ...start,
      "services:",
      "  - name: a",
      "    start_command: a",
      "    health: {endpoint: /up, interval_seconds: 5, timeout_seconds: 10}"
    ),
    rendered: [
      "warning[health_timeout]: a check may take 10 s, and the next one starts after 5 s",
      " --> manifest.yaml:6:13",
      "  |",
      "6 |     health: {endpoint: /up, interval_seconds: 5, timeout_seconds: 10}",
      "  |             ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^"
    ]
  },
  health_endpoint: {
    manifest: lines(...start, "services:", "  - name: a", "    start_command: a", "    health: {method: TCP}"),
    rendered: [
      "warning[health_endpoint]: the TCP check has no `endpoint`",
      " --> manifest.yaml:6:13",
      "  |",
      "6 |     health: {method: TCP}",
      "  |             ^^^^^^^^^^^^^"
    ]
  },
  env_not_text: {
    manifest: lines(...start, "services:", "  - name: a", "    start_command: a", "    env:", "      VERSION: 1.10"),
    rendered: [
      "warning[env_not_text]: VERSION is a number, and an environment has texts; it is taken as written",
      " --> manifest.yaml:7:16",
      "  |",
      "7 |       VERSION: 1.10",
      "  |                ^^^^",
      "  = help: quote it"
    ]
  },
  unknown_capability: {
    manifest: lines(...start, "security:", "  capabilities: [NET_ADMIN]"),
    rendered: [
      "error[unknown_capability]: \"NET_ADMIN\" is not a capability of Linux",
      " --> manifest.yaml:4:18",
      "  |",
      "4 |   capabilities: [NET_ADMIN]",
      "  |                  ^^^^^^^^^",
      "  = help: did you mean `CAP_NET_ADMIN`?"
    ]
  },
  privileged_and_confined: {
    manifest: lines(...start, "security:", "  capabilities: [CAP_CHOWN]", "  privileged: true"),
    rendered: [
      "error[privileged_and_confined]: a privileged module is not confined, so capabilities would mean nothing",
      " --> manifest.yaml:5:15",
      "  |",
      "5 |   privileged: true",
      "  |               ^^^^",
      "  = help: remove `privileged`, or the rest"
    ]
  },
  invalid_egress: {
    manifest: lines(...start, "security:", "  egress_allow: [\"https://example.com\"]"),
    rendered: [
      "error[invalid_egress]: \"https://example.com\" is neither host nor host:port",
      " --> manifest.yaml:4:18",
      "  |",
      "4 |   egress_allow: [\"https://example.com\"]",
      "  |                  ^^^^^^^^^^^^^^^^^^^^^"
    ]
  },
  invalid_regexp: {
    manifest: lines("schema_version: 1", "identity:", "  name: my-redis", "  cosign_issuer_regexp: (?=https)"),
    rendered: [
      "error[invalid_regexp]: not an RE2 expression: invalid or unsupported Perl syntax: `(?=`",
      " --> manifest.yaml:4:25",
      "  |",
      "4 |   cosign_issuer_regexp: (?=https)",
      "  |                         ^^^^^^^^^"
    ]
  },
  unanchored_regexp: {
    manifest: lines(
      "schema_version: 1",
      "identity:",
      "  name: my-redis",
      "  cosign_issuer_regexp: ^https://gitea.example.com"
    ),
    rendered: [
      "warning[unanchored_regexp]: the expression is not anchored at both ends; it will be read as if it were",
      " --> manifest.yaml:4:25",
      "  |",
      "4 |   cosign_issuer_regexp: ^https://gitea.example.com",
      "  |                         ^^^^^^^^^^^^^^^^^^^^^^^^^^",
      "  = help: write ^https://gitea.example.com$"
    ]
  }
}

describe("an issue", () => {
  it.each(Object.entries(examples))("%s is shown with its place", (code, { manifest, rendered }) => {
    const parsed = Manifest.parse(manifest)
    const { issues, source } = Result.isFailure(parsed)
      ? parsed.failure
      : { issues: parsed.success.warnings, source: parsed.success.source }
    const ofCode = issues.filter((issue) => issue.code === code)
    assert.deepStrictEqual(ofCode.map((issue) => ManifestIssue.render(issue, source)), [rendered.join("\n")])
  })

  it.each(Object.entries(ManifestIssue.codes))("%s refuses a manifest exactly if it is an %s", (code, severity) => {
    const example = Object.entries(examples).find(([of]) => of === code)
    const parsed = Manifest.parse(example?.[1].manifest ?? "")
    assert.strictEqual(Result.isFailure(parsed) ? "error" : "warning", severity)
  })
})

describe("ManifestIssue", () => {
  it("writes a path as a person would", () => {
    assert.strictEqual(ManifestIssue.renderPath(["services", 0, "env", "PORT"]), "services[0].env.PORT")
    assert.strictEqual(ManifestIssue.renderPath(["a b", 1, "c.d"]), "\"a b\"[1].\"c.d\"")
  })

  it("does not let a manifest write to the terminal", () => {
    const parsed = Manifest.parse("schema_version: 1\nname: \"\\e[31m\\x9B31m\"\nx\u2028y\u202Ez: 1\n")
    assert.isTrue(Result.isFailure(parsed))
    if (Result.isFailure(parsed)) {
      assert.notMatch(parsed.failure.render(), /[^\P{Cc}\n]|\u2028|\u202E/u)
    }
  })
})
