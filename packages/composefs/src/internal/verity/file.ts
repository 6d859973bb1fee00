/** Digests and trees of files: in segments where a file is large, else in order. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { type BigIntStats, constants } from "node:fs"
import { type FileHandle, open } from "node:fs/promises"
import { attempt, eachChunkOf, type FileProblem } from "../files.ts"
import type { FilePath } from "../openFlags.ts"
import { spareThreads } from "../workers.ts"
import { descriptorDigest, digestSizeOf, type Parameters } from "./blockHash.ts"
import { hashSegments, minSegmentedSize } from "./fileSegments.ts"
import { FsVerityError } from "./fsVerityError.ts"
import { MerkleHasher } from "./merkleHasher.ts"
import { truncatedCode } from "./piece.ts"
import { type FinishedTree, TreeCollector, treeTooLarge } from "./treeCollector.ts"
import { treeShape } from "./treeShape.ts"

export interface FileOptions {
  readonly threads?: number | undefined
}

export const digestOfFile = (
  path: FilePath,
  using: Parameters,
  options: FileOptions
): Effect.Effect<string, FsVerityError> =>
  withFile(path, (handle, stats) => {
    const size = segmentedSize(stats)
    const memory = size === undefined ? 0 : treeShape(size, digestSizeOf(using.algorithm)).levels[0]?.offset ?? 0
    if (size === undefined || memory > maxSharedMemory) {
      const hasher = new MerkleHasher(using)
      const update = (chunk: Uint8Array): boolean => hasher.update(chunk) === hasher
      return Effect.map(readInOrder(handle, stats, update), () => hasher.digest())
    }
    return Effect.map(
      hashSegments(handle, size, { using, threads: threadsFor(size, options), keepsLeaves: false }),
      ({ root }) => descriptorDigest(using, size, root)
    )
  })

export const treeOfFile = (
  path: FilePath,
  using: Parameters,
  options: FileOptions & { readonly maxTreeSize: number }
): Effect.Effect<FinishedTree, FsVerityError> =>
  withFile(path, (handle, stats): Effect.Effect<FinishedTree, FileProblem | FsVerityError> => {
    const shape = treeShape(stats.isFile() ? Number(stats.size) : 0, digestSizeOf(using.algorithm))
    if (shape.size > options.maxTreeSize) return Effect.fromResult(treeTooLarge(shape.size, options.maxTreeSize))
    const size = segmentedSize(stats)
    if (size === undefined) {
      const collector = new TreeCollector(using)
      let added: Result.Result<void, FsVerityError> = Result.succeed(undefined)
      const add = (chunk: Uint8Array): boolean =>
        Result.isSuccess(added = collector.addUpTo(chunk, options.maxTreeSize))
      return Effect.map(
        Effect.flatMap(readInOrder(handle, stats, add), () => Effect.fromResult(added)),
        () => collector.finish()
      )
    }
    return Effect.map(
      hashSegments(handle, size, { using, threads: threadsFor(size, options), keepsLeaves: true }),
      ({ root, tree }) => ({ dataSize: size, root, tree: Buffer.from(tree) })
    )
  })

/** The size of a file that is worth its segments; what is not a regular file has no size to rely on. */
const segmentedSize = (stats: BigIntStats): number | undefined =>
  stats.isFile() && stats.size > BigInt(minSegmentedSize) ? Number(stats.size) : undefined

/** Level 1 and above of a file of 16 TiB, with SHA-256: a larger one takes hours, and is hashed in order without it. */
const maxSharedMemory = 1 << 30

/** A thread starts in 15 to 35 ms, in which another hashes this much. */
const worthThreads = 64 << 20

const maxThreads = 16

const threadsFor = (size: number, { threads }: FileOptions): number =>
  threads ?? (size < worthThreads ? 1 : Math.min(spareThreads() + 1, maxThreads))

const readInOrder = (
  handle: FileHandle,
  stats: BigIntStats,
  use: (chunk: Uint8Array) => boolean
): Effect.Effect<void, FileProblem> =>
  Effect.flatMap(eachChunkOf(handle, use), (size) =>
    stats.isFile() && BigInt(size) !== stats.size
      ? Effect.fail({ code: truncatedCode, problem: `it had ${stats.size} bytes, and ${size} were read` })
      : Effect.void)

/** Opens a file, and confirms at the end that nobody has written to it. */
const withFile = <A>(
  path: FilePath,
  use: (handle: FileHandle, stats: BigIntStats) => Effect.Effect<A, FileProblem | FsVerityError>
): Effect.Effect<A, FsVerityError> =>
  Effect.acquireUseRelease(
    // Whoever opens a FIFO for reading waits for a writer, and cannot be interrupted meanwhile.
    attempt(() => open(path, constants.O_RDONLY | constants.O_NONBLOCK)),
    Effect.fnUntraced(function*(handle) {
      const before = yield* attempt(() => handle.stat({ bigint: true }))
      if (before.isFIFO()) return yield* Effect.fail({ code: "", problem: pipeProblem })
      const result = yield* use(handle, before)
      const after = yield* attempt(() => handle.stat({ bigint: true }))
      if (before.isFile() && changing.some((field) => before[field] !== after[field])) {
        return yield* Effect.fail({ code: truncatedCode, problem: "its size or times are others now" })
      }
      return result
    }),
    (handle) => Effect.ignore(attempt(() => handle.close()))
  ).pipe(Effect.mapError((error) => error instanceof FsVerityError ? error : fileError(path, error)))

const pipeProblem = "it is a pipe; its content is for digestStream and MerkleTree.fromStream"

const changing = ["size", "mtimeNs", "ctimeNs"] as const

const fileError = (path: FilePath, { code, problem }: FileProblem): FsVerityError =>
  new FsVerityError({
    reason: { _tag: code === truncatedCode ? "Changed" : "Unreadable", path: path.toString(), problem }
  })
