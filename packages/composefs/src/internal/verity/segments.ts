/**
 * The digest of a large file in parts: threads claim segments of the file, and write the hashes of a segment's blocks, and
 * of the blocks of those hashes, where the others see them. A segment has whole blocks on both levels (reference §6).
 */
import { type BlockHash, blockHash, blockSize, digestSizeOf, hashLevel, type Parameters } from "./blockHash.ts"

/** Whole level-1 blocks of either algorithm, and little enough that the last ones to finish finish together. */
export const segmentSize = 4 << 20

/** What the threads share. */
export interface SegmentJob {
  /** All read through one open file at positions of their own: nobody can put another file under one of them. */
  readonly file: number
  readonly size: number
  readonly using: Parameters
  /** Two counters: the next segment to claim, and the finished ones. */
  readonly progress: SharedArrayBuffer
  readonly tree: SharedArrayBuffer
  /** Where level 1 begins in `tree`. */
  readonly nodesOffset: number
  /** Where level 0 begins in `tree`; absent if it need not be kept. */
  readonly leavesOffset: number | undefined
}

/** A part of the file that one thread has claimed. */
export interface Segment {
  readonly index: number
  readonly start: number
  readonly end: number
}

export class SegmentHasher {
  readonly #job: SegmentJob
  readonly #progress: Int32Array
  readonly #digestSize: number
  readonly #hashBlock: BlockHash
  readonly #tree: Buffer
  /** Level 0 of one segment, where nobody keeps it. */
  readonly #leaves: Buffer | undefined

  constructor(job: SegmentJob) {
    this.#job = job
    this.#progress = new Int32Array(job.progress)
    this.#digestSize = digestSizeOf(job.using.algorithm)
    this.#hashBlock = blockHash(job.using)
    this.#tree = Buffer.from(job.tree)
    this.#leaves = job.leavesOffset === undefined
      ? Buffer.alloc(levelSize(segmentSize, this.#digestSize))
      : undefined
  }

  /** The next segment that nobody has claimed. */
  claim(): Segment | undefined {
    const index = Atomics.add(this.#progress, 0, 1)
    const start = index * segmentSize
    return start < this.#job.size
      ? { index, start, end: Math.min(start + segmentSize, this.#job.size) }
      : undefined
  }

  /** Hashes blocks of a claimed segment that were read at a position of the file. */
  hash(segment: Segment, position: number, blocks: ReadonlyArray<Uint8Array>): void {
    const leaves = this.#leavesOf(segment)
    let at = (position - segment.start) / blockSize * this.#digestSize
    for (const block of blocks) {
      this.#hashBlock(block, leaves, at)
      at += this.#digestSize
    }
  }

  /** Hashes the hashes of a segment that is complete. */
  close({ end, index, start }: Segment): void {
    const leaves = this.#leavesOf({ end, index, start })
    leaves.fill(0, Math.ceil((end - start) / blockSize) * this.#digestSize)
    const nodesSize = levelSize(segmentSize, this.#digestSize) / blockSize * this.#digestSize
    const nodes = this.#tree.subarray(this.#job.nodesOffset + index * nodesSize)
    hashLevel(this.#hashBlock, leaves, nodes, this.#digestSize)
    Atomics.add(this.#progress, 1, 1)
  }

  /** Whether every segment is hashed, by whomever. */
  get isFinished(): boolean {
    return Atomics.load(this.#progress, 1) === Math.ceil(this.#job.size / segmentSize)
  }

  #leavesOf({ end, index, start }: Segment): Buffer {
    const size = levelSize(end - start, this.#digestSize)
    if (this.#leaves !== undefined) return this.#leaves.subarray(0, size)
    const offset = (this.#job.leavesOffset ?? 0) + index * levelSize(segmentSize, this.#digestSize)
    return this.#tree.subarray(offset, offset + size)
  }
}

/** The bytes of level 0, in whole blocks, of so many bytes of data. */
const levelSize = (size: number, digestSize: number): number =>
  Math.ceil(Math.ceil(size / blockSize) * digestSize / blockSize) * blockSize
