import { assert, describe, it } from "@effect/vitest"
import { Content, Dump, FsVerity, Image, Layer, Node, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { createHash, randomBytes } from "node:crypto"
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { zstdCompressSync, zstdDecompressSync } from "node:zlib"
import { sample, view } from "./trees.ts"

const sha256 = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

const source = (contents: ReadonlyMap<string, Uint8Array>): Content.ContentSource => ({
  open: (digest) => {
    const bytes = contents.get(digest)
    return bytes === undefined
      ? Stream.fail(new Content.ContentError({ reason: { _tag: "NotFound", digest } }))
      : Stream.make(bytes)
  }
})

const read = Effect.fnUntraced(function*(bytes: Uint8Array, options?: Partial<Layer.ReadOptions>) {
  const contents = yield* Content.memory()
  const layer = yield* Layer.read(Stream.make(bytes), { contents, ...options })
  return { ...layer, contents }
})

describe("Layer", () => {
  it.effect("gives back tree, image and contents of everything it carries", () =>
    Effect.gen(function*() {
      for (const { contents, tree } of fc.sample(sample, 80)) {
        const { bytes, info } = yield* Layer.toBytes(tree, source(contents))
        const layer = yield* read(bytes)
        assert.deepEqual(view(layer.tree), view(tree))
        assert.deepEqual(Image.digest(layer.tree), Image.digest(tree))
        assert.deepEqual(layer.info, info)
        assert.sameMembers(
          [...layer.contents.objects.keys()],
          [...new Set(Array.from(Tree.externalFiles(tree), ({ node }) => node.digest ?? ""))]
        )
      }
    }))

  it.effect("tells the digests and sizes of what it wrote", () =>
    Effect.gen(function*() {
      const tree = { root: Node.directory({ file: Node.inlineFile("x") }) }
      const { bytes, info } = yield* Layer.toBytes(tree, source(new Map()))
      const archive = zstdDecompressSync(bytes)
      assert.deepEqual(info, {
        mediaType: Layer.mediaType,
        digest: sha256(bytes),
        size: bytes.length,
        diffId: sha256(archive),
        archiveSize: archive.length
      })
    }))

  it.effect("writes the same bytes whatever the pieces in which contents arrive", () =>
    Effect.gen(function*() {
      const content = Buffer.alloc(900_000, "some text that compresses ")
      const digest = FsVerity.digest(content)
      const tree = { root: Node.directory({ file: Node.externalFile({ size: content.length, digest }) }) }
      const inPieces = (size: number): Content.ContentSource => ({
        open: () =>
          Stream.fromIterable(
            Array.from(
              { length: Math.ceil(content.length / size) },
              (_, at) => content.subarray(at * size, at * size + size)
            )
          )
      })
      const whole = yield* Layer.toBytes(tree, inPieces(content.length))
      const pieces = yield* Layer.toBytes(tree, inPieces(777))
      assert.deepEqual(pieces.info, whole.info)
    }))

  it.effect("writes a file, which is not there when something fails", () =>
    Effect.gen(function*() {
      const directory = mkdtempSync(join(tmpdir(), "lamina-layer-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
      const path = join(directory, "layer")
      const lacking = { root: Node.directory({ file: Node.externalFile({ size: 100, digest: "ab".repeat(32) }) }) }
      const error = yield* Effect.flip(Layer.toFile(path, lacking, source(new Map())))
      assert.strictEqual(error.reason._tag, "NotFound")
      assert.deepEqual(readdirSync(directory), [])
      const info = yield* Layer.toFile(path, Tree.empty, source(new Map()))
      assert.strictEqual(sha256(readFileSync(path)), info.digest)
    }))

  it.live("writes one of two layers whole when both go to the same path", () =>
    Effect.gen(function*() {
      const directory = mkdtempSync(join(tmpdir(), "lamina-layer-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
      const path = join(directory, "layer")
      const infos = yield* Effect.forEach([1, 2], (seed) => {
        const content = randomBytes(600_000 * seed)
        const digest = FsVerity.digest(content)
        const tree = { root: Node.directory({ file: Node.externalFile({ size: content.length, digest }) }) }
        const slow: Content.ContentSource = {
          open: () =>
            Stream.make(content.subarray(0, 300_000), content.subarray(300_000)).pipe(
              Stream.tap(() => Effect.sleep(5 * seed))
            )
        }
        return Layer.toFile(path, tree, slow)
      }, { concurrency: "unbounded" })
      assert.include(infos.map(({ digest }) => digest), sha256(readFileSync(path)))
      assert.deepEqual(readdirSync(directory), ["layer"])
    }))

  it.effect("refuses a content of another size than the tree says", () =>
    Effect.gen(function*() {
      for (const size of [99, 101]) {
        const content = Buffer.alloc(100)
        const digest = FsVerity.digest(content)
        const tree = { root: Node.directory({ file: Node.externalFile({ size, digest }) }) }
        const error = yield* Effect.flip(Layer.toBytes(tree, source(new Map([[digest, content]]))))
        assert.strictEqual(error.reason._tag, "Changed")
      }
    }))

  it.effect("refuses what a tar cannot carry instead of losing it", () =>
    Effect.gen(function*() {
      const digest = "ab".repeat(32)
      const cases: ReadonlyArray<readonly [Node.Node, RegExp]> = [
        [Node.socket(), /sockets/],
        [Node.fifo({ nlink: 2 }), /link count is 2/],
        [Node.inlineFile("x".repeat(65)), /come back external/],
        [Node.externalFile({ size: 64, digest }), /come back inline/],
        [Node.externalFile({ size: 100 }), /no digest/],
        [Node.externalFile({ size: 100, digest, payload: "elsewhere" }), /object path/],
        [Node.fifo({ xattrs: new Map([["user.a=b", new Uint8Array(0)]]) }), /equals sign/],
        [Node.hardLink("/"), /hard link/],
        [Node.fifo({ size: 1 }), /special file of 1 bytes/]
      ]
      for (const [node, cause] of cases) {
        const error = yield* Effect.flip(Layer.toBytes({ root: Node.directory({ bad: node }) }, source(new Map())))
        assert.match(error.message, cause)
        assert.include(error.message, "\"/bad\"")
      }
      const whiteoutName = { root: Node.directory({ ".wh.x": Node.fifo() }) }
      assert.match((yield* Effect.flip(Layer.toBytes(whiteoutName, source(new Map())))).message, /means a whiteout/)
    }))
})

interface RawEntry {
  readonly name: string
  readonly type?: string
  readonly link?: string
  readonly body?: string
  readonly size?: number
  readonly major?: string
}

/** A tar by hand, as nobody should write it. */
const archive = (entries: ReadonlyArray<RawEntry>, end: Uint8Array = Buffer.alloc(1024)): Buffer =>
  Buffer.concat([
    ...entries.map(({ body = "", link = "", major = "", name, size, type = "0" }) => {
      const header = Buffer.alloc(512)
      header.write(name, 0)
      header.write(["0000644", "0000000", "0000000", ""].join("\0"), 100)
      header.write((size ?? body.length).toString(8).padStart(11, "0"), 124)
      header.write("00000000000", 136)
      header.write(type, 156)
      header.write(link, 157)
      header.write("ustar\x0000", 257)
      header.write(major, 329)
      header.fill(" ", 148, 156)
      const sum = header.reduce((sum, byte) => sum + byte, 0)
      header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148)
      return Buffer.concat([header, Buffer.from(body), Buffer.alloc((512 - (body.length % 512)) % 512)])
    }),
    end
  ])

const root: RawEntry = { name: "./", type: "5" }
const refusal = (entries: ReadonlyArray<RawEntry>, end?: Uint8Array, options?: Partial<Layer.ReadOptions>) =>
  Effect.flip(read(zstdCompressSync(archive(entries, end)), options))

describe("Layer, from hostile hands", () => {
  it.effect("reads an honest archive, so that the refusals below are for their cause", () =>
    Effect.gen(function*() {
      const { tree } = yield* read(
        zstdCompressSync(archive([root, { name: "./a/", type: "5" }, { name: "a/b", body: "x" }]))
      )
      assert.deepEqual(Array.from(Tree.walk(tree), ({ path }) => path), ["/", "/a", "/a/b"])
    }))

  const cases: ReadonlyArray<readonly [what: string, entries: ReadonlyArray<RawEntry>, cause: RegExp]> = [
    ["an absolute path", [root, { name: "/etc/passwd" }], /absolute/],
    ["a path that climbs out", [root, { name: "../etc/passwd" }], /leads out/],
    ["a path that climbs later", [root, { name: "a/", type: "5" }, { name: "a/../../x" }], /leads out/],
    [
      "a path through a symbolic link",
      [root, { name: "l", type: "2", link: "/etc" }, { name: "l/passwd" }],
      /not a directory/
    ],
    ["a path through a file", [root, { name: "f" }, { name: "f/x" }], /not a directory/],
    ["a path twice", [root, { name: "f" }, { name: "f" }], /appears twice/],
    [
      "a file over a symbolic link",
      [root, { name: "l", type: "2", link: "/etc/passwd" }, { name: "l" }],
      /appears twice/
    ],
    ["a missing parent", [root, { name: "a/b" }], /parent directory is missing/],
    ["no root", [{ name: "f" }], /parent directory is missing/],
    ["a hard link to nowhere", [root, { name: "h", type: "1", link: "f" }], /target is missing/],
    ["a hard link out of the archive", [root, { name: "h", type: "1", link: "/etc/passwd" }], /absolute/],
    ["a hard link to a directory", [root, { name: "h", type: "1", link: "./" }], /hard link to a directory/],
    [
      "hard links in a circle",
      [root, { name: "a", type: "1", link: "b" }, { name: "b", type: "1", link: "a" }],
      /loop/
    ],
    ["a symbolic link with a body", [root, { name: "l", type: "2", link: "x", body: "y" }], /with a body/],
    ["a sparse file", [root, { name: "s", type: "S" }], /type "S"/],
    ["an unknown PAX record", [{ name: "x", type: "x", body: "22 GNU.sparse.major=1\n" }, root], /not supported/],
    ["a broken PAX record", [{ name: "x", type: "x", body: "99 path=f\n" }, root], /malformed/],
    ["a huge PAX header", [{ name: "x", type: "x", size: 8 ** 10 }, root], /PAX header has more than/],
    ["a whiteout with content", [root, { name: ".wh.f", body: "x" }], /whiteout with content/],
    ["a whiteout that is a symbolic link", [root, { name: ".wh.f", type: "2", link: "x" }], /whiteout that is not/],
    ["a device number that would be cut to a whiteout", [root, { name: "d", type: "3", major: "010000" }], /4096:0/],
    ["an empty name in a path", [root, { name: ".//f" }], /empty name/],
    ["an empty path", [{ name: "", type: "5" }], /empty path/],
    [
      "two PAX headers in a row",
      [root, { name: "x", type: "x", body: "10 path=a\n" }, { name: "x", type: "x", body: "10 path=b\n" }, {
        name: "f"
      }],
      /PAX header follows another/
    ],
    ["a PAX header at the end", [root, { name: "x", type: "x", body: "10 path=a\n" }], /in front of the end/],
    ["a body that is cut off", [root, { name: "f", size: 5000 }], /cut off/]
  ]
  for (const [what, entries, cause] of cases) {
    it.effect(`refuses ${what}`, () =>
      Effect.gen(function*() {
        assert.match((yield* refusal(entries)).message, cause)
      }))
  }

  it.effect("refuses archives without an end, and what follows the end", () =>
    Effect.gen(function*() {
      for (const end of [Buffer.alloc(0), Buffer.alloc(511), Buffer.alloc(512)]) {
        assert.match((yield* refusal([root], end)).message, /without its two zero blocks/)
      }
      assert.match((yield* refusal([root], Buffer.from(`${"\0".repeat(1024)}more`))).message, /bytes follow the end/)
    }))

  it.effect("holds every limit", () =>
    Effect.gen(function*() {
      const files = Array.from({ length: 20 }, (_, index) => ({ name: `f${index}` }))
      assert.match((yield* refusal([root, ...files], undefined, { maxEntries: 20 })).message, /more than 20 entries/)
      assert.match(
        (yield* refusal([root, ...files], undefined, { maxArchiveSize: 5000 })).message,
        /more than 5000 bytes/
      )
      const named = (name: string): ReadonlyArray<RawEntry> => [
        { name: "x", type: "x", body: `109 path=${name.repeat(99)}\n` },
        { name }
      ]
      assert.match(
        (yield* refusal([root, ...named("a"), ...named("b")], undefined, { maxPaxSize: 200 })).message,
        /PAX headers have more than 200 bytes/
      )
    }))

  it.effect("stops a decompression bomb long before its end", () =>
    Effect.gen(function*() {
      const bomb = zstdCompressSync(Buffer.alloc(200 * 1024 * 1024))
      const header = archive([root, { name: "bomb", size: 199 * 1024 * 1024 }], Buffer.alloc(0))
      const layer = Buffer.concat([zstdCompressSync(header), bomb])
      const sink: Content.ContentSink = {
        put: (content) => Effect.as(Stream.runDrain(content), { digest: "ab".repeat(32), size: 0 })
      }
      assert.match((yield* Effect.flip(read(layer, { contents: sink }))).message, /1000 times as large|bytes/)
    }))

  it.effect("reports what is not zstd, and zstd that ends early", () =>
    Effect.gen(function*() {
      const honest = zstdCompressSync(archive([root, { name: "f", body: "x".repeat(5000) }]))
      for (const bytes of [Buffer.from("not zstd at all"), honest.subarray(0, honest.length - 5), new Uint8Array(0)]) {
        const error = yield* Effect.flip(read(bytes))
        assert.include(["Compression", "Malformed"], error.reason._tag)
      }
    }))

  it.effect("refuses bytes behind the compressed archive", () =>
    Effect.gen(function*() {
      const honest = zstdCompressSync(archive([root]))
      for (const tail of ["\0", "tail", "t".repeat(300_000)]) {
        const error = yield* Effect.flip(read(Buffer.concat([honest, Buffer.from(tail)])))
        assert.strictEqual(error.reason._tag, "Compression", error.message)
      }
    }))

  it.effect("passes on the failure of the stream it reads", () =>
    Effect.gen(function*() {
      const contents = yield* Content.memory()
      const layer = Stream.concat(
        Stream.make(zstdCompressSync(archive([root])).subarray(0, 10)),
        Stream.fail("connection reset")
      )
      assert.strictEqual(yield* Effect.flip(Layer.read(layer, { contents })), "connection reset")
    }))

  it.effect("never dies of noise", () =>
    Effect.gen(function*() {
      const honest = archive([root, { name: "a/", type: "5" }, { name: "a/b", body: "x".repeat(100) }])
      for (const [at, byte] of fc.sample(fc.tuple(fc.nat(honest.length - 1), fc.nat(255)), 200)) {
        const damaged = Buffer.from(honest)
        damaged[at] = byte
        const exit = yield* Effect.exit(read(zstdCompressSync(damaged)))
        if (exit._tag === "Success") Dump.print(exit.value.tree)
        else assert.isTrue(exit.cause.reasons.every((reason) => reason._tag === "Fail"))
      }
    }))
})

describe("Layer and the rest", () => {
  it.effect("refuses through a typed value, not an exception, when the tree cannot be written", () =>
    Effect.gen(function*() {
      const tree = Result.getOrThrow(Dump.parse("/ 0 40755 2 0 0 0 0.0 - - -\n/s 0 140644 1 0 0 0 0.0 - - -\n"))
      const error = yield* Effect.flip(Layer.toBytes(tree, source(new Map())))
      assert.strictEqual(error.reason._tag, "Unportable")
    }))
})
