/** Where the levels of a Merkle tree lie in the file that the kernel and `fsverity --out-merkle-tree` give (reference §1). */
import { blockSize } from "./blockHash.ts"

/** A level: the hashes of the blocks of the level below, or of the data. */
export interface LevelShape {
  /** Where it begins in the tree, in bytes. */
  readonly offset: number
  /** How many hashes it has. */
  readonly count: number
  /** Its bytes, with the zeros that fill the last block. */
  readonly size: number
}

export interface TreeShape {
  readonly dataBlocks: number
  /** From the hashes of the data upwards; none for data of at most one block, whose hash is the root itself. */
  readonly levels: ReadonlyArray<LevelShape>
  /** Bytes of the whole tree: the top level comes first. */
  readonly size: number
}

export const treeShape = (dataSize: number, digestSize: number): TreeShape => {
  const dataBlocks = Math.ceil(dataSize / blockSize)
  const counted: Array<{ readonly count: number; readonly size: number }> = []
  for (let count = dataBlocks; count > 1;) {
    const blocks = Math.ceil(count / (blockSize / digestSize))
    counted.push({ count, size: blocks * blockSize })
    count = blocks
  }
  let offset = 0
  const levels = counted.toReversed().map((level) => {
    const placed = { ...level, offset }
    offset += level.size
    return placed
  })
  return { dataBlocks, levels: levels.reverse(), size: offset }
}
