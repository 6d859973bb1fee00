/**
 * An append-only Merkle tree (RFC 6962 §2.1) that answers with its root and with paths to leaves.
 *
 * @since 0.1.0
 */
import { createHash } from "node:crypto"

export interface MerkleTree {
  readonly size: () => number
  /** Appends a leaf and returns its index. */
  readonly append: (leaf: Uint8Array) => number
  readonly root: () => Buffer
  /** The audit path of a leaf in the tree as it is now, from the leaf upwards (§2.1.1). */
  readonly path: (index: number) => ReadonlyArray<Buffer>
}

export const make = (): MerkleTree => {
  /** `levels[k][i]` is the hash of the complete subtree over leaves i * 2^k to (i + 1) * 2^k. */
  const levels: Array<Array<Buffer>> = [[]]
  const leaves = levels[0] ?? []

  const append = (leaf: Uint8Array): number => {
    leaves.push(hashOf(leafPrefix, leaf))
    for (let level = 0;; level++) {
      const hashes = levels[level] ?? []
      const [left, right] = hashes.slice(-2)
      if (hashes.length % 2 !== 0 || left === undefined || right === undefined) return leaves.length - 1
      levels[level + 1] ??= []
      levels[level + 1]?.push(hashOf(nodePrefix, left, right))
    }
  }

  const hashOfRange = (start: number, end: number): Buffer => {
    const count = end - start
    const level = Math.log2(count)
    const known = Number.isInteger(level) && start % count === 0 ? levels[level]?.[start / count] : undefined
    if (known !== undefined) return known
    const middle = start + splitOf(count)
    return hashOf(nodePrefix, hashOfRange(start, middle), hashOfRange(middle, end))
  }

  const pathInRange = (index: number, start: number, end: number): ReadonlyArray<Buffer> => {
    if (end - start <= 1) return []
    const middle = start + splitOf(end - start)
    return index < middle
      ? [...pathInRange(index, start, middle), hashOfRange(middle, end)]
      : [...pathInRange(index, middle, end), hashOfRange(start, middle)]
  }

  return {
    size: () => leaves.length,
    append,
    root: () => leaves.length === 0 ? hashOf() : hashOfRange(0, leaves.length),
    path: (index) => pathInRange(index, 0, leaves.length)
  }
}

const leafPrefix = Buffer.from([0])
const nodePrefix = Buffer.from([1])

const hashOf = (...parts: ReadonlyArray<Uint8Array>): Buffer => {
  const hash = createHash("sha256")
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** The largest power of two below a count of at least two. */
const splitOf = (count: number): number => 2 ** (Math.ceil(Math.log2(count)) - 1)
