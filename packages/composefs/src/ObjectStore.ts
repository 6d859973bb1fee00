/**
 * A directory of file contents by fs-verity digest, `xx/rest of the digest`: what a composefs mount takes its files
 * from. The layout is that of `mkcomposefs --digest-store`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { access, mkdir, mkdtemp, rm } from "node:fs/promises"
import { basename, join } from "node:path"
import { ContentError, type ContentSink, type ContentSource, type StoredContent, verifying } from "./Content.ts"
import * as FsVerity from "./FsVerity.ts"
import { attempt, streamFile } from "./internal/files.ts"
import { direct, type DirectStore } from "./internal/store/directStore.ts"
import { fsckStore } from "./internal/store/fsck.ts"
import { collectGarbage } from "./internal/store/gc.ts"
import { Incoming } from "./internal/store/incoming.ts"
import { present } from "./internal/store/listing.ts"
import { isDigest, temporaryPrefix } from "./internal/store/names.ts"
import type { WriterTarget } from "./internal/store/objectWriter.ts"
import { io, toError } from "./internal/store/problems.ts"
import type {
  AffectedFile,
  FsckOptions,
  FsckReport,
  GcOptions,
  GcReport,
  ObjectCount
} from "./internal/store/reports.ts"
import { Unflushed } from "./internal/store/unflushed.ts"
import * as Node from "./Node.ts"
import * as Tree from "./Tree.ts"

export type { AffectedFile, FsckOptions, FsckReport, GcOptions, GcReport, ObjectCount }

/**
 * When an object is forced to the disk.
 *
 * - `none`: never. The kernel writes it within half a minute or so.
 * - `end`: by `flush`, all together: after it, everything stored before it is on the disk. Many objects are forced with
 *   the whole file system they are on (`sync -f` of coreutils), few of them, or without that program, one by one. The
 *   former tells of an error of the disk only if no other program's sync was told of it before.
 * - `file`: each before it gets its name, and its name before `put` ends.
 *
 * No process that dies leaves half an object under a name, whatever this says. What was not forced, a loss of power may
 * leave empty or full of zeros. `put` replaces an object of the wrong size, reads confirm every object, and `fsck` finds
 * the rest.
 *
 * @category models
 * @since 0.1.0
 */
export type Durability = "none" | "end" | "file"

/**
 * An open store. Any number of processes may write to one directory: objects appear whole or not at all.
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectStore extends ContentSource, ContentSink {
  readonly directory: string
  /** Stores bytes in memory. */
  readonly putBytes: (bytes: Uint8Array) => Effect.Effect<StoredContent, ContentError>
  /** Whether an object of this name is there; its content is not looked at. */
  readonly has: (digest: string) => Effect.Effect<boolean, ContentError>
  /** The external files of a tree whose contents are not there, each digest once. */
  readonly missing: (tree: Tree.Tree) => Effect.Effect<ReadonlyArray<Node.ExternalFile>, ContentError>
  /** The whole content, confirmed, unless it is larger than `maxSize` bytes (default 16 MiB). */
  readonly read: (
    digest: string,
    options?: { readonly maxSize?: number | undefined }
  ) => Effect.Effect<Uint8Array, ContentError>
  /** Reads every object and compares it with its name. */
  readonly fsck: Effect.Effect<FsckReport, ContentError>
  /** As `fsck`, and tells which files of which trees cannot be read any more. */
  readonly check: (options?: FsckOptions) => Effect.Effect<FsckReport, ContentError>
  /**
   * Removes what no root needs and nobody stored lately, and what dead writers left over.
   *
   * Others may write meanwhile. Who stores a tree must make it a root within the time of grace; who only asks what is
   * `missing`, and leaves the rest as it is, must make the tree a root before that.
   */
  readonly gc: (options: GcOptions) => Effect.Effect<GcReport, ContentError>
  /** With durability `end`: forces all that was stored since the last flush to the disk. */
  readonly flush: Effect.Effect<void, ContentError>
}

const defaultMaxSize = 16 * 1024 * 1024

/**
 * Opens the store in a directory, which is created if it is missing. Half-written objects go when the scope closes.
 *
 * **Example**
 *
 * ```ts
 * import { ObjectStore } from "@lamina/composefs"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.scoped(Effect.gen(function*() {
 *   const store = yield* ObjectStore.open({ directory: "/var/lib/lamina/objects", durability: "end" })
 *   const { digest } = yield* store.putBytes(new TextEncoder().encode("content"))
 *   yield* store.flush
 *   return digest
 * }))
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const open = (options: {
  readonly directory: string
  /** Default `end`. */
  readonly durability?: Durability | undefined
  /** How new objects are named. Default SHA-256. */
  readonly using?: FsVerity.Parameters | undefined
}): Effect.Effect<ObjectStore, ContentError, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      makeDirectories(options.directory),
      (temporary) => Effect.ignore(attempt(() => rm(temporary, { recursive: true, force: true })))
    ),
    (temporary) =>
      new DirectoryStore(options.directory, temporary, options.durability ?? "end", options.using ?? FsVerity.sha256)
  )

/**
 * What can be done with a store that must not or cannot be written to.
 *
 * @category models
 * @since 0.1.0
 */
export type StoreReader = Pick<ObjectStore, "directory" | "open" | "has" | "missing" | "read" | "fsck" | "check">

/**
 * The store in a directory, for reading only: nothing is created, so the file system may be read-only and the directory
 * somebody else's.
 *
 * @category constructors
 * @since 0.1.0
 */
export const reader = (directory: string): StoreReader =>
  new DirectoryStore(directory, join(directory, temporaryPrefix), "none", FsVerity.sha256)

const makeDirectories = (directory: string): Effect.Effect<string, ContentError> =>
  io("create a store in", directory, async () => {
    await mkdir(directory, { recursive: true })
    // Inside the store, so that an object moves to its name within one file system.
    return mkdtemp(join(directory, temporaryPrefix))
  })

class DirectoryStore implements ObjectStore {
  readonly directory: string
  readonly [direct]: DirectStore
  readonly #target: WriterTarget
  readonly #durability: Durability
  readonly #using: FsVerity.Parameters
  readonly #unflushed: Unflushed

  constructor(directory: string, temporary: string, durability: Durability, using: FsVerity.Parameters) {
    this.directory = directory
    this.#target = { directory, temporary, isForced: durability === "file" }
    this.#durability = durability
    this.#using = using
    this.#unflushed = new Unflushed(directory)
    this[direct] = { target: this.#target, using, stored: (digests) => this.#remember(digests) }
  }

  readonly put: ContentSink["put"] = (content, options) =>
    Effect.acquireUseRelease(
      Effect.sync(() => new Incoming(this.#target, this.#using)),
      (incoming) =>
        Stream.runForEach(content, (chunk) => incoming.add(chunk)).pipe(
          Effect.andThen(incoming.finish(options?.expected)),
          Effect.tap(({ digest }) => this.#remember([digest]))
        ),
      (incoming) => incoming.discard
    )

  readonly putBytes = (bytes: Uint8Array): Effect.Effect<StoredContent, ContentError> => this.put(Stream.make(bytes))

  readonly has = (digest: string): Effect.Effect<boolean, ContentError> =>
    Effect.flatMap(this.#pathOf(digest), (path) =>
      attempt(() => access(path)).pipe(
        Effect.as(true),
        Effect.catch((failure) =>
          failure.code === "ENOENT" ? Effect.succeed(false) : Effect.fail(toError("look for", path)(failure))
        )
      ))

  readonly missing = Effect.fnUntraced({ self: this }, function*(tree: Tree.Tree) {
    const files = new Map<string, Node.ExternalFile>()
    for (const { node } of Tree.externalFiles(tree)) {
      if (node.digest !== undefined && !files.has(node.digest)) files.set(node.digest, node)
    }
    const there = files.size < worthListing
      ? new Set(yield* Effect.filter(files.keys(), this.has, { concurrency: 8 }))
      : yield* present(this.directory, new Set(files.keys()))
    return Array.from(files.values()).filter(({ digest }) => !there.has(digest ?? ""))
  })

  readonly open = (digest: string): Stream.Stream<Uint8Array, ContentError> =>
    Stream.unwrap(Effect.map(this.#pathOf(digest), (path) =>
      verifying(
        Stream.mapError(streamFile(path), (failure) =>
          failure.code === "ENOENT"
            ? new ContentError({ reason: { _tag: "NotFound", digest } })
            : toError("read", path)(failure)),
        digest
      )))

  readonly read = (
    digest: string,
    options?: { readonly maxSize?: number | undefined }
  ): Effect.Effect<Uint8Array, ContentError> =>
    Effect.suspend(() => {
      const limit = options?.maxSize ?? defaultMaxSize
      const chunks: Array<Uint8Array> = []
      let size = 0
      const collect = Stream.runForEach(this.open(digest), (chunk) => {
        size += chunk.length
        if (size > limit) return Effect.fail(new ContentError({ reason: { _tag: "TooLarge", digest, limit } }))
        chunks.push(chunk)
        return Effect.void
      })
      return Effect.map(collect, () => Buffer.concat(chunks))
    })

  readonly check = (options?: FsckOptions): Effect.Effect<FsckReport, ContentError> =>
    fsckStore(this.directory, basename(this.#target.temporary), options ?? {})

  readonly fsck: Effect.Effect<FsckReport, ContentError> = Effect.suspend(() => this.check())

  readonly gc = (options: GcOptions): Effect.Effect<GcReport, ContentError> =>
    collectGarbage(this.directory, basename(this.#target.temporary), options)

  readonly flush: Effect.Effect<void, ContentError> = Effect.suspend(() => this.#unflushed.flush)

  /** Names come from images and registries: only a digest may become a path. */
  #pathOf(digest: string): Effect.Effect<string, ContentError> {
    return isDigest(digest)
      ? Effect.succeed(join(this.directory, Node.objectPath(digest)))
      : Effect.fail(new ContentError({ reason: { _tag: "InvalidDigest", text: digest } }))
  }

  /** Also what was there: who wrote it may not have forced it to the disk. */
  #remember(digests: ReadonlyArray<string>): Effect.Effect<void> {
    return Effect.sync(() => {
      if (this.#durability === "end") this.#unflushed.add(digests)
    })
  }
}

/** From so many objects on, to list directories is quicker than to look for each. */
const worthListing = 512
