/** A buffer for whole small files, and the digest of what is in it (reference §1 and §6). */
import { hash } from "node:crypto"
import { readSync } from "node:fs"
import {
  type BlockHash,
  blockHash,
  blockSize,
  descriptor,
  digestSizeOf,
  hashLevel,
  type Parameters
} from "../verity/blockHash.ts"
import { maxBatchedSize } from "./batch.ts"

export class ReadBuffer {
  /** One block more than the largest file, for the byte which tells that a file has grown. */
  readonly bytes = Buffer.allocUnsafeSlow(maxBatchedSize + blockSize)
  readonly #using: Parameters
  readonly #hashBlock: BlockHash
  readonly #digestSize: number
  /** The root and the size are written into the same one for every file. */
  readonly #descriptor: Buffer
  /** Two levels of hashes, by turns the lower and the upper one. */
  readonly #levels: readonly [Buffer, Buffer]
  /** The blocks, as views made once: a view per hash would cost a good part of the call. */
  readonly #blocks = Array.from(
    { length: maxBatchedSize / blockSize },
    (_, block) => this.bytes.subarray(block * blockSize, (block + 1) * blockSize)
  )

  constructor(using: Parameters) {
    this.#using = using
    this.#hashBlock = blockHash(using)
    this.#digestSize = digestSizeOf(using.algorithm)
    this.#descriptor = descriptor(using, 0, new Uint8Array(0))
    const size = levelSize(this.#blocks.length * this.#digestSize)
    this.#levels = [Buffer.alloc(size), Buffer.alloc(size)]
  }

  /** Reads a file in one go: all of a small one, or one byte more than {@link maxBatchedSize}. */
  readOnce(file: number): number {
    return readSync(file, this.bytes, 0, maxBatchedSize + 1, null)
  }

  /** Reads until there are so many bytes, or the file ends. Returns how many there are. */
  read(file: number, position: number, size: number): number {
    let filled = 0
    for (let count = -1; count !== 0 && filled < size; filled += count) {
      count = readSync(file, this.bytes, filled, size - filled, position + filled)
    }
    return filled
  }

  /** A copy of the first bytes. */
  copy(size: number): Uint8Array {
    return new Uint8Array(this.bytes.subarray(0, size))
  }

  /** The digest of the first `size` bytes. */
  digest(size: number): string {
    const count = Math.ceil(size / blockSize)
    this.bytes.fill(0, size, count * blockSize)
    if (count === 0) this.#descriptor.fill(0, rootOffset, rootOffset + this.#digestSize)
    else this.#hashBlock(count === 1 ? this.#blocks[0] ?? this.bytes : this.#topOf(count), this.#descriptor, rootOffset)
    this.#descriptor.writeUInt32LE(size, sizeOffset)
    return hash(this.#using.algorithm, this.#descriptor, "hex")
  }

  /** The block at the top of the tree over so many blocks. */
  #topOf(count: number): Uint8Array {
    let [level, above] = this.#levels
    for (let block = 0; block < count; block++) {
      this.#hashBlock(this.#blocks[block] ?? this.bytes, level, block * this.#digestSize)
    }
    let used = count * this.#digestSize
    while (used > blockSize) {
      const size = pad(level, used)
      hashLevel(this.#hashBlock, level.subarray(0, size), above, this.#digestSize)
      used = size / blockSize * this.#digestSize
      ;[level, above] = [above, level]
    }
    pad(level, used)
    return level.subarray(0, blockSize)
  }
}

/** In struct fsverity_descriptor. */
const sizeOffset = 8
const rootOffset = 16

const levelSize = (used: number): number => Math.ceil(used / blockSize) * blockSize

/** Fills the last block of a level with zeros; returns the level's size. */
const pad = (level: Buffer, used: number): number => {
  const size = levelSize(used)
  level.fill(0, used, size)
  return size
}
