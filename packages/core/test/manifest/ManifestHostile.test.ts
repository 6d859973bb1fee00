import { assert, describe, it } from "@effect/vitest"
import { Manifest } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import * as YamlTokens from "../../src/manifest/internal/YamlTokens.ts"
import { hostileManifests } from "./HostileManifests.ts"
import { flat, wrapped } from "./Manifests.ts"

const issuesOf = (input: string | Uint8Array) => {
  const parsed = Manifest.parse(input)
  return Result.isFailure(parsed)
    ? parsed.failure
    : { issues: parsed.success.warnings, omitted: parsed.success.omitted }
}

const codesOf = (input: string | Uint8Array): ReadonlyArray<string> => issuesOf(input).issues.map(({ code }) => code)

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

  it.each([
    ["lines", "# a\n".repeat(4000)],
    ["escapes", `description: "${"\\x41".repeat(4000)}"\n`],
    ["characters of texts", `skills: ["${"x".repeat(130_000)}", "${"x".repeat(130_000)}"]\n`]
  ])("counts %s as it counts tokens", (_, text) => {
    assert.deepStrictEqual(codesOf(`${head}${text}`), ["too_complex"])
  })

  it("reads a thousand files, one on each line", () => {
    const files = Array.from({ length: 1000 }, (_, index) => `  - /usr/share/nginx/html/assets/${index}.svg\n`).join("")
    assert.deepStrictEqual(codesOf(`${head}file_spec:\n${files}`), [])
  })

  it("reads no map of more than 256 keys", () => {
    const service = (count: number) =>
      `${head}services:\n  - name: a\n    start_command: a\n    env:\n${
        Array.from({ length: count }, (_, index) => `      K${index}: a\n`).join("")
      }`
    assert.deepStrictEqual(codesOf(service(256)), [])
    const { issues } = issuesOf(service(257))
    assert.deepStrictEqual(issues.map(({ code, line, message }) => [code, line, message]), [
      ["too_many", 6, "`services[0].env` has 257 keys, at most 256 are allowed"]
    ])
  })

  it("reads no list of more than 256 maps", () => {
    const ports = (count: number) =>
      `${head}services:\n  - name: a\n    start_command: a\n    exposed_ports:\n${
        Array.from({ length: count }, (_, index) => `      - {port: ${index + 1}, protocol: tcp}\n`).join("")
      }`
    assert.deepStrictEqual(codesOf(ports(256)), [])
    const { issues } = issuesOf(ports(257))
    assert.deepStrictEqual(issues.map(({ code, line, message }) => [code, line, message]), [
      ["too_many", 6, "`services[0].exposed_ports` has 257 maps and lists, at most 256 are allowed"]
    ])
  })

  it("reads no more patterns after a hundred wrong ones, and counts the entries of wrong types", () => {
    const wrong = issuesOf(`${head}mask:\n${"  - a\n".repeat(50)}file_spec:\n${"  - b\n".repeat(500)}`)
    assert.strictEqual(wrong.omitted, 49 + 499 + 1)
    assert.isTrue(wrong.issues.every(({ code }) => code === "invalid_glob"))
    const types = issuesOf(`${head}mask:\n${"  - 1\n".repeat(900)}`)
    assert.strictEqual(types.issues.length + types.omitted, 900)
    const modules = issuesOf(`${head}dependency_spec:\n${"  - {x: 1, y: 1}\n".repeat(200)}`)
    assert.strictEqual(modules.issues.length + modules.omitted, 200 * 3)
  })

  it("compares patterns of other directories at no cost, and still finds the one that is swallowed", () => {
    const lines = (count: number, line: (index: number) => string) =>
      Array.from({ length: count }, (_, i) => line(i)).join("")
    const mask = lines(100, (index) => `  - /var/log/nginx/site-${index}/*.log\n`)
    const files = lines(200, (index) => `  - /usr/share/nginx/html/${index}/**\n`)
    const text = `${head}mask:\n${mask}  - /etc/nginx\nfile_spec:\n${files}  - /etc/nginx/nginx.conf\n`
    assert.deepStrictEqual(codesOf(text), ["include_swallowed"])
  })

  it("does not expand all braces of a long list", () => {
    const patterns = Array.from({ length: 1000 }, (_, index) => `- "/${"{a,b}".repeat(8)}${index}"\n`).join("")
    const { issues } = issuesOf(`${head}file_spec:\n${patterns}`)
    assert.deepStrictEqual(issues.map(({ code, path }) => [code, path]), [["too_complex", ["file_spec", 17]]])
  })

  it("does not compile an expression whose repetitions multiply", () => {
    const expression = (text: string) => `schema_version: 1\nidentity: {name: a, cosign_issuer_regexp: '${text}'}\n`
    assert.deepStrictEqual(codesOf(expression("^(?:(?:a{30}){30}){30}$")), ["too_complex"])
    assert.deepStrictEqual(codesOf(expression(`^${"(?:a{30}\\Q(\\E){33}".repeat(5)}$`)), ["too_complex"])
    assert.deepStrictEqual(codesOf(expression(`^(?:${"a".repeat(300)})*(?i){1000}$`)), ["too_complex"])
    assert.deepStrictEqual(codesOf(expression(`^(?:${"a".repeat(300)})\\Q\\E{1000}$`)), ["too_complex"])
    assert.deepStrictEqual(codesOf(expression(`^(?i)${"[B-\u{1e942}]".repeat(100)}$`)), ["too_complex"])
    assert.deepStrictEqual(codesOf(expression(`^${"[^\\pL]".repeat(26)}$`)), ["too_complex"])
    assert.deepStrictEqual(codesOf(expression("^ns/[\\p{L}\\p{N}-]{1,63}/[\\p{Ll}.-]{1,253}$")), [])
    assert.deepStrictEqual(codesOf(expression("^\\x{2014}[\\x{80}-\\x{ff}]\\x{2014}$")), [])
    assert.deepStrictEqual(codesOf(expression("^https://[0-9a-f]{40}\\.example\\.com/(?:x{1,9}){3}$")), [])
  })

  it("shows a hundred issues, errors first, and counts the rest", () => {
    const duplicates = "  - /a\n".repeat(500)
    const wrong = "  - a\n".repeat(60)
    const { issues, omitted } = issuesOf(`${head}mask:\n${duplicates}${wrong}`)
    assert.strictEqual(issues.length, Manifest.maximumIssues)
    assert.strictEqual(issues.filter(({ severity }) => severity === "error").length, 60)
    assert.strictEqual(omitted, 499 + 59 + 60 - 100)
    const refused = Manifest.parse(`${head}mask:\n${duplicates}${wrong}`)
    assert.match(Result.isFailure(refused) ? refused.failure.message : "", /; and 518 more$/)
    assert.match(Result.isFailure(refused) ? refused.failure.render() : "", /\n\nand 518 more$/)
  })

  it("looks for what was meant only where a person reads it", () => {
    const keys = Array.from(
      { length: 90 },
      (_, index) => `file_spe${String.fromCharCode(97 + index % 26)}${index}: 1\n`
    )
    const hinted = issuesOf(`${head}${keys.join("")}`).issues.filter(({ hint }) => hint !== undefined)
    assert.isAbove(hinted.length, 0)
    assert.isAtMost(hinted.length, 25)
  })
})

describe("a hostile manifest", () => {
  const longest = 2 * YamlTokens.maximumTokens

  it.each(Object.entries(hostileManifests))("%s is answered with a bounded report, from bounded work", (_, make) => {
    const input = make()
    const { issues, omitted } = issuesOf(input)
    assert.isAtMost(issues.length, Manifest.maximumIssues)
    assert.isTrue(omitted === 0 || issues.length === Manifest.maximumIssues)
    // Every token that is counted comes with one mark of the lexer or one blank at most.
    const tokens = typeof input === "string" ? YamlTokens.read(input) : Result.succeed([])
    if (Result.isSuccess(tokens)) assert.isAtMost(tokens.success.length, longest)
    assert.isAtMost(JSON.stringify(issues).length, 1024 * 1024)
  })
})

// LAMINA_FUZZ_RUNS=100000 for a night's worth.
const fuzzRuns = Number(process.env["LAMINA_FUZZ_RUNS"] ?? "2000")

const readsOrRefuses = (input: string | Uint8Array): void => {
  const parsed = Manifest.parse(input, { lenient: true })
  if (Result.isFailure(parsed)) {
    parsed.failure.render()
    assert.isAbove(parsed.failure.issues.length, 0)
  } else Manifest.format(parsed.success.manifest)
}

interface Mutation {
  readonly at: number
  readonly removed: number
  readonly inserted: string | readonly [at: number, length: number]
}

describe("Manifest.parse never throws", { timeout: 3_600_000 }, () => {
  it("on bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), readsOrRefuses), { numRuns: fuzzRuns })
  })

  it("on words of a manifest in any order", () => {
    const word = fc.constantFrom(
      ..."schema_version name identity file_spec services dependencies : - [ ] { } & * ! | > ' \" # ? , 1 a ~ null / ** & <<"
        .split(" "),
      "\n",
      "\n  ",
      "\n    - ",
      ": "
    )
    fc.assert(
      fc.property(fc.array(word, { maxLength: 60 }), (words) => readsOrRefuses(words.join(""))),
      { numRuns: fuzzRuns }
    )
  })

  it("on manifests with pieces cut out, doubled, moved and spoilt", () => {
    const piece = fc.constantFrom(
      "\t",
      "\r\n",
      ": ",
      "- ",
      "[",
      "]",
      "{",
      "}",
      "\"",
      "'",
      "&a",
      "*a",
      "!x",
      "\\",
      "0",
      "null",
      "|\n",
      "é",
      "\uFEFF",
      "\u2028"
    )
    const mutation: fc.Arbitrary<Mutation> = fc.record({
      at: fc.nat(1000),
      removed: fc.nat(40),
      inserted: fc.oneof(fc.constant(""), piece, fc.tuple(fc.nat(1000), fc.nat(40)))
    })
    const mutate = (text: string, { at, inserted, removed }: Mutation): string => {
      const start = at % (text.length + 1)
      const added = typeof inserted === "string"
        ? inserted
        : text.slice(inserted[0] % (text.length + 1)).slice(0, inserted[1])
      return text.slice(0, start) + added + text.slice(start + removed)
    }
    const services =
      `${flat}services:\n  - name: redis\n    start_command: /usr/bin/redis\n    env: {A: 1}\n    exposed_ports: [{port: 1, protocol: tcp}]\n`
    fc.assert(
      fc.property(
        fc.constantFrom(flat, wrapped, services),
        fc.array(mutation, { minLength: 1, maxLength: 6 }),
        (text, mutations) => readsOrRefuses(mutations.reduce(mutate, text))
      ),
      { numRuns: fuzzRuns }
    )
  })
})
