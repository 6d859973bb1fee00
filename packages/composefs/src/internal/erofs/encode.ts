/** Writes a placed inventory as bytes. All of an image but names, contents and values are words of 32 bits. */
import { fileType, typeMask } from "../fileType.ts"
import { copyBytes } from "../table/byteArena.ts"
import type { EntryTable } from "../table/entryTable.ts"
import {
  blockSize,
  chunking,
  compactInodeSize,
  composefsFormatVersion,
  composefsMagic,
  direntSize,
  dirType,
  erofsMagic,
  extendedInodeSize,
  featureCompat,
  flagHasAcl,
  headerField,
  layout,
  maxSharedXattrs,
  minChunkBits,
  nullChunk,
  slotSize,
  superblockOffset,
  superField,
  xattrEntrySize,
  xattrHeaderSize
} from "./format.ts"
import type { Inventory, Listings } from "./inventory.ts"
import type { Placement } from "./placement.ts"
import type { StoredAttributes } from "./storedAttributes.ts"

export const encode = (
  inventory: Inventory,
  attributes: StoredAttributes,
  placement: Placement,
  version: number
): Uint8Array => {
  const writer = new Writer(inventory, attributes, placement)
  writer.header(version)
  writer.superblock()
  for (let number = 0; number < inventory.inodes.length; number++) writer.inode(number)
  writer.sharedAttributes()
  return writer.bytes
}

class Writer {
  readonly bytes: Uint8Array
  readonly #words: Uint32Array
  readonly #inodes: Uint32Array
  readonly #earliest: number
  readonly #table: EntryTable
  readonly #listings: Listings
  readonly #attributes: StoredAttributes
  readonly #placement: Placement

  constructor({ earliest, inodes, listings, table }: Inventory, attributes: StoredAttributes, placement: Placement) {
    const buffer = new ArrayBuffer(placement.imageSize)
    this.bytes = new Uint8Array(buffer)
    this.#words = new Uint32Array(buffer)
    this.#inodes = inodes
    this.#earliest = earliest
    this.#table = table
    this.#listings = listings
    this.#attributes = attributes
    this.#placement = placement
  }

  header(version: number): void {
    this.#put(headerField.magic, composefsMagic)
    this.#put(headerField.formatVersion, composefsFormatVersion)
    this.#put(headerField.flags, this.#attributes.hasAcl ? flagHasAcl : 0)
    this.#put(headerField.composefsVersion, version)
  }

  /** Reference §3.1. */
  superblock(): void {
    const at = superblockOffset
    const { nanoseconds, secondsHigh, secondsLow } = this.#table
    const rootNid = this.#placement.nid[this.#inodes[0] ?? 0] ?? 0
    this.#put(at + superField.magic, erofsMagic)
    this.#put(at + superField.featureCompat, featureCompat)
    // With the u16 of the root's number behind it.
    this.#put(at + superField.blockBits, Math.log2(blockSize) | (rootNid << 16))
    this.#put(at + superField.inodes, this.#inodes.length)
    this.#put(at + superField.buildTime, secondsLow[this.#earliest] ?? 0)
    this.#put(at + superField.buildTime + 4, secondsHigh[this.#earliest] ?? 0)
    this.#put(at + superField.buildTimeNsec, nanoseconds[this.#earliest] ?? 0)
    this.#put(at + superField.blocks, this.bytes.length / blockSize)
    this.#put(at + superField.xattrBlock, this.#xattrBlock)
  }

  inode(number: number): void {
    const inode = this.#inodes[number] ?? 0
    const at = (this.#placement.nid[inode] ?? 0) * slotSize
    const isExtended = this.#placement.isExtended[inode] === 1
    if (isExtended) this.#extendedInode(at, inode, number)
    else this.#compactInode(at, inode, number)
    this.#xattrs(at + (isExtended ? extendedInodeSize : compactInodeSize), inode)
    this.#data(at + (this.#placement.headSize[inode] ?? 0), inode)
  }

  sharedAttributes(): void {
    for (const attribute of this.#attributes.shared) {
      this.#xattr(this.#placement.sharedOffset + (this.#attributes.sharedOffset[attribute] ?? 0), attribute)
    }
  }

  /** The block that numbers of shared attributes count from. */
  get #xattrBlock(): number {
    return Math.floor(this.#placement.sharedOffset / blockSize)
  }

  /** Reference §3.4. */
  #compactInode(at: number, inode: number, number: number): void {
    const { gid, mode, nlink, uid } = this.#table
    const size = compactInodeSize
    this.#put(at, this.#formatAndXattrs(inode, size, 0))
    this.#put(at + 4, (mode[inode] ?? 0) | ((nlink[inode] ?? 0) << 16))
    this.#put(at + 8, this.#storedSize(inode))
    this.#put(at + 16, this.#union(inode))
    this.#put(at + 20, number)
    this.#put(at + 24, (uid[inode] ?? 0) | ((gid[inode] ?? 0) << 16))
  }

  #extendedInode(at: number, inode: number, number: number): void {
    const { gid, mode, nanoseconds, nlink, secondsHigh, secondsLow, uid } = this.#table
    const size = this.#storedSize(inode)
    this.#put(at, this.#formatAndXattrs(inode, extendedInodeSize, 1))
    this.#put(at + 4, mode[inode] ?? 0)
    this.#put(at + 8, size)
    this.#put(at + 12, Math.floor(size / 2 ** 32))
    this.#put(at + 16, this.#union(inode))
    this.#put(at + 20, number)
    this.#put(at + 24, uid[inode] ?? 0)
    this.#put(at + 28, gid[inode] ?? 0)
    this.#put(at + 32, secondsLow[inode] ?? 0)
    this.#put(at + 36, secondsHigh[inode] ?? 0)
    this.#put(at + 40, nanoseconds[inode] ?? 0)
    this.#put(at + 44, nlink[inode] ?? 0)
  }

  /** Layout and form, and how large the attributes are. */
  #formatAndXattrs(inode: number, size: number, form: number): number {
    const xattrSize = (this.#placement.headSize[inode] ?? 0) - size
    const xattrCount = xattrSize === 0 ? 0 : (xattrSize - xattrHeaderSize) / 4 + 1
    return (this.#layout(inode) << 1) | form | (xattrCount << 16)
  }

  /** Reference §3.8, as all of what is stored of an inode. */
  #layout(inode: number): number {
    if (this.#table.isExternal(inode)) return layout.chunkBased
    return (this.#placement.tail[inode] ?? 0) > 0 ? layout.flatInline : layout.flatPlain
  }

  #storedSize(inode: number): number {
    const type = this.#table.typeOf(inode)
    const hasSize = type === fileType.regular || type === fileType.directory || type === fileType.symlink
    return hasSize ? this.#table.size[inode] ?? 0 : 0
  }

  /** i_u: first block, chunk format, or device number. */
  #union(inode: number): number {
    const { rdev, size } = this.#table
    const block = (this.#placement.blocks[inode] ?? 0) > 0 ? this.#placement.firstBlock[inode] ?? 0 : 0
    if (this.#table.isExternal(inode)) {
      // The chunk format is 16 bits wide; behind it, the number of a moved chunk table shows through.
      return (block & 0xffff0000) | (chunking(size[inode] ?? 0).bits - minChunkBits)
    }
    return this.#table.isDevice(inode) ? rdev[inode] ?? 0 : block
  }

  /** Reference §3.6: a filter of names, the numbers of shared attributes, and the others. */
  #xattrs(start: number, inode: number): void {
    const attributes = this.#attributes
    attributes.gather(inode)
    if (attributes.count === 0) return
    let at = start + xattrHeaderSize
    let shared = 0
    for (let index = 0; index < attributes.count && shared < maxSharedXattrs; index++) {
      const attribute = attributes.list[index] ?? 0
      if (!attributes.isShared(attribute)) continue
      this.#put(at, this.#sharedNumber(attribute))
      at += 4
      shared++
    }
    this.#put(start, attributes.nameFilter)
    this.#put(start + 4, shared)
    for (let index = 0; index < attributes.count; index++) {
      const attribute = attributes.list[index] ?? 0
      if (attributes.isShared(attribute) && shared-- > 0) continue
      this.#xattr(at, attribute)
      at += attributes.entrySize(attribute)
    }
  }

  #sharedNumber(attribute: number): number {
    const offset = this.#placement.sharedOffset + (this.#attributes.sharedOffset[attribute] ?? 0)
    return (offset - this.#xattrBlock * blockSize) / 4
  }

  #xattr(at: number, attribute: number): void {
    const { arena: { bytes }, attributes: { values } } = this.#table
    const name = this.#attributes.names[values.owner[attribute] ?? 0]
    if (name === undefined) return
    const { index, suffix } = name
    const from = values.from[attribute] ?? 0
    const to = values.to[attribute] ?? 0
    this.#put(at, suffix.length | (index << 8) | ((to - from) << 16))
    copyBytes(suffix, 0, suffix.length, this.bytes, at + xattrEntrySize)
    copyBytes(bytes, from, to, this.bytes, at + xattrEntrySize + suffix.length)
  }

  #data(tailAt: number, inode: number): void {
    const blockAt = (this.#placement.firstBlock[inode] ?? 0) * blockSize
    switch (this.#table.typeOf(inode)) {
      case fileType.directory:
        return this.#directory(tailAt, blockAt, inode)
      case fileType.regular:
        return this.#table.isExternal(inode)
          ? this.#chunks(tailAt, blockAt, inode)
          : this.#content(tailAt, blockAt, inode)
      case fileType.symlink:
        return this.#content(tailAt, blockAt, inode)
    }
  }

  /** Content or target: first whole blocks, then the tail. */
  #content(tailAt: number, blockAt: number, inode: number): void {
    const { arena: { bytes }, dataFrom, dataTo } = this.#table
    const from = dataFrom[inode] ?? 0
    const to = dataTo[inode] ?? 0
    const split = to - (this.#placement.tail[inode] ?? 0)
    copyBytes(bytes, from, split, this.bytes, blockAt)
    copyBytes(bytes, split, to, this.bytes, tailAt)
  }

  /** No chunk is in the image; a table that got a block of its own fills it. */
  #chunks(tailAt: number, blockAt: number, inode: number): void {
    const isMoved = (this.#placement.blocks[inode] ?? 0) > 0
    const end = isMoved ? blockAt + blockSize : tailAt + (this.#placement.tail[inode] ?? 0)
    for (let at = isMoved ? blockAt : tailAt; at < end; at += 4) this.#put(at, nullChunk)
  }

  /** Reference §3.9: as many entries as a block holds, and the last of them behind the inode or in a block too. */
  #directory(tailAt: number, blockAt: number, inode: number): void {
    const { from, nameFrom, nameTo, to } = this.#listings
    const blocks = this.#placement.blocks[inode] ?? 0
    const end = to[inode] ?? 0
    let first = from[inode] ?? 0
    for (let block = 0; first < end; block++) {
      let next = first
      let filled = 0
      for (; next < end; next++) {
        filled += direntSize + (nameTo[next] ?? 0) - (nameFrom[next] ?? 0)
        if (filled > blockSize) break
      }
      this.#directoryBlock(block < blocks ? blockAt + block * blockSize : tailAt, first, next)
      first = next
    }
  }

  /** All entries of a block, then all names. */
  #directoryBlock(start: number, from: number, to: number): void {
    const { arena: { bytes }, mode } = this.#table
    const { inode, nameFrom, nameTo } = this.#listings
    let nameOffset = (to - from) * direntSize
    for (let entry = from, at = start; entry < to; entry++, at += direntSize) {
      const target = inode[entry] ?? 0
      const nameStart = nameFrom[entry] ?? 0
      const nameEnd = nameTo[entry] ?? 0
      this.#put(at, this.#placement.nid[target] ?? 0)
      this.#put(at + 8, nameOffset | (direntType(mode[target] ?? 0) << 16))
      copyBytes(bytes, nameStart, nameEnd, this.bytes, start + nameOffset)
      nameOffset += nameEnd - nameStart
    }
  }

  #put(at: number, word: number): void {
    this.#words[at >>> 2] = littleEndian(word)
  }
}

const isLittleEndian = new Uint8Array(Uint32Array.of(1).buffer)[0] === 1

/** A word as it must be in memory for its bytes to be in the order of the format. */
const littleEndian = (word: number): number =>
  isLittleEndian
    ? word
    : ((word & 0xff) << 24) | ((word & 0xff00) << 8) | ((word >>> 8) & 0xff00) | (word >>> 24)

export const direntType = (mode: number): number => {
  switch (mode & typeMask) {
    case fileType.directory:
      return dirType.directory
    case fileType.characterDevice:
      return dirType.characterDevice
    case fileType.blockDevice:
      return dirType.blockDevice
    case fileType.fifo:
      return dirType.fifo
    case fileType.socket:
      return dirType.socket
    case fileType.symlink:
      return dirType.symlink
    default:
      return dirType.regular
  }
}
