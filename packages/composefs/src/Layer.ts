/**
 * The file layer: a tree and its contents as an OCI layer, `tar` compressed with zstd, from which the same image and
 * object store can be made again.
 *
 * A tree gives the same archive wherever it is written: sorted entries, hard links last, numeric owners, no times but
 * the files' own, PAX records only where ustar has no room. The `diffId` is therefore a property of the tree. The
 * `digest` also depends on the zstd library inside Node.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { createHash, type Hash } from "node:crypto"
import { mkdtemp, open, rename, rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { ContentError, type ContentSink, type ContentSource } from "./Content.ts"
import { decompress } from "./internal/decompress.ts"
import { attempt, type FileProblem, syncPath } from "./internal/files.ts"
import { layerEntries, type LayerEntry } from "./internal/layer/entries.ts"
import { Input } from "./internal/layer/input.ts"
import { LayerError } from "./internal/layer/layerError.ts"
import { readArchive } from "./internal/layer/readArchive.ts"
import { recommendedInlineSize } from "./internal/limits.ts"
import { endSize, padding } from "./internal/tar/format.ts"
import { header } from "./internal/tar/write.ts"
import { compress } from "./internal/zstd.ts"
import type * as Node from "./Node.ts"
import type * as Tree from "./Tree.ts"

export { LayerError }

/**
 * The OCI media type of a file layer.
 *
 * @category constants
 * @since 0.1.0
 */
export const mediaType = "application/vnd.oci.image.layer.v1.tar+zstd"

/**
 * What is known of a layer once it went by. Digests are `sha256:<hex>`, sizes bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerInfo {
  readonly mediaType: typeof mediaType
  /** Of the compressed bytes: what a registry stores. */
  readonly digest: string
  readonly size: number
  /** Of the archive: what an OCI image config lists. */
  readonly diffId: string
  readonly archiveSize: number
}

/**
 * How a layer is written.
 *
 * @category models
 * @since 0.1.0
 */
export interface WriteOptions {
  /** zstd's level, 1 to 22. Default 3. */
  readonly level?: number | undefined
  /** Files up to this size, in bytes, are inline in the tree. Default 64; must be what the tree was made with. */
  readonly inlineLimit?: number | undefined
}

/**
 * Writes a layer chunk by chunk. Every content is confirmed while it is read.
 *
 * @category writing
 * @since 0.1.0
 */
export const write = <E, R>(
  tree: Tree.Tree,
  contents: ContentSource,
  writeChunk: (chunk: Uint8Array) => Effect.Effect<void, E, R>,
  options?: WriteOptions
): Effect.Effect<LayerInfo, LayerError | ContentError | E, R> =>
  Effect.suspend(() => {
    const archive = new Meter()
    const compressed = new Meter()
    const bytes = compress(
      Stream.tap(archiveOf(tree, contents, options), (chunk) => archive.see(chunk)),
      options?.level ?? defaultLevel,
      toLayerError
    )
    const written = Stream.runForEach(bytes, (chunk) => Effect.andThen(compressed.see(chunk), writeChunk(chunk)))
    return Effect.map(written, () => infoOf(compressed, archive))
  })

const defaultLevel = 3

/**
 * Writes a layer into memory.
 *
 * **Example**
 *
 * ```ts
 * import { Content, Layer, Node } from "@lamina/composefs"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const contents = yield* Content.memory()
 *   const tree = { root: Node.directory({ motd: Node.inlineFile("hello\n") }) }
 *   const { bytes, info } = yield* Layer.toBytes(tree, contents)
 *   return { size: bytes.length, diffId: info.diffId }
 * })
 * ```
 *
 * @category writing
 * @since 0.1.0
 */
export const toBytes = (
  tree: Tree.Tree,
  contents: ContentSource,
  options?: WriteOptions
): Effect.Effect<{ readonly bytes: Uint8Array; readonly info: LayerInfo }, LayerError | ContentError> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    const collect = (chunk: Uint8Array) =>
      Effect.sync(() => {
        chunks.push(chunk)
      })
    return Effect.map(write(tree, contents, collect, options), (info) => ({ bytes: Buffer.concat(chunks), info }))
  })

/**
 * Writes a layer to a file, which appears whole or not at all, whoever else writes to the same path.
 *
 * @category writing
 * @since 0.1.0
 */
export const toFile = (
  path: string,
  tree: Tree.Tree,
  contents: ContentSource,
  options?: WriteOptions
): Effect.Effect<LayerInfo, LayerError | ContentError> =>
  Effect.acquireUseRelease(
    // Beside the file, to be moved within one file system; a directory of its own is shared with no other writer.
    io("create", `${path}.partial-`, () => mkdtemp(`${path}.partial-`)),
    (directory) => {
      const partial = join(directory, "layer")
      return writePartial(partial, tree, contents, options).pipe(
        Effect.tap(io("rename", partial, () => rename(partial, path))),
        Effect.tap(Effect.mapError(syncPath(dirname(path)), toIoError("sync", dirname(path))))
      )
    },
    (directory) => Effect.ignore(attempt(() => rm(directory, { recursive: true, force: true })))
  )

const writePartial = (
  path: string,
  tree: Tree.Tree,
  contents: ContentSource,
  options: WriteOptions | undefined
): Effect.Effect<LayerInfo, LayerError | ContentError> =>
  Effect.acquireUseRelease(
    io("create", path, () => open(path, "wx", 0o644)),
    (file) =>
      write(tree, contents, (chunk) => io("write", path, () => file.writeFile(chunk)), options).pipe(
        Effect.tap(io("sync", path, () => file.sync()))
      ),
    (file) => Effect.ignore(attempt(() => file.close()))
  )

/**
 * How a layer is read. The limits hold a hostile layer within bounds.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadOptions {
  /** Takes the contents of external files. */
  readonly contents: ContentSink
  /** Most bytes of the archive. Default 16 GiB. */
  readonly maxArchiveSize?: number | undefined
  /** Most entries. Default one million. */
  readonly maxEntries?: number | undefined
  /** Most bytes of PAX headers together: attributes and long names, which are held in memory. Default 256 MiB. */
  readonly maxPaxSize?: number | undefined
  /** Most bytes of archive per compressed byte, beyond the first 64 MiB. Default 1000. */
  readonly maxRatio?: number | undefined
  /** Files up to this size, in bytes, become inline. Default 64; must be what the layer was made with. */
  readonly inlineLimit?: number | undefined
}

/**
 * A tree read from a layer, and what went by: compare `info` with the descriptor before trusting the tree.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadLayer {
  readonly tree: Tree.Tree
  readonly info: LayerInfo
}

/**
 * Reads a layer, which may come from anywhere. Refused are paths that are absolute or lead out of the archive or
 * through anything but a directory, doubled names, unknown kinds of entries, data behind the end of the archive or of its
 * compressed form, and whatever exceeds a limit. The files themselves are only bytes in the sink: nothing of the archive becomes a path of this machine.
 *
 * @category reading
 * @since 0.1.0
 */
export const read = <E, R>(
  layer: Stream.Stream<Uint8Array, E, R>,
  options: ReadOptions
): Effect.Effect<ReadLayer, LayerError | ContentError | E, R> =>
  Effect.scoped(Effect.gen(function*() {
    const services = yield* Effect.context<R>()
    const compressed = new Meter()
    const archive = new Meter()
    const metered = Stream.tap(Stream.provideContext(layer, services), (chunk) => compressed.see(chunk))
    const bytes = decompress(metered, "zstd", compressionError)
    const bounded = Stream.tap(bytes, (chunk) =>
      Effect.andThen(archive.see(chunk), Effect.suspend(() => checkBounds(compressed, archive, options))))
    const input = new Input(yield* Stream.toPull(bounded))
    const tree = yield* readArchive(input, {
      contents: options.contents,
      inlineLimit: options.inlineLimit ?? recommendedInlineSize,
      maxEntries: options.maxEntries ?? 1_000_000,
      maxPaxSize: options.maxPaxSize ?? defaultMaxPaxSize
    })
    return { tree, info: infoOf(compressed, archive) }
  }))

const freeArchiveSize = 64 * 1024 * 1024
const defaultMaxArchiveSize = 16 * 1024 ** 3
const defaultMaxRatio = 1000
const defaultMaxPaxSize = 256 * 1024 * 1024

const checkBounds = (compressed: Meter, archive: Meter, options: ReadOptions): Effect.Effect<void, LayerError> => {
  const maxSize = options.maxArchiveSize ?? defaultMaxArchiveSize
  const maxRatio = options.maxRatio ?? defaultMaxRatio
  const problem = archive.size > maxSize
    ? `the archive has more than ${maxSize} bytes`
    : archive.size > freeArchiveSize + maxRatio * compressed.size
    ? `the archive is more than ${maxRatio} times as large as its compressed form`
    : undefined
  return problem === undefined
    ? Effect.void
    : Effect.fail(new LayerError({ reason: { _tag: "LimitExceeded", problem } }))
}

/** The uncompressed archive of a tree. */
const archiveOf = (
  tree: Tree.Tree,
  contents: ContentSource,
  options: WriteOptions | undefined
): Stream.Stream<Uint8Array, LayerError | ContentError> =>
  Stream.unwrap(Effect.gen(function*() {
    const entries = yield* Effect.fromResult(
      Result.mapError(
        layerEntries(tree, options?.inlineLimit ?? recommendedInlineSize),
        (reason) => new LayerError({ reason: { _tag: "Unportable", ...reason } })
      )
    )
    const end = Stream.make(new Uint8Array(endSize))
    return Stream.concat(Stream.flatMap(Stream.fromIterable(entries), (entry) => entryBytes(entry, contents)), end)
  }))

const entryBytes = (
  { content, path, tar }: LayerEntry,
  contents: ContentSource
): Stream.Stream<Uint8Array, LayerError | ContentError> => {
  const start = Stream.make(header(tar))
  const filling = new Uint8Array(padding(tar.size))
  if (content === undefined) return start
  const body = content._tag === "InlineFile" ? Stream.make(content.content) : externalBytes(content, path, contents)
  return start.pipe(Stream.concat(body), Stream.concat(Stream.make(filling)))
}

/** The header has promised a size: a content of any other would shift all that follows. */
const externalBytes = (
  { digest, size }: Node.ExternalFile,
  path: string,
  contents: ContentSource
): Stream.Stream<Uint8Array, LayerError | ContentError> =>
  Stream.suspend(() => {
    let actual = 0
    const counted = Stream.tap(contents.open(digest ?? ""), (chunk) => {
      actual += chunk.length
      return actual > size ? changed() : Effect.void
    })
    const changed = () => Effect.fail(new LayerError({ reason: { _tag: "Changed", path, expected: size, actual } }))
    const complete = Effect.suspend(() => actual === size ? Effect.void : changed())
    return Stream.concat(counted, Stream.drain(Stream.fromEffect(complete)))
  })

/** Hashes and counts what passes. */
class Meter {
  readonly #hash: Hash = createHash("sha256")
  size = 0

  see(chunk: Uint8Array): Effect.Effect<void> {
    return Effect.sync(() => {
      this.#hash.update(chunk)
      this.size += chunk.length
    })
  }

  get digest(): string {
    return `sha256:${this.#hash.copy().digest("hex")}`
  }
}

const infoOf = (compressed: Meter, archive: Meter): LayerInfo => ({
  mediaType,
  digest: compressed.digest,
  size: compressed.size,
  diffId: archive.digest,
  archiveSize: archive.size
})

const toLayerError = (cause: unknown): LayerError | ContentError =>
  cause instanceof LayerError || cause instanceof ContentError
    ? cause
    : compressionError(cause instanceof Error ? cause.message : String(cause))

const compressionError = (problem: string): LayerError => new LayerError({ reason: { _tag: "Compression", problem } })

const io = <A>(operation: string, path: string, call: () => Promise<A>): Effect.Effect<A, LayerError> =>
  Effect.mapError(attempt(call), toIoError(operation, path))

const toIoError = (operation: string, path: string) => ({ problem }: FileProblem): LayerError =>
  new LayerError({ reason: { _tag: "Io", operation, path, problem } })
