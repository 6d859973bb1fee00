/** Where everything goes: data shapes first, then every inode's place, then the shared attributes and data blocks. */
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import {
  alignUp,
  blockSize,
  chunking,
  compactInodeSize,
  direntSize,
  extendedInodeSize,
  inodesOffset,
  layout,
  slotSize
} from "./format.ts"
import type { Inventory, PlannedEntry, PlannedInode } from "./inventory.ts"
import { type Xattr, type XattrBlock, xattrBlock } from "./xattrs.ts"

/** An inode's data: whole blocks elsewhere, and a tail right behind the inode. */
interface DataShape {
  readonly blocks: number
  readonly tail: number
}

export interface PlacedInode {
  readonly planned: PlannedInode
  readonly isExtended: boolean
  readonly xattrs: XattrBlock
  readonly layout: number
  /** i_size */
  readonly size: number
  /** Byte offset of the inode. */
  readonly offset: number
  readonly blocks: number
  readonly tail: number
  /** Number of the first of `blocks`. */
  readonly firstBlock: number
}

export interface Placement {
  readonly inodes: ReadonlyArray<PlacedInode>
  readonly sharedXattrs: ReadonlyArray<Xattr>
  /** Where the shared attributes start, in bytes. */
  readonly sharedOffset: number
  /** Where the data blocks start, in bytes. */
  readonly dataOffset: number
  /** Bytes. */
  readonly imageSize: number
}

export const place = (inventory: Inventory): Placement => {
  const sharedXattrs = inventory.xattrs.share()
  const inodes: Array<Omit<PlacedInode, "firstBlock">> = []
  let position = inodesOffset
  for (const planned of inventory.inodes) {
    const inode = placeInode(planned, inventory.earliest, position)
    inodes.push(inode)
    position = inode.offset + headSize(inode) + inode.tail
  }
  const sharedOffset = alignUp(position, slotSize)
  const sharedSize = sharedXattrs.reduce((size, xattr) => size + xattr.size, 0)
  const dataOffset = alignUp(sharedOffset + sharedSize, blockSize)
  let nextBlock = dataOffset / blockSize
  const numbered = inodes.map((inode) => {
    const firstBlock = nextBlock
    nextBlock += inode.blocks
    return { ...inode, firstBlock }
  })
  return { inodes: numbered, sharedXattrs, sharedOffset, dataOffset, imageSize: nextBlock * blockSize }
}

/** Bytes of inode and attributes. */
export const headSize = ({ isExtended, xattrs }: { readonly isExtended: boolean; readonly xattrs: XattrBlock }) =>
  (isExtended ? extendedInodeSize : compactInodeSize) + xattrs.size

const placeInode = (
  planned: PlannedInode,
  earliest: Node.Timestamp,
  position: number
): Omit<PlacedInode, "firstBlock"> => {
  const shape = shapeOf(planned)
  const size = dataSize(planned, shape)
  const xattrs = xattrBlock(planned.xattrs)
  const isExtended = needsExtended(planned, size, earliest)
  const head = headSize({ isExtended, xattrs })
  const start = alignUp(position, slotSize)
  const placed = planned.node._tag === "Symlink" ? placeSymlink(start, head, shape) : placeTail(start, head, shape)
  return { planned, isExtended, xattrs, size, layout: layoutOf(planned, placed.tail), ...placed }
}

const shapeOf = ({ entries, node }: PlannedInode): DataShape => {
  switch (node._tag) {
    case "Directory":
      return directoryShape(entries)
    case "InlineFile":
      return splitTail(node.content.length)
    case "ExternalFile":
      return { blocks: 0, tail: 4 * chunking(node.size).count }
    case "Symlink":
      return { blocks: 0, tail: ByteString.fromText(node.target).length }
    default:
      return { blocks: 0, tail: 0 }
  }
}

/** A tail of more than half a block gets a block of its own. */
export const splitTail = (size: number): DataShape => {
  const blocks = Math.floor(size / blockSize)
  const tail = size % blockSize
  return tail > blockSize / 2 ? { blocks: blocks + 1, tail: 0 } : { blocks, tail }
}

/** The entries of a directory block by block: no entry crosses a block. */
export const directoryBlocks = <Entry extends { readonly name: ByteString.ByteString }>(
  entries: ReadonlyArray<Entry>
): ReadonlyArray<{ readonly entries: ReadonlyArray<Entry>; readonly size: number }> => {
  const blocks: Array<{ readonly entries: ReadonlyArray<Entry>; readonly size: number }> = []
  let current: Array<Entry> = []
  let size = 0
  for (const entry of entries) {
    const entrySize = direntSize + entry.name.length
    if (size + entrySize > blockSize) {
      blocks.push({ entries: current, size })
      current = []
      size = 0
    }
    current.push(entry)
    size += entrySize
  }
  blocks.push({ entries: current, size })
  return blocks
}

const directoryShape = (entries: ReadonlyArray<PlannedEntry>): DataShape => {
  const blocks = directoryBlocks(entries)
  const last = splitTail(blocks.at(-1)?.size ?? 0)
  return { blocks: blocks.length - 1 + last.blocks, tail: last.tail }
}

const dataSize = ({ node }: PlannedInode, shape: DataShape): number => {
  switch (node._tag) {
    case "Directory":
      return shape.blocks * blockSize + shape.tail
    case "InlineFile":
      return node.content.length
    case "ExternalFile":
      return node.size
    case "Symlink":
      return shape.tail
    default:
      return 0
  }
}

/** A compact inode has no time of its own and small numbers. */
const needsExtended = (
  { mode, nlink, node }: PlannedInode,
  size: number,
  earliest: Node.Timestamp
): boolean => {
  // What a device or a FIFO claims as its size counts here, though it is stored as 0.
  const claimed = "size" in node && (mode & typeMask) !== fileType.regular ? node.size : size
  return node.mtime.seconds !== earliest.seconds || node.mtime.nanoseconds !== earliest.nanoseconds ||
    nlink > 0xffff || node.uid > 0xffff || node.gid > 0xffff || claimed > 0xffffffff
}

const layoutOf = ({ node }: PlannedInode, tail: number): number =>
  node._tag === "ExternalFile" ? layout.chunkBased : tail > 0 ? layout.flatInline : layout.flatPlain

interface Placed extends DataShape {
  readonly offset: number
}

/** The kernel reads a target that is not in a block of its own from the inode's block: it must not cross into another. */
const placeSymlink = (start: number, head: number, { tail }: DataShape): Placed => {
  const total = head + tail
  const crosses = Math.floor(start / blockSize) !== Math.floor((start + total - 1) / blockSize)
  const offset = crosses ? alignUp(start, blockSize) : start
  return total >= blockSize ? { offset, blocks: 1, tail: 0 } : { offset, blocks: 0, tail }
}

/** A tail must not cross a block boundary; padding in front of the inode moves it behind the boundary. */
const placeTail = (start: number, head: number, shape: DataShape): Placed => {
  const room = roomInBlock(start + head)
  if (room >= shape.tail) return { ...shape, offset: start }
  const padding = alignUp(room, slotSize)
  return shape.tail <= roomInBlock(start + head + padding)
    ? { ...shape, offset: start + padding }
    : { offset: alignUp(start, blockSize), blocks: shape.blocks + 1, tail: 0 }
}

/** Bytes left in the block at `position`, 1 to 4096. */
const roomInBlock = (position: number): number => blockSize - (position % blockSize)
