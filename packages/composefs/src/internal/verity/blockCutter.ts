/** Cuts chunks of any size into whole blocks. */
import { blockSize } from "./blockHash.ts"

export class BlockCutter {
  #partial: Buffer | undefined
  #partialSize = 0
  #size = 0

  /** How many bytes came so far. */
  get size(): number {
    return this.#size
  }

  /** Calls `use` with each block that is whole now; a block is only valid during the call. */
  cut(chunk: Uint8Array, use: (block: Uint8Array) => void): void {
    let at = 0
    if (this.#partial !== undefined && this.#partialSize > 0) {
      at = Math.min(blockSize - this.#partialSize, chunk.length)
      this.#keep(this.#partial, chunk.subarray(0, at))
      if (this.#partialSize === blockSize) {
        use(this.#partial)
        this.#partialSize = 0
      }
    }
    for (; at + blockSize <= chunk.length; at += blockSize) use(chunk.subarray(at, at + blockSize))
    if (at < chunk.length) this.#keep(this.#partial ??= Buffer.allocUnsafeSlow(blockSize), chunk.subarray(at))
    this.#size += chunk.length
  }

  /** What is left after the last whole block, padded with zeros to one; `undefined` if nothing is. */
  rest(): Uint8Array | undefined {
    return this.#partialSize === 0 ? undefined : this.#partial?.fill(0, this.#partialSize)
  }

  #keep(partial: Buffer, bytes: Uint8Array): void {
    partial.set(bytes, this.#partialSize)
    this.#partialSize += bytes.length
  }
}
