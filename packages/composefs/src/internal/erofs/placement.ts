/** Where everything goes: every inode with its attributes and tail, the shared attributes, and the data blocks. */
import { fileType } from "../fileType.ts"
import type { EntryTable } from "../table/entryTable.ts"
import {
  alignUp,
  blockSize,
  chunking,
  compactInodeSize,
  direntSize,
  extendedInodeSize,
  inodesOffset,
  slotSize
} from "./format.ts"
import type { Inventory, Listings } from "./inventory.ts"
import type { StoredAttributes } from "./storedAttributes.ts"

export interface Placement {
  /** By entry of the table: where an inode is, in slots of 32 bytes. */
  readonly nid: Uint32Array
  /** Bytes of an inode with its attributes, and which form it has. */
  readonly headSize: Uint32Array
  readonly isExtended: Uint8Array
  /** An inode's data: bytes right behind the head, and whole blocks elsewhere. */
  readonly tail: Uint16Array
  readonly blocks: Uint32Array
  /** Number of the first block. */
  readonly firstBlock: Uint32Array
  /** Where the shared attributes start, in bytes. */
  readonly sharedOffset: number
  /** Bytes. */
  readonly imageSize: number
}

export const place = (inventory: Inventory, attributes: StoredAttributes): Placement => {
  const placer = new Placer(inventory, attributes)
  const { inodes } = inventory
  for (let number = 0; number < inodes.length; number++) placer.place(inodes[number] ?? 0)
  return placer.finish()
}

class Placer {
  readonly #table: EntryTable
  readonly #inodes: Uint32Array
  readonly #listings: Listings
  readonly #earliest: number
  readonly #attributes: StoredAttributes
  readonly #nid: Uint32Array
  readonly #headSize: Uint32Array
  readonly #isExtended: Uint8Array
  readonly #tail: Uint16Array
  readonly #blocks: Uint32Array
  #position = inodesOffset

  constructor({ earliest, inodes, listings, table }: Inventory, attributes: StoredAttributes) {
    const { count } = table
    this.#table = table
    this.#inodes = inodes
    this.#listings = listings
    this.#earliest = earliest
    this.#attributes = attributes
    this.#nid = new Uint32Array(count)
    this.#headSize = new Uint32Array(count)
    this.#isExtended = new Uint8Array(count)
    this.#tail = new Uint16Array(count)
    this.#blocks = new Uint32Array(count)
  }

  /** Reference §3.7. */
  place(inode: number): void {
    this.#shape(inode)
    this.#measureHead(inode)
    const head = this.#headSize[inode] ?? 0
    const start = alignUp(this.#position, slotSize)
    const isSymlink = this.#table.typeOf(inode) === fileType.symlink
    const offset = isSymlink ? this.#placeSymlink(inode, start, head) : this.#placeTail(inode, start, head)
    this.#nid[inode] = offset / slotSize
    this.#position = offset + head + (this.#tail[inode] ?? 0)
  }

  finish(): Placement {
    const sharedOffset = alignUp(this.#position, slotSize)
    const firstBlock = new Uint32Array(this.#table.count)
    let block = alignUp(sharedOffset + this.#attributes.sharedSize, blockSize) / blockSize
    for (let number = 0; number < this.#inodes.length; number++) {
      const inode = this.#inodes[number] ?? 0
      firstBlock[inode] = block
      block += this.#blocks[inode] ?? 0
    }
    return {
      nid: this.#nid,
      headSize: this.#headSize,
      isExtended: this.#isExtended,
      tail: this.#tail,
      blocks: this.#blocks,
      firstBlock,
      sharedOffset,
      imageSize: block * blockSize
    }
  }

  /** How much data an inode has, and how much of it in whole blocks; its size becomes what is stored. Reference §3.5. */
  #shape(inode: number): void {
    const { size } = this.#table
    switch (this.#table.typeOf(inode)) {
      case fileType.directory:
        return this.#shapeDirectory(inode)
      case fileType.symlink:
        this.#tail[inode] = size[inode] ?? 0
        return
      case fileType.regular:
        if (this.#table.isExternal(inode)) this.#tail[inode] = 4 * chunking(size[inode] ?? 0).count
        else this.#splitTail(inode, 0, this.#table.dataSize(inode))
    }
  }

  /** Fills block after block with entries; none crosses into the next. */
  #shapeDirectory(directory: number): void {
    const { from, nameFrom, nameTo, to } = this.#listings
    const end = to[directory] ?? 0
    let blocks = 0
    let filled = 0
    for (let at = from[directory] ?? 0; at < end; at++) {
      const entrySize = direntSize + (nameTo[at] ?? 0) - (nameFrom[at] ?? 0)
      if (filled + entrySize > blockSize) {
        blocks++
        filled = 0
      }
      filled += entrySize
    }
    this.#splitTail(directory, blocks, filled)
    this.#table.size[directory] = (this.#blocks[directory] ?? 0) * blockSize + (this.#tail[directory] ?? 0)
  }

  /** A tail of more than half a block gets a block of its own. */
  #splitTail(inode: number, fullBlocks: number, rest: number): void {
    const tail = rest % blockSize
    const isBlock = tail > blockSize / 2
    this.#blocks[inode] = fullBlocks + (rest - tail) / blockSize + (isBlock ? 1 : 0)
    this.#tail[inode] = isBlock ? 0 : tail
  }

  #measureHead(inode: number): void {
    this.#attributes.gather(inode)
    const isExtended = this.#needsExtended(inode)
    this.#isExtended[inode] = isExtended ? 1 : 0
    this.#headSize[inode] = (isExtended ? extendedInodeSize : compactInodeSize) + this.#attributes.size
  }

  /**
   * A compact inode has no time of its own and small numbers. What a device or a FIFO claims as its size counts here,
   * though it is stored as 0. Reference §3.4.
   */
  #needsExtended(inode: number): boolean {
    const { gid, nlink, size, uid } = this.#table
    return (nlink[inode] ?? 0) > 0xffff || (uid[inode] ?? 0) > 0xffff || (gid[inode] ?? 0) > 0xffff ||
      (size[inode] ?? 0) > 0xffffffff || this.#table.compareTimes(inode, this.#earliest) !== 0
  }

  /**
   * The kernel reads a target that is not in a block of its own from the inode's block: it must not cross into another.
   */
  #placeSymlink(inode: number, start: number, head: number): number {
    const total = head + (this.#tail[inode] ?? 0)
    if (total >= blockSize) this.#moveOut(inode)
    return (start % blockSize) + total > blockSize ? alignUp(start, blockSize) : start
  }

  /** A tail must not cross a block boundary; padding in front of the inode moves it behind the boundary. */
  #placeTail(inode: number, start: number, head: number): number {
    const tail = this.#tail[inode] ?? 0
    const room = roomInBlock(start + head)
    if (room >= tail) return start
    const padding = alignUp(room, slotSize)
    if (tail <= roomInBlock(start + head + padding)) return start + padding
    this.#moveOut(inode)
    return alignUp(start, blockSize)
  }

  #moveOut(inode: number): void {
    this.#blocks[inode] = (this.#blocks[inode] ?? 0) + 1
    this.#tail[inode] = 0
  }
}

/** Bytes left in the block at `position`, 1 to 4096. */
const roomInBlock = (position: number): number => blockSize - (position % blockSize)
