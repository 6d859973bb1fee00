/**
 * Turns the inodes of an image back into a tree. Inodes are numbered breadth first, so an entry is the place of an
 * inode exactly if it shows the next number; every other entry is a hard link. This finds the links as they were
 * written, meets every inode once, and cannot run in circles.
 */
import * as Result from "effect/Result"
import * as Node from "../../Node.ts"
import type { Tree } from "../../Tree.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import {
  inodeNumber,
  InodeReader,
  inodeRules,
  readSuperblock,
  type StoredEntry,
  type StoredInode,
  type Superblock
} from "./decode.ts"
import { headerField, layout } from "./format.ts"
import { ImageBytes, type Malformed } from "./imageBytes.ts"
import {
  checkType,
  childPath,
  isDirectory,
  isRealWhiteout,
  NodeReader,
  placeholder,
  readChildren,
  type StoredXattrs,
  storedXattrs
} from "./nodeReader.ts"
import { opaqueMarks, opaqueName, whiteoutMarks, whiteoutsMarks } from "./overlay.ts"

/** Reads header and superblock only; the caller looks at the version before it goes on. */
export const open = (bytes: Uint8Array): Result.Result<Opened, Malformed> => {
  const image = new ImageBytes(bytes)
  const superblock = readSuperblock(image)
  return image.failure === undefined ? Result.succeed({ image, superblock }) : Result.fail(image.failure)
}

export interface Opened {
  readonly image: ImageBytes
  readonly superblock: Superblock
}

export const assemble = ({ image, superblock }: Opened): Result.Result<Tree, Malformed> => {
  const assembler = new Assembler(image, superblock)
  const tree = assembler.run()
  return image.failure === undefined ? Result.succeed(tree) : Result.fail(image.failure)
}

/** An inode at its place in the tree. */
interface Placed {
  readonly inode: StoredInode
  readonly path: string
  readonly name: string
  readonly children: Array<Placed>
  readonly links: Array<readonly [name: string, entry: StoredEntry]>
  node: Node.Inode
}

class Assembler {
  readonly #image: ImageBytes
  readonly #superblock: Superblock
  readonly #reader: InodeReader
  readonly #nodes: NodeReader
  readonly #placed = new Map<number, Placed>()
  /** Whether a directory says that there are whiteouts in it; asked once for each. */
  readonly #marked = new Map<StoredInode, boolean>()
  #count = 0
  #end = 0

  constructor(image: ImageBytes, superblock: Superblock) {
    this.#image = image
    this.#superblock = superblock
    this.#reader = new InodeReader(image, superblock, inodeRules)
    this.#nodes = new NodeReader(image)
  }

  run(): Tree {
    const root = this.#place(this.#superblock.rootNid, "/", "")
    this.#image.check(
      inodeNumber(this.#image, root.inode.nid) === 0,
      root.inode.offset,
      "the root is not the first inode"
    )
    const queue = [root]
    this.#image.check(isDirectory(root.inode), root.inode.offset, "the root is not a directory")
    // The queue grows while it is walked: breadth first. Each directory also knows its parent, for `..`.
    const parents = new Map<Placed, Placed>([[root, root]])
    for (const directory of queue) {
      if (!isDirectory(directory.inode)) continue
      this.#expand(directory, parents.get(directory) ?? root)
      if (this.#image.failure !== undefined) return { root: Node.directory() }
      for (const child of directory.children) {
        queue.push(child)
        parents.set(child, directory)
      }
    }
    this.#image.check(
      this.#count === this.#superblock.inodes,
      0,
      `${this.#count} inodes were found where the superblock counts ${this.#superblock.inodes}`
    )
    for (let index = queue.length - 1; index >= 0 && this.#image.failure === undefined; index--) {
      const placed = queue[index]
      if (placed !== undefined) placed.node = this.#toNode(placed, parents.get(placed) ?? root)
    }
    this.#image.check(
      this.#nodes.hasAcl === this.#superblock.hasAcl,
      headerField.flags,
      `the header says that there are ${this.#nodes.hasAcl ? "no " : ""}POSIX ACLs`
    )
    return { root: root.node._tag === "Directory" ? root.node : Node.directory() }
  }

  #place(nid: number, path: string, name: string): Placed {
    const inode = this.#reader.read(nid)
    this.#image.check(inode.offset >= this.#end, inode.offset, "inodes are out of order or overlap")
    this.#end = inode.end
    this.#count++
    const placed = { inode, path, name, children: [], links: [], node: placeholder }
    this.#placed.set(nid, placed)
    return placed
  }

  #expand(directory: Placed, parent: Placed): void {
    const { inode, path } = directory
    for (const entry of readChildren(this.#image, inode, parent.inode.nid)) {
      if (this.#image.failure !== undefined) return
      const name = ByteString.toText(entry.name)
      if (inodeNumber(this.#image, entry.nid) !== this.#count) {
        directory.links.push([name, entry])
        continue
      }
      const child = this.#place(entry.nid, childPath(this.#image, inode, path, name), name)
      checkType(this.#image, entry, child.inode)
      directory.children.push(child)
    }
  }

  #toNode(placed: Placed, parent: Placed): Node.Inode {
    const { inode } = placed
    const xattrs = storedXattrs(inode)
    if (isDirectory(inode)) return this.#toDirectory(placed, xattrs, placed === parent)
    // Anybody may give an empty file such marks; overlayfs heeds them in a directory that is marked too.
    if (isMarkedWhiteout(inode, xattrs) && this.#hasDirectoryMarks(parent.inode)) {
      for (const name of whiteoutMarks) xattrs.delete(name)
      return Node.whiteout(this.#nodes.metadata(inode, xattrs))
    }
    return this.#nodes.leaf(inode, xattrs)
  }

  #toDirectory(placed: Placed, xattrs: StoredXattrs, isRoot: boolean): Node.Inode {
    const { children, inode, links } = placed
    if (isRoot) {
      this.#image.check(xattrs.get(opaqueName) === "y", inode.offset, "the root is not opaque")
      xattrs.delete(opaqueName)
    }
    const entries = new Map<string, Node.Node>()
    let hasWhiteouts = false
    for (const child of children) {
      const isStub = isRealWhiteout(child.inode)
      if (isStub) this.#checkStub(child, isRoot)
      else entries.set(child.name, child.node)
      hasWhiteouts ||= !isStub && Node.isWhiteout(child.node)
    }
    for (const [name, entry] of links) {
      const target = this.#linkTarget(entry, inode)
      if (target !== undefined) entries.set(name, Node.hardLink(target.path))
    }
    if (hasWhiteouts) this.#dropDirectoryMarks(xattrs)
    return Node.directory(entries, this.#nodes.metadata(inode, xattrs))
  }

  /** A whiteout that the tree has is escaped; only the stubs in the root that hide the object store are real. */
  #checkStub(child: Placed, inRoot: boolean): void {
    this.#image.check(
      inRoot && /^[0-9a-f]{2}$/.test(child.name),
      child.inode.offset,
      `a whiteout at ${JSON.stringify(child.path.slice(0, 200))} is not escaped`
    )
  }

  #linkTarget(entry: StoredEntry, directory: StoredInode): Placed | undefined {
    const target = this.#placed.get(entry.nid)
    this.#image.check(
      target !== undefined && !isDirectory(target.inode) && !isRealWhiteout(target.inode),
      directory.offset,
      `an entry points to inode ${entry.nid}, which has no place of its own, is a directory, or hides the object store`
    )
    if (target !== undefined) checkType(this.#image, entry, target.inode)
    return target
  }

  /** What the writer adds to a directory with whiteouts, and would add again. */
  #dropDirectoryMarks(xattrs: StoredXattrs): void {
    for (const name of whiteoutsMarks) xattrs.delete(name)
    if (this.#superblock.version === 0) return
    for (const name of opaqueMarks) if (xattrs.get(name) === "x") xattrs.delete(name)
  }

  #hasDirectoryMarks(directory: StoredInode): boolean {
    let isMarked = this.#marked.get(directory)
    if (isMarked === undefined) {
      const values = storedXattrs(directory)
      isMarked = whiteoutsMarks.every((name) => values.get(name) === "") &&
        (this.#superblock.version === 0 || opaqueMarks.every((name) => values.get(name) === "x"))
      this.#marked.set(directory, isMarked)
    }
    return isMarked
  }
}

/** A whiteout that the tree has is stored as an empty file with marks. */
const isMarkedWhiteout = ({ layout: dataLayout, mode, size }: StoredInode, xattrs: StoredXattrs): boolean =>
  (mode & typeMask) === fileType.regular && dataLayout !== layout.chunkBased && size === 0 &&
  whiteoutMarks.every((name) => xattrs.get(name) === "")
