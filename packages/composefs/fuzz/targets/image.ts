/** Damaged images: the reader refuses them with its own error, or gives a tree that can be written again. */
import { Dump, Image, Node, type Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import { makeSeed, mutate, type Seed } from "../mutate.ts"
import { imageFields } from "./imageFields.ts"
import { BrokenPromise, type Outcome, type Target } from "./target.ts"

const bytes = (text: string) => Buffer.from(text)
const labels = new Map([["security.selinux", bytes("label")], ["user.a", bytes("1")]])
const acl = new Map([["system.posix_acl_access", bytes("\x02\0\0\0")], ["user.b", bytes("")]])

/** A bit of everything, small enough that a case takes no time. */
const everything: Tree.Tree = {
  root: Node.directory({
    dir: Node.directory({
      gone: Node.whiteout(),
      link: Node.hardLink("/file"),
      deep: Node.directory({ empty: Node.inlineFile("") }, { xattrs: labels })
    }, { mtime: { seconds: 5n, nanoseconds: 1 } }),
    file: Node.inlineFile("inline", { nlink: 2, xattrs: labels }),
    external: Node.externalFile({ size: 10_000, digest: "ab".repeat(32) }, { xattrs: acl, uid: 70_000 }),
    huge: Node.externalFile({ size: 5 * 2 ** 43, digest: "cd".repeat(64) }),
    sparse: Node.externalFile({ size: 1 }),
    symlink: Node.symlink("file"),
    fifo: Node.fifo(),
    device: Node.blockDevice(0x803)
  }, { xattrs: labels })
}
const withBlocks: Tree.Tree = {
  root: Node.directory({
    inline: Node.inlineFile(new Uint8Array(5000).fill(7)),
    target: Node.symlink("t".repeat(4050)),
    many: Node.directory(
      Object.fromEntries(Array.from({ length: 40 }, (_, index) => [`${index}`.padEnd(200, "n"), Node.fifo()]))
    )
  })
}
const forLegacy: Tree.Tree = {
  root: Node.directory({
    dir: everything.root.entries.get("dir") ?? Node.directory(),
    file: Node.inlineFile("inline", { xattrs: labels }),
    external: Node.externalFile({ size: 10_000, digest: "ab".repeat(32) }, { xattrs: acl }),
    symlink: Node.symlink("file"),
    device: Node.blockDevice(0x803)
  }, { xattrs: labels })
}

const seedOf = (tree: Tree.Tree, version: Image.Version): Seed => {
  const image = Buffer.from(Result.getOrThrow(Image.write(tree, { version })))
  return makeSeed(image, imageFields(image))
}

export const imageTarget = (): Target => {
  const first = seedOf(everything, 1)
  const seeds = [first, seedOf(everything, 0), seedOf(withBlocks, 0), seedOf(forLegacy, 2), seedOf(forLegacy, 2)]
  return {
    name: "images",
    make: (random) => mutate(random.oneOf(seeds, first), seeds, random),
    read
  }
}

const read = (bytes: Uint8Array, isThorough: boolean): Outcome => {
  const result = Image.read(bytes)
  if (Result.isFailure(result)) {
    if (!(result.failure instanceof Image.ImageError)) throw new BrokenPromise("an error of another kind")
    return "refused"
  }
  const { tree, version } = result.success
  const again = Image.write(tree, { version })
  if (Result.isFailure(again)) {
    // Other writers may give an inode more attributes than libcomposefs lets it have.
    if (/attributes take more than/.test(again.failure.message)) return "accepted"
    throw new BrokenPromise(`what was read cannot be written: ${again.failure.message}`)
  }
  if (!isThorough) return "accepted"
  const second = Image.read(again.success, { canonical: true })
  if (Result.isFailure(second)) throw new BrokenPromise(`what was written is refused: ${second.failure.message}`)
  if (Dump.print(second.success.tree) !== Dump.print(tree)) throw new BrokenPromise("another tree after writing")
  return "accepted"
}
