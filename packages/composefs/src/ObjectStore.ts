/**
 * A directory of file contents by fs-verity digest, `xx/rest of the digest`: what a composefs mount takes its files
 * from. The layout is that of `mkcomposefs --digest-store`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { Dirent } from "node:fs"
import { access, lstat, mkdir, mkdtemp, open as openFile, readdir, rename, rm } from "node:fs/promises"
import { basename, dirname, join } from "node:path"
import { ContentError, type ContentSink, type ContentSource, type StoredContent, verifying } from "./Content.ts"
import * as FsVerity from "./FsVerity.ts"
import { attempt, eachChunk, type FileProblem, streamFile, syncPath } from "./internal/files.ts"
import { readOnly } from "./internal/openFlags.ts"
import * as Node from "./Node.ts"
import * as Tree from "./Tree.ts"

/**
 * When an object is forced to the disk: never, all together by `flush`, or each before it gets its name.
 *
 * What was not forced, a loss of power may leave empty or full of zeros under its name. `put` replaces an object of
 * the wrong size, reads confirm every object, and `fsck` finds the rest.
 *
 * @category models
 * @since 0.1.0
 */
export type Durability = "none" | "end" | "file"

/**
 * What `fsck` found.
 *
 * @category models
 * @since 0.1.0
 */
export interface FsckReport {
  readonly objects: number
  /** Bytes of all objects. */
  readonly size: number
  /** Objects whose content does not have the digest they are named after. */
  readonly corrupt: ReadonlyArray<{ readonly digest: string; readonly actual: string }>
  /** Paths, relative to the store, of what is not an object. Other writers, and left-overs of dead ones, are here too. */
  readonly foreign: ReadonlyArray<string>
}

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

const makeDirectories = (directory: string): Effect.Effect<string, ContentError> =>
  io("create a store in", directory, async () => {
    await mkdir(directory, { recursive: true })
    // Inside the store, so that an object moves to its name within one file system.
    return mkdtemp(join(directory, temporaryPrefix))
  })

const temporaryPrefix = ".tmp-"

class DirectoryStore implements ObjectStore {
  readonly directory: string
  readonly #temporary: string
  readonly #durability: Durability
  readonly #using: FsVerity.Parameters
  #written = 0
  /** One entry for each `put`, so that one which comes during a flush is left for the next. */
  readonly #unflushed = new Set<{ readonly path: string }>()

  constructor(directory: string, temporary: string, durability: Durability, using: FsVerity.Parameters) {
    this.directory = directory
    this.#temporary = temporary
    this.#durability = durability
    this.#using = using
  }

  readonly put: ContentSink["put"] = (content, options) =>
    Effect.suspend(() => {
      const temporary = join(this.#temporary, String(this.#written++))
      return Effect.ensuring(
        Effect.flatMap(this.#write(temporary, content), (stored) => this.#name(temporary, stored, options?.expected)),
        Effect.ignore(attempt(() => rm(temporary, { force: true })))
      )
    })

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
    return yield* Effect.filter(
      Array.from(files.values()),
      (file) => Effect.map(this.has(file.digest ?? ""), (isThere) => !isThere),
      { concurrency: 8 }
    )
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

  readonly fsck: Effect.Effect<FsckReport, ContentError> = Effect.suspend(() =>
    fsckDirectory(this.directory, basename(this.#temporary))
  )

  readonly flush: Effect.Effect<void, ContentError> = Effect.suspend(() => {
    const entries = Array.from(this.#unflushed)
    const paths = new Set(entries.map(({ path }) => path))
    const directories = new Set(Array.from(paths, dirname))
    return Effect.forEach(paths, sync, { concurrency: 8, discard: true }).pipe(
      Effect.andThen(Effect.forEach([...directories, this.directory], sync, { discard: true })),
      // Not before all is well: whoever flushes again after a failure, or meanwhile, must not be told that it is.
      Effect.map(() => {
        for (const entry of entries) this.#unflushed.delete(entry)
      })
    )
  })

  /** Names come from images and registries: only a digest may become a path. */
  #pathOf(digest: string): Effect.Effect<string, ContentError> {
    return objectName.test(digest)
      ? Effect.succeed(join(this.directory, Node.objectPath(digest)))
      : Effect.fail(new ContentError({ reason: { _tag: "InvalidDigest", text: digest } }))
  }

  #write<E, R>(
    temporary: string,
    content: Stream.Stream<Uint8Array, E, R>
  ): Effect.Effect<StoredContent, ContentError | E, R> {
    return Effect.acquireUseRelease(
      io("create", temporary, () => openFile(temporary, "wx", 0o644)),
      (file) =>
        Effect.suspend(() => {
          const hasher = FsVerity.hasher(this.#using)
          let size = 0
          const written = Stream.runForEach(content, (chunk) => {
            hasher.update(chunk)
            size += chunk.length
            return io("write", temporary, () => file.writeFile(chunk))
          })
          const synced = this.#durability === "file" ? io("sync", temporary, () => file.sync()) : Effect.void
          return Effect.map(Effect.andThen(written, synced), () => ({ digest: hasher.digest(), size }))
        }),
      (file) => Effect.ignore(attempt(() => file.close()))
    )
  }

  #name(
    temporary: string,
    stored: StoredContent,
    expected: string | undefined
  ): Effect.Effect<StoredContent, ContentError> {
    const { digest } = stored
    if (expected !== undefined && expected !== digest) {
      return Effect.fail(new ContentError({ reason: { _tag: "Mismatch", expected, actual: digest } }))
    }
    const path = join(this.directory, Node.objectPath(digest))
    return hasFile(path, stored.size).pipe(
      // The object that is there may have fs-verity enabled, which a new file would lose.
      Effect.flatMap((isThere) => isThere ? Effect.succeed([path]) : this.#move(temporary, path)),
      Effect.flatMap((unsynced) => this.#remember(path, unsynced)),
      Effect.as(stored)
    )
  }

  /** Gives the object its name; returns what has to be forced to the disk for the name to last. */
  #move(temporary: string, path: string): Effect.Effect<ReadonlyArray<string>, ContentError> {
    return io("store", path, async () => {
      const isNewDirectory = await mkdir(dirname(path), { recursive: true }) !== undefined
      await rename(temporary, path)
      return isNewDirectory ? [this.directory] : []
    })
  }

  /** Also for an object that was there: who wrote it may not have forced it to the disk. */
  #remember(path: string, unsynced: ReadonlyArray<string>): Effect.Effect<void, ContentError> {
    if (this.#durability === "file") {
      return Effect.forEach([...unsynced, dirname(path)], sync, { discard: true })
    }
    if (this.#durability === "end") this.#unflushed.add({ path })
    return Effect.void
  }
}

const objectName = /^(?:[0-9a-f]{64}){1,2}$/

const toError = (operation: string, path: string) => ({ problem }: FileProblem): ContentError =>
  new ContentError({ reason: { _tag: "Io", operation, path, problem } })

const io = <A>(operation: string, path: string, call: () => Promise<A>): Effect.Effect<A, ContentError> =>
  Effect.mapError(attempt(call), toError(operation, path))

const sync = (path: string): Effect.Effect<void, ContentError> => Effect.mapError(syncPath(path), toError("sync", path))

/** Whether there is a file of this size. A writer that lost power may have left less under the same name. */
const hasFile = (path: string, size: number): Effect.Effect<boolean, ContentError> =>
  attempt(() => lstat(path)).pipe(
    Effect.map((stats) => stats.isFile() && stats.size === size),
    Effect.catch((failure) =>
      failure.code === "ENOENT" ? Effect.succeed(false) : Effect.fail(toError("look for", path)(failure))
    )
  )

const fsckDirectory = Effect.fnUntraced(function*(directory: string, ownName: string) {
  const corrupt: Array<{ readonly digest: string; readonly actual: string }> = []
  const foreign: Array<string> = []
  let objects = 0
  let size = 0
  for (const prefix of yield* list(directory)) {
    if (prefix.name === ownName) continue
    if (!prefix.isDirectory() || !/^[0-9a-f]{2}$/.test(prefix.name)) {
      foreign.push(prefix.name)
      continue
    }
    for (const entry of yield* list(join(directory, prefix.name))) {
      const digest = prefix.name + entry.name
      if (!entry.isFile() || !objectName.test(digest)) {
        foreign.push(join(prefix.name, entry.name))
        continue
      }
      const found = yield* measure(join(directory, Node.objectPath(digest)), digest)
      objects++
      size += found.size
      if (found.digest !== digest) corrupt.push({ digest, actual: found.digest })
    }
  }
  return { objects, size, corrupt, foreign }
})

const list = (directory: string): Effect.Effect<ReadonlyArray<Dirent>, ContentError> =>
  Effect.map(
    io("list", directory, () => readdir(directory, { withFileTypes: true })),
    (entries) => entries.sort((left, right) => left.name < right.name ? -1 : 1)
  )

const measure = (path: string, name: string): Effect.Effect<StoredContent, ContentError> =>
  Effect.suspend(() => {
    const hasher = FsVerity.hasher(name.length === 128 ? FsVerity.sha512 : FsVerity.sha256)
    return eachChunk(path, (chunk) => {
      hasher.update(chunk)
    }, readOnly).pipe(
      Effect.mapBoth({
        onFailure: toError("read", path),
        onSuccess: (size) => ({ digest: hasher.digest(), size })
      })
    )
  })
