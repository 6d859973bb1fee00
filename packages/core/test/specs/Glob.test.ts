import { assert, describe, it } from "@effect/vitest"
import { Glob } from "@lamina/core/specs/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { Minimatch } from "minimatch"
import { kind, path, pattern } from "./Patterns.ts"

// LAMINA_GLOB_PAIRS=1000000 for the whole of it.
const minimatchPairs = Number(process.env["LAMINA_GLOB_PAIRS"] ?? "50000")

const parse = (text: string): Glob.Glob => Result.getOrThrow(Glob.parse(text))

const refusalOf = (text: string): Glob.GlobError => {
  const parsed = Glob.parse(text)
  if (Result.isSuccess(parsed)) throw new Error(`${JSON.stringify(text)} was accepted`)
  return parsed.failure
}

const meaning = (text: string) =>
  new Minimatch(text, { dot: true, noext: true, nonegate: true, nocomment: true, platform: "linux" })

const ancestors = (of: string): ReadonlyArray<string> => {
  const names = of.slice(1).split("/")
  return names.slice(0, -1).map((_, index) => `/${names.slice(0, index + 1).join("/")}`)
}

describe("Glob.matches", () => {
  it("agrees with minimatch on every feature", () => {
    const pathsOfEach = 20
    const paths = fc.array(path, { minLength: pathsOfEach, maxLength: pathsOfEach })
    fc.assert(
      fc.property(
        pattern.filter((text) => !text.endsWith("/") && Result.isSuccess(Glob.parse(text))),
        paths,
        (text, all) => {
          const glob = parse(text)
          const minimatch = meaning(text)
          for (const of of all) assert.strictEqual(Glob.matches(glob, of), minimatch.match(of), `${text} on ${of}`)
        }
      ),
      { numRuns: Math.ceil(minimatchPairs / pathsOfEach) }
    )
  }, 3_600_000)

  it.each([
    ["/etc/**/*.conf", "/etc/a.conf", true],
    ["/etc/**/*.conf", "/etc/x/y/a.conf", true],
    ["/etc/**", "/etc", false],
    ["/etc/*", "/etc/.hidden", true],
    ["/etc/*", "/etc/a/b", false],
    ["/a**b", "/a/b", false],
    ["/a/***", "/a/b/c", false],
    ["/boot/start*.elf", "/boot/start4.elf", true],
    ["/etc/ssh/ssh_host_*_key", "/etc/ssh/ssh_host_rsa_key", true],
    ["/{etc,usr/lib}/x", "/usr/lib/x", true],
    ["/a\\{b,c\\}", "/a{b,c}", true],
    ["/??", "/😀b", true]
  ])("%s on %s: %s", (text, of, expected) => {
    assert.strictEqual(Glob.matches(parse(text), of), expected)
  })

  it("takes a trailing slash to mean directories only", () => {
    assert.isFalse(Glob.matches(parse("/var/cache/"), "/var/cache", "file"))
    assert.isTrue(Glob.matches(parse("/var/cache/"), "/var/cache", "directory"))
    assert.isTrue(Glob.covers(parse("/var/cache/"), "/var/cache/x"))
  })

  it.each(["etc/a", "", "/", "/etc/", "//etc", "/etc/../a", "/etc/./a"])("covers nothing that is no path: %s", (of) => {
    assert.isFalse(Glob.covers(parse("/**"), of, "directory"))
  })

  it("does not go through the combinations of many stars", () => {
    const stars = parse(`/${"*a".repeat(1000)}b/${"**/*a*/".repeat(6)}b`)
    assert.isFalse(Glob.covers(stars, `/${"a".repeat(3000)}/${"a/".repeat(100)}c`))
  })
})

describe("Glob.covers", () => {
  it("is matching the path or a directory above it", () => {
    fc.assert(
      fc.property(pattern, path, kind, (text, of, of_kind) => {
        fc.pre(Result.isSuccess(Glob.parse(text)))
        const glob = parse(text)
        const expected = Glob.matches(glob, of, of_kind) ||
          ancestors(of).some((above) => Glob.matches(glob, above, "directory"))
        assert.strictEqual(Glob.covers(glob, of, of_kind), expected, `${text} on ${of}`)
      }),
      { numRuns: 5000 }
    )
  })
})

describe("Glob.contains and Glob.overlaps", () => {
  it("never call a pattern contained which covers something more", () => {
    fc.assert(
      fc.property(pattern, pattern, path, kind, (outer, inner, of, of_kind) => {
        fc.pre(Result.isSuccess(Glob.parse(outer)) && Result.isSuccess(Glob.parse(inner)))
        if (Glob.contains(parse(outer), parse(inner)) && Glob.covers(parse(inner), of, of_kind)) {
          assert.isTrue(Glob.covers(parse(outer), of, of_kind), `${outer} contains ${inner}, but not ${of}`)
        }
      }),
      { numRuns: 20_000 }
    )
  })

  it("find the overlap of every two patterns that cover one path", () => {
    fc.assert(
      fc.property(pattern, pattern, path, (left, right, of) => {
        fc.pre(Result.isSuccess(Glob.parse(left)) && Result.isSuccess(Glob.parse(right)))
        if (Glob.covers(parse(left), of) && Glob.covers(parse(right), of)) {
          assert.isTrue(Glob.overlaps(parse(left), parse(right)), `${left} and ${right} meet in ${of}`)
        }
      }),
      { numRuns: 20_000 }
    )
  })

  it.each([
    ["/etc", "/etc/nginx/*.conf", true],
    ["/etc/**", "/etc/**/x", true],
    ["/etc/*", "/etc/**", true],
    ["/etc/*.conf", "/etc/a*.conf", true],
    ["/etc/[a-z]*", "/etc/[b-d]x", true],
    ["/{etc,usr}/**", "/usr/lib/{a,b}", true],
    ["/**/doc/**", "/usr/share/doc/x", true],
    ["/etc/a*", "/etc/*", false],
    ["/etc/nginx/**", "/etc/**", false],
    ["/etc/x/", "/etc/x", false]
  ])("%s contains %s: %s", (outer, inner, expected) => {
    assert.strictEqual(Glob.contains(parse(outer), parse(inner)), expected)
  })

  it.each([
    ["/etc/a*", "/etc/*b", true],
    ["/etc", "/etc/x", true],
    ["/**/b", "/a/**", true],
    ["/etc/a*", "/etc/b*", false],
    ["/usr/**", "/etc/**", false],
    ["/etc/[ab]", "/etc/[!a-c]", false]
  ])("%s overlaps %s: %s", (left, right, expected) => {
    assert.strictEqual(Glob.overlaps(parse(left), parse(right)), expected)
    assert.strictEqual(Glob.overlaps(parse(right), parse(left)), expected)
  })
})

describe("Glob.parse refuses", () => {
  it.each([
    ["  ", "empty", `"  " is not a pattern: the pattern is empty`],
    [
      `/${"a".repeat(4096)}`,
      "too_long",
      `"/${"a".repeat(199)}…" is not a pattern: the pattern has 4097 characters, at most 4096 are allowed`
    ],
    [
      "/etc/a\n- /b",
      "control_character",
      `"/etc/a\\n- /b" is not a pattern: the pattern contains a control character`
    ],
    ["/etc/a ", "trailing_blank", `"/etc/a " is not a pattern: the pattern ends in a blank (remove it)`],
    [
      "!/etc/a",
      "negation",
      `"!/etc/a" is not a pattern: a pattern cannot be negated (list the path under \`mask\` instead)`
    ],
    [
      "/etc/@(a|b)",
      "extglob",
      `"/etc/@(a|b)" is not a pattern: extended globs such as \`@(a|b)\` are not supported (write {a,b})`
    ],
    [
      "/etc/a\\",
      "dangling_escape",
      `"/etc/a\\\\" is not a pattern: a backslash must stand before the character that it makes literal`
    ],
    [
      "/etc/{a,b",
      "brace",
      "\"/etc/{a,b\" is not a pattern: `{` is not closed by `}` (a literal brace is `\\{` or `\\}`)"
    ],
    [
      "/etc/{a}",
      "brace",
      "\"/etc/{a}\" is not a pattern: a brace group needs at least two alternatives (write {a,b}; a literal brace is `\\{` or `\\}`)"
    ],
    ["/etc/a}", "brace", "\"/etc/a}\" is not a pattern: `}` closes no brace (a literal brace is `\\{` or `\\}`)"],
    [
      "/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
      "too_complex",
      `"/{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}" is not a pattern: the braces stand for more than 256 patterns, or very long ones (split the pattern)`
    ],
    [
      "/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a",
      "too_complex",
      `"/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a/**/a" is not a pattern: the pattern stands for 512 simpler ones, at most 256 are allowed (split it, or use fewer \`**\`)`
    ],
    [
      "etc/a",
      "relative",
      `"etc/a" is not a pattern: a pattern is an absolute path from the module's root (did you mean /etc/a?)`
    ],
    ["/", "root", "\"/\" is not a pattern: `/` names the root itself (everything is `/**`)"],
    ["/etc//a", "empty_component", `"/etc//a" is not a pattern: two slashes follow each other in /etc//a`],
    [
      "/etc/../a",
      "dot_component",
      `"/etc/../a" is not a pattern: the component ".." is not allowed (write the path as it is from the module's root)`
    ],
    [
      "/etc/[a",
      "unclosed_class",
      "\"/etc/[a\" is not a pattern: `[` is not closed by `]` (a literal bracket is `\\[`)"
    ],
    [
      "/etc/[[:alpha:]]",
      "named_class",
      `"/etc/[[:alpha:]]" is not a pattern: named classes such as [:…] are not supported (write the range out, for example [a-z])`
    ],
    [
      "/etc/[é]",
      "class_not_ascii",
      `"/etc/[é]" is not a pattern: a character class may list ASCII characters only (write the alternatives in braces, for example {é,è})`
    ],
    [
      "/etc/[z-a]",
      "class_range",
      `"/etc/[z-a]" is not a pattern: the range z-a runs backwards and matches nothing`
    ]
  ].map(([text, code, message]) => ({ text, code, message })))("$code: $message", ({ text = "", code, message }) => {
    const refusal = refusalOf(text)
    assert.strictEqual(refusal.code, code)
    assert.strictEqual(refusal.message, message)
  })

  it("what its braces would make very long", () => {
    assert.strictEqual(refusalOf(`/${"{a,b}".repeat(8)}${"x".repeat(100)}`).code, "too_complex")
  })

  it("never throws, whatever the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."/*?[]{},\\!-^ab.\n @("), maxLength: 40 }), (text) => {
        const parsed = Glob.parse(`/${text}`)
        if (Result.isSuccess(parsed)) Glob.covers(parsed.success, "/a/b/c")
      }),
      { numRuns: 10_000 }
    )
  })
})

describe("Glob", () => {
  it("knows a literal from a pattern", () => {
    assert.isTrue(Glob.isLiteral(parse("/etc/\\*")))
    assert.isFalse(Glob.isLiteral(parse("/etc/{a,b}")))
  })

  it("knows that no file name is longer than 255 bytes", () => {
    assert.isTrue(Glob.matchesNothing(parse(`/etc/${"é".repeat(128)}`)))
    assert.isFalse(Glob.matchesNothing(parse(`/etc/{${"é".repeat(128)},a}`)))
  })
})
