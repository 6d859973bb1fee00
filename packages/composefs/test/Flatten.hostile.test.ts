import { assert, describe, it } from "@effect/vitest"
import { type Flatten, Tree } from "@lamina/composefs"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { createGzip, gzipSync, zstdCompressSync } from "node:zlib"
import {
  archive,
  directory,
  extension,
  file,
  hardLink,
  type Item,
  opaque,
  records,
  sealed,
  symlink
} from "./archives.ts"
import { history } from "./histories.ts"

const tar = "application/vnd.oci.image.layer.v1.tar"

const flatten = (layers: ReadonlyArray<Uint8Array>, options?: Flatten.LayersOptions, mediaType = tar) =>
  Tree.fromLayers(layers.map((bytes) => ({ mediaType, content: Stream.make(bytes) })), options)

const sparse = (records: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]))
const inBody = sparse({ major: "1", minor: "0", name: "f", realsize: "1000" })
/** A map in front of so many bytes. */
const mapped = (map: string, data: number): string =>
  map.padEnd(Math.ceil(map.length / 512) * 512, "\0") + "d".repeat(data)
const inRecord = (map: string, numblocks: string, size = "1000") => sparse({ map, numblocks, size, name: "f" })
/** GNU's own header, its map written by hand. */
const oldSparse = (
  realSize: number,
  parts: ReadonlyArray<readonly [offset: number, size: number]>,
  more = false
): Buffer => {
  const data = "d".repeat(Math.max(0, parts.reduce((sum, [, size]) => sum + size, 0)))
  const bytes = archive([file("f", data, { type: "S", dialect: "gnu" })])
  const header = bytes.subarray(0, 512)
  const number = (at: number, value: number) => header.write(value.toString(8).padStart(11, "0"), at, "latin1")
  parts.forEach(([offset, size], at) => {
    number(386 + 24 * at, offset)
    number(398 + 24 * at, size)
  })
  number(483, realSize)
  header[482] = more ? 1 : 0
  sealed(header)
  return bytes
}
const loop = [symlink("a", "b"), symlink("b", "a"), file("a/x")]

/** Directories as deep as a path allows, and a link to the last of them: each layer of such leads deeper. */
const deep = (prefix: string, link: string): ReadonlyArray<Item> => {
  const path = `${prefix}${"d/".repeat(1900)}`
  return [file("", "", { pax: { path: `${path}x` } }), { ...symlink(link, ""), pax: { linkpath: path } }]
}

/** Blocks that promise another one. */
const endlessMap = Buffer.alloc(512 * 2050).map((_, at) => at % 512 === 504 ? 1 : 0)

const refused: ReadonlyArray<readonly [why: string, items: ReadonlyArray<Item> | Uint8Array, message: RegExp]> = [
  ["a path that leads out", [file("a/../../b")], /`\.\.` in it/],
  ["a hard link that leads out", [hardLink("b", "../etc/passwd")], /`\.\.` in it/],
  ["a hard link to nothing", [hardLink("b", "a")], /target of the hard link is missing/],
  ["a hard link to a directory", [directory("a"), hardLink("b", "a")], /to a directory/],
  ["a hard link to the root", [hardLink("b", "/")], /the root directory/],
  ["a file as the root", [file("./")], /slash at the end/],
  ["a symbolic link as the root", [symlink(".", "/etc")], /root directory can only be/],
  ["an empty path", [file("")], /empty path/],
  ["a name too long", [file("", "", { pax: { path: "n".repeat(256) } })], /at most 255/],
  ["a path too long", [file("", "", { pax: { path: "n/".repeat(3000) + "x" } })], /at most 4095 bytes/],
  [
    "a path of more names than fit on a stack",
    [file("", "", { pax: { path: `${"n/".repeat(500_000)}x` } })],
    /at most 4095 b/
  ],
  [
    "a link of more names than fit on a stack",
    [{ ...hardLink("b", ""), pax: { linkpath: "n/".repeat(500_000) } }],
    /missing/
  ],
  [
    "a target too long",
    [{ ...symlink("l", ""), pax: { linkpath: "n/".repeat(500_000) } }],
    /1000000 bytes, at most 4095/
  ],
  ["links that lead deeper than a path", [...deep("", "l"), ...deep("l/", "m")], /at most 4095 bytes/],
  ["a loop of links on the way", loop, /too many symbolic links/],
  ["a file on the way", [file("a"), file("a/b")], /is not a directory/],
  ["an empty target", [symlink("a", "")], /without a target/],
  ["a whiteout of nothing", [file(".wh.")], /names nothing/],
  ["a whiteout of its own directory", [file("a/.wh..")], /names nothing/],
  ["a whiteout of the directory above", [file("a/.wh...")], /names nothing/],
  ["something in a whiteout", [file("a/.wh.b/c")], /is that of a whiteout/],
  ["a device that would become a whiteout", [{ path: "d", type: "3", major: 4096, minor: 0 }], /too large/],
  ["a directory with a body", [directory("d", { body: "x" })], /it says that it has 1 bytes/],
  ["a hard link with a body", [file("a"), { ...hardLink("b", "a"), body: "x" }], /it says that it has 1 bytes/],
  ["a file with a slash", [file("a/")], /slash at the end/],
  ["parts that overlap", oldSparse(1000, [[0, 20], [10, 20]]), /overlap or are out of order/],
  ["parts out of order", oldSparse(1000, [[500, 20], [10, 20]]), /overlap or are out of order/],
  ["a part beyond the end", oldSparse(100, [[90, 20]]), /100 bytes has a part that ends at 110/],
  ["parts of which some are not there", [file("f", "x", { pax: inRecord("0,1,5,1", "2") })], /2 bytes .* and 1 are/],
  ["bytes that are no part", [file("f", "xyz", { pax: inRecord("0,1,5,1", "2") })], /2 bytes .* and 3 are there/],
  ["a map that goes on beyond the archive", oldSparse(1000, [[0, 1]], true).subarray(0, 512), /map .* is cut off/],
  ["a map without end", Buffer.concat([oldSparse(1, [], true).subarray(0, 512), endlessMap]), /too many parts/],
  ["a sparse header of POSIX", [file("f", "", { type: "S" })], /not one of GNU tar/],
  ["two maps", [file("f", "", { type: "S", dialect: "gnu", pax: inBody })], /two maps/],
  [
    "a sparse format from the future",
    [file("f", "", { pax: sparse({ major: "2", minor: "0", realsize: "1" }) })],
    /"2.0"/
  ],
  [
    "a sparse file without its size",
    [file("f", "", { pax: sparse({ map: "0,0", numblocks: "1" }) })],
    /size .* missing/
  ],
  ["a map cut in the middle", [file("f", "", { pax: inRecord("0,0,5", "1") })], /incomplete/],
  ["another number of parts", [file("f", "x", { pax: inRecord("0,1", "2") })], /incomplete/],
  ["parts of a negative size", [file("f", "", { pax: inRecord("0,-1", "1") })], /not a number/],
  ["parts beyond all numbers", [file("f", "", { pax: inRecord("9007199254740993,0", "1") })], /not a number/],
  ["a size with one part of it", [file("f", "", { pax: sparse({ numbytes: "1", size: "1" }) })], /out of order/],
  ["a map that is no map", [file("f", mapped("x\n", 0), { pax: inBody })], /number of parts .* not a number/],
  [
    "a map with a line that goes on",
    [file("f", `1\n${"0".repeat(2000)}`, { pax: inBody })],
    /a line that is no number/
  ],
  ["a map that is longer than its file", [
    file("f", "100\n".repeat(128), { pax: inBody }),
    file("g", "1\n".repeat(200))
  ], /longer than all that is there/],
  [
    "more than a map in its blocks",
    [file("f", mapped("1\n0\n1\n7\n", 1), { pax: inBody })],
    /something follows the map/
  ],
  ["a sparse directory", [directory("f", { pax: inRecord("0,0", "1") })], /sparse file, but it is not a file/],
  ["a hole without end", [file("f", "", { pax: inRecord("", "0", String(2 ** 50)) })], /maxArchiveSize/],
  ["a volume's label", [file("a", "", { type: "V", dialect: "gnu" })], /type "V"/],
  ["an owner out of range", [file("a", "", { uid: 2 ** 32, binary: true })], /uid 4294967296/],
  ["a negative size", [file("a", "", { size: -1, binary: true })], /negative/],
  ["a size beyond all bounds", [file("a", "", { size: 2 ** 60, binary: true })], /too large/],
  ["a size that is not there", [file("a", "x", { size: 2 ** 40, binary: true })], /cut off after/],
  ["a NUL in a name", [file("a", "", { pax: { path: "a\0b" } })], /NUL/],
  ["a NUL in the name of an attribute", [file("a", "", { pax: { "SCHILY.xattr.user.a\0b": "x" } })], /contains a NUL/],
  ["an attribute without a name", [file("a", "", { pax: { "SCHILY.xattr.": "x" } })], /names no extended attribute/],
  [
    "two names",
    Buffer.concat([extension("L", "a\0"), archive([file("a", "", { pax: { path: "b" } })])]),
    /a PAX and a GNU/
  ],
  [
    "two PAX headers",
    Buffer.concat([extension("x", records({ path: "b" })), archive([file("a", "", { pax: {} })])]),
    /follows another/
  ],
  ["a PAX header at the end", Buffer.concat([extension("x", records({ path: "b" })), archive([])]), /ends after/],
  [
    "records cut wrong",
    Buffer.concat([extension("x", "99 path=b\n"), archive([file("a")])]),
    /PAX record is malformed/
  ],
  ["records without end", Buffer.concat(Array.from({ length: 40 }, () => extension("g", ""))), /follow one another/],
  ["a header cut off", archive([file("a")]).subarray(0, 300), /cut off inside a header/],
  ["padding cut off", archive([file("a", "x")]).subarray(0, 700), /cut off after 1 of 1 bytes/],
  ["a wrong checksum", archive([file("a")]).fill("1", 148, 150), /checksum/],
  ["an entry behind the end", Buffer.concat([archive([file("a")]), archive([file("b")])]), /bytes follow the end/],
  ["noise", Buffer.alloc(2048, "noise"), /not octal/]
]

describe("Tree.fromLayers, from hostile hands", () => {
  for (const [why, items, message] of refused) {
    it.effect(`refuses ${why}`, () =>
      Effect.gen(function*() {
        const bytes = items instanceof Uint8Array ? items : archive(items)
        assert.match((yield* Effect.flip(flatten([bytes]))).message, message)
      }))
  }

  it.effect("keeps its limits", () =>
    Effect.gen(function*() {
      const many = archive(Array.from({ length: 20 }, (_, at) => file(`f${at}`)))
      const long = archive([file("f", "", { pax: { "SCHILY.xattr.user.a": "v".repeat(10_000) } })])
      const huge = archive([file("f", "", { pax: { comment: "v".repeat(1 << 20) } })])
      const message = (layers: ReadonlyArray<Uint8Array>, options: Flatten.LayersOptions) =>
        Effect.map(Effect.flip(flatten(layers, options)), (error) => error.message)
      const deep = archive([file("a/b/c/d"), file("a/b/e/f"), file("g/h")])
      assert.match(yield* message([many, many], { maxEntries: 39 }), /layer 1: the layers have more than 39 entries/)
      assert.match(yield* message([deep], { maxEntries: 4 }), /"g\/h": more than 4 directories .* no layer/)
      assert.strictEqual((yield* flatten([deep], { maxEntries: 5 })).layers[0]?.entries, 3)
      assert.match(
        yield* message([long, long], { maxMetadataSize: 15_000 }),
        /layer 1: .* more than 15000 bytes.* maxMetadataSize/
      )
      assert.match(
        yield* message([many, many], { maxArchiveSize: 15_000 }),
        /layer 1: .* more than 15000 bytes.* maxArchiveSize/
      )
      assert.match(yield* message([huge], {}), /more than 1048576 bytes/)
      assert.strictEqual((yield* flatten([many], { maxEntries: 20 })).layers[0]?.entries, 20)
    }))

  it.effect("stops a decompression bomb at its limit", () =>
    Effect.gen(function*() {
      let read = 0
      const bomb = Stream.fromAsyncIterable(zeros(), String).pipe(
        Stream.tap((chunk) =>
          Effect.sync(() => {
            read += chunk.length
          })
        )
      )
      const options = { maxArchiveSize: 32 << 20 }
      const error = yield* Effect.flip(Tree.fromLayers([{ mediaType: `${tar}+gzip`, content: bomb }], options))
      assert.match(String(error), /the archives have more than 33554432 bytes/)
      assert.isBelow(read, 4 << 20)
      // A frame that asks for a window of 2 GiB.
      const wide = Buffer.from("28b52ffd00a8010000", "hex")
      assert.match((yield* Effect.flip(flatten([wide], {}, `${tar}+zstd`))).message, /zstd: .*memory/)
    }))

  it.effect(
    "does not walk through the same directory for every one of many whiteouts, nor links to links for ever",
    () =>
      Effect.gen(function*() {
        const count = 30_000
        const files = Array.from({ length: count }, (_, at) => file(`d/${at}`))
        const markers = Array.from({ length: count }, () => opaque("d"))
        const { tree } = yield* flatten([archive([...files, ...markers])])
        assert.strictEqual(Array.from(Tree.walk(tree)).length, count + 2)
        const dots = "./".repeat(2000)
        const links = Array.from(
          { length: 39 },
          (_, at) => ({ ...symlink(`l${at}`, ""), pax: { linkpath: `${dots}l${at + 1}` } })
        )
        const behind = Array.from({ length: count }, (_, at) => file(`l0/${at}`))
        const walked = [...links, directory("l39"), ...behind]
        assert.match((yield* Effect.flip(flatten([archive(walked)]))).message, /the ways to all entries are too long/)
      }),
    60_000
  )

  it.effect("takes directories as deep as a path allows", () =>
    Effect.gen(function*() {
      const { tree } = yield* flatten([archive([file("", "", { pax: { path: `${"d/".repeat(2040)}x` } })])])
      assert.strictEqual(Array.from(Tree.walk(tree)).length, 2042)
    }))

  it("never dies of a changed layer", () =>
    fc.assert(
      fc.asyncProperty(
        history({ early: false }),
        fc.array(change, { minLength: 1, maxLength: 4 }),
        async (sample, changes) => {
          const bytes = sample.layers.map((items) => archive(items))
          const changed = bytes.map((bytes) => apply(changes, bytes))
          for (const mediaType of [tar, `${tar}+gzip`, `${tar}+zstd`]) {
            const layers: ReadonlyArray<Uint8Array> = mediaType === tar
              ? changed
              : mediaType.endsWith("gzip")
              ? changed.map((bytes) => gzipSync(bytes, { level: 1 }))
              : bytes.map((bytes) => apply(changes, Buffer.from(zstdCompressSync(bytes))))
            const exit = await Effect.runPromiseExit(flatten(layers, { maxArchiveSize: 1 << 20 }, mediaType))
            if (Exit.isFailure(exit)) assert.isFalse(Cause.hasDies(exit.cause), Cause.pretty(exit.cause))
          }
        }
      ),
      { numRuns: 800 }
    ))
})

type Change = (bytes: Buffer) => Buffer

const apply = (changes: ReadonlyArray<Change>, bytes: Buffer): Buffer =>
  changes.reduce((changed, change) => change(changed), bytes)

/** Changes somewhere; half of them mend the checksum of the header they hit, so that more than the checksum is tried. */
const change: fc.Arbitrary<Change> = fc.record({
  at: fc.nat(20_000),
  byte: fc.nat(255),
  kind: fc.constantFrom("set", "set and seal", "set and seal", "cut", "repeat", "text")
}).map(({ at, byte, kind }) => (bytes) => {
  if (bytes.length < 512) return bytes
  const copy = Buffer.from(bytes)
  const place = at % copy.length
  const start = place - (place % 512)
  switch (kind) {
    case "cut":
      return copy.subarray(0, place)
    case "repeat":
      return Buffer.concat([copy.subarray(0, place), copy.subarray(start)])
    case "text":
      copy.write("../\u0000/.wh.".slice(byte % 8), place, "latin1")
      return copy
    default:
      copy[place] = byte
      if (kind === "set and seal" && start + 512 <= copy.length) sealed(copy.subarray(start, start + 512))
      return copy
  }
})

async function* zeros(): AsyncGenerator<Uint8Array> {
  const gzip = createGzip({ level: 9 })
  const header = archive([file("f", "", { size: 2 ** 40, binary: true })], new Uint8Array())
  gzip.write(header)
  const block = Buffer.alloc(1 << 20)
  gzip.on("drain", () => gzip.write(block))
  gzip.write(block)
  for await (const chunk of gzip) yield chunk
}
