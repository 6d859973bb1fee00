import { assert, describe, it } from "@effect/vitest"
import { Dump, Node, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { sample } from "./trees.ts"

const root = "/ 0 40755 2 0 0 0 0.0 - - -\n"
const parse = (...lines: ReadonlyArray<string>) => Dump.parse(root + lines.map((line) => `${line}\n`).join(""))
const tree = (...lines: ReadonlyArray<string>) => Result.getOrThrow(parse(...lines))
const error = (...lines: ReadonlyArray<string>) => Result.getOrThrow(Result.flip(parse(...lines)))
const nodeAt = (path: string, ...lines: ReadonlyArray<string>) => Option.getOrThrow(Tree.find(tree(...lines), path))

describe("Dump", () => {
  it("prints and parses every tree without loss", () => {
    fc.assert(
      fc.property(sample, ({ tree }) => {
        const text = Dump.print(tree)
        assert.match(text, /^[ -~\n]*$/)
        assert.strictEqual(Dump.print(Result.getOrThrow(Dump.parse(text, { strict: true }))), text)
      }),
      { numRuns: 150 }
    )
  })

  it("prints in chunks what it prints at once, and says when a text would be too long", () => {
    const target = "t".repeat(4000)
    const links = Array.from({ length: 100 }, (_, at) => [`link-${at}`, Node.symlink(target)] as const)
    const large = { root: Node.directory(new Map(links)) }
    const text = Dump.print(large)
    const chunks = Array.from(Dump.printChunks(large))
    assert.strictEqual(Buffer.concat(chunks).toString("latin1"), text)
    assert.isAbove(chunks.length, 4)
    assert.isTrue(chunks.every(({ length }) => length < (1 << 16) + 5000))
    assert.strictEqual(Result.getOrThrow(Dump.printWithin(large, text.length)), text)
    const refusal = Result.getOrThrow(Result.flip(Dump.printWithin(large, text.length - 1)))
    assert.strictEqual(refusal._tag, "DumpSizeError")
    assert.include(refusal.message, `more than ${text.length - 1} characters`)
  })

  it.effect("parses a stream that is cut anywhere", () =>
    Effect.gen(function*() {
      for (const [{ tree }, size] of fc.sample(fc.tuple(sample, fc.integer({ min: 1, max: 40 })), 20)) {
        const text = Dump.print(tree)
        const bytes = new TextEncoder().encode(text)
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, at * size + size))
        assert.strictEqual(Dump.print(yield* Dump.parseStream(Stream.fromIterable(chunks))), text)
      }
    }))

  it("puts a place and both sides into an error", () => {
    const found = error("/a 0 100644 1 zero 0 0 0.0 - - -")
    assert.deepEqual([found.line, found.column], [2, 15])
    assert.strictEqual(
      found.message,
      "dump line 2, column 15: UID: expected a decimal number below 2^64, got \"zero\""
    )
  })

  it("points at the escape that is none", () => {
    const found = error("/a\\x20b\\q 0 10644 1 0 0 0 0.0 - - -")
    assert.deepEqual([found.line, found.column], [2, 8])
    assert.match(found.message, /PATH: expected the escapes .*, got "\\\\q"/)
  })

  it("points at the attribute that is wrong, and at the escape in it", () => {
    const file = "/a 0 100644 1 0 0 0 0.0 - - - user.a=1"
    assert.strictEqual(error(`${file} user.b`).column, file.length + 2)
    assert.strictEqual(error(`${file} user.b=2  user.c=3`).column, `${file} user.b=2 `.length + 1)
    assert.strictEqual(error(`${file} user.b=2\\q`).column, `${file} user.b=2`.length + 1)
    assert.strictEqual(error(`${file} user.\\x=2`).column, `${file} user.`.length + 1)
    assert.strictEqual(error(`${file} ${"n".repeat(256)}=2 user.c`).column, file.length + 2)
  })

  it("knows all kinds of files", () => {
    const link = nodeAt("/l", "/l 3 120777 1 0 0 0 0.0 abc - -")
    assert.deepEqual(link, Node.symlink("abc"))
    assert.strictEqual(nodeAt("/s", "/s 0 140644 1 0 0 0 0.0 - - -")._tag, "Socket")
    assert.strictEqual(nodeAt("/p", "/p 0 10644 1 0 0 0 0.0 - - -")._tag, "Fifo")
    assert.deepEqual(nodeAt("/b", "/b 0 60644 1 0 0 2049 0.0 - - -"), Node.blockDevice(2049))
    assert.isTrue(Node.isWhiteout(nodeAt("/w", "/w 0 20644 1 0 0 0 0.0 - - -")))
    assert.deepEqual(
      nodeAt("/e", `/e 100 100644 1 0 0 0 1.1 aa/bb - ${"AB".repeat(32)}`),
      Node.externalFile({ size: 100, digest: "ab".repeat(32), payload: "aa/bb" }, {
        mtime: { seconds: 1n, nanoseconds: 1 }
      })
    )
  })

  it("prints so that it can be read again what a device claims of its size", () => {
    const text = Dump.print(tree("/d 18446744073709551615 20644 1 0 0 5 0.0 - - -"))
    assert.strictEqual(Dump.print(Result.getOrThrow(Dump.parse(text))), text)
  })

  it("undoes the escapes, and knows a lone dash from an escaped one", () => {
    const file = nodeAt("/a b\n", "/a\\x20b\\n 3 100644 1 0 0 0 0.0 - \\x00\\\\\\t - user.a=\\x3d=x")
    assert.deepEqual(file, Node.inlineFile("\0\\\t", { xattrs: new Map([["user.a", Buffer.from("==x")]]) }))
    assert.deepEqual(nodeAt("/l", "/l 1 120777 1 0 0 0 0.0 \\x2d - -"), Node.symlink("-"))
    assert.deepEqual(nodeAt("/\udcff", "/\\xff 0 10644 1 0 0 0 0.0 - - -"), Node.fifo())
  })

  it.each([
    ["paths without a slash at the front", "a 0 10644 1 0 0 0 0.0 - - -"],
    ["runs of slashes", "//a 0 10644 1 0 0 0 0.0 - - -"],
    ["upper-case digests", `/a 9 100644 1 0 0 0 0.0 - - ${"AB".repeat(32)}`],
    ["numbers with a sign", "/a 0 10644 +1 -1 0 0 -5.0 - - -"],
    ["mode bits above the sixteenth", "/a 0 20010644 1 0 0 0 0.0 - - -"],
    ["one blank at the end", "/a 0 10644 1 0 0 0 0.0 - - - "],
    ["an attribute twice, the last counts", "/a 0 10644 1 0 0 0 0.0 - - - a=1 a=2"],
    ["content for what has none", "/a 3 10644 1 0 0 0 0.0 - abc -"],
    ["a link target of another length than SIZE", "/a 5 120777 1 0 0 0 0.0 target - -"],
    ["the hard links of composefs-rs", "/a 0 10644 2 0 0 0 0.0 - - -\n/b 0 @10000 - - - - 0.0 /a - -"],
    ["hard links to a path that ends with a slash", "/a 0 10644 1 0 0 0 0.0 - - -\n/b 0 @10644 1 0 0 0 0.0 /a/ - -"],
    ["digests that mean nothing", "/a 0 10644 1 0 0 0 0.0 - - abcd"],
    [
      "hard links forwards and to links",
      "/a 0 @10644 1 0 0 0 0.0 /b - -\n/b 0 @10644 1 0 0 0 0.0 /c - -\n/c 0 10644 3 0 0 0 0.0 - - -"
    ]
  ])("accepts %s", (_, line) => {
    assert.isTrue(Result.isSuccess(parse(line)))
  })

  it.each([
    ["a short digest", "/a 9 100644 1 0 0 0 0.0 - - abcd", /DIGEST: expected 64 or 128 hex digits/],
    ["a negative size", "/a -1 100644 1 0 0 0 0.0 - - -", /SIZE: expected a number of bytes, got "-1"/],
    ["hexadecimal numbers", "/a 0x5 100644 1 0 0 0 0.0 - - -", /SIZE/],
    ["numbers of more than 64 bits", "/a 18446744073709551616 10644 1 0 0 0 0.0 - - -", /SIZE/],
    ["times without a dot", "/a 0 10644 1 0 0 0 5 - - -", /MTIME/],
    ["a second root", "/ 0 40755 2 0 0 0 0.0 - - -", /appears twice/],
    ["a path twice", "/a 0 10644 1 0 0 0 0.0 - - -\n/a 0 10644 1 0 0 0 0.0 - - -", /line 3.*appears twice/],
    ["a missing parent", "/a/b 0 10644 1 0 0 0 0.0 - - -", /parent directory is missing/],
    [
      "a parent that is a file",
      "/a 0 10644 1 0 0 0 0.0 - - -\n/a/b 0 10644 1 0 0 0 0.0 - - -",
      /"\/a" is not a directory/
    ],
    ["a slash at the end", "/a/ 0 40755 1 0 0 0 0.0 - - -", /slash/],
    ["a name of 256 bytes", `/${"a".repeat(256)} 0 10644 1 0 0 0 0.0 - - -`, /256 bytes/],
    ["an empty line", "", /the path is empty/],
    ["an unknown escape", "/\\q 0 10644 1 0 0 0 0.0 - - -", /escapes/],
    ["half an escape", "/\\x4 0 10644 1 0 0 0 0.0 - - -", /escapes/],
    ["a NUL byte", "/\0 0 10644 1 0 0 0 0.0 - - -", /NUL/],
    ["content of another length than SIZE", "/a 4 100644 1 0 0 0 0.0 - abc -", /as many bytes as SIZE says, 4/],
    ["an attribute without a value", "/a 0 10644 1 0 0 0 0.0 - - - user.a", /NAME=VALUE/],
    ["two blanks", "/a 0 10644 1 0 0 0 0.0 - - - user.a=1  user.b=1", /NAME=VALUE/],
    ["a hard link to nowhere", "/a 0 @10644 1 0 0 0 0.0 /b - -", /line 2.*target is missing/],
    ["hard links in a circle", "/a 0 @10644 1 0 0 0 0.0 /b - -\n/b 0 @10644 1 0 0 0 0.0 /a - -", /loop/],
    ["a line of a megabyte", `/a 0 10644 1 0 0 0 0.0 - ${"a".repeat(1 << 20)} -`, /more than 262144 bytes/]
  ])("refuses %s", (_, line, cause) => {
    assert.match(error(line).message, cause)
  })

  it("does not need names in order, nor depth first", () => {
    const directory = (path: string) => `${path} 0 40755 2 0 0 0 0.0 - - -`
    const file = (path: string) => `${path} 1 100644 1 0 0 0 0.0 - x -`
    const ordered = [directory("/a"), directory("/a/b"), file("/a/b/f"), file("/a/b/g"), directory("/c"), file("/c/f")]
    const expected = Dump.print(tree(...ordered))
    const shuffled = [0, 4, 5, 1, 3, 2].map((at) => ordered[at] ?? "")
    assert.strictEqual(Dump.print(tree(...shuffled)), expected)
    assert.strictEqual(Dump.print(tree(...shuffled.map((line) => line.replaceAll("/", "///")))), expected)
    assert.strictEqual(Dump.print(tree(...shuffled.map((line) => line.replaceAll("f ", "\\x66 ")))), expected)
    for (const line of ordered) {
      assert.match(error(...shuffled, line).message, /line 8.*appears twice/)
      assert.match(error(...ordered, line).message, /line 8.*appears twice/)
    }
  })

  it("takes a directory for gone whose name another only starts with", () => {
    const lines = [
      "/lib 0 40755 2 0 0 0 0.0 - - -",
      "/lib64 0 40755 2 0 0 0 0.0 - - -",
      "/lib64/a 0 10644 1 0 0 0 0.0 - - -"
    ]
    assert.deepEqual(Array.from(tree(...lines).root.entries.keys()), ["lib", "lib64"])
    assert.match(error("/lib 0 40755 2 0 0 0 0.0 - - -", "/lib64/a 0 10644 1 0 0 0 0.0 - - -").message, /is missing/)
  })

  it("refuses what is not a dump at all", () => {
    for (const text of ["", "\n", "/ 0 100644 1 0 0 0 0.0 - - -\n", "/a 0 40755 2 0 0 0 0.0 - - -\n"]) {
      assert.isTrue(Result.isFailure(Dump.parse(text)), JSON.stringify(text))
    }
  })

  it("is stricter when asked", () => {
    const lax = [
      "/ 0 40755 2 0 0 0 0.0 - - -",
      "/ 0 40755 2 0 0 7 0.0 - - -\n",
      `${root}/l 5 120777 1 0 0 0 0.0 target - -\n`,
      `${root}/l 6 120777 1 0 0 0 0.0 target target -\n`
    ]
    for (const text of lax) {
      assert.isTrue(Result.isSuccess(Dump.parse(text)), text)
      assert.isTrue(Result.isFailure(Dump.parse(text, { strict: true })), text)
    }
  })

  it("never throws on noise", () => {
    const text = Dump.print(tree("/a 3 100644 1 0 0 0 0.0 - abc - user.a=1", "/b 0 @100644 1 0 0 0 0.0 /a - -"))
    fc.assert(fc.property(fc.nat(text.length - 1), fc.string({ maxLength: 3, unit: "binary" }), (at, noise) => {
      Dump.parse(text.slice(0, at) + noise + text.slice(at + noise.length))
    }))
  })
})
