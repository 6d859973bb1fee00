/** Bounds-checked access to the bytes of an image. The first failure sticks; reads after it give zeros. */
import * as ByteString from "../byteString.ts"
import { blockSize } from "./format.ts"

export interface Malformed {
  readonly offset: number
  readonly problem: string
}

export class ImageBytes {
  failure: Malformed | undefined
  readonly #bytes: Buffer
  readonly #usedBlocks: Uint8Array
  /** One mark for each four bytes; made when the first shared attribute is met. */
  #usedWords: Uint8Array | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#usedBlocks = new Uint8Array(Math.ceil(bytes.length / blockSize))
  }

  get size(): number {
    return this.#bytes.length
  }

  fail(offset: number, problem: string): void {
    this.failure ??= { offset, problem }
  }

  /** Fails unless the condition holds. */
  check(holds: boolean, offset: number, problem: string): void {
    if (!holds) this.fail(offset, problem)
  }

  u8(offset: number): number {
    return this.#within(offset, 1) ? this.#bytes.readUInt8(offset) : 0
  }

  u16(offset: number): number {
    return this.#within(offset, 2) ? this.#bytes.readUInt16LE(offset) : 0
  }

  u32(offset: number): number {
    return this.#within(offset, 4) ? this.#bytes.readUInt32LE(offset) : 0
  }

  /** A number that must be safe, as every size and place in an image is. */
  u64(offset: number): number {
    const value = this.#within(offset, 8) ? this.#bytes.readBigUInt64LE(offset) : 0n
    if (value > BigInt(Number.MAX_SAFE_INTEGER) + 1n) {
      this.fail(offset, `${value} is too large`)
      return 0
    }
    return Number(value)
  }

  i64(offset: number): bigint {
    return this.#within(offset, 8) ? this.#bytes.readBigInt64LE(offset) : 0n
  }

  text(offset: number, size: number): ByteString.ByteString {
    return this.#within(offset, size) ? this.#bytes.toString("latin1", offset, offset + size) : ""
  }

  isZero(offset: number, size: number): boolean {
    return this.#within(offset, size) && this.#bytes.subarray(offset, offset + size).every((byte) => byte === 0)
  }

  /** Data blocks belong to one inode each: an image must not grow by being read. */
  claimBlocks(first: number, count: number, offset: number): void {
    for (let block = first; block < first + count; block++) {
      if (block >= this.#usedBlocks.length || this.#usedBlocks[block] !== 0) {
        return this.fail(offset, `data block ${block} is outside the image or belongs to another inode`)
      }
      this.#usedBlocks[block] = 1
    }
  }

  /** Shared attributes do not overlap either: every offset may be named, and each would be 64 KiB of the same bytes. */
  claimWords(at: number, size: number): void {
    if (!this.#within(at, size)) return
    this.#usedWords ??= new Uint8Array(Math.ceil(this.#bytes.length / 4))
    const words = this.#usedWords.subarray(at / 4, (at + size) / 4)
    if (words.includes(1)) return this.fail(at, "shared attributes overlap")
    words.fill(1)
  }

  #within(offset: number, size: number): boolean {
    const within = offset >= 0 && size >= 0 && offset + size <= this.#bytes.length
    if (!within) this.fail(offset, `${size} bytes are needed, but the image has ${this.#bytes.length}`)
    return within
  }
}
