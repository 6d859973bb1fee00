/** Damaged layers: they are refused with an error of their own, or give a tree that can be written. */
import { Content, Flatten, FsVerity, Image, Node, Tree } from "@lamina/composefs"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { layerEntries } from "../../src/internal/layer/entries.ts"
import { Input } from "../../src/internal/layer/input.ts"
import { LayerError } from "../../src/internal/layer/layerError.ts"
import { readArchive } from "../../src/internal/layer/readArchive.ts"
import { padding } from "../../src/internal/tar/format.ts"
import { header } from "../../src/internal/tar/write.ts"
import { archive, directory, file, hardLink, opaque, sealed, symlink, whiteout } from "../../test/archives.ts"
import { type Field, makeSeed, mutate } from "../mutate.ts"
import type { Random } from "../Random.ts"
import { BrokenPromise, type Outcome, type Target } from "./target.ts"

const blockSize = 512

const sparse = (records: Readonly<Record<string, string>>): Readonly<Record<string, string>> =>
  Object.fromEntries(Object.entries(records).map(([key, value]) => [`GNU.sparse.${key}`, value]))

const imageLayers = [
  archive([
    directory("dir/", { mode: 0o1777, uid: 7 }),
    file("dir/file", "content", { pax: { mtime: "5.25", "SCHILY.xattr.user.a": "1" } }),
    hardLink("dir/link", "dir/file"),
    symlink("symlink", "dir"),
    whiteout("dir/gone"),
    { path: "device", type: "4", major: 8, minor: 3 }
  ]),
  archive([
    file("", "x".repeat(100), { pax: { path: `${"long/".repeat(40)}name`, size: "100" } }),
    file("gnu", "", { dialect: "gnu", uid: 70_000, binary: true }),
    file("old", "v7", { dialect: "v7", type: "" }),
    opaque("dir"),
    { path: "fifo", type: "6" }
  ]),
  archive([
    file("holes", "data", { pax: sparse({ name: "holes", size: "900", map: "5,2,600,2", numblocks: "2" }) }),
    file("holes", "data", { pax: sparse({ size: "40", numblocks: "1", offset: "9", numbytes: "4" }) }),
    file("holes", "2\n0\n1\n70\n3\n".padEnd(512, "\0") + "data", {
      pax: sparse({ major: "1", minor: "0", name: "dir/holes", realsize: "80" })
    })
  ])
]

/** A file layer before it is compressed. */
const fileLayer = (): Buffer => {
  const large = Buffer.alloc(100, "x")
  const xattrs = new Map([["user.a", Buffer.from("1")]])
  const tree = {
    root: Node.directory({
      dir: Node.directory({
        file: Node.inlineFile("content", { nlink: 2, mtime: { seconds: 5n, nanoseconds: 1 }, xattrs }),
        gone: Node.whiteout(),
        large: Node.externalFile({ size: large.length, digest: FsVerity.digest(large) })
      }, { uid: 3_000_000 }),
      link: Node.hardLink("/dir/file"),
      symlink: Node.symlink("dir"),
      device: Node.blockDevice(0x803)
    })
  }
  const parts = Result.getOrThrow(layerEntries(tree, 64)).flatMap(({ content, tar }) => [
    header(tar),
    content === undefined ? Buffer.alloc(0) : content._tag === "InlineFile" ? content.content : large,
    Buffer.alloc(content === undefined ? 0 : padding(tar.size))
  ])
  return Buffer.concat([...parts, Buffer.alloc(1024)])
}

/** Where headers may stand, and their numbers by the byte. */
const fields = (bytes: Buffer): ReadonlyArray<Field> =>
  Array.from({ length: bytes.length / blockSize }, (_, index) => index * blockSize)
    .filter((at) => bytes.subarray(at + 257, at + 262).equals(Buffer.from("ustar")))
    .flatMap((at) =>
      [0, 100, 107, 108, 116, 124, 130, 135, 136, 156, 157, 257, 263, 329, 337, 345].map((offset) => ({
        at: at + offset,
        size: 1 as const
      }))
    )

const makerOf = (archives: ReadonlyArray<Buffer>) => {
  const seeds = archives.map((bytes) => makeSeed(bytes, fields(bytes)))
  const first = makeSeed(archive([]))
  return (random: Random): Buffer => {
    const bytes = mutate(random.oneOf(seeds, first), seeds, random)
    if (!random.onceIn(8)) sealAll(bytes)
    return random.onceIn(4) ? withTokens(bytes, random) : bytes
  }
}

/** Layers of OCI images, on top of one that is sound. */
export const imageLayerTarget = (): Target => ({
  name: "image layers",
  make: makerOf(imageLayers),
  read: readImageLayer
})

/** File layers, which only this package writes. */
export const fileLayerTarget = (): Target => ({
  name: "file layers",
  make: makerOf([fileLayer()]),
  read: readFileLayer
})

/** Puts the checksums right, or hardly anything would get past them. */
const sealAll = (bytes: Buffer): void => {
  for (let at = 0; at + blockSize <= bytes.length; at += blockSize) {
    const block = bytes.subarray(at, at + blockSize)
    if (/^[0-7]{6}/.test(block.toString("latin1", 148, 154))) sealed(block)
  }
}

const tokens = [
  "../",
  "/",
  "./",
  "//",
  ".wh.",
  ".wh..wh..opq",
  "\0",
  "99 ",
  "0 ",
  "-1",
  "GNU.sparse.name=",
  "GNU.sparse.map=",
  "S",
  "size=",
  "\x80\xff"
]

const withTokens = (bytes: Buffer, random: Random): Buffer => {
  const block = random.below(Math.max(1, bytes.length / blockSize)) * blockSize
  const at = block + random.pick(0, 0, 1, 4, 124, 157, 345)
  if (at < bytes.length) bytes.write(random.oneOf(tokens, ""), at, "latin1")
  sealAll(bytes)
  return bytes
}

const rules = [Flatten.oci, Flatten.composefsRs]
const base = archive([directory("dir/"), file("dir/gone", "x"), file("below", "y")])
const tar = "application/vnd.oci.image.layer.v1.tar"

const readImageLayer = (bytes: Uint8Array): Outcome => {
  const flatten = rules[(bytes[0] ?? 0) % rules.length] ?? Flatten.oci
  const layers = [base, bytes].map((content) => ({ mediaType: tar, content: Stream.make(content) }))
  const flattened = Tree.fromLayers(layers, { flatten, maxArchiveSize: 1 << 20 })
  return judge(
    Effect.runSyncExit(Effect.map(flattened, ({ tree }) => tree)),
    (error) => error instanceof Flatten.FlattenError
  )
}

/** The archive inside; what is around it is zstd's own matter. */
const readFileLayer = (bytes: Uint8Array): Outcome => {
  const limits = { inlineLimit: 64, maxEntries: 1000, maxPaxSize: 1 << 20 }
  const read = Effect.scoped(Effect.gen(function*() {
    const contents = yield* Content.memory()
    const input = new Input(yield* Stream.toPull(Stream.make(bytes)))
    return yield* readArchive(input, { ...limits, contents })
  }))
  return judge(Effect.runSyncExit(read), (error) => error instanceof LayerError)
}

const judge = (exit: Exit.Exit<Tree.Tree, unknown>, isOwn: (error: unknown) => boolean): Outcome => {
  if (Exit.isFailure(exit)) {
    if (!isOwn(Option.getOrUndefined(Cause.findErrorOption(exit.cause)))) {
      throw new BrokenPromise(Cause.pretty(exit.cause))
    }
    return "refused"
  }
  const image = Image.write(exit.value, { version: 1 })
  if (Result.isSuccess(image)) return "accepted"
  // Attributes of a layer may be more than libcomposefs lets an inode have.
  if (!/attributes? (?:take|has)/.test(image.failure.message)) {
    throw new BrokenPromise(`what was read cannot be written: ${image.failure.message}`)
  }
  return "accepted"
}
