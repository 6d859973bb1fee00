// One manifest for every code of an issue, and what its author reads: the tests of the codes, and the examples of
// docs/manifest.md.
import type { ManifestIssue } from "@lamina/core/manifest/index"

const lines = (...of: ReadonlyArray<string>): string => `${of.join("\n")}\n`
const start = ["schema_version: 1", "name: my-redis"]
const head = lines(...start)

interface IssueExample {
  readonly meaning: string
  /** What the manifest is, where a page cannot show it. */
  readonly described?: string
  readonly manifest: string | Uint8Array
  readonly rendered: ReadonlyArray<string>
}

/** By code. The type makes sure that no code is left out. */
export const issueExamples: { readonly [Code in ManifestIssue.ManifestIssueCode]: IssueExample } = {
  too_large: {
    meaning: "The text has more than 256 KiB.",
    described: "`#`, 262,145 times",
    manifest: "#".repeat(262_145),
    rendered: [
      "error[too_large]: the manifest has 262145 bytes, at most 262144 are allowed",
      " --> manifest.yaml:1:1",
      "  |",
      "1 |",
      "  | ^",
      "  = help: let patterns stand for long lists, and say long texts and comments in fewer words"
    ]
  },
  invalid_utf8: {
    meaning: "The text is not UTF-8, or has half a surrogate pair.",
    described: "a byte 0xFF on the first line",
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
    meaning: "A control character other than tab and the ends of lines.",
    described: "a NUL inside a quoted licence",
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
    meaning: "The text starts with a byte order mark, which is left out.",
    described: "a byte order mark before the first line",
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
    meaning: "Lines end as on Windows; they are read as lines.",
    described: "a carriage return before every line feed",
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
    meaning: "The text is not one YAML 1.2 document. At most 20 are shown.",
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
    meaning:
      "More tokens, values, brace alternatives, pattern text or steps of an expression than are read (see Limits).",
    described: "a list of 5,000 entries",
    manifest: `${head}skills: [${"a,".repeat(5000)}]\n`,
    rendered: [
      "error[too_complex]: the manifest has more than 3200 tokens",
      " --> manifest.yaml:3:3199",
      "  |",
      "3 | ,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
      "  |                                                   ^",
      "  = help: let patterns stand for long lists, and say long texts and comments in fewer words"
    ]
  },
  too_deep: {
    meaning: "Lists and maps are nested more than 64 deep.",
    described: "`skills:` and a hundred opening brackets",
    manifest: `${head}skills: ${"[".repeat(100)}\n`,
    rendered: [
      "error[too_deep]: the manifest is nested more than 64 deep",
      " --> manifest.yaml:3:72",
      "  |",
      "3 | skills: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
      "  |                                                                        ^",
      "  = help: only `skills` and `metadata` may be nested freely: make them flatter"
    ]
  },
  unknown_alias: {
    meaning: "An alias without an anchor before it; one inside the value that it names, too.",
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
    meaning: "A tag that is not one of YAML's core schema.",
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
    meaning: "A key `<<`, which is YAML 1.1.",
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
    meaning: "A key that is not a text of at most 256 characters.",
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
    meaning: "A key `__proto__`.",
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
    meaning: "A key that the map has already.",
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
    meaning: "The document is empty, a list or a scalar.",
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
    meaning: "A key that the schema does not know; a warning in a lenient reading, which keeps it.",
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
    meaning: "A key that has to be there.",
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
    meaning: "A value of another type than the field's.",
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
    meaning: "None of the values that the field may have.",
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
    meaning: "A number outside the field's bounds.",
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
    meaning: "A text longer than the field's bound.",
    described: "a display name of 201 `x`",
    manifest: `${head}display_name: ${"x".repeat(201)}\n`,
    rendered: [
      "error[too_long]: `display_name` has 201 characters, at most 200 are allowed",
      " --> manifest.yaml:3:15",
      "  |",
      "3 | display_name: xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
      "  |               ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
      "  = help: say it in fewer words"
    ]
  },
  too_many: {
    meaning: "A list longer than the field's bound.",
    described: "a list of 1,001 skills",
    manifest: `${head}skills: [${"a,".repeat(1001)}]\n`,
    rendered: [
      "error[too_many]: `skills` has 1001 entries, at most 1000 are allowed",
      " --> manifest.yaml:3:9",
      "  |",
      "3 | skills: [a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a",
      "  |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^",
      "  = help: leave some out, or make two modules of it"
    ]
  },
  invalid_name: {
    meaning: "A name of a module, category or service that does not have the form of one.",
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
    meaning: "A digest, snapshot or variable name that does not have the form of one.",
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
    meaning: "The licence is not an SPDX licence expression.",
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
    meaning: "An identifier that the list of licences and exceptions met in distributions does not have.",
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
    meaning: "A config or instance module without a parent.",
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
    meaning: "A subscription module with a parent.",
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
    meaning: "Not the name of a Debian package, with `:architecture` and `=version` if need be.",
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
    meaning: "An entry that the list has already.",
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
    meaning: "Not a pattern: relative, with `..`, negated, an extended glob, unclosed, …",
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
    meaning: "A pattern with a name that no file system can hold.",
    described: "a pattern of 256 letters",
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
    meaning: "A pattern of what is shipped, all of which the mask covers.",
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
    meaning: "A claimed pattern that overlaps nothing of what the module ships.",
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
    meaning: "Packages are installed, and no pattern takes their files.",
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
    meaning: "Not a module with a range of semantic versions.",
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
    meaning: "The module needs, or does not bear, itself.",
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
    meaning: "The same module and range is needed and refused.",
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
    meaning: "What is provided is not a capability tag.",
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
    meaning: "A second service of the same name.",
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
    meaning: "A service waits for one that the module does not have.",
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
    meaning: "Services wait for each other in a circle.",
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
    meaning: "A service that nothing starts.",
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
    meaning: "A port and protocol that a service of the module listens on already.",
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
    meaning: "A check may take longer than the time to the next one.",
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
    meaning: "A check that asks nothing.",
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
    meaning: "An environment variable that YAML reads as a number or a boolean; it is taken as written.",
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
    meaning: "Not a capability of Linux.",
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
    meaning: "`privileged` together with what would confine the module.",
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
    meaning: "Neither a host nor a host with a port.",
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
    meaning: "Not an RE2 expression.",
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
    meaning: "A trust expression without `^` or `$`; it is read as if it had both.",
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
