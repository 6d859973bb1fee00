/** What is read of a file at once, cut into blocks. */
import { readSync } from "node:fs"
import type { FileHandle } from "node:fs/promises"
import { blockSize } from "./blockHash.ts"

/** It should still be in the core's own cache when it is hashed, and hashed in about a millisecond. */
export const pieceSize = 1 << 20

/** A buffer to read into, with its blocks as views made once: a view per hash would cost a good part of the call. */
export class Piece {
  readonly #buffer = Buffer.allocUnsafeSlow(pieceSize)
  readonly #all: ReadonlyArray<Uint8Array> = Array.from(
    { length: pieceSize / blockSize },
    (_, block) => this.#buffer.subarray(block * blockSize, (block + 1) * blockSize)
  )
  #blocks: ReadonlyArray<Uint8Array> = []

  /** What was read, padded with zeros to whole blocks. */
  get blocks(): ReadonlyArray<Uint8Array> {
    return this.#blocks
  }

  /** Reads at most {@link pieceSize} bytes; throws if the file ends before. */
  readSync(file: number, position: number, size: number): void {
    for (let filled = 0; filled < size;) {
      filled += some(readSync(file, this.#buffer, filled, size - filled, position + filled), position + filled)
    }
    this.#cut(size)
  }

  async read(file: FileHandle, position: number, size: number): Promise<void> {
    for (let filled = 0; filled < size;) {
      const { bytesRead } = await file.read(this.#buffer, filled, size - filled, position + filled)
      filled += some(bytesRead, position + filled)
    }
    this.#cut(size)
  }

  #cut(size: number): void {
    const blocks = Math.ceil(size / blockSize)
    this.#buffer.fill(0, size, blocks * blockSize)
    this.#blocks = blocks === this.#all.length ? this.#all : this.#all.slice(0, blocks)
  }
}

/** The code survives the way out of a thread, unlike the class of an error. */
export const truncatedCode = "LAMINA_TRUNCATED"

const some = (count: number, position: number): number => {
  if (count > 0) return count
  throw Object.assign(new Error(`it ends after ${position} bytes`), { code: truncatedCode })
}
