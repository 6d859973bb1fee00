/** Writes a placed inventory as bytes in the legacy layout. */
import * as ByteString from "../../byteString.ts"
import { modeOf } from "../../fileType.ts"
import { direntType } from "../encode.ts"
import {
  blockSize,
  composefsFormatVersion,
  composefsMagic,
  direntSize,
  erofsMagic,
  extendedInodeSize,
  featureCompat,
  headerField,
  nullChunk,
  slotSize,
  superblockOffset,
  superField,
  xattrEntrySize,
  xattrHeaderSize
} from "../format.ts"
import { nameFilter, type Xattr } from "../xattrs.ts"
import { directoryBlocks } from "./directory.ts"
import { chunkFormat, legacyVersion } from "./format.ts"
import type { PlannedEntry } from "./inventory.ts"
import type { PlacedInode, Placement } from "./placement.ts"

export const encode = (placement: Placement): Uint8Array => {
  const writer = new Writer(placement)
  writer.header()
  writer.superblock()
  for (const inode of placement.inodes) writer.inode(inode)
  for (const xattr of placement.sharedXattrs) writer.xattr(placement.sharedOffset + xattr.sharedOffset, xattr)
  return writer.bytes
}

class Writer {
  readonly bytes: Buffer
  readonly #placement: Placement

  constructor(placement: Placement) {
    this.#placement = placement
    this.bytes = Buffer.alloc(placement.imageSize)
  }

  /** The flags stay 0, access control lists or not. */
  header(): void {
    this.#u32(headerField.magic, composefsMagic)
    this.#u32(headerField.formatVersion, composefsFormatVersion)
    this.#u32(headerField.composefsVersion, legacyVersion)
  }

  /** The build time stays 0: every inode has a time of its own. So does the attribute block: their numbers are absolute. */
  superblock(): void {
    const at = superblockOffset
    const { inodes } = this.#placement
    this.#u32(at + superField.magic, erofsMagic)
    this.#u32(at + superField.featureCompat, featureCompat)
    this.bytes[at + superField.blockBits] = Math.log2(blockSize)
    this.#u16(at + superField.rootNid, this.#nid(0))
    this.#u64(at + superField.inodes, inodes.length)
    this.#u32(at + superField.blocks, this.bytes.length / blockSize)
  }

  /** Always of the extended form. Its number is its place; times are in whole seconds. */
  inode(inode: PlacedInode): void {
    const { layout, offset: at, planned: { nlink, node }, size, xattrs } = inode
    this.#u16(at, (layout << 1) | 1)
    this.#u16(at + 2, xattrs.size === 0 ? 0 : (xattrs.size - xattrHeaderSize) / 4 + 1)
    this.#u16(at + 4, modeOf(node))
    this.#u64(at + 8, size)
    this.#u32(at + 16, inodeUnion(inode))
    this.#u32(at + 20, at / slotSize)
    this.#u32(at + 24, node.uid)
    this.#u32(at + 28, node.gid)
    this.bytes.writeBigInt64LE(node.mtime.seconds, at + 32)
    this.#u32(at + 44, nlink)
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

  #xattrs({ offset, planned, xattrs }: PlacedInode): void {
    if (xattrs.size === 0) return
    let at = offset + extendedInodeSize
    this.#u32(at, nameFilter(planned.xattrs))
    this.bytes[at + 4] = xattrs.shared.length
    at += xattrHeaderSize
    for (const xattr of xattrs.shared) {
      this.#u32(at, (this.#placement.sharedOffset + xattr.sharedOffset) / 4)
      at += 4
    }
    for (const xattr of xattrs.inline) {
      this.xattr(at, xattr)
      at += xattr.size
    }
  }

  #data({ blocks, firstBlock, headEnd, planned: { entries, node }, tail }: PlacedInode): void {
    switch (node._tag) {
      case "Directory":
        return directoryBlocks(entries).forEach((block, index) =>
          this.#directoryBlock(block.entries, index < blocks ? (firstBlock + index) * blockSize : headEnd)
        )
      case "InlineFile":
        this.bytes.set(node.content, headEnd)
        return
      case "ExternalFile":
        if (tail > 0) this.#u32(headEnd, nullChunk)
        return
      case "Symlink":
        return this.#text(headEnd, ByteString.fromText(node.target))
    }
  }

  /** All entries of a block, then all names. */
  #directoryBlock(entries: ReadonlyArray<PlannedEntry>, start: number): void {
    let nameOffset = entries.length * direntSize
    entries.forEach(({ inode, name }, index) => {
      const at = start + index * direntSize
      this.#u64(at, this.#nid(inode.number))
      this.#u16(at + 8, nameOffset)
      this.bytes[at + 10] = direntType(modeOf(inode.node))
      this.#text(start + nameOffset, name)
      nameOffset += name.length
    })
  }

  #nid(number: number): number {
    return (this.#placement.inodes[number]?.offset ?? 0) / slotSize
  }

  #text(at: number, text: ByteString.ByteString): void {
    this.bytes.write(text, at, "latin1")
  }

  #u16(at: number, value: number): void {
    this.bytes.writeUInt16LE(value, at)
  }

  #u32(at: number, value: number): void {
    this.bytes.writeUInt32LE(value, at)
  }

  #u64(at: number, value: number): void {
    this.bytes.writeBigUInt64LE(BigInt(value), at)
  }
}

/** i_u: first block, chunk format, or device number. */
const inodeUnion = ({ blocks, firstBlock, planned: { node } }: PlacedInode): number => {
  switch (node._tag) {
    case "ExternalFile":
      return chunkFormat
    case "CharacterDevice":
    case "BlockDevice":
      return node.rdev
    default:
      return blocks > 0 ? firstBlock : 0
  }
}
