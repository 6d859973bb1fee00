/** Hashes a file in segments, in this thread and in others beside it. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { FileHandle } from "node:fs/promises"
import { attempt, type FileProblem, fileProblem } from "../files.ts"
import { startThreads } from "../workers.ts"
import { blockHash, digestSizeOf, type Parameters } from "./blockHash.ts"
import { Piece, pieceSize } from "./piece.ts"
import { SegmentHasher, type SegmentJob, segmentSize } from "./segments.ts"
import { closeLevels } from "./treeCollector.ts"
import { treeShape } from "./treeShape.ts"

export interface SegmentOptions {
  readonly using: Parameters
  /** How many threads hash, this one included. */
  readonly threads: number
  /** Whether the tree keeps the hashes of the data, its lowest and by far largest level. */
  readonly keepsLeaves: boolean
}

export interface HashedSegments {
  /** The tree as the kernel has it; without its last part, level 0, unless that was to be kept. */
  readonly tree: Buffer
  readonly root: Uint8Array
}

/** A read that takes longer, in nanoseconds, did not come from memory. */
const longestRead = 4_000_000n

/** Below, there are no two levels of hashes to divide. */
export const minSegmentedSize = segmentSize

/** Hashes an open file of a known size, more than {@link minSegmentedSize}. */
export const hashSegments = Effect.fnUntraced(
  function*(handle: FileHandle, size: number, { keepsLeaves, threads, using }: SegmentOptions) {
    const digestSize = digestSizeOf(using.algorithm)
    const [leaves, ...nodes] = treeShape(size, digestSize).levels
    const leavesOffset = leaves?.offset ?? 0
    const job: SegmentJob = {
      file: handle.fd,
      size,
      using,
      progress: new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT),
      tree: new SharedArrayBuffer(leavesOffset + (keepsLeaves ? leaves?.size ?? 0 : 0)),
      nodesOffset: nodes[0]?.offset ?? 0,
      leavesOffset: keepsLeaves ? leavesOffset : undefined
    }
    const segments = new SegmentHasher(job)
    const others = yield* startThreads({
      module: new URL("./segmentThread.ts", import.meta.url),
      count: Math.min(threads, Math.ceil(size / segmentSize)) - 1,
      data: job
    })
    yield* others.guard(hashOwnShare(handle, segments))
    if (!segments.isFinished) yield* others.ended

    const tree = Buffer.from(job.tree)
    return { tree, root: closeLevels(blockHash(using), tree, nodes, digestSize) }
  },
  Effect.scoped
)

/**
 * A file that the kernel has in memory is read here and now: the copy costs less than the way to another thread and back,
 * and leaves the bytes in the cache of the core which hashes them. Once a read had to wait for a disk, the rest of the
 * segment is left to Node's own threads. After each piece, others get their turn.
 */
const hashOwnShare = Effect.fnUntraced(function*(handle: FileHandle, segments: SegmentHasher) {
  const piece = new Piece()
  for (let segment = segments.claim(); segment !== undefined; segment = segments.claim()) {
    let waits = false
    for (let position = segment.start; position < segment.end; position += pieceSize) {
      const size = Math.min(pieceSize, segment.end - position)
      const before = yield* Clock.currentTimeNanos
      yield* waits ? read(handle, piece, position, size) : readNow(handle, piece, position, size)
      waits ||= (yield* Clock.currentTimeNanos) - before > longestRead
      segments.hash(segment, position, piece.blocks)
      yield* Effect.yieldNow
    }
    segments.close(segment)
  }
})

const readNow = (handle: FileHandle, piece: Piece, position: number, size: number): Effect.Effect<void, FileProblem> =>
  Effect.try({ try: () => piece.readSync(handle.fd, position, size), catch: fileProblem })

const read = (handle: FileHandle, piece: Piece, position: number, size: number): Effect.Effect<void, FileProblem> =>
  attempt(() => piece.read(handle, position, size))
