/** Reads a directory into a tree (reference §3.11). */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { availableParallelism } from "node:os"
import { ContentError, type ContentSink, type ContentSource, verifying } from "../../Content.ts"
import { streamFile } from "../files.ts"
import { recommendedInlineSize } from "../limits.ts"
import { join } from "../paths.ts"
import { type DirectStore, directStoreOf } from "../store/directStore.ts"
import type { TreeError } from "../treeError.ts"
import { type Parameters, sha256 } from "../verity/blockHash.ts"
import { truncatedCode } from "../verity/piece.ts"
import { Assembly } from "./assembly.ts"
import { batchSize } from "./batch.ts"
import { readAll } from "./crew.ts"
import { digestOfHugeFile, hugeSize } from "./hugeFile.ts"
import { InodeClaims } from "./inodeClaims.ts"
import { InodeMaker } from "./inodes.ts"
import type { DirectoryOptions } from "./options.ts"
import { changed, unreadable } from "./problems.ts"
import { Readings } from "./readings.ts"
import { type ListedDirectory, Walk } from "./walk.ts"

export const scanDirectory = Effect.fnUntraced(function*<E, R>(directory: string, options: DirectoryOptions<E, R>) {
  const using = options.using ?? directStoreOf(options.objects)?.using ?? sha256
  const store = storeFor(using, options.objects)
  const size = store?.target.isForced === true ? forcedBatchSize : batchSize
  const walk = yield* Effect.fromResult(Walk.from(directory, options, size))
  const inodes = new InodeMaker(options)
  const readings = new Readings(walk.queue, inodes, {
    keepsVersions: options.xattrs !== undefined,
    maxSize: store === undefined ? hugeSize : Infinity
  })
  yield* readEntries(walk, readings, using, store, options)
  yield* readHugeFiles(readings, using, options)
  yield* Effect.fromResult(readings.finish())
  const xattrs = options.xattrs === undefined ? undefined : yield* askForXattrs(walk.root, readings, options.xattrs)
  const root = new Assembly(readings, inodes, options.hardLinks !== "separate", xattrs).assemble(walk.root)
  yield* Effect.fromResult(walk.confirm())

  const contents = contentsOf(readings)
  if (store !== undefined) yield* store.stored(Array.from(readings.externalFiles(), ({ digest }) => digest))
  else if (options.objects !== undefined) yield* storeAgain(readings, contents, options.objects)
  return { tree: { root }, contents }
})

/** To wait for the disk after each object takes long, and the calling thread has other things to do. */
const forcedBatchSize = 8

/** The store to which the reading threads can write, if it names objects as they do. */
const storeFor = (using: Parameters, objects: ContentSink | undefined): DirectStore | undefined => {
  const store = directStoreOf(objects)
  return store?.using.algorithm === using.algorithm && Buffer.compare(store.using.salt, using.salt) === 0
    ? store
    : undefined
}

const readEntries = <E, R>(
  walk: Walk,
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

const contentsOf = (readings: Readings): ContentSource => {
  let slots: ReadonlyMap<string, number> | undefined
  return {
    open: (digest) =>
      Stream.suspend(() => {
        slots ??= new Map(Array.from(readings.externalFiles(), ({ digest, slot }) => [digest, slot]))
        const slot = slots.get(digest)
        if (slot === undefined) return Stream.fail(new ContentError({ reason: { _tag: "NotFound", digest } }))
        const source = readings.pathOf(slot)
        const content = Stream.mapError(
          streamFile(source),
          ({ problem }) =>
            new ContentError({ reason: { _tag: "Io", operation: "read", path: source.toString(), problem } })
        )
        return verifying(content, digest)
      })
  }
}

/** Gives a sink that takes streams the contents which were only hashed so far; each is confirmed on its way. */
const storeAgain = (
  readings: Readings,
  contents: ContentSource,
  objects: ContentSink
): Effect.Effect<void, ContentError> =>
  Effect.forEach(
    new Set(Array.from(readings.externalFiles(), ({ digest }) => digest)),
    (expected) => objects.put(contents.open(expected), { expected }),
    { discard: true }
  )

const askForXattrs = Effect.fnUntraced(function*<E, R>(
  root: ListedDirectory,
  readings: Readings,
  provider: Exclude<DirectoryOptions<E, R>["xattrs"], undefined>
) {
  const xattrs = new Map<string, ReadonlyMap<string, Uint8Array>>()
  const pending = [root]
  for (const directory of pending) {
    xattrs.set(directory.path, yield* provider({ path: directory.path, source: directory.source }))
    for (const [at, content] of directory.contents.entries()) {
      if (typeof content === "number") {
        const path = join(directory.path, directory.names[at] ?? "")
        xattrs.set(path, yield* provider({ path, source: readings.pathOf(content) }))
        yield* Effect.fromResult(readings.confirm(content))
      } else pending.push(content)
    }
  }
  return xattrs
})
