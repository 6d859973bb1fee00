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

  /**
   * Closes every level from the bottom up, on copies: the first level of a single digest holds the root. Only two copies
   * are needed at once, the level's own and that of the level below.
   */
  #root(): Uint8Array {
    const [even, odd] = copies ??= [Buffer.alloc(blockSize), Buffer.alloc(blockSize)]
    let open = this.#cutter.rest()
    for (const { block, count, used } of this.#levels) {
      const copy = open === even ? odd : even
      copy.set(block.subarray(0, used))
      if (open !== undefined) this.#hashBlock(open, copy, used)
      const filled = open === undefined ? used : used + this.#digestSize
      if ((open === undefined ? count : count + 1) === 1) return copy.subarray(0, this.#digestSize)
      open = filled === 0 ? undefined : copy.fill(0, filled)
    }
    const root = (open === even ? odd : even).subarray(0, this.#digestSize).fill(0)
    if (open !== undefined) this.#hashBlock(open, root, 0)
    return root
  }
}

/** Shared by all hashers: a digest is computed in one go. */
let copies: readonly [Buffer, Buffer] | undefined

/** Content of one block, of which a tree of files has many: its hash is the root. */
export const digestOfBlock = (bytes: Uint8Array, using: Parameters): string => {
  const [block, root] = copies ??= [Buffer.alloc(blockSize), Buffer.alloc(blockSize)]
  const digestSize = digestSizeOf(using.algorithm)
  if (bytes.length === 0) root.fill(0, 0, digestSize)
  else if (bytes.length === blockSize) blockHash(using)(bytes, root, 0)
  else {
    block.set(bytes)
    blockHash(using)(block.fill(0, bytes.length), root, 0)
  }
  return descriptorDigest(using, bytes.length, root.subarray(0, digestSize))
}
