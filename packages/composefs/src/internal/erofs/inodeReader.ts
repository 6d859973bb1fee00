/** Reads the inodes of an image, compact and extended (reference §3.4, §3.8). */
import type { Timestamp } from "../../Node.ts"
import { fileType, typeMask } from "../fileType.ts"
import { maxFileSize, maxInlineSize, maxTargetSize } from "../limits.ts"
import {
  alignUp,
  blockSize,
  chunking,
  compactInodeSize,
  extendedInodeSize,
  inodesOffset,
  layout,
  maxSharedXattrs,
  minChunkBits,
  slotSize,
  xattrHeaderSize,
  type XattrPrefix,
  xattrPrefixes
} from "./format.ts"
import type { ImageBytes } from "./imageBytes.ts"
import type { Superblock } from "./superblock.ts"
import { type StoredXattr, XattrReader } from "./xattrReader.ts"

/** Where the layouts differ in how a single inode is stored. */
export interface InodeRules {
  readonly hasCompactInodes: boolean
  readonly xattrPrefixes: ReadonlyArray<XattrPrefix>
  readonly maxSharedXattrs: number
  /** Bytes of an external file, of a file in the image, and of a link target. */
  readonly maxFileSize: number
  readonly maxInlineSize: number
  readonly maxTargetSize: number
  /** Whether i_u tells the chunk size that an external file should have. */
  readonly isChunkFormat: (union: number, size: number) => boolean
  /** Bytes of an external file's chunk table that follow its head. */
  readonly chunkTableSize: (inode: StoredInode) => number
}

/** Of the format versions 0 and 1. */
export const inodeRules: InodeRules = {
  hasCompactInodes: true,
  xattrPrefixes,
  maxSharedXattrs,
  maxFileSize,
  maxInlineSize,
  maxTargetSize,
  isChunkFormat: (union, size) => (union & 0xffff) === chunking(size).bits - minChunkBits,
  chunkTableSize: ({ headEnd, size }) => {
    const table = 4 * chunking(size).count
    // A table that would cross a block was given a block of its own.
    return (alignUp(headEnd, 4) % blockSize) + table > blockSize ? 0 : table
  }
}

/** An inode as stored. */
export interface StoredInode {
  readonly nid: number
  readonly offset: number
  readonly isExtended: boolean
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly mtime: Timestamp
  readonly size: number
  readonly layout: number
  /** i_u */
  readonly union: number
  readonly xattrs: ReadonlyArray<StoredXattr>
  /** Where inode and attributes end: inline data starts here. */
  readonly headEnd: number
  /** Where inline data ends. */
  readonly end: number
}

/** The number of an inode and its mode can be seen without reading the rest: they stand at one place in both forms. */
export const inodeNumber = (bytes: ImageBytes, nid: number): number => bytes.u32(nid * slotSize + 20)
export const inodeMode = (bytes: ImageBytes, nid: number): number => bytes.u16(nid * slotSize + 4)

export class InodeReader {
  readonly #bytes: ImageBytes
  readonly #superblock: Superblock
  readonly #rules: InodeRules
  readonly #xattrs: XattrReader
  /** Neighbours often have the same time, and can share it. */
  #mtime: Timestamp

  constructor(bytes: ImageBytes, superblock: Superblock, rules: InodeRules) {
    this.#bytes = bytes
    this.#superblock = superblock
    this.#rules = rules
    this.#xattrs = new XattrReader(bytes, superblock.xattrOffset, rules)
    this.#mtime = superblock.buildTime
  }

  /** Where the last of the shared attributes ends that were read so far. */
  get sharedEnd(): number {
    return this.#xattrs.sharedEnd
  }

  read(nid: number): StoredInode {
    const bytes = this.#bytes
    const at = nid * slotSize
    if (at < inodesOffset) bytes.fail(at, `inode ${nid} is in front of the inode area`)
    const format = bytes.u16(at)
    const isExtended = (format & 1) === 1
    this.#checkFormat(at, format)
    const fieldsEnd = at + (isExtended ? extendedInodeSize : compactInodeSize)
    const xattrCount = bytes.u16(at + 2)
    const headEnd = fieldsEnd + (xattrCount === 0 ? 0 : xattrHeaderSize + 4 * (xattrCount - 1))
    const inode = {
      nid,
      offset: at,
      isExtended,
      mode: bytes.u16(at + 4),
      nlink: isExtended ? bytes.u32(at + 44) : bytes.u16(at + 6),
      uid: isExtended ? bytes.u32(at + 24) : bytes.u16(at + 24),
      gid: isExtended ? bytes.u32(at + 28) : bytes.u16(at + 26),
      mtime: isExtended ? this.#time(at + 32) : this.#superblock.buildTime,
      size: isExtended ? bytes.u64(at + 8) : bytes.u32(at + 8),
      layout: format >> 1,
      union: bytes.u32(at + 16),
      xattrs: this.#xattrs.read(fieldsEnd, headEnd),
      headEnd,
      end: headEnd
    }
    this.#checkReserved(inode)
    checkSize(bytes, inode, this.#rules)
    inode.end += this.#tailSize(inode)
    return inode
  }

  #checkFormat(at: number, format: number): void {
    const { chunkBased, flatInline, flatPlain } = layout
    const dataLayout = format >> 1
    const isKnown = dataLayout === flatPlain || dataLayout === flatInline || dataLayout === chunkBased
    const isForm = (format & 1) === 1 || this.#rules.hasCompactInodes
    if (!isKnown || !isForm) this.#bytes.fail(at, `unknown inode format 0x${format.toString(16)}`)
  }

  #checkReserved({ isExtended, offset }: StoredInode): void {
    const bytes = this.#bytes
    const isZero = isExtended
      ? bytes.isZero(offset + 6, 2) && bytes.isZero(offset + 48, 16)
      : bytes.isZero(offset + 12, 4) && bytes.isZero(offset + 28, 4)
    bytes.check(isZero, offset, "reserved bytes of an inode are not zero")
  }

  #time(at: number): Timestamp {
    const seconds = this.#bytes.i64(at)
    const nanoseconds = this.#bytes.u32(at + 8)
    if (seconds !== this.#mtime.seconds || nanoseconds !== this.#mtime.nanoseconds) {
      this.#mtime = { seconds, nanoseconds }
    }
    return this.#mtime
  }

  /** How many bytes follow the head of an inode inline. */
  #tailSize(inode: StoredInode): number {
    switch (inode.layout) {
      case layout.flatInline: {
        const tail = inode.size % blockSize
        const isWithin = (inode.headEnd % blockSize) + tail <= blockSize
        this.#bytes.check(isWithin, inode.offset, "inline data crosses a block")
        return tail
      }
      case layout.chunkBased:
        return this.#rules.chunkTableSize(inode)
      default:
        return 0
    }
  }
}

/** Checks that a size is one its kind of file may have. */
const checkSize = (
  bytes: ImageBytes,
  { layout: dataLayout, mode, offset, size, union }: StoredInode,
  rules: InodeRules
): void => {
  const isChunked = dataLayout === layout.chunkBased
  switch (mode & typeMask) {
    case fileType.regular:
      if (isChunked ? size < 1 || size > rules.maxFileSize : size > rules.maxInlineSize) {
        bytes.fail(offset, `a file of ${size} bytes cannot be ${isChunked ? "external" : "inline"}`)
      }
      if (isChunked) {
        bytes.check(rules.isChunkFormat(union, size), offset, "the chunk size is not as expected")
      }
      return
    case fileType.directory:
      if (isChunked || size === 0 || size > bytes.size) bytes.fail(offset, `a directory of ${size} bytes`)
      return
    case fileType.symlink:
      if (isChunked || size === 0 || size > rules.maxTargetSize) bytes.fail(offset, `a link target of ${size} bytes`)
      return
    default:
      bytes.check(dataLayout === layout.flatPlain && size === 0, offset, "a special file with data")
  }
}
