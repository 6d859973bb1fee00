/** Writes a placed inventory as bytes. */
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import {
  blockSize,
  chunking,
  composefsFormatVersion,
  composefsMagic,
  direntSize,
  dirType,
  erofsMagic,
  featureCompat,
  flagHasAcl,
  headerField,
  minChunkBits,
  nullChunk,
  slotSize,
  superblockOffset,
  superField,
  xattrEntrySize,
  xattrHeaderSize
} from "./format.ts"
import type { Inventory, PlannedEntry } from "./inventory.ts"
import { directoryBlocks, headSize, type PlacedInode, type Placement } from "./placement.ts"
import { nameFilter, type Xattr } from "./xattrs.ts"

export const encode = (inventory: Inventory, placement: Placement, version: number): Uint8Array => {
  const image = new ImageBytes(placement)
  image.header(inventory.hasAcl, version)
  image.superblock(inventory)
  for (const inode of placement.inodes) image.inode(inode)
  for (const xattr of placement.sharedXattrs) image.xattr(placement.sharedOffset + xattr.sharedOffset, xattr)
  return image.bytes
}

class ImageBytes {
  readonly bytes: Buffer
  readonly #view: DataView
  readonly #placement: Placement

  constructor(placement: Placement) {
    this.#placement = placement
    this.bytes = Buffer.alloc(placement.imageSize)
    this.#view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.length)
  }

  header(hasAcl: boolean, version: number): void {
    this.#u32(headerField.magic, composefsMagic)
    this.#u32(headerField.formatVersion, composefsFormatVersion)
    this.#u32(headerField.flags, hasAcl ? flagHasAcl : 0)
    this.#u32(headerField.composefsVersion, version)
  }

  superblock({ earliest, inodes }: Inventory): void {
    const at = superblockOffset
    const root = this.#placement.inodes[0]
    this.#u32(at + superField.magic, erofsMagic)
    this.#u32(at + superField.featureCompat, featureCompat)
    this.bytes[at + superField.blockBits] = Math.log2(blockSize)
    this.#u16(at + superField.rootNid, root === undefined ? 0 : nid(root))
    this.#u64(at + superField.inodes, inodes.length)
    this.#view.setBigInt64(at + superField.buildTime, earliest.seconds, true)
    this.#u32(at + superField.buildTimeNsec, earliest.nanoseconds)
    this.#u32(at + superField.blocks, this.bytes.length / blockSize)
    this.#u32(at + superField.xattrBlock, this.#xattrBlock)
  }

  inode(inode: PlacedInode): void {
    if (inode.isExtended) this.#extendedInode(inode)
    else this.#compactInode(inode)
    this.#xattrs(inode)
    this.#data(inode)
  }

  xattr(at: number, { index, suffix, value }: Xattr): void {
    this.bytes[at] = suffix.length
    this.bytes[at + 1] = index
    this.#u16(at + 2, value.length)
    this.#text(at + xattrEntrySize, suffix)
    this.#text(at + xattrEntrySize + suffix.length, value)
  }

  /** The block that numbers of shared attributes count from. */
  get #xattrBlock(): number {
    return Math.floor(this.#placement.sharedOffset / blockSize)
  }

  #compactInode(inode: PlacedInode): void {
    const { mode, nlink, node, number } = inode.planned
    const at = inode.offset
    this.#inodeStart(inode, mode)
    this.#u16(at + 6, nlink)
    this.#u32(at + 8, inode.size)
    this.#u32(at + 16, inodeUnion(inode))
    this.#u32(at + 20, number)
    this.#u16(at + 24, node.uid)
    this.#u16(at + 26, node.gid)
  }

  #extendedInode(inode: PlacedInode): void {
    const { mode, nlink, node, number } = inode.planned
    const at = inode.offset
    this.#inodeStart(inode, mode)
    this.#u64(at + 8, inode.size)
    this.#u32(at + 16, inodeUnion(inode))
    this.#u32(at + 20, number)
    this.#u32(at + 24, node.uid)
    this.#u32(at + 28, node.gid)
    this.#view.setBigInt64(at + 32, node.mtime.seconds, true)
    this.#u32(at + 40, node.mtime.nanoseconds)
    this.#u32(at + 44, nlink)
  }

  #inodeStart({ isExtended, layout, offset, xattrs }: PlacedInode, mode: number): void {
    this.#u16(offset, (layout << 1) | (isExtended ? 1 : 0))
    this.#u16(offset + 2, xattrs.size === 0 ? 0 : (xattrs.size - xattrHeaderSize) / 4 + 1)
    this.#u16(offset + 4, mode)
  }

  #xattrs({ offset, isExtended, planned, xattrs }: PlacedInode): void {
    if (xattrs.size === 0) return
    let at = offset + headSize({ isExtended, xattrs }) - xattrs.size
    this.#u32(at, nameFilter(planned.xattrs))
    this.bytes[at + 4] = xattrs.shared.length
    at += xattrHeaderSize
    for (const xattr of xattrs.shared) {
      const fromBlock = this.#placement.sharedOffset - this.#xattrBlock * blockSize + xattr.sharedOffset
      this.#u32(at, fromBlock / 4)
      at += 4
    }
    for (const xattr of xattrs.inline) {
      this.xattr(at, xattr)
      at += xattr.size
    }
  }

  #data(inode: PlacedInode): void {
    const blocks = inode.firstBlock * blockSize
    const tail = inode.offset + headSize(inode)
    const { entries, node } = inode.planned
    switch (node._tag) {
      case "Directory":
        return this.#directory(entries, blocks, inode.blocks, tail)
      case "InlineFile": {
        const split = inode.tail === 0 ? node.content.length : inode.blocks * blockSize
        this.bytes.set(node.content.subarray(0, split), blocks)
        this.bytes.set(node.content.subarray(split), tail)
        return
      }
      case "ExternalFile":
        return this.#chunks(node, inode.blocks > 0 ? blocks : tail, inode.blocks > 0 ? blockSize : inode.tail)
      case "Symlink":
        return this.#text(inode.blocks > 0 ? blocks : tail, ByteString.fromText(node.target))
    }
  }

  #directory(entries: ReadonlyArray<PlannedEntry>, firstByte: number, fullBlocks: number, tail: number): void {
    directoryBlocks(entries).forEach((block, index) =>
      this.#directoryBlock(block.entries, index < fullBlocks ? firstByte + index * blockSize : tail)
    )
  }

  /** All entries of a block, then all names. */
  #directoryBlock(entries: ReadonlyArray<PlannedEntry>, start: number): void {
    let nameOffset = entries.length * direntSize
    entries.forEach(({ inode, name }, index) => {
      const at = start + index * direntSize
      const target = this.#placement.inodes[inode.number]
      this.#u64(at, target === undefined ? 0 : nid(target))
      this.#u16(at + 8, nameOffset)
      this.bytes[at + 10] = direntType(inode.mode)
      this.#text(start + nameOffset, name)
      nameOffset += name.length
    })
  }

  /** No chunk is in the image; a table that got a block of its own fills it. */
  #chunks(node: Node.ExternalFile, at: number, size: number): void {
    const end = at + Math.max(size, 4 * chunking(node.size).count)
    for (let position = at; position < end; position += 4) this.#u32(position, nullChunk)
  }

  #text(at: number, text: ByteString.ByteString): void {
    this.bytes.write(text, at, "latin1")
  }

  #u16(at: number, value: number): void {
    this.#view.setUint16(at, value, true)
  }

  #u32(at: number, value: number): void {
    this.#view.setUint32(at, value, true)
  }

  #u64(at: number, value: number): void {
    this.#view.setUint32(at, value % 2 ** 32, true)
    this.#view.setUint32(at + 4, Math.floor(value / 2 ** 32), true)
  }
}

const nid = (inode: PlacedInode): number => inode.offset / slotSize

/** i_u: first block, chunk format, or device number. */
const inodeUnion = ({ blocks, firstBlock, planned }: PlacedInode): number => {
  const { mode, node } = planned
  const block = blocks > 0 ? firstBlock : 0
  if (node._tag === "ExternalFile") {
    // The chunk format is 16 bits wide; behind it, the number of a moved chunk table shows through.
    return ((block & 0xffff0000) | (chunking(node.size).bits - minChunkBits)) >>> 0
  }
  const type = mode & typeMask
  const isDevice = type === fileType.characterDevice || type === fileType.blockDevice
  return isDevice && "rdev" in node ? node.rdev : block
}

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
