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
  readonly #view: DataView
  readonly #usedBlocks: Uint8Array
  /** One mark for each four bytes; made when the first shared attribute is met. */
  #usedWords: Uint8Array | undefined

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
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
    return this.#within(offset, 1) ? this.#view.getUint8(offset) : 0
  }

  u16(offset: number): number {
    return this.#within(offset, 2) ? this.#view.getUint16(offset, true) : 0
  }

  u32(offset: number): number {
    return this.#within(offset, 4) ? this.#view.getUint32(offset, true) : 0
  }

  /** A number of at most 2^53, as every size and place in an image is. */
  u64(offset: number): number {
    const [low, high] = [this.u32(offset), this.u32(offset + 4)]
    if (high < 2 ** 21 || (high === 2 ** 21 && low === 0)) return high * 2 ** 32 + low
    this.fail(offset, `${this.#view.getBigUint64(offset, true)} is too large`)
    return 0
  }

  i64(offset: number): bigint {
    return this.#within(offset, 8) ? this.#view.getBigInt64(offset, true) : 0n
  }

  text(offset: number, size: number): ByteString.ByteString {
    return this.#within(offset, size) ? this.#bytes.toString("latin1", offset, offset + size) : ""
  }

  hex(offset: number, size: number): string {
    return this.#within(offset, size) ? this.#bytes.toString("hex", offset, offset + size) : ""
  }

  /** A copy: what is read from an image does not hold on to it. */
  copy(offset: number, size: number): Uint8Array {
    return Uint8Array.prototype.slice.call(this.#bytes, offset, this.#within(offset, size) ? offset + size : offset)
  }

  isZero(offset: number, size: number): boolean {
    if (!this.#within(offset, size)) return false
    for (let at = offset; at < offset + size; at++) if (this.#view.getUint8(at) !== 0) return false
    return true
  }

  /** Whether there are these bytes. */
  holds(offset: number, expected: Uint8Array): boolean {
    if (!this.#within(offset, expected.length)) return false
    for (let at = 0; at < expected.length; at++) if (this.#view.getUint8(offset + at) !== expected[at]) return false
    return true
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
