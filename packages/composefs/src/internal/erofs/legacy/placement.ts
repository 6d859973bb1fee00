/** Where everything goes in the legacy layout: every inode, then the shared attributes, then blocks of directories. */
import * as ByteString from "../../byteString.ts"
import { alignUp, blockSize, extendedInodeSize, inodesOffset, layout, slotSize } from "../format.ts"
import { type Xattr, type XattrBlock, xattrBlock } from "../xattrs.ts"
import { directoryBlocks, splitTail } from "./directory.ts"
import { chunkTableSize, maxSharedXattrs, sharedOrder } from "./format.ts"
import type { Inventory, PlannedInode } from "./inventory.ts"

export interface PlacedInode {
  readonly planned: PlannedInode
  readonly xattrs: XattrBlock
  readonly layout: number
  /** i_size */
  readonly size: number
  /** Byte offset of the inode. */
  readonly offset: number
  /** Where inode and attributes end: what is inline starts here. */
  readonly headEnd: number
  /** Bytes that follow the head. */
  readonly tail: number
  /** Number of data blocks, and of the first of them: only directories have some. */
  readonly blocks: number
  readonly firstBlock: number
}

export interface Placement {
  readonly inodes: ReadonlyArray<PlacedInode>
  readonly sharedXattrs: ReadonlyArray<Xattr>
  /** Where the shared attributes start, in bytes. */
  readonly sharedOffset: number
  /** Bytes. */
  readonly imageSize: number
}

export const place = ({ inodes, xattrs }: Inventory): Placement => {
  const sharedXattrs = xattrs.share(sharedOrder)
  const unnumbered: Array<Omit<PlacedInode, "firstBlock">> = []
  let position = inodesOffset
  for (const planned of inodes) {
    const inode = placeInode(planned, position)
    unnumbered.push(inode)
    position = alignUp(inode.headEnd + inode.tail, slotSize)
  }
  const sharedSize = sharedXattrs.reduce((size, xattr) => size + xattr.size, 0)
  let nextBlock = alignUp(position + sharedSize, blockSize) / blockSize
  const placed = unnumbered.map((inode) => {
    const firstBlock = nextBlock
    nextBlock += inode.blocks
    return { ...inode, firstBlock }
  })
  return { inodes: placed, sharedXattrs, sharedOffset: position, imageSize: nextBlock * blockSize }
}

const placeInode = (planned: PlannedInode, position: number): Omit<PlacedInode, "firstBlock"> => {
  const xattrs = xattrBlock(planned.xattrs, maxSharedXattrs)
  const headSize = extendedInodeSize + xattrs.size
  const shape = shapeOf(planned)
  const offset = shape.layout === layout.flatInline ? besideTail(position, headSize, shape.tail) : position
  return { planned, xattrs, ...shape, offset, headEnd: offset + headSize }
}

/**
 * What is inline starts and ends in one block, and so does, by the measure of composefs-rs, the last byte of the head.
 * If not, the inode moves as far as that byte has to go into the next block. The tail has at most 2048 bytes, so it
 * then fits.
 */
const besideTail = (position: number, headSize: number, tail: number): number => {
  const lastOfHead = position + headSize - 1
  const end = position + headSize + tail
  return Math.floor(lastOfHead / blockSize) === Math.floor(end / blockSize)
    ? position
    : alignUp(position + blockSize - (lastOfHead % blockSize), slotSize)
}

const shapeOf = ({ entries, node }: PlannedInode): Pick<PlacedInode, "layout" | "size" | "tail" | "blocks"> => {
  switch (node._tag) {
    case "Directory": {
      const packed = directoryBlocks(entries)
      const last = splitTail(packed.at(-1)?.size ?? 0)
      const blocks = packed.length - 1 + last.blocks
      return { ...flat(last.tail), size: blocks * blockSize + last.tail, blocks }
    }
    case "InlineFile":
      return flat(node.content.length)
    case "Symlink":
      return flat(ByteString.fromText(node.target).length)
    case "ExternalFile":
      return { layout: layout.chunkBased, size: node.size, tail: chunkTableSize(node.digest !== undefined), blocks: 0 }
    default:
      return flat(0)
  }
}

const flat = (size: number): Pick<PlacedInode, "layout" | "size" | "tail" | "blocks"> => ({
  layout: size === 0 ? layout.flatPlain : layout.flatInline,
  size,
  tail: size,
  blocks: 0
})
