/** The digest of bytes that come in order: of each level of the tree, only the block which is being filled is kept. */
import { BlockCutter } from "./blockCutter.ts"
import { type BlockHash, blockHash, blockSize, descriptorDigest, digestSizeOf, type Parameters } from "./blockHash.ts"

/** One level of the Merkle tree: how many digests it got, and those which do not yet fill a block. */
interface Level {
  readonly block: Buffer
  used: number
  count: number
}

export class MerkleHasher {
  readonly #using: Parameters
  readonly #digestSize: number
  readonly #hashBlock: BlockHash
  readonly #levels: Array<Level> = []
  readonly #cutter = new BlockCutter()

  constructor(using: Parameters) {
    this.#using = using
    this.#digestSize = digestSizeOf(using.algorithm)
    this.#hashBlock = blockHash(using)
  }

  update(chunk: Uint8Array): this {
    this.#cutter.cut(chunk, this.#add)
    return this
  }

  digest(): string {
    return descriptorDigest(this.#using, this.#cutter.size, this.#root())
  }

  /** Hashes a block into the lowest level, and each block that this fills into the next. */
  readonly #add = (block: Uint8Array): void => {
    let full = block
    for (let depth = 0;; depth++) {
      const level = this.#levels[depth] ?? this.#addLevel()
      this.#hashBlock(full, level.block, level.used)
      level.used += this.#digestSize
      level.count++
      if (level.used < blockSize) return
      level.used = 0
      full = level.block
    }
  }

  #addLevel(): Level {
    const level = { block: Buffer.allocUnsafeSlow(blockSize), used: 0, count: 0 }
    this.#levels.push(level)
    return level
  }

  /** Closes every level from the bottom up, on copies: the first level of a single digest holds the root. */
  #root(): Uint8Array {
    let open = this.#cutter.rest()
    for (const level of this.#levels) {
      const block = Buffer.alloc(blockSize)
      block.set(level.block.subarray(0, level.used))
      if (open !== undefined) this.#hashBlock(open, block, level.used)
      const added = open === undefined ? 0 : 1
      if (level.count + added === 1) return block.subarray(0, this.#digestSize)
      open = level.used + added === 0 ? undefined : block
    }
    const root = Buffer.alloc(this.#digestSize)
    if (open !== undefined) this.#hashBlock(open, root, 0)
    return root
  }
}
