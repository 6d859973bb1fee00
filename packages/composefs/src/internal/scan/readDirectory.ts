/** Reads all of a directory, whatever is made of it (reference §3.11). */
import * as Effect from "effect/Effect"
import { availableParallelism } from "node:os"
import type { ContentError, ContentSink } from "../../Content.ts"
import { recommendedInlineSize } from "../limits.ts"
import { type DirectStore, directStoreOf } from "../store/directStore.ts"
import type { TreeError } from "../treeError.ts"
import { type Parameters, sha256 } from "../verity/blockHash.ts"
import { truncatedCode } from "../verity/piece.ts"
import { batchSize } from "./batch.ts"
import { readAll } from "./crew.ts"
import { digestOfHugeFile, hugeSize } from "./hugeFile.ts"
import { InodeClaims } from "./inodeClaims.ts"
import type { DirectoryOptions } from "./options.ts"
import { changed, unreadable } from "./problems.ts"
import { type InodeSink, Readings } from "./readings.ts"
import { type Listing, Walk } from "./walk.ts"

/** What was read, where nobody has looked yet whether it still stands: {@link Walk.confirm}. */
export interface ReadDirectory<D> {
  readonly walk: Walk<D>
  readonly readings: Readings
  /** Whether external contents are in the store of the options. */
  readonly isStored: boolean
}

export const readDirectory: <D, E, R>(
  directory: string,
  options: DirectoryOptions<E, R>,
  sink: Listing<D> & InodeSink
) => Effect.Effect<ReadDirectory<D>, TreeError | ContentError> = Effect.fnUntraced(
  function*(directory, options, sink) {
    const using = options.using ?? directStoreOf(options.objects)?.using ?? sha256
    const store = storeFor(using, options.objects)
    const size = store?.target.isForced === true ? forcedBatchSize : batchSize
    const walk = yield* Effect.fromResult(Walk.from(directory, options, sink, size))
    const readings = new Readings(walk.queue, sink, {
      keepsVersions: options.xattrs !== undefined,
      keepsDigests: store !== undefined,
      maxSize: store === undefined ? hugeSize : Infinity
    })
    yield* readEntries(walk, readings, using, store, options)
    yield* readHugeFiles(readings, using, options)
    yield* Effect.fromResult(readings.finish())
    if (store !== undefined) yield* store.stored(readings.digests)
    return { walk, readings, isStored: store !== undefined }
  }
)

/** To wait for the disk after each object takes long, and the calling thread has other things to do. */
const forcedBatchSize = 8

/** The store to which the reading threads can write, if it names objects as they do. */
const storeFor = (using: Parameters, objects: ContentSink | undefined): DirectStore | undefined => {
  const store = directStoreOf(objects)
  return store?.using.algorithm === using.algorithm && Buffer.compare(store.using.salt, using.salt) === 0
    ? store
    : undefined
}

const readEntries = <D, E, R>(
  walk: Walk<D>,
  readings: Readings,
  using: Parameters,
  store: DirectStore | undefined,
  { inlineLimit, onProgress, threads }: DirectoryOptions<E, R>
): Effect.Effect<void, TreeError> =>
  Effect.suspend(() =>
    readAll(
      {
        prepare: (load) => walk.prepare(load),
        load: () => walk.queue.load,
        next: () => walk.queue.next(),
        accept: (result) => {
          const accepted = readings.accept(result)
          onProgress?.(readings.progress)
          return accepted
        },
        threadFailure: ({ problem }) => unreadable(walk.root.source, problem)
      },
      {
        using,
        inlineLimit: inlineLimit ?? recommendedInlineSize,
        store: store?.target,
        claims: { device: walk.root.stats.dev, shared: InodeClaims.share() }
      },
      threads
    )
  )

const readHugeFiles = Effect.fnUntraced(function*<E, R>(
  readings: Readings,
  using: Parameters,
  { onProgress, threads = availableParallelism() }: DirectoryOptions<E, R>
) {
  for (const { accept, size, slot } of readings.huge) {
    const source = readings.pathOf(slot)
    const digest = yield* Effect.mapError(
      digestOfHugeFile(source, size, using, threads),
      ({ code, problem }) => (code === truncatedCode ? changed : unreadable)(source, problem)
    )
    yield* Effect.fromResult(accept(digest))
    onProgress?.(readings.progress)
  }
})
