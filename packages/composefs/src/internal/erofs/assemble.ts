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
import { join } from "../paths.ts"
import { parentOf, type StoredEntry } from "./dataReader.ts"
import { dirType, headerField, layout, slotSize } from "./format.ts"
import { ImageBytes, type Malformed } from "./imageBytes.ts"
import { inodeMode, inodeNumber, InodeReader, inodeRules, type StoredInode } from "./inodeReader.ts"
import {
  checkType,
  childPathSize,
  hasXattr,
  isDirectory,
  isRealWhiteout,
  NodeReader,
  placeholder,
  readChildren
} from "./nodeReader.ts"
import { opaqueMarks, opaqueName, whiteoutMarks, whiteoutsMarks } from "./overlay.ts"
import { readSuperblock, type Superblock } from "./superblock.ts"

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
  const root = assembler.run()
  return image.failure === undefined ? Result.succeed({ root }) : Result.fail(image.failure)
}

/** Where an inode stands in the tree. */
interface Place {
  readonly nid: number
  readonly name: string
  readonly directory: Directory
}

/** A directory whose entries are being read, or will be. */
interface Directory {
  readonly inode: StoredInode
  readonly name: string
  /** The one that it is in; the root has none. */
  readonly parent: Directory | undefined
  readonly pathSize: number
  /** Put together where a link leads to it or below. */
  path: string | undefined
  readonly entries: Map<string, Node.Node>
  hasWhiteouts: boolean
  /** Whether it says so itself; asked where it matters. */
  isMarked: boolean | undefined
}

/** An entry that is a hard link; its target may come later. */
interface Link {
  readonly directory: Directory
  readonly entry: StoredEntry
}

class Assembler {
  readonly #image: ImageBytes
  readonly #superblock: Superblock
  readonly #reader: InodeReader
  readonly #nodes: NodeReader
  /** Where each inode stands, by number. */
  readonly #places: Array<Place> = []
  readonly #links: Array<Link> = []
  /** Of directories that were met away from their places: where their `..` leads. */
  readonly #parents = new Map<number, number>()
  #end = 0
  /** Bytes that were read of inodes before it was known whether this is their place. */
  #lookedAt = 0

  constructor(image: ImageBytes, superblock: Superblock) {
    this.#image = image
    this.#superblock = superblock
    this.#reader = new InodeReader(image, superblock, inodeRules)
    this.#nodes = new NodeReader(image, superblock.buildTime)
  }

  run(): Node.Directory {
    const image = this.#image
    const inode = this.#read(this.#superblock.rootNid)
    const root = openDirectory(inode, "", undefined, 0)
    this.#places.push({ nid: inode.nid, name: "", directory: root })
    image.check(inodeNumber(image, inode.nid) === 0, inode.offset, "the root is not the first inode")
    image.check(isDirectory(inode), inode.offset, "the root is not a directory")
    // The queue grows while it is walked: breadth first.
    const queue = [root]
    for (const directory of queue) {
      if (image.failure !== undefined) return Node.directory()
      this.#readEntries(directory, queue)
    }
    for (const link of this.#links) this.#addLink(link)
    if (this.#places.length !== this.#superblock.inodes) {
      image.fail(0, `${this.#places.length} inodes were found where the superblock counts ${this.#superblock.inodes}`)
    }
    for (let at = queue.length - 1; at > 0; at--) this.#finish(queue[at] ?? root)
    const node = this.#toNode(root)
    const { hasAcl } = this.#nodes
    if (hasAcl !== this.#superblock.hasAcl) {
      image.fail(headerField.flags, `the header says that there are ${hasAcl ? "no " : ""}POSIX ACLs`)
    }
    return node
  }

  #read(nid: number): StoredInode {
    const inode = this.#reader.read(nid)
    this.#image.check(inode.offset >= this.#end, inode.offset, "inodes are out of order or overlap")
    this.#end = inode.end
    return inode
  }

  #readEntries(directory: Directory, queue: Array<Directory>): void {
    const { inode, parent } = directory
    for (const entry of readChildren(this.#image, inode, parent?.inode.nid ?? inode.nid)) {
      if (this.#image.failure !== undefined) return
      if (this.#isPlace(entry, directory)) this.#addInode(directory, entry, queue)
      else this.#links.push({ directory, entry })
    }
  }

  /** A link to a directory, which only dumps have, may show the next number too: `..` tells that it is none. */
  #isPlace({ nid, type }: StoredEntry, directory: Directory): boolean {
    if (inodeNumber(this.#image, nid) !== this.#places.length) return false
    if (type !== dirType.directory) return true
    const parent = this.#parents.get(nid) ?? this.#parentOf(nid)
    if (parent !== directory.inode.nid) this.#parents.set(nid, parent)
    return parent === directory.inode.nid
  }

  #parentOf(nid: number): number {
    const inode = this.#reader.read(nid)
    this.#lookedAt += inode.end - inode.offset + inode.size
    this.#image.check(this.#lookedAt <= 2 * this.#image.size, inode.offset, "inodes or directories overlap")
    return this.#image.failure === undefined ? parentOf(this.#image, inode) : 0
  }

  #addInode(directory: Directory, entry: StoredEntry, queue: Array<Directory>): void {
    const inode = this.#read(entry.nid)
    const name = ByteString.toText(entry.name)
    const pathSize = childPathSize(this.#image, directory.inode, directory.pathSize, entry)
    checkType(this.#image, entry, inode.mode)
    this.#places.push({ nid: entry.nid, name, directory })
    if (isRealWhiteout(inode)) return this.#checkStub(directory, inode, name)
    if (isDirectory(inode)) {
      // Its node is made when its entries are known; until then this keeps its place among the others.
      directory.entries.set(name, placeholder)
      queue.push(openDirectory(inode, name, directory, pathSize))
      return
    }
    directory.entries.set(name, this.#leaf(inode, directory))
  }

  /** A whiteout that the tree has is escaped; only the stubs in the root that hide the object store are real. */
  #checkStub(directory: Directory, inode: StoredInode, name: string): void {
    if (directory.parent === undefined && /^[0-9a-f]{2}$/.test(name)) {
      // Its attributes are looked at like those of any other inode.
      this.#nodes.metadata(inode)
      return
    }
    const path = join(pathOf(directory), name)
    this.#image.fail(inode.offset, `a whiteout at ${JSON.stringify(path.slice(0, 200))} is not escaped`)
  }

  #leaf(inode: StoredInode, directory: Directory): Node.Inode {
    // Anybody may give an empty file such marks; overlayfs heeds them in a directory that is marked too.
    if (isMarkedWhiteout(this.#image, inode) && (directory.isMarked ??= this.#hasWhiteoutsMarks(directory.inode))) {
      directory.hasWhiteouts = true
      return Node.whiteout(this.#nodes.metadata(inode, whiteoutMarks))
    }
    return this.#nodes.leaf(inode)
  }

  #hasWhiteoutsMarks(inode: StoredInode): boolean {
    return whiteoutsMarks.every((name) => hasXattr(this.#image, inode, name, "")) &&
      (this.#superblock.version === 0 || opaqueMarks.every((name) => hasXattr(this.#image, inode, name, "x")))
  }

  #addLink({ directory, entry }: Link): void {
    const image = this.#image
    const target = this.#places[inodeNumber(image, entry.nid)]
    const mode = inodeMode(image, entry.nid)
    const union = image.u32(entry.nid * slotSize + 16)
    if (target?.nid !== entry.nid || isRealWhiteout({ mode, union })) {
      const problem = "which has no place of its own, or hides the object store"
      return image.fail(directory.inode.offset, `an entry points to inode ${entry.nid}, ${problem}`)
    }
    checkType(image, entry, mode)
    childPathSize(image, directory.inode, directory.pathSize, entry)
    const path = target.nid === this.#superblock.rootNid ? "/" : join(pathOf(target.directory), target.name)
    directory.entries.set(ByteString.toText(entry.name), Node.hardLink(path))
  }

  /** Puts the node of a directory where it belongs. */
  #finish(directory: Directory): void {
    directory.parent?.entries.set(directory.name, this.#toNode(directory))
  }

  #toNode({ entries, hasWhiteouts, inode, parent }: Directory): Node.Directory {
    const added: Array<string> = hasWhiteouts ? this.#addedMarks(inode) : []
    if (parent === undefined) {
      this.#image.check(hasXattr(this.#image, inode, opaqueName, "y"), inode.offset, "the root is not opaque")
      added.push(opaqueName)
    }
    return Node.directory(entries, this.#nodes.metadata(inode, added))
  }

  /** What the writer adds to a directory with whiteouts, and would add again. */
  #addedMarks(inode: StoredInode): Array<string> {
    const opaque = this.#superblock.version === 0
      ? []
      : opaqueMarks.filter((name) => hasXattr(this.#image, inode, name, "x"))
    return [...whiteoutsMarks, ...opaque]
  }
}

const openDirectory = (
  inode: StoredInode,
  name: string,
  parent: Directory | undefined,
  pathSize: number
): Directory => ({
  inode,
  name,
  parent,
  pathSize,
  path: undefined,
  entries: new Map(),
  hasWhiteouts: false,
  isMarked: undefined
})

const pathOf = (directory: Directory): string =>
  directory.path ??= directory.parent === undefined ? "/" : join(pathOf(directory.parent), directory.name)

/** A whiteout that the tree has is stored as an empty file with marks. */
const isMarkedWhiteout = (image: ImageBytes, inode: StoredInode): boolean =>
  inode.size === 0 && inode.layout !== layout.chunkBased && (inode.mode & typeMask) === fileType.regular &&
  whiteoutMarks.every((name) => hasXattr(image, inode, name, ""))
