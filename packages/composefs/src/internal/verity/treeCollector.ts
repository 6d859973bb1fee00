/** Builds a whole Merkle tree from bytes that come in order. */
import * as Result from "effect/Result"
import { BlockCutter } from "./blockCutter.ts"
import { type BlockHash, blockHash, blockSize, digestSizeOf, hashLevel, type Parameters } from "./blockHash.ts"
import { FsVerityError } from "./fsVerityError.ts"
import { type LevelShape, treeShape } from "./treeShape.ts"

export interface FinishedTree {
  readonly dataSize: number
  readonly root: Uint8Array
  /** As the kernel has it: the top level first. */
  readonly tree: Buffer
}

export class TreeCollector {
  readonly #digestSize: number
  readonly #hashBlock: BlockHash
  readonly #cutter = new BlockCutter()
  #leaves = Buffer.allocUnsafeSlow(blockSize)
  #used = 0

  constructor(using: Parameters) {
    this.#digestSize = digestSizeOf(using.algorithm)
    this.#hashBlock = blockHash(using)
  }

  add(chunk: Uint8Array): void {
    this.#cutter.cut(chunk, this.#addBlock)
  }

  /** Refuses a chunk with which the tree would become too large. */
  addUpTo(chunk: Uint8Array, maxTreeSize: number): Result.Result<void, FsVerityError> {
    const { size } = treeShape(this.#cutter.size + chunk.length, this.#digestSize)
    if (size > maxTreeSize) return treeTooLarge(size, maxTreeSize)
    this.add(chunk)
    return Result.succeed(undefined)
  }

  /** The tree; nothing can be added any more. */
  finish(): FinishedTree {
    const dataSize = this.#cutter.size
    const shape = treeShape(dataSize, this.#digestSize)
    const rest = this.#cutter.rest()
    if (rest !== undefined) this.#addBlock(rest)
    const [leaves] = shape.levels
    if (leaves === undefined) {
      const root = Buffer.alloc(this.#digestSize)
      root.set(this.#leaves.subarray(0, this.#used))
      return { dataSize, root, tree: Buffer.alloc(0) }
    }
    const tree = Buffer.alloc(shape.size)
    tree.set(this.#leaves.subarray(0, this.#used), leaves.offset)
    return { dataSize, root: closeLevels(this.#hashBlock, tree, shape.levels, this.#digestSize), tree }
  }

  readonly #addBlock = (block: Uint8Array): void => {
    if (this.#used === this.#leaves.length) {
      const grown = Buffer.allocUnsafeSlow(2 * this.#leaves.length)
      grown.set(this.#leaves)
      this.#leaves = grown
    }
    this.#hashBlock(block, this.#leaves, this.#used)
    this.#used += this.#digestSize
  }
}

/** Hashes each of some levels into the one above it, and the top one into the root. */
export const closeLevels = (
  hashBlock: BlockHash,
  tree: Buffer,
  levels: ReadonlyArray<LevelShape>,
  digestSize: number
): Uint8Array => {
  levels.forEach(({ offset, size }, level) => {
    const above = levels[level + 1]
    if (above === undefined) return
    hashLevel(hashBlock, tree.subarray(offset, offset + size), tree.subarray(above.offset), digestSize)
  })
  const root = Buffer.alloc(digestSize)
  hashBlock(tree.subarray(0, blockSize), root, 0)
  return root
}

export const treeTooLarge = (size: number, limit: number): Result.Result<never, FsVerityError> =>
  Result.fail(new FsVerityError({ reason: { _tag: "TreeTooLarge", size, limit } }))
