/** Turns single inodes of an image into nodes of a tree, where all layouts agree how. */
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import { maxTargetSize, xattrProblem } from "../limits.ts"
import { maxPathSize } from "../paths.ts"
import { checkChunks, readData, readEntries, type StoredEntry } from "./dataReader.ts"
import { direntType } from "./encode.ts"
import { layout, slotSize } from "./format.ts"
import type { ImageBytes } from "./imageBytes.ts"
import type { StoredInode } from "./inodeReader.ts"
import { aclNames, escapedPrefix, metacopyName, overlayPrefix, redirectName } from "./overlay.ts"
import { metacopyHeaderSize } from "./redirect.ts"
import type { StoredXattr } from "./xattrReader.ts"

export const isDirectory = (inode: StoredInode): boolean => (inode.mode & typeMask) === fileType.directory

/** A whiteout that is stored as one. */
export const isRealWhiteout = ({ mode, union }: Pick<StoredInode, "mode" | "union">): boolean =>
  (mode & typeMask) === fileType.characterDevice && union === 0

export const checkType = (image: ImageBytes, { nid, type }: StoredEntry, mode: number): void =>
  image.check(type === direntType(mode), nid * slotSize, "an entry and its inode differ in file type")

/** The entries of a directory save `.` and `..`, which must lead to itself and to its parent. */
export const readChildren = (image: ImageBytes, inode: StoredInode, parentNid: number): ReadonlyArray<StoredEntry> => {
  const entries = readEntries(image, inode)
  const self = entries.find(({ name }) => name === ".")
  const above = entries.find(({ name }) => name === "..")
  image.check(
    self?.nid === inode.nid && above?.nid === parentNid,
    inode.offset,
    "`.` or `..` of a directory is wrong"
  )
  return entries.filter((entry) => entry !== self && entry !== above)
}

/**
 * Bytes of the path of an entry in a directory whose own path has so many (none, if it is the root). They are bounded as
 * in all that can be written; this bounds the depth of the tree too.
 */
export const childPathSize = (
  image: ImageBytes,
  directory: StoredInode,
  pathSize: number,
  { name }: StoredEntry
): number => {
  const size = pathSize + 1 + name.length
  if (size > maxPathSize) image.fail(directory.offset, `a path is longer than ${maxPathSize} bytes`)
  return size
}

/** Whether an inode has an attribute with this value. */
export const hasXattr = (image: ImageBytes, { xattrs }: StoredInode, name: string, value: string): boolean =>
  xattrs.some((xattr) =>
    xattr.name === name && xattr.size === value.length && image.text(xattr.offset, xattr.size) === value
  )

/** Stands for what could not be read, or has not been yet. */
export const placeholder = Node.fifo()

const noNames: ReadonlyArray<string> = []
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()
const redirectNames = [metacopyName, redirectName]

export class NodeReader {
  /** Whether an inode was read that has a POSIX ACL. */
  hasAcl = false
  readonly #image: ImageBytes
  /** The time of compact inodes, where the layout has those. */
  readonly #compactTime: Node.Timestamp | undefined
  /** Shared attributes share their bytes in the tree too, or a small image could become a large tree. */
  readonly #values = new Map<number, Uint8Array>()
  /** The same for all attributes of an inode, where each is shared: most inodes have one of few sets. */
  readonly #sets = new Map<string, ReadonlyMap<string, Uint8Array>>()

  constructor(image: ImageBytes, compactTime: Node.Timestamp | undefined) {
    this.#image = image
    this.#compactTime = compactTime
  }

  /** Anything but a directory. */
  leaf(inode: StoredInode): Exclude<Node.Inode, Node.Directory> {
    switch (inode.mode & typeMask) {
      case fileType.regular:
        return inode.layout === layout.chunkBased
          ? this.#externalFile(inode)
          : Node.inlineFile(ByteString.toBytes(readData(this.#image, inode)), this.metadata(inode))
      case fileType.symlink:
        return this.#symlink(inode)
      case fileType.fifo:
        return Node.fifo(this.#specialMetadata(inode))
      case fileType.socket:
        return Node.socket(this.#specialMetadata(inode))
      case fileType.blockDevice:
        return Node.blockDevice(inode.union, this.#specialMetadata(inode))
      case fileType.characterDevice:
        return Node.characterDevice(inode.union, this.#specialMetadata(inode))
      default:
        this.#image.fail(inode.offset, `unknown file type in mode 0${inode.mode.toString(8)}`)
        return placeholder
    }
  }

  /** The attributes that composefs added are left out. */
  metadata(
    { gid, mode, mtime, nlink, offset, uid, xattrs }: StoredInode,
    added: ReadonlyArray<string> = noNames
  ): Node.Metadata & { readonly nlink: number } {
    const own = added.length === 0 ? xattrs : xattrs.filter(({ name }) => !added.includes(name))
    return { mode: mode & 0o7777, uid, gid, mtime, nlink, xattrs: this.#xattrMap(own, offset) }
  }

  /**
   * No image keeps the size that a dump says a device has. But one of more than 32 bits leaves a trace: an extended inode
   * though a compact one would do (reference §3.4). The least such size stands for it, so that the image stays the same.
   */
  #specialMetadata(inode: StoredInode): Node.Metadata & { readonly nlink: number; readonly size: number } {
    const { gid, isExtended, mtime, nlink, uid } = inode
    const isCompact = nlink <= 0xffff && uid <= 0xffff && gid <= 0xffff && this.#compactTime !== undefined &&
      Node.compareTimestamps(mtime, this.#compactTime) === 0
    return { ...this.metadata(inode), size: isExtended && isCompact ? 2 ** 32 : 0 }
  }

  #symlink(inode: StoredInode): Node.Symlink {
    const target = readData(this.#image, inode)
    this.#image.check(!target.includes("\0"), inode.offset, "a link target has a NUL in it")
    return Node.symlink(ByteString.toText(target), this.metadata(inode))
  }

  #externalFile(inode: StoredInode): Node.ExternalFile {
    checkChunks(this.#image, inode)
    const { gid, mode, mtime, nlink, uid, xattrs } = this.metadata(inode, redirectNames)
    return {
      _tag: "ExternalFile",
      mode,
      uid,
      gid,
      mtime,
      xattrs,
      nlink,
      size: inode.size,
      digest: this.#digest(inode),
      payload: this.#payload(inode)
    }
  }

  /** The digest in the metacopy attribute (reference §3.2), which is empty without one. */
  #digest({ offset, xattrs }: StoredInode): string | undefined {
    const image = this.#image
    const metacopy = xattrs.find(({ name }) => name === metacopyName)
    if (metacopy?.size === 0) return undefined
    const digestSize = (metacopy?.size ?? 0) - metacopyHeaderSize
    const algorithm = digestSize === 32 ? 1 : digestSize === 64 ? 2 : undefined
    if (metacopy === undefined || algorithm === undefined || !isMetacopyHeader(image, metacopy, algorithm)) {
      image.fail(offset, "the metacopy attribute is missing or malformed")
      return undefined
    }
    return image.hex(metacopy.offset + metacopyHeaderSize, digestSize)
  }

  /** The path in the redirect attribute, without the slash in front. */
  #payload({ offset, xattrs }: StoredInode): string | undefined {
    const redirect = xattrs.find(({ name }) => name === redirectName)
    if (redirect === undefined) return undefined
    const path = this.#image.text(redirect.offset, redirect.size)
    const isPath = path.startsWith("/") && path.length > 1 && path.length <= 1 + maxTargetSize && !path.includes("\0")
    this.#image.check(isPath, offset, "the redirect is not an absolute path")
    return ByteString.toText(path.slice(1))
  }

  #xattrMap(xattrs: ReadonlyArray<StoredXattr>, offset: number): ReadonlyMap<string, Uint8Array> {
    if (xattrs.length === 0) return noXattrs
    if (!xattrs.every(({ isShared }) => isShared)) return this.#newXattrMap(xattrs, offset)
    const key = xattrs.map((xattr) => xattr.offset).join()
    let known = this.#sets.get(key)
    if (known === undefined) this.#sets.set(key, known = this.#newXattrMap(xattrs, offset))
    return known
  }

  #newXattrMap(xattrs: ReadonlyArray<StoredXattr>, offset: number): ReadonlyMap<string, Uint8Array> {
    const map = new Map<string, Uint8Array>()
    for (const xattr of xattrs) {
      const { name, size } = xattr
      this.hasAcl ||= aclNames.some((aclName) => aclName === name)
      if (name.startsWith(overlayPrefix) && !name.startsWith(escapedPrefix)) {
        this.#image.fail(offset, `the attribute ${JSON.stringify(name)} is not escaped`)
      }
      const unescaped = name.startsWith(escapedPrefix) ? overlayPrefix + name.slice(escapedPrefix.length) : name
      const problem = unescaped.includes("\0")
        ? "an attribute has a NUL in its name"
        : xattrProblem(unescaped, size)
      if (problem !== undefined) this.#image.fail(offset, problem)
      map.set(ByteString.toText(unescaped), this.#value(xattr))
    }
    return map
  }

  #value({ isShared, offset, size }: StoredXattr): Uint8Array {
    if (!isShared) return this.#image.copy(offset, size)
    let bytes = this.#values.get(offset)
    if (bytes === undefined) this.#values.set(offset, bytes = this.#image.copy(offset, size))
    return bytes
  }
}

const isMetacopyHeader = (image: ImageBytes, { offset, size }: StoredXattr, algorithm: number): boolean =>
  image.u8(offset) === 0 && image.u8(offset + 1) === size && image.u8(offset + 2) === 0 &&
  image.u8(offset + 3) === algorithm
