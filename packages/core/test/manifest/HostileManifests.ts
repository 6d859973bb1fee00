// The worst of every kind, as large as a manifest may be: what a hostile author would try first.
import * as Result from "effect/Result"
import * as YamlTokens from "../../src/manifest/internal/YamlTokens.ts"

const maximumBytes = 256 * 1024
const head = "schema_version: 1\nname: a\n"

/** As often as it fits under the bound of bytes. */
const filled = (unit: string, before = head, after = ""): string =>
  before + unit.repeat(Math.floor((maximumBytes - before.length - after.length) / unit.length)) + after

const times = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("")

/** Lines until the manifest is full. */
const lines = (line: (index: number) => string, before = head): string => {
  const parts = [before]
  for (let index = 0, size = before.length;; index++) {
    const next = line(index)
    size += next.length
    if (size > maximumBytes) return parts.join("")
    parts.push(next)
  }
}

/** As many lines as are read before a bound is met: what is not refused at once costs the most. */
const fullest = (line: (index: number, filling: string) => string, before: string, filling = ""): string => {
  const of = (count: number) => before + times(count, (index) => line(index, filling))
  const fits = (text: string) => text.length <= maximumBytes && Result.isSuccess(YamlTokens.read(text))
  let low = 0
  let high = YamlTokens.maximumTokens
  while (low < high) {
    const middle = Math.ceil((low + high) / 2)
    if (fits(of(middle))) low = middle
    else high = middle - 1
  }
  return of(low)
}

const wrapped = (identity: string): string => `schema_version: 1\nidentity:\n  name: a\n${identity}`

const services = (count: number, service: (index: number) => string): string =>
  `${head}services:\n${times(count, service)}`

const aliasBomb = (depth: number, width: number): string =>
  `${head}skills:\n${
    times(depth, (index) =>
      `  - &a${index} [${
        index === 0 ? "x" : Array.from({ length: width }, () => `*a${index - 1}`).join(", ")
      }]\n`)
  }`

const bytes = (length: number, byte: (index: number) => number): Uint8Array =>
  Uint8Array.from({ length }, (_, index) => byte(index))

/** Inputs by what is bad about them. */
export const hostileManifests: { readonly [what: string]: () => string | Uint8Array } = {
  "256 KiB of `[`": () => filled("[", "a: "),
  "256 KiB of `{a: `": () => filled("{a: ", ""),
  "256 KiB of `- `": () => filled("- ", ""),
  "256 KiB of `? `": () => filled("? ", ""),
  "256 KiB of `:`": () => filled(":", ""),
  "256 KiB of `&a `": () => filled("&a ", ""),
  "256 KiB of `!a `": () => filled("!a ", ""),
  "256 KiB of `*a `": () => filled("*a ", ""),
  "256 KiB of `#`": () => filled("#"),
  "256 KiB of `# a` lines": () => filled("# a\n"),
  "256 KiB of line feeds": () => filled("\n"),
  "256 KiB of carriage returns": () => filled("\r"),
  "256 KiB of CRLF": () => filled("\r\n"),
  "256 KiB of blanks": () => filled(" "),
  "256 KiB of tabs": () => filled("\t"),
  "256 KiB of tabs in lines": () => filled("\ta: b\n"),
  "256 KiB of NUL": () => filled("\0"),
  "256 KiB of byte order marks": () => filled("\uFEFF".repeat(1), "").slice(0, 80_000),
  "256 KiB of `---`": () => filled("---\n", ""),
  "256 KiB of `...`": () => filled("...\n", ""),
  "256 KiB of `%YAML`": () => filled("%YAML 1.2\n", ""),
  "256 KiB of quotes": () => filled("\"", "a: "),
  "256 KiB of `''`": () => filled("''\n", ""),
  "256 KiB of `a: 1` ": () => filled("a: 1\n"),
  "256 KiB of `,`": () => filled(",", "a: ["),
  "256 KiB of `a,`": () => filled("a,", `${head}skills: [`, "]"),
  "256 KiB of `- a`": () => filled("  - a\n", `${head}skills:\n`),
  "256 KiB of one plain scalar": () => filled("x", `${head}description: `),
  "256 KiB of one plain scalar of many lines": () => filled("  x\n", `${head}description:\n`),
  "256 KiB of one block scalar": () => filled("  x\n", `${head}description: |\n`),
  "256 KiB of one folded scalar": () => filled("  x\n\n", `${head}description: >\n`),
  "256 KiB of one double-quoted scalar of escapes": () => filled("\\u0041", `${head}description: "`, "\"\n"),
  "256 KiB of one double-quoted scalar of many lines": () => filled("\n x", `${head}description: "`, "\"\n"),
  "256 KiB of one double-quoted scalar of bad escapes": () => filled("\\q", `${head}description: "`, "\"\n"),
  "256 KiB of one anchor": () => filled("x", `${head}description: &`, " a\n"),
  "256 KiB of one tag": () => filled("x", `${head}description: !`, " a\n"),
  "256 KiB of one key": () => filled("x", head, ": a\n"),
  "256 KiB of one number": () => filled("1", `${head}reboot_required: `),
  "256 KiB of invalid UTF-8": () => bytes(maximumBytes, () => 0xff),
  "256 KiB of truncated UTF-8": () => bytes(maximumBytes, (index) => index === maximumBytes - 1 ? 0xc3 : 0x20),
  "256 KiB of lone surrogates": () => "\ud800".repeat(80_000),
  "256 KiB of emoji": () => filled("😀", `${head}description: `).slice(0, 130_000),
  "1 MiB": () => "a".repeat(1024 * 1024),
  "10,000 nested flow lists": () => `a: ${"[".repeat(10_000)}${"]".repeat(10_000)}`,
  "10,000 nested flow maps": () => `${"{a: ".repeat(10_000)}${"}".repeat(10_000)}`,
  "10,000 nested block lists": () => `${"- ".repeat(10_000)}a`,
  "nested block maps": () => times(700, (index) => `${" ".repeat(index)}a:\n`),
  "lists at the deepest level allowed": () => filled(`${"[".repeat(60)}${"]".repeat(60)},`, `${head}skills: [`, "]\n"),
  "maps at the deepest level allowed": () =>
    filled(`${"{a: ".repeat(60)}${"}".repeat(60)},`, `${head}skills: [`, "]\n"),
  "long keys at the deepest level allowed": () =>
    `${head}skills: [${times(20, () => `${`{${"k".repeat(200)}: `.repeat(60)}${"}".repeat(60)},`)}]\n`,
  "an alias bomb, deep": () => aliasBomb(64, 10),
  "an alias bomb, wide": () => aliasBomb(3, 1000),
  "aliases of a long list": () => `${head}mask: &m [${"/a,".repeat(300)}]\nskills: [${"*m,".repeat(4000)}]\n`,
  "anchors, each its own": () => lines((index) => `  - &a${index} x\n`, `${head}skills:\n`),
  "aliases to nothing": () => lines((index) => `  - *a${index}\n`, `${head}skills:\n`),
  "merge keys": () => lines(() => "  - {<<: {a: 1}}\n", `${head}skills:\n`),
  "unknown keys": () => lines((index) => `k${index}: 1\n`),
  "unknown keys, nearly known": () => lines((index) => `file_spe${index}: 1\n`),
  "unknown keys in many services": () =>
    services(200, (index) => `  - {name: s${index}, ${times(30, (key) => `start_comand${key}: a, `)}}\n`),
  "duplicate keys": () => filled("name: a\n"),
  "prototype names": () => filled("__proto__: {}\nconstructor: {prototype: 1}\n"),
  "prototype names in env": () =>
    services(
      200,
      (index) => `  - {name: s${index}, start_command: a, env: {__proto__: x, constructor: y, toString: z}}\n`
    ),
  "number keys": () => lines((index) => `${index}: a\n`),
  "list keys": () => filled("? [a]\n: b\n"),
  tags: () => lines(() => "  - !x a\n", `${head}skills:\n`),
  "wrong types": () => lines((index) => `  - ${index}\n`, `${head}mask:\n`),
  "wrong types, deep": () =>
    lines(() => `  - {name: [], version: {}, optional: 1, x: 2}\n`, `${head}dependency_spec:\n`),
  "wrong env": () => lines((index) => `      k${index}: []\n`, `${head}services:\n  - name: a\n    env:\n`),
  "bad env names": () => lines((index) => `      -${index}: a\n`, `${head}services:\n  - name: a\n    env:\n`),
  "not strings in env": () =>
    lines((index) => `      K${index}: 1\n`, `${head}services:\n  - name: a\n    start_command: a\n    env:\n`),
  "large metadata": () =>
    lines((index) => `      K${index}: 1\n`, `${head}services:\n  - name: a\n    start_command: a\n    metadata:\n`),
  "invalid globs": () => lines(() => "  - x\n", `${head}mask:\n`),
  "globs that overlap": () =>
    `${head}mask:\n${times(3000, (index) => `  - /**/a*${index}\n`)}file_spec:\n${
      times(1500, (index) => `  - /**/*${index}b/**\n`)
    }protected_spec:\n${times(1500, (index) => `  - /**/*${index}c/**\n`)}`,
  "a few globs that overlap": () =>
    `${head}mask:\n${times(230, (index) => `  - /**/a*${index}\n`)}file_spec:\n${
      times(230, (index) => `  - /**/*${index}b/**\n`)
    }protected_spec:\n${times(230, (index) => `  - /**/*${index}c/**\n`)}`,
  "globs of many stars": () =>
    `${head}mask:\n${times(15, (index) => `- /${"*a".repeat(2000)}${index}\n`)}file_spec:\n${
      times(15, (index) => `- /${"*a".repeat(2000)}${index}b\n`)
    }`,
  "two globs of many stars": () => `${head}mask:\n- /${"*a".repeat(700)}\nfile_spec:\n- /${"*a".repeat(700)}b\n`,
  "globs of many classes": () =>
    `${head}mask:\n- /${"[!a-z]*".repeat(200)}\nfile_spec:\n- /${"[!0-9]*".repeat(200)}b\n`,
  "long classes": () =>
    `${head}mask:\n${times(30, () => `- "/[${"a-z".repeat(1300)}]*x"\n`)}file_spec:\n${
      times(30, () => `- "/[${"a-z".repeat(1300)}]*y"\n`)
    }`,
  "globs of braces": () => `${head}file_spec:\n${times(4000, (index) => `- "/${"{a,b}".repeat(8)}${index}"\n`)}`,
  "globs of many brace forms": () =>
    `${head}mask:\n${times(75, (index) => `- "/${"{a,b}".repeat(8)}${index}"\n`)}file_spec:\n${
      times(75, (index) => `- "/${"{a,b}".repeat(8)}${index}"\n`)
    }`,
  "globs of globstars": () =>
    `${head}mask:\n${times(75, (index) => `- "/${"**/a/".repeat(8)}${index}"\n`)}file_spec:\n${
      times(75, (index) => `- "/${"**/a/".repeat(8)}${index}"\n`)
    }`,
  "unclosed braces": () => lines(() => `- "/${"{".repeat(4000)}"\n`, `${head}mask:\n`),
  "unclosed classes": () => lines(() => `- "/${"[".repeat(4000)}"\n`, `${head}mask:\n`),
  "globs with many backslashes": () => lines(() => `- '/${"\\".repeat(4000)}('\n`, `${head}mask:\n`),
  "globs with many slashes": () => lines(() => `- '/${"a/".repeat(2040)}b'\n`, `${head}mask:\n`),
  "globs with many blanks": () => lines(() => `- '/${" ".repeat(4000)}x'\n`, `${head}mask:\n`),
  "globs too long": () => `${head}mask:\n- /${"x".repeat(200_000)}\n`,
  "duplicate globs": () => filled("  - /a\n", `${head}mask:\n`),
  "invalid packages": () => lines(() => "  - A\n", `${head}package_spec:\n`),
  "long package names": () => lines(() => `  - ${"a".repeat(250)}:\n`, `${head}package_spec:\n`),
  requirements: () =>
    `${head}dependencies:\n  requires:\n${times(1600, (index) => `    - m${index}@^1.0\n`)}  conflicts:\n${
      times(1600, (index) => `    - m${index}@^1.1\n`)
    }`,
  "requirements with long ranges": () =>
    lines((index) => `    - m${index}@${"1.0 || ".repeat(35)}1\n`, `${head}dependencies:\n  requires:\n`),
  "requirements with hostile ranges": () =>
    lines((index) => `    - m${index}@${"1".repeat(16)}${" ".repeat(230)}x\n`, `${head}dependencies:\n  requires:\n`),
  "capability tags": () => lines(() => `    - ${"a".repeat(200)}!\n`, `${head}dependencies:\n  provides:\n`),
  "maps for patterns, up to the bound": () => fullest((index) => `  - a${index}:\n`, `${head}mask:\n`),
  "maps for patterns on one line, up to the bound": () => fullest((index) => `{a${index}}, `, `${head}mask: [`) + "]\n",
  "relative patterns in quotes, up to the bound": () =>
    fullest((_, filling) => `  - "\\u0041${filling}"\n`, `${head}mask:\n`, "x".repeat(60)),
  "long patterns in quotes, up to the bound": () =>
    fullest((index, filling) => `  - "/${index}${filling}"\n`, `${head}mask:\n`, "x".repeat(200)),
  "tags, up to the bound": () => fullest(() => "  - !x a\n", `${head}mask:\n`),
  "anchors, up to the bound": () => fullest((index) => `  - &x${index} a\n`, `${head}mask:\n`),
  "ports of no kind, up to the bound": () =>
    fullest(() => "      - {port: x}\n", `${head}services:\n  - name: a\n    exposed_ports:\n`),
  "modules of no kind, up to the bound": () =>
    fullest(() => "  - {name: [], version: {}, x: 1}\n", `${head}dependency_spec:\n`),
  "ranges, up to the bound": () =>
    fullest((index) => `  - {name: a${index}, version: ^1.${index}, optional: true}\n`, `${head}dependency_spec:\n`),
  "services that are not there, up to the bound": () =>
    fullest(
      (index) => `      - {service: b${index}}\n`,
      `${head}services:\n  - name: a\n    start_command: a\n    dependencies:\n`
    ),
  "services in a chain, up to the bound": () =>
    fullest(
      (index) => `  - {name: s${index}, start_command: a, dependencies: [{service: s${index + 1}}]}\n`,
      `${head}services:\n`
    ),
  "keys in one map, up to the bound": () =>
    `${head}services:\n  - name: a\n    start_command: a\n    env:\n${times(256, (index) => `      K${index}: []\n`)}`,
  "services in a chain": () =>
    services(200, (index) => `  - {name: s${index}, start_command: a, dependencies: [{service: s${index + 1}}]}\n`),
  "services in a ring": () =>
    services(
      200,
      (index) => `  - {name: s${index}, start_command: a, dependencies: [{service: s${(index + 1) % 200}}]}\n`
    ),
  "services that all wait for all": () =>
    services(
      60,
      (index) =>
        `  - {name: s${index}, start_command: a, dependencies: [${times(60, (other) => `{service: s${other}}, `)}]}\n`
    ),
  "services with unknown dependencies": () =>
    services(
      100,
      (index) =>
        `  - {name: service-${index}, start_command: a, dependencies: [${
          times(30, (other) => `{service: sevrice-${other}x}, `)
        }]}\n`
    ),
  "thousands of services": () => lines((index) => `  - {name: s${index}, start_command: a}\n`, `${head}services:\n`),
  ports: () =>
    `${head}services:\n  - name: a\n    start_command: a\n    exposed_ports:\n${
      times(1200, (index) => `      - {port: ${index % 7 + 1}, protocol: tcp}\n`)
    }`,
  "unknown capabilities": () =>
    lines((index) => `    - CAP_NET_ADMIM${index}\n`, `${head}security:\n  capabilities:\n`),
  egress: () => lines(() => `    - ${"a.".repeat(120)}!\n`, `${head}security:\n  egress_allow:\n`),
  "a long licence": () => `${head}license: ${"(".repeat(90)}MIT${")".repeat(90)}\n`,
  "a licence of many parts": () => `${head}license: ${"Apach-2.1 OR ".repeat(75)}Apach-2.1\n`,
  "a huge regular expression": () => wrapped(`  cosign_identity_regexp: ^${"(a{1,100}){1,10}".repeat(60)}$\n`),
  "a nested regular expression": () => wrapped(`  cosign_identity_regexp: ^${"(".repeat(500)}a${")*".repeat(160)}\n`),
  "a regular expression of classes": () => wrapped(`  cosign_identity_regexp: '^${"\\pL".repeat(330)}$'\n`),
  "a regular expression of folded classes": () =>
    wrapped(
      `  cosign_identity_regexp: '(?i)^${"[^\\pL]".repeat(160)}$'\n  cosign_issuer_regexp: '(?i)^${
        "[^\\pL]".repeat(160)
      }$'\n`
    ),
  "a repeated regular expression": () => wrapped(`  cosign_identity_regexp: '^${"(?:(?:\\pL{30}){30})".repeat(48)}$'\n`)
}
