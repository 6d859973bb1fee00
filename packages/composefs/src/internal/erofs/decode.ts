/** Reads the records of an image: header and superblock, inodes, attributes, directory entries. */
import type { Timestamp } from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import { maxFileSize, maxInlineSize, maxTargetSize } from "../limits.ts"
import {
  alignUp,
  blockSize,
  chunking,
  compactInodeSize,
  composefsFormatVersion,
  composefsMagic,
  direntSize,
  erofsMagic,
  extendedInodeSize,
  featureCompat,
  flagHasAcl,
  headerField,
  headerSize,
  inodesOffset,
  layout,
  maxChunks,
  maxSharedXattrs,
  minChunkBits,
  nullChunk,
  slotSize,
  superblockOffset,
  superblockSize,
  superField,
  xattrEntrySize,
  xattrHeaderSize,
  type XattrPrefix,
  xattrPrefixes
} from "./format.ts"
import type { ImageBytes } from "./imageBytes.ts"
import { nameFilter, type Xattr, xattrSize, XattrTable } from "./xattrs.ts"

export interface Superblock {
  readonly version: number
  readonly hasAcl: boolean
  readonly rootNid: number
  readonly inodes: number
  /** The time of every compact inode. */
  readonly buildTime: Timestamp
  readonly xattrOffset: number
}

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
  readonly chunkTableSize: (inode: Pick<StoredInode, "headEnd" | "size" | "xattrs">) => number
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

export const readSuperblock = (bytes: ImageBytes): Superblock => {
  const at = superblockOffset
  bytes.check(bytes.size % blockSize === 0 && bytes.size > 0, 0, "its size is not a multiple of 4096")
  bytes.check(bytes.u32(headerField.magic) === composefsMagic, 0, "the composefs magic number is missing")
  const formatVersion = bytes.u32(headerField.formatVersion)
  bytes.check(formatVersion === composefsFormatVersion, headerField.formatVersion, `format version ${formatVersion}`)
  const flags = bytes.u32(headerField.flags)
  bytes.check((flags & ~flagHasAcl) === 0, headerField.flags, `unknown header flags 0x${flags.toString(16)}`)
  bytes.check(
    bytes.isZero(headerField.reserved, superblockOffset - headerField.reserved),
    headerSize,
    "reserved bytes of the header are not zero"
  )
  bytes.check(bytes.u32(at + superField.magic) === erofsMagic, at, "the EROFS magic number is missing")
  const features = bytes.u32(at + superField.featureCompat)
  bytes.check(
    features === featureCompat,
    at + superField.featureCompat,
    `compatible features 0x${features.toString(16)}`
  )
  const incompatible = bytes.u32(at + superField.featureIncompat)
  bytes.check(
    incompatible === 0,
    at + superField.featureIncompat,
    `incompatible features 0x${incompatible.toString(16)}`
  )
  bytes.check(bytes.u8(at + superField.blockBits) === 12, at + superField.blockBits, "blocks are not of 4096 bytes")
  bytes.check(
    bytes.u32(at + superField.blocks) * blockSize === bytes.size,
    at + superField.blocks,
    "the number of blocks is not that of the image"
  )
  for (const [field, size] of zeroFields) {
    bytes.check(bytes.isZero(at + field, size), at + field, "a field of the superblock is not zero")
  }
  return {
    version: bytes.u32(headerField.composefsVersion),
    hasAcl: flags === flagHasAcl,
    rootNid: bytes.u16(at + superField.rootNid),
    inodes: bytes.u64(at + superField.inodes),
    buildTime: {
      seconds: bytes.i64(at + superField.buildTime),
      nanoseconds: bytes.u32(at + superField.buildTimeNsec)
    },
    xattrOffset: bytes.u32(at + superField.xattrBlock) * blockSize
  }
}

/** Checksum, extension slots, metadata block, uuid and volume name, and all behind the incompatible features. */
const zeroFields = [
  [superField.checksum, 4],
  [superField.extensionSlots, 1],
  [superField.metaBlock, 4],
  [superField.uuid, superField.featureIncompat - superField.uuid],
  [superField.featureIncompat + 4, superblockSize - superField.featureIncompat - 4]
] as const

/** An inode as stored. */
export interface StoredInode {
  readonly nid: number
  readonly offset: number
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly mtime: Timestamp
  readonly size: number
  readonly layout: number
  /** i_u */
  readonly union: number
  readonly xattrs: ReadonlyArray<Xattr>
  /** Where inode and attributes end: inline data starts here. */
  readonly headEnd: number
  /** Where inline data ends. */
  readonly end: number
}

/** The number of an inode, the first thing to know about it: it stands at the same place in both forms. */
export const inodeNumber = (bytes: ImageBytes, nid: number): number => bytes.u32(nid * slotSize + 20)

export class InodeReader {
  readonly #bytes: ImageBytes
  readonly #superblock: Superblock
  readonly #rules: InodeRules
  readonly #table: XattrTable
  readonly #shared = new Map<number, Xattr>()
  /** Where the last of the shared attributes ends that were read so far. */
  sharedEnd = 0

  constructor(bytes: ImageBytes, superblock: Superblock, rules: InodeRules) {
    this.#bytes = bytes
    this.#superblock = superblock
    this.#rules = rules
    this.#table = new XattrTable(rules.xattrPrefixes)
  }

  read(nid: number): StoredInode {
    const bytes = this.#bytes
    const at = nid * slotSize
    bytes.check(at >= inodesOffset, at, `inode ${nid} is in front of the inode area`)
    const format = bytes.u16(at)
    const isExtended = (format & 1) === 1
    const dataLayout = format >> 1
    bytes.check(
      (isExtended || this.#rules.hasCompactInodes) &&
        (dataLayout === layout.flatPlain || dataLayout === layout.flatInline || dataLayout === layout.chunkBased),
      at,
      `unknown inode format 0x${format.toString(16)}`
    )
    const xattrOffset = at + (isExtended ? extendedInodeSize : compactInodeSize)
    const xattrCount = bytes.u16(at + 2)
    const xattrSize = xattrCount === 0 ? 0 : xattrHeaderSize + 4 * (xattrCount - 1)
    const headEnd = xattrOffset + xattrSize
    const fields = isExtended ? this.#extended(at) : this.#compact(at)
    const xattrs = xattrCount === 0 ? [] : this.#xattrs(xattrOffset, xattrSize)
    const head = { nid, offset: at, mode: bytes.u16(at + 4), layout: dataLayout, union: bytes.u32(at + 16), headEnd }
    const inode = { ...head, ...fields, xattrs, end: headEnd }
    checkSize(bytes, inode, this.#rules)
    return { ...inode, end: headEnd + this.#tailSize(inode) }
  }

  #compact(at: number) {
    const bytes = this.#bytes
    bytes.check(bytes.isZero(at + 12, 4) && bytes.isZero(at + 28, 4), at, "reserved bytes of an inode are not zero")
    return {
      nlink: bytes.u16(at + 6),
      size: bytes.u32(at + 8),
      uid: bytes.u16(at + 24),
      gid: bytes.u16(at + 26),
      mtime: this.#superblock.buildTime
    }
  }

  #extended(at: number) {
    const bytes = this.#bytes
    bytes.check(bytes.isZero(at + 6, 2) && bytes.isZero(at + 48, 16), at, "reserved bytes of an inode are not zero")
    return {
      nlink: bytes.u32(at + 44),
      size: bytes.u64(at + 8),
      uid: bytes.u32(at + 24),
      gid: bytes.u32(at + 28),
      mtime: { seconds: bytes.i64(at + 32), nanoseconds: bytes.u32(at + 40) }
    }
  }

  #xattrs(at: number, size: number): ReadonlyArray<Xattr> {
    const bytes = this.#bytes
    const sharedCount = bytes.u8(at + 4)
    bytes.check(sharedCount <= this.#rules.maxSharedXattrs, at + 4, `${sharedCount} shared attributes`)
    bytes.check(bytes.isZero(at + 5, 7), at + 5, "reserved bytes of an attribute header are not zero")
    const xattrs: Array<Xattr> = []
    let position = at + xattrHeaderSize
    for (let index = 0; index < sharedCount && bytes.failure === undefined; index++) {
      xattrs.push(this.#sharedXattr(bytes.u32(position)))
      position += 4
    }
    while (position < at + size && bytes.failure === undefined) {
      const xattr = this.#xattr(position)
      xattrs.push(xattr)
      position += xattr.size
    }
    bytes.check(position === at + size, at, "attributes do not fill their block")
    bytes.check(
      bytes.u32(at) === nameFilter(xattrs) && new Set(xattrs.map(({ name }) => name)).size === xattrs.length,
      at,
      "the attribute filter does not match, or an attribute appears twice"
    )
    return xattrs
  }

  #sharedXattr(id: number): Xattr {
    let xattr = this.#shared.get(id)
    if (xattr === undefined) {
      const at = this.#superblock.xattrOffset + 4 * id
      this.#bytes.claimWords(at, xattrSize(this.#bytes.u8(at), this.#bytes.u16(at + 2)))
      this.#shared.set(id, xattr = this.#xattr(at))
      this.sharedEnd = Math.max(this.sharedEnd, at + xattr.size)
    }
    return xattr
  }

  #xattr(at: number): Xattr {
    const bytes = this.#bytes
    if (bytes.failure !== undefined) return noXattr
    const suffixSize = bytes.u8(at)
    const index = bytes.u8(at + 1)
    const valueSize = bytes.u16(at + 2)
    const prefix = index === 0 ? "" : this.#rules.xattrPrefixes.find((known) => known.index === index)?.prefix
    bytes.check(prefix !== undefined, at + 1, `unknown attribute prefix ${index}`)
    const name = (prefix ?? "") + bytes.text(at + xattrEntrySize, suffixSize)
    const xattr = this.#table.intern(name, bytes.text(at + xattrEntrySize + suffixSize, valueSize))
    bytes.check(xattr.index === index && name !== "", at, "an attribute is not stored in its one form")
    return xattr
  }

  /** How many bytes follow the head of an inode inline. */
  #tailSize(inode: StoredInode): number {
    switch (inode.layout) {
      case layout.flatInline: {
        const tail = inode.size % blockSize
        this.#bytes.check(
          (inode.headEnd % blockSize) + tail <= blockSize,
          inode.offset,
          "inline data crosses a block"
        )
        return tail
      }
      case layout.chunkBased:
        return this.#rules.chunkTableSize(inode)
      default:
        return 0
    }
  }
}

/** Stands where nothing could be read. */
const noXattr = new XattrTable().intern("", "")

/** The bytes of a flat inode: whole blocks, then the inline tail. */
export const readData = (bytes: ImageBytes, inode: StoredInode): ByteString.ByteString => {
  let data = ""
  for (const piece of piecesOf(bytes, inode)) data += piece
  return data
}

/** The same block by block: a directory may be larger than the longest string. */
function* piecesOf(bytes: ImageBytes, inode: StoredInode): Generator<ByteString.ByteString> {
  const tailSize = inode.layout === layout.flatInline ? inode.size % blockSize : 0
  const inBlocks = inode.size - tailSize
  const start = inode.union * blockSize
  bytes.claimBlocks(inBlocks === 0 ? 0 : inode.union, Math.ceil(inBlocks / blockSize), inode.offset)
  for (let at = 0; at < inBlocks && bytes.failure === undefined; at += blockSize) {
    yield bytes.text(start + at, Math.min(blockSize, inBlocks - at))
  }
  if (tailSize > 0 && bytes.failure === undefined) yield bytes.text(inode.headEnd, tailSize)
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
      bytes.check(
        isChunked ? size >= 1 && size <= rules.maxFileSize : size <= rules.maxInlineSize,
        offset,
        `a file of ${size} bytes cannot be ${isChunked ? "external" : "inline"}`
      )
      if (isChunked) {
        bytes.check(rules.isChunkFormat(union, size), offset, "the chunk size is not as expected")
      }
      return
    case fileType.directory:
      return bytes.check(!isChunked && size > 0 && size <= bytes.size, offset, `a directory of ${size} bytes`)
    case fileType.symlink:
      return bytes.check(
        !isChunked && size > 0 && size <= rules.maxTargetSize,
        offset,
        `a link target of ${size} bytes`
      )
    default:
      return bytes.check(dataLayout === layout.flatPlain && size === 0, offset, "a special file with data")
  }
}

/** All chunks of an external file must be absent: their bytes are in the object store. */
export const checkChunks = (bytes: ImageBytes, inode: StoredInode): void => {
  const count = chunking(inode.size).count
  bytes.check(count <= maxChunks, inode.offset, `${count} chunks`)
  for (let at = inode.headEnd; at < inode.end && bytes.failure === undefined; at += 4) {
    bytes.check(bytes.u32(at) === nullChunk, at, "a chunk of an external file is in the image")
  }
}

export interface StoredEntry {
  readonly name: ByteString.ByteString
  readonly nid: number
  readonly type: number
}

/** The entries of a directory, block by block, names in byte order. */
export const readEntries = (bytes: ImageBytes, inode: StoredInode): ReadonlyArray<StoredEntry> => {
  const entries: Array<StoredEntry> = []
  let left = inode.size
  for (const block of piecesOf(bytes, inode)) {
    left -= block.length
    readBlock(bytes, inode, block, left > 0, entries)
  }
  return entries
}

const readBlock = (
  bytes: ImageBytes,
  inode: StoredInode,
  block: ByteString.ByteString,
  isFull: boolean,
  entries: Array<StoredEntry>
): void => {
  const view = ByteString.toBytes(block)
  const broken = (problem: string) => bytes.fail(inode.offset, `in the directory of inode ${inode.nid}, ${problem}`)
  const namesStart = view.length < direntSize ? 0 : view.readUInt16LE(8)
  if (namesStart < direntSize || namesStart % direntSize !== 0 || namesStart > view.length) {
    return broken("the first name is out of place")
  }
  // Only whole blocks are padded; the last may be one too, when it is more than half full.
  const isPadded = isFull || view.length === blockSize
  for (let at = 0; at < namesStart; at += direntSize) {
    const nameStart = view.readUInt16LE(at + 8)
    const isLast = at + direntSize >= namesStart
    const limit = isLast ? view.length : view.readUInt16LE(at + direntSize + 8)
    const nul = isLast && isPadded ? block.indexOf("\0", nameStart) : -1
    const nameEnd = nul < 0 ? limit : nul
    const name = block.slice(nameStart, nameEnd)
    const previous = entries.at(-1)
    if (
      (at === 0 && nameStart !== namesStart) || nameEnd <= nameStart || limit > view.length || name.length > 255 ||
      name.includes("\0") || name.includes("/") || view[at + 11] !== 0
    ) {
      return broken("an entry is malformed")
    }
    if (previous !== undefined && previous.name >= name) return broken("names are not in order")
    const nid = view.readBigUInt64LE(at)
    if (nid > BigInt(bytes.size / slotSize)) return broken("an entry points outside the image")
    entries.push({ name, nid: Number(nid), type: view[at + 10] ?? 0 })
  }
}
