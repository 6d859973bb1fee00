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
import { join, maxPathSize } from "../paths.ts"
import {
  checkChunks,
  checkSize,
  inodeNumber,
  InodeReader,
  readData,
  readEntries,
  readSuperblock,
  type StoredEntry,
  type StoredInode,
  type Superblock
} from "./decode.ts"
import { direntType } from "./encode.ts"
import { headerField, layout, slotSize } from "./format.ts"
import { ImageBytes, type Malformed } from "./imageBytes.ts"
import {
  aclNames,
  escapedPrefix,
  metacopyName,
  opaqueMarks,
  opaqueName,
  overlayPrefix,
  redirectName,
  whiteoutMarks,
  whiteoutsMarks
} from "./overlay.ts"

export interface Assembled {
  readonly tree: Tree
  readonly version: number
}

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

const placeholder = Node.fifo()

class Assembler {
  readonly #image: ImageBytes
  readonly #superblock: Superblock
  readonly #reader: InodeReader
  readonly #placed = new Map<number, Placed>()
  /** Shared attributes share their bytes in the tree too, or a small image could become a large tree. */
  readonly #values = new Map<ByteString.ByteString, Uint8Array>()
  /** Whether a directory says that there are whiteouts in it; asked once for each. */
  readonly #marked = new Map<StoredInode, boolean>()
  #count = 0
  #hasAcl = false
  #end = 0

  constructor(image: ImageBytes, superblock: Superblock) {
    this.#image = image
    this.#superblock = superblock
    this.#reader = new InodeReader(image, superblock)
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
      this.#hasAcl === this.#superblock.hasAcl,
      headerField.flags,
      `the header says that there are ${this.#hasAcl ? "no " : ""}POSIX ACLs`
    )
    return { root: root.node._tag === "Directory" ? root.node : Node.directory() }
  }

  #place(nid: number, path: string, name: string): Placed {
    const inode = this.#reader.read(nid)
    this.#image.check(inode.offset >= this.#end, inode.offset, "inodes are out of order or overlap")
    checkSize(this.#image, inode)
    this.#end = inode.end
    this.#count++
    const placed = { inode, path, name, children: [], links: [], node: placeholder }
    this.#placed.set(nid, placed)
    return placed
  }

  #expand(directory: Placed, parent: Placed): void {
    const { inode, path } = directory
    const entries = readEntries(this.#image, inode)
    const self = entries.find(({ name }) => name === ".")
    const above = entries.find(({ name }) => name === "..")
    this.#image.check(
      self?.nid === inode.nid && above?.nid === parent.inode.nid,
      inode.offset,
      "`.` or `..` of a directory is wrong"
    )
    for (const entry of entries) {
      if (this.#image.failure !== undefined) return
      if (entry.name === "." || entry.name === "..") continue
      const name = ByteString.toText(entry.name)
      if (inodeNumber(this.#image, entry.nid) !== this.#count) {
        directory.links.push([name, entry])
        continue
      }
      const childPath = join(path, name)
      this.#image.check(childPath.length <= maxPathSize, inode.offset, `a path is longer than ${maxPathSize} bytes`)
      const child = this.#place(entry.nid, childPath, name)
      this.#checkType(entry, child.inode)
      directory.children.push(child)
    }
  }

  #checkType({ nid, type }: StoredEntry, inode: StoredInode): void {
    this.#image.check(type === direntType(inode.mode), nid * slotSize, "an entry and its inode differ in file type")
  }

  #toNode(placed: Placed, parent: Placed): Node.Inode {
    const { inode } = placed
    const xattrs = new Map(inode.xattrs.map(({ name, value }) => [name, value]))
    switch (inode.mode & typeMask) {
      case fileType.directory:
        return this.#toDirectory(placed, xattrs, placed === parent)
      case fileType.regular:
        return inode.layout === layout.chunkBased
          ? this.#toExternalFile(inode, xattrs)
          : this.#toInlineFile(inode, xattrs, parent)
      case fileType.symlink:
        return Node.symlink(ByteString.toText(readData(this.#image, inode)), this.#metadata(inode, xattrs))
      case fileType.fifo:
        return Node.fifo(this.#metadata(inode, xattrs))
      case fileType.socket:
        return Node.socket(this.#metadata(inode, xattrs))
      case fileType.blockDevice:
        return Node.blockDevice(inode.union, this.#metadata(inode, xattrs))
      case fileType.characterDevice:
        return Node.characterDevice(inode.union, this.#metadata(inode, xattrs))
      default:
        this.#image.fail(inode.offset, `unknown file type in mode 0${inode.mode.toString(8)}`)
        return placeholder
    }
  }

  #toDirectory(placed: Placed, xattrs: Map<string, string>, isRoot: boolean): Node.Inode {
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
    return Node.directory(entries, this.#metadata(inode, xattrs))
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
    if (target !== undefined) this.#checkType(entry, target.inode)
    return target
  }

  /** What the writer adds to a directory with whiteouts, and would add again. */
  #dropDirectoryMarks(xattrs: Map<string, string>): void {
    for (const name of whiteoutsMarks) xattrs.delete(name)
    if (this.#superblock.version === 0) return
    for (const name of opaqueMarks) if (xattrs.get(name) === "x") xattrs.delete(name)
  }

  #toInlineFile(inode: StoredInode, xattrs: Map<string, string>, parent: Placed): Node.Inode {
    // Anybody may give an empty file such marks; overlayfs heeds them in a directory that is marked too.
    if (
      inode.size === 0 && whiteoutMarks.every((name) => xattrs.get(name) === "") &&
      this.#hasDirectoryMarks(parent.inode)
    ) {
      for (const name of whiteoutMarks) xattrs.delete(name)
      return Node.whiteout(this.#metadata(inode, xattrs))
    }
    const content = ByteString.toBytes(readData(this.#image, inode))
    return Node.inlineFile(content, this.#metadata(inode, xattrs))
  }

  #hasDirectoryMarks(directory: StoredInode): boolean {
    let isMarked = this.#marked.get(directory)
    if (isMarked === undefined) {
      const values = new Map(directory.xattrs.map(({ name, value }) => [name, value]))
      isMarked = whiteoutsMarks.every((name) => values.get(name) === "") &&
        (this.#superblock.version === 0 || opaqueMarks.every((name) => values.get(name) === "x"))
      this.#marked.set(directory, isMarked)
    }
    return isMarked
  }

  #toExternalFile(inode: StoredInode, xattrs: Map<string, string>): Node.Inode {
    checkChunks(this.#image, inode)
    const metacopy = xattrs.get(metacopyName)
    const redirect = xattrs.get(redirectName)
    xattrs.delete(metacopyName)
    xattrs.delete(redirectName)
    const digest = metacopy === undefined ? undefined : readMetacopy(metacopy)
    this.#image.check(digest !== undefined, inode.offset, "the metacopy attribute is missing or malformed")
    this.#image.check(
      redirect === undefined || (redirect.startsWith("/") && redirect.length > 1),
      inode.offset,
      "the redirect is not an absolute path"
    )
    return {
      ...Node.externalFile(
        { size: inode.size, digest: digest === "" ? undefined : digest },
        this.#metadata(inode, xattrs)
      ),
      payload: redirect === undefined ? undefined : ByteString.toText(redirect.slice(1))
    }
  }

  #valueBytes(value: ByteString.ByteString): Uint8Array {
    let bytes = this.#values.get(value)
    if (bytes === undefined) this.#values.set(value, bytes = ByteString.toBytes(value))
    return bytes
  }

  #metadata(inode: StoredInode, xattrs: ReadonlyMap<string, string>) {
    const own = new Map<string, Uint8Array>()
    this.#hasAcl ||= aclNames.some((name) => xattrs.has(name))
    for (const [name, value] of xattrs) {
      this.#image.check(
        !name.startsWith(overlayPrefix) || name.startsWith(escapedPrefix),
        inode.offset,
        `the attribute ${JSON.stringify(name)} is not escaped`
      )
      const unescaped = name.startsWith(escapedPrefix) ? overlayPrefix + name.slice(escapedPrefix.length) : name
      own.set(ByteString.toText(unescaped), this.#valueBytes(value))
    }
    const { gid, mode, mtime, nlink, uid } = inode
    return { mode: mode & 0o7777, uid, gid, mtime, nlink, xattrs: own }
  }
}

const isDirectory = (inode: StoredInode): boolean => (inode.mode & typeMask) === fileType.directory

const isRealWhiteout = (inode: StoredInode): boolean =>
  (inode.mode & typeMask) === fileType.characterDevice && inode.union === 0

/** The digest of a metacopy attribute, empty if it has none, undefined if it is malformed. */
const readMetacopy = (value: ByteString.ByteString): string | undefined => {
  if (value === "") return ""
  const digest = value.slice(4)
  const algorithm = digest.length === 32 ? "\x01" : digest.length === 64 ? "\x02" : undefined
  const header = algorithm === undefined ? undefined : `\0${String.fromCharCode(value.length)}\0${algorithm}`
  return header === undefined || value.slice(0, 4) !== header
    ? undefined
    : ByteString.toBytes(digest).toString("hex")
}
