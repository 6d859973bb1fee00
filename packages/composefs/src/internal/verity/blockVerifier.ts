/** Compares data with the hashes of its blocks. */
import { BlockCutter } from "./blockCutter.ts"
import { type BlockHash, blockHash, blockSize, digestSizeOf, type Parameters } from "./blockHash.ts"
import { FsVerityError } from "./fsVerityError.ts"

/** The part of a tree that data is compared with. */
export interface Leaves {
  readonly using: Parameters
  /** The hashes of the data blocks, one after the other. */
  readonly hashes: Uint8Array
}

/** What may be passed on of a chunk, and what is wrong with the rest. */
export interface Verified {
  readonly bytes: ReadonlyArray<Uint8Array>
  readonly error: FsVerityError | undefined
}

/** Verifies the data from one block to another, in chunks of any size: `start` and `end` are where blocks or the data end. */
export class BlockVerifier {
  readonly #start: number
  readonly #end: number
  readonly #expected: Buffer
  readonly #actual: Buffer
  readonly #hashBlock: BlockHash
  readonly #cutter = new BlockCutter()
  /** Bytes of a block whose rest is still to come: copies, since whoever gave a chunk may fill it anew. */
  #held: Array<Uint8Array> = []
  #block: number
  #error: FsVerityError | undefined

  constructor({ hashes, using }: Leaves, start: number, end: number) {
    this.#start = start
    this.#end = end
    this.#block = start / blockSize
    this.#expected = Buffer.from(hashes.buffer, hashes.byteOffset, hashes.length)
    this.#actual = Buffer.alloc(digestSizeOf(using.algorithm))
    this.#hashBlock = blockHash(using)
  }

  /** Gives back what a chunk completes, up to the first wrong block. */
  accept(chunk: Uint8Array): Verified {
    const before = this.#verifiedSize
    const room = this.#end - this.#start - this.#cutter.size
    const wanted = chunk.subarray(0, room)
    this.#cutter.cut(wanted, this.#compare)
    if (wanted.length === room && room > 0) this.#compareLast()
    const bytes = this.#release(wanted, this.#verifiedSize - before)
    if (chunk.length > room) this.#error ??= this.#wrongSize(this.#cutter.size + chunk.length - room)
    return { bytes, error: this.#error }
  }

  /** What is wrong once all has come. */
  finish(): FsVerityError | undefined {
    const size = this.#cutter.size
    return this.#error ?? (size < this.#end - this.#start ? this.#wrongSize(size) : undefined)
  }

  get #verifiedSize(): number {
    return Math.min(this.#block * blockSize, this.#end) - this.#start
  }

  readonly #compare = (block: Uint8Array): void => {
    if (this.#error !== undefined) return
    this.#hashBlock(block, this.#actual, 0)
    const at = this.#block * this.#actual.length
    if (this.#actual.compare(this.#expected, at, at + this.#actual.length) === 0) {
      this.#block++
      return
    }
    this.#error = new FsVerityError({
      reason: {
        _tag: "WrongBlock",
        block: this.#block,
        offset: this.#block * blockSize,
        expected: this.#expected.toString("hex", at, at + this.#actual.length),
        actual: this.#actual.toString("hex")
      }
    })
  }

  /** The last block of the data is hashed with the zeros that fill it. */
  #compareLast(): void {
    const rest = this.#cutter.rest()
    if (rest !== undefined) this.#compare(rest)
  }

  /** Takes so many bytes from those which were held and the chunk behind them, and holds the rest. */
  #release(chunk: Uint8Array, size: number): ReadonlyArray<Uint8Array> {
    const held = this.#held
    // What is held is the start of one block: with a block behind it, all of it is released.
    const fromChunk = size === 0 ? 0 : size - held.reduce((sum, { length }) => sum + length, 0)
    const released = size === 0 ? [] : [...held, chunk.subarray(0, fromChunk)]
    const rest = this.#error === undefined ? chunk.subarray(fromChunk) : new Uint8Array(0)
    this.#held = [...size === 0 ? held : [], ...rest.length === 0 ? [] : [new Uint8Array(rest)]]
    return released
  }

  #wrongSize(size: number): FsVerityError {
    return new FsVerityError({
      reason: { _tag: "WrongSize", expected: this.#end - this.#start, actual: size }
    })
  }
}
