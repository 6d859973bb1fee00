/** Turns single inodes of an image into nodes of a tree, where all layouts agree how. */
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import { maxTargetSize, xattrProblem } from "../limits.ts"
import { join, maxPathSize } from "../paths.ts"
import { checkChunks, readData, readEntries, type StoredEntry, type StoredInode } from "./decode.ts"
import { direntType } from "./encode.ts"
import { layout, slotSize } from "./format.ts"
import type { ImageBytes } from "./imageBytes.ts"
import { aclNames, escapedPrefix, metacopyName, overlayPrefix, redirectName } from "./overlay.ts"

/** The attributes of an inode by stored name; those that composefs added are taken out on the way to a node. */
export type StoredXattrs = Map<ByteString.ByteString, ByteString.ByteString>

export const storedXattrs = ({ xattrs }: StoredInode): StoredXattrs =>
  new Map(xattrs.map(({ name, value }) => [name, value]))

export const isDirectory = (inode: StoredInode): boolean => (inode.mode & typeMask) === fileType.directory

/** A whiteout that is stored as one. */
export const isRealWhiteout = (inode: StoredInode): boolean =>
  (inode.mode & typeMask) === fileType.characterDevice && inode.union === 0

export const checkType = (image: ImageBytes, { nid, type }: StoredEntry, inode: StoredInode): void =>
  image.check(type === direntType(inode.mode), nid * slotSize, "an entry and its inode differ in file type")

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

/** The path of an entry, of bounded length: this bounds the depth of the tree too. */
export const childPath = (image: ImageBytes, directory: StoredInode, path: string, name: string): string => {
  const joined = join(path, name)
  image.check(joined.length <= maxPathSize, directory.offset, `a path is longer than ${maxPathSize} bytes`)
  return joined
}

/** Stands for what could not be read. */
export const placeholder = Node.fifo()

export class NodeReader {
  /** Whether an inode was read that has a POSIX ACL. */
  hasAcl = false
  readonly #image: ImageBytes
  /** Shared attributes share their bytes in the tree too, or a small image could become a large tree. */
  readonly #values = new Map<ByteString.ByteString, Uint8Array>()

  constructor(image: ImageBytes) {
    this.#image = image
  }

  /** Anything but a directory. */
  leaf(inode: StoredInode, xattrs: StoredXattrs): Exclude<Node.Inode, Node.Directory> {
    switch (inode.mode & typeMask) {
      case fileType.regular:
        return inode.layout === layout.chunkBased
          ? this.#externalFile(inode, xattrs)
          : Node.inlineFile(ByteString.toBytes(readData(this.#image, inode)), this.metadata(inode, xattrs))
      case fileType.symlink:
        return this.#symlink(inode, xattrs)
      case fileType.fifo:
        return Node.fifo(this.metadata(inode, xattrs))
      case fileType.socket:
        return Node.socket(this.metadata(inode, xattrs))
      case fileType.blockDevice:
        return Node.blockDevice(inode.union, this.metadata(inode, xattrs))
      case fileType.characterDevice:
        return Node.characterDevice(inode.union, this.metadata(inode, xattrs))
      default:
        this.#image.fail(inode.offset, `unknown file type in mode 0${inode.mode.toString(8)}`)
        return placeholder
    }
  }

  metadata(inode: StoredInode, xattrs: StoredXattrs): Node.Metadata & { readonly nlink: number } {
    const own = new Map<string, Uint8Array>()
    this.hasAcl ||= aclNames.some((name) => xattrs.has(name))
    for (const [name, value] of xattrs) {
      this.#image.check(
        !name.startsWith(overlayPrefix) || name.startsWith(escapedPrefix),
        inode.offset,
        `the attribute ${JSON.stringify(name)} is not escaped`
      )
      const unescaped = name.startsWith(escapedPrefix) ? overlayPrefix + name.slice(escapedPrefix.length) : name
      const problem = unescaped.includes("\0")
        ? "an attribute has a NUL in its name"
        : xattrProblem(unescaped, value.length)
      if (problem !== undefined) this.#image.fail(inode.offset, problem)
      own.set(ByteString.toText(unescaped), this.#valueBytes(value))
    }
    const { gid, mode, mtime, nlink, uid } = inode
    return { mode: mode & 0o7777, uid, gid, mtime, nlink, xattrs: own }
  }

  #symlink(inode: StoredInode, xattrs: StoredXattrs): Node.Symlink {
    const target = readData(this.#image, inode)
    this.#image.check(!target.includes("\0"), inode.offset, "a link target has a NUL in it")
    return Node.symlink(ByteString.toText(target), this.metadata(inode, xattrs))
  }

  #externalFile(inode: StoredInode, xattrs: StoredXattrs): Node.ExternalFile {
    checkChunks(this.#image, inode)
    const metacopy = xattrs.get(metacopyName)
    const redirect = xattrs.get(redirectName)
    xattrs.delete(metacopyName)
    xattrs.delete(redirectName)
    const digest = metacopy === undefined ? undefined : readMetacopy(metacopy)
    this.#image.check(digest !== undefined, inode.offset, "the metacopy attribute is missing or malformed")
    this.#image.check(
      redirect === undefined || isRedirect(redirect),
      inode.offset,
      "the redirect is not an absolute path"
    )
    return {
      ...Node.externalFile(
        { size: inode.size, digest: digest === "" ? undefined : digest },
        this.metadata(inode, xattrs)
      ),
      payload: redirect === undefined ? undefined : ByteString.toText(redirect.slice(1))
    }
  }

  #valueBytes(value: ByteString.ByteString): Uint8Array {
    let bytes = this.#values.get(value)
    if (bytes === undefined) this.#values.set(value, bytes = ByteString.toBytes(value))
    return bytes
  }
}

const isRedirect = (value: ByteString.ByteString): boolean =>
  value.startsWith("/") && value.length > 1 && value.length <= 1 + maxTargetSize && !value.includes("\0")

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
