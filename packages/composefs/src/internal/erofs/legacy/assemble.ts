/**
 * Turns the inodes of an image in the legacy layout back into a tree. They stand depth first, and what has several names
 * at the first of them: an entry that leads to an inode not met before is its place, and has to lead onwards; every other
 * is a hard link. So every inode is met once, and no path runs in circles.
 */
import * as Result from "effect/Result"
import * as Node from "../../../Node.ts"
import type { Tree } from "../../../Tree.ts"
import * as ByteString from "../../byteString.ts"
import { join } from "../../paths.ts"
import type { Opened } from "../assemble.ts"
import type { StoredEntry } from "../dataReader.ts"
import { headerField, superblockOffset, superField } from "../format.ts"
import type { ImageBytes, Malformed } from "../imageBytes.ts"
import { inodeNumber, InodeReader, type InodeRules, type StoredInode } from "../inodeReader.ts"
import { checkType, childPathSize, isDirectory, isRealWhiteout, NodeReader, readChildren } from "../nodeReader.ts"
import { metacopyName } from "../overlay.ts"
import {
  chunkFormat,
  chunkTableSize,
  leadsToObject,
  legacyXattrPrefixes,
  maxFileSize,
  maxInlineSize,
  maxSharedXattrs,
  maxTargetSize
} from "./format.ts"

export const assembleLegacy = ({ image, superblock }: Opened): Result.Result<Tree, Malformed> => {
  image.check(!superblock.hasAcl, headerField.flags, "header flags in version 2")
  image.check(
    superblock.buildTime.seconds === 0n && superblock.buildTime.nanoseconds === 0 && superblock.xattrOffset === 0,
    superblockOffset + superField.buildTime,
    "a build time or an attribute block in version 2"
  )
  const assembler = new Assembler(image, new InodeReader(image, superblock, legacyInodeRules))
  const root = assembler.run(superblock.rootNid)
  image.check(
    assembler.count === superblock.inodes,
    superblockOffset + superField.inodes,
    `${assembler.count} inodes were found where the superblock counts ${superblock.inodes}`
  )
  return image.failure === undefined ? Result.succeed({ root }) : Result.fail(image.failure)
}

/** Of format version 2. */
export const legacyInodeRules: InodeRules = {
  hasCompactInodes: false,
  xattrPrefixes: legacyXattrPrefixes,
  maxFileSize,
  maxSharedXattrs,
  maxInlineSize,
  maxTargetSize,
  isChunkFormat: (union) => union === chunkFormat,
  chunkTableSize: ({ xattrs }) => chunkTableSize(xattrs.some(({ name, size }) => name === metacopyName && size > 0))
}

/** A directory whose entries are being followed. */
interface OpenDirectory {
  readonly inode: StoredInode
  readonly path: string
  readonly pathSize: number
  readonly stored: ReadonlyArray<StoredEntry>
  /** Those of the node, as far as they are known. */
  readonly entries: Map<string, Node.Node>
  readonly node: Node.Directory
  next: number
  subdirectories: number
}

/** A leaf at its first name, and how many it has by now. */
interface Placed {
  readonly inode: StoredInode
  readonly path: string
  names: number
}

class Assembler {
  count = 0
  readonly #image: ImageBytes
  readonly #reader: InodeReader
  readonly #nodes: NodeReader
  readonly #placed = new Map<number, Placed>()
  #end = 0

  constructor(image: ImageBytes, reader: InodeReader) {
    this.#image = image
    this.#reader = reader
    this.#nodes = new NodeReader(image, undefined)
  }

  run(rootNid: number): Node.Directory {
    const inode = this.#read(rootNid)
    this.#image.check(isDirectory(inode), inode.offset, "the root is not a directory")
    const root = this.#open(inode, "/", 0, rootNid)
    const stack = [root]
    for (let directory = stack.at(-1); directory !== undefined; directory = stack.at(-1)) {
      if (this.#image.failure !== undefined) return root.node
      const entry = directory.stored[directory.next++]
      const opened = entry === undefined ? undefined : this.#follow(entry, directory)
      if (opened !== undefined) stack.push(opened)
      if (entry !== undefined) continue
      this.#checkLinkCount(directory.inode, 2 + directory.subdirectories)
      stack.pop()
    }
    for (const { inode, names } of this.#placed.values()) this.#checkLinkCount(inode, names)
    return root.node
  }

  /** Adds what an entry leads to; gives a directory to go on with, if it is one. */
  #follow(entry: StoredEntry, directory: OpenDirectory): OpenDirectory | undefined {
    const name = ByteString.toText(entry.name)
    const known = this.#placed.get(entry.nid)
    if (known !== undefined) {
      childPathSize(this.#image, directory.inode, directory.pathSize, entry)
      checkType(this.#image, entry, known.inode.mode)
      known.names++
      directory.entries.set(name, Node.hardLink(known.path))
      return undefined
    }
    const path = join(directory.path, name)
    const pathSize = childPathSize(this.#image, directory.inode, directory.pathSize, entry)
    const inode = this.#read(entry.nid)
    checkType(this.#image, entry, inode.mode)
    if (isDirectory(inode)) {
      const child = this.#open(inode, path, pathSize, directory.inode.nid)
      directory.entries.set(name, child.node)
      directory.subdirectories++
      return child
    }
    this.#placed.set(entry.nid, { inode, path, names: 1 })
    directory.entries.set(name, this.#leaf(inode))
    return undefined
  }

  /** An inode at its place. One that was met before, as a directory is that contains itself, is not behind the last. */
  #read(nid: number): StoredInode {
    const inode = this.#reader.read(nid)
    const { mtime, offset } = inode
    this.#image.check(offset >= this.#end, offset, "inodes are out of order or overlap, or a directory has two names")
    this.#image.check(inodeNumber(this.#image, nid) === nid, offset, "the number of an inode is not its place")
    this.#image.check(mtime.nanoseconds === 0, offset, "a time is not in whole seconds")
    this.#end = inode.end
    this.count++
    return inode
  }

  #open(inode: StoredInode, path: string, pathSize: number, parentNid: number): OpenDirectory {
    const entries = new Map<string, Node.Node>()
    const stored = this.#image.failure === undefined ? readChildren(this.#image, inode, parentNid) : []
    const node = Node.directory(entries, this.#nodes.metadata(inode))
    return { inode, path, pathSize, stored, entries, node, next: 0, subdirectories: 0 }
  }

  #leaf(inode: StoredInode): Node.Inode {
    const node = this.#nodes.leaf(inode)
    this.#image.check(
      node._tag !== "ExternalFile" || leadsToObject(node.digest, node.payload),
      inode.offset,
      "the redirect does not lead to the object of the digest"
    )
    return node
  }

  #checkLinkCount(inode: StoredInode, names: number): void {
    this.#image.check(
      inode.nlink === names && (names === 1 || !isRealWhiteout(inode)),
      inode.offset,
      isRealWhiteout(inode) ? "a whiteout has several names" : `a link count of ${inode.nlink} instead of ${names}`
    )
  }
}
