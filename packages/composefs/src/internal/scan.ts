/** Reads a directory into a tree. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  statSync
} from "node:fs"
import { ContentError, type ContentSink, type ContentSource, verifying } from "../Content.ts"
import * as FsVerity from "../FsVerity.ts"
import * as Node from "../Node.ts"
import type { Tree } from "../Tree.ts"
import * as ByteString from "./byteString.ts"
import { chunkSize, eachChunk, type FilePath, fileProblem, readOnly, readUpTo, streamFile } from "./files.ts"
import { recommendedInlineSize } from "./limits.ts"
import { join } from "./paths.ts"
import { TreeError } from "./treeError.ts"

/**
 * What of a directory becomes the tree, and how.
 *
 * @category models
 * @since 0.1.0
 */
export interface DirectoryOptions<E = never, R = never> {
  /** Which files belong to the tree, by absolute path inside it. Directories on the way to one come along. Default: all. */
  readonly filter?: ((path: string, kind: Node.Kind) => boolean) | undefined
  /** Which directories are worth entering; spares the reading of what `filter` would refuse anyway. Default: all. */
  readonly descend?: ((path: string) => boolean) | undefined
  /** The owner of everything; default: as found. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /** One time for everything, or the latest that may stand (the meaning of SOURCE_DATE_EPOCH); default: as found. */
  readonly mtime?: { readonly exactly: Node.Timestamp } | { readonly atMost: Node.Timestamp } | undefined
  /** Extended attributes, which Node itself cannot read; default: none. */
  readonly xattrs?:
    | ((file: { readonly path: string; readonly source: string | Buffer }) => Effect.Effect<
      ReadonlyMap<string, Uint8Array>,
      E,
      R
    >)
    | undefined
  /** Whether names of one inode stay links (default) or become files of their own, as mkcomposefs has it. */
  readonly hardLinks?: "preserve" | "separate" | undefined
  /** Files up to this size, in bytes, go into the image. Default 64; another value gives another image. */
  readonly inlineLimit?: number | undefined
  /** Stores every external content while it is read. */
  readonly objects?: ContentSink | undefined
  /** How contents are hashed. Default SHA-256. */
  readonly using?: FsVerity.Parameters | undefined
}

/**
 * A tree read from a directory, and its contents.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScannedDirectory {
  readonly tree: Tree
  readonly contents: ContentSource
}

export const scanDirectory = Effect.fnUntraced(function*<E, R>(directory: string, options: DirectoryOptions<E, R>) {
  const scan = new Scan(options)
  const stats = yield* attempt(directory, () => statSync(directory, { bigint: true }))
  if (!stats.isDirectory()) {
    return yield* new TreeError({ reason: { _tag: "Unreadable", path: directory, problem: "it is not a directory" } })
  }
  const root = yield* scan.directory(directory, "/", stats)
  yield* confirm(directory, stats, () => statSync(directory, { bigint: true }))
  scan.countLinks()
  return { tree: { root }, contents: scan.contents }
})

/** The first name of an inode that has several. */
interface FirstLink {
  readonly path: string
  readonly name: string
  readonly siblings: Map<string, Node.Node>
  count: number
}

class Scan<E, R> {
  readonly #options: DirectoryOptions<E, R>
  readonly #using: FsVerity.Parameters
  readonly #inlineLimit: number
  readonly #links = new Map<string, FirstLink>()
  readonly #sources = new Map<string, FilePath>()

  constructor(options: DirectoryOptions<E, R>) {
    this.#options = options
    this.#using = options.using ?? FsVerity.sha256
    this.#inlineLimit = options.inlineLimit ?? recommendedInlineSize
  }

  get contents(): ContentSource {
    return {
      open: (digest) => {
        const source = this.#sources.get(digest)
        if (source === undefined) return Stream.fail(new ContentError({ reason: { _tag: "NotFound", digest } }))
        const content = Stream.mapError(
          streamFile(source),
          ({ problem }) =>
            new ContentError({ reason: { _tag: "Io", operation: "read", path: source.toString(), problem } })
        )
        return verifying(content, digest)
      }
    }
  }

  readonly directory: (
    source: FilePath,
    path: string,
    stats: BigIntStats
  ) => Effect.Effect<Node.Directory, TreeError | ContentError | E, R> = Effect.fnUntraced(
    { self: this },
    function*(source, path, stats) {
      const names = yield* attempt(source, () => readdirSync(source, { encoding: "buffer" }))
      const entries = new Map<string, Node.Node>()
      for (const name of names.map(ByteString.fromBytes).sort(ByteString.compare)) {
        const node = yield* this.#entry(child(source, name), path, ByteString.toText(name), entries)
        if (node !== undefined) entries.set(ByteString.toText(name), node)
      }
      return Node.directory(entries, yield* this.#metadata(source, path, stats))
    }
  )

  /** Gives every inode with several names in the tree its number of links. */
  countLinks(): void {
    for (const { count, name, siblings } of this.#links.values()) {
      const node = siblings.get(name)
      if (node !== undefined && "nlink" in node) siblings.set(name, { ...node, nlink: count })
    }
  }

  readonly #entry: (
    source: FilePath,
    parent: string,
    name: string,
    siblings: Map<string, Node.Node>
  ) => Effect.Effect<Node.Node | undefined, TreeError | ContentError | E, R> = Effect.fnUntraced(
    { self: this },
    function*(source, parent, name, siblings) {
      const path = join(parent, name)
      const stats = yield* attempt(source, () => lstatSync(source, { bigint: true }))
      const kind = kindOf(stats)
      const isSelected = this.#options.filter?.(path, kind) ?? true
      if (kind === "directory") {
        if (!isSelected && this.#options.descend?.(path) === false) return undefined
        const node = yield* this.directory(source, path, stats)
        yield* confirm(source, stats)
        return isSelected || node.entries.size > 0 ? node : undefined
      }
      if (!isSelected) return undefined
      const link = this.#link(stats, path, name, siblings)
      if (link !== undefined) return link
      const node = yield* this.#leaf(source, path, stats, kind)
      yield* confirm(source, stats)
      return node
    }
  )

  #link(stats: BigIntStats, path: string, name: string, siblings: Map<string, Node.Node>): Node.HardLink | undefined {
    if (stats.nlink === 1n || this.#options.hardLinks === "separate") return undefined
    const id = `${stats.dev}:${stats.ino}`
    const first = this.#links.get(id)
    if (first === undefined) {
      this.#links.set(id, { path, name, siblings, count: 1 })
      return undefined
    }
    first.count++
    return Node.hardLink(first.path)
  }

  readonly #leaf: (
    source: FilePath,
    path: string,
    stats: BigIntStats,
    kind: Node.Kind
  ) => Effect.Effect<Node.Inode, TreeError | ContentError | E, R> = Effect.fnUntraced(
    { self: this },
    function*(source, path, stats, kind) {
      const metadata = yield* this.#metadata(source, path, stats)
      const rdev = Number(BigInt.asUintN(32, stats.rdev))
      switch (kind) {
        case "symlink": {
          const target = yield* attempt(source, () => readlinkSync(source, { encoding: "buffer" }))
          return Node.symlink(ByteString.bytesToText(target), metadata)
        }
        case "fifo":
          return Node.fifo(metadata)
        case "socket":
          return Node.socket(metadata)
        case "character device":
          return Node.characterDevice(rdev, metadata)
        case "block device":
          return Node.blockDevice(rdev, metadata)
        default:
          return yield* this.#file(source, Number(stats.size), metadata)
      }
    }
  )

  readonly #file: (
    source: FilePath,
    size: number,
    metadata: Node.Metadata
  ) => Effect.Effect<Node.Inode, TreeError | ContentError, R> = Effect.fnUntraced(
    { self: this },
    function*(source, size, metadata) {
      if (size <= chunkSize) {
        // For a small file, the way to a thread and back costs more than the read.
        const content = yield* attempt(source, () => readSmall(source, size))
        if (content.length !== size) return yield* changed(source, size, content.length)
        if (size <= this.#inlineLimit) return Node.inlineFile(content, metadata)
        const digest = yield* this.#store(
          Stream.make(content),
          () => Effect.succeed(FsVerity.digest(content, this.#using))
        )
        return this.#external(source, size, digest, metadata)
      }
      let actual = 0
      const counted = Stream.tap(readStream(source), (chunk) =>
        Effect.sync(() => {
          actual += chunk.length
        }))
      const digest = yield* this.#store(counted, () => {
        const hasher = FsVerity.hasher(this.#using)
        return eachChunk(source, (chunk) => {
          actual += chunk.length
          hasher.update(chunk)
        }, readOnly).pipe(
          Effect.mapError(({ problem }) => unreadable(source, problem)),
          Effect.map(() => hasher.digest())
        )
      })
      if (actual !== size) return yield* changed(source, size, actual)
      return this.#external(source, size, digest, metadata)
    }
  )

  /** The digest of a content, from the sink that takes it, or else from hashing alone. */
  #store(
    content: Stream.Stream<Uint8Array, TreeError>,
    hash: () => Effect.Effect<string, TreeError>
  ): Effect.Effect<string, TreeError | ContentError> {
    const objects = this.#options.objects
    return objects === undefined ? hash() : Effect.map(objects.put(content), ({ digest }) => digest)
  }

  #external(source: FilePath, size: number, digest: string, metadata: Node.Metadata): Node.ExternalFile {
    if (!this.#sources.has(digest)) this.#sources.set(digest, source)
    return Node.externalFile({ size, digest }, metadata)
  }

  #metadata(source: FilePath, path: string, stats: BigIntStats): Effect.Effect<Node.Metadata, E, R> {
    const owner = this.#options.owner ?? { uid: Number(stats.uid), gid: Number(stats.gid) }
    const metadata = {
      mode: Number(stats.mode) & 0o7777,
      uid: owner.uid,
      gid: owner.gid,
      mtime: this.#mtime(stats)
    }
    const xattrs = this.#options.xattrs?.({ path, source }) ?? Effect.succeed(noXattrs)
    return Effect.map(xattrs, (xattrs) => ({ ...metadata, xattrs }))
  }

  #mtime({ mtimeNs }: BigIntStats): Node.Timestamp {
    const rule = this.#options.mtime
    if (rule !== undefined && "exactly" in rule) return rule.exactly
    const nanoseconds = ((mtimeNs % billion) + billion) % billion
    const found = { seconds: (mtimeNs - nanoseconds) / billion, nanoseconds: Number(nanoseconds) }
    return rule !== undefined && Node.compareTimestamps(found, rule.atMost) > 0 ? rule.atMost : found
  }
}

const billion = 1_000_000_000n
const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

const unreadable = (source: FilePath, problem: string): TreeError =>
  new TreeError({ reason: { _tag: "Unreadable", path: source.toString(), problem } })

const changed = (source: FilePath, expected: number, actual: number): TreeError =>
  new TreeError({
    reason: {
      _tag: "Changed",
      path: source.toString(),
      problem: `expected ${expected} bytes, got ${actual === expected + 1 ? "more" : actual}`
    }
  })

const attempt = <A>(source: FilePath, call: () => A): Effect.Effect<A, TreeError> =>
  Effect.try({ try: call, catch: (cause) => unreadable(source, fileProblem(cause).problem) })

/**
 * Fails if something else stands at a path now, or was written to. All is read by path, so a directory could have been
 * exchanged for a link that leads out of the scanned one: moving it there and back shows in its time of change.
 */
const confirm = (
  source: FilePath,
  before: BigIntStats,
  look: () => BigIntStats = () => lstatSync(source, { bigint: true })
): Effect.Effect<void, TreeError> =>
  Effect.flatMap(attempt(source, look), (after) =>
    identity.every((field) => before[field] === after[field])
      ? Effect.void
      : Effect.fail(
        new TreeError({
          reason: { _tag: "Changed", path: source.toString(), problem: "it was replaced or written to" }
        })
      ))

const identity = ["dev", "ino", "mode", "size", "mtimeNs", "ctimeNs"] as const

const readStream = (source: FilePath): Stream.Stream<Uint8Array, TreeError> =>
  Stream.mapError(streamFile(source), ({ problem }) => unreadable(source, problem))

/** Names are bytes: a path is a string only as long as it is UTF-8. */
const child = (directory: FilePath, name: ByteString.ByteString): FilePath => {
  const text = ByteString.toText(name)
  return typeof directory === "string" && ByteString.isUtf8Text(text)
    ? `${directory}/${text}`
    : Buffer.concat([Buffer.from(directory), Buffer.from("/"), ByteString.toBytes(name)])
}

/** Reads a file of the expected size, or up to one byte more to tell that it has grown. */
const readSmall = (source: FilePath, size: number): Uint8Array => {
  const file = openSync(source, readOnly)
  try {
    if (!fstatSync(file).isFile()) throw new Error("it is no longer a regular file")
    return readUpTo(file, size)
  } finally {
    closeSync(file)
  }
}

const kindOf = (stats: BigIntStats): Node.Kind =>
  stats.isDirectory()
    ? "directory"
    : stats.isSymbolicLink()
    ? "symlink"
    : stats.isFIFO()
    ? "fifo"
    : stats.isSocket()
    ? "socket"
    : stats.isCharacterDevice()
    ? "character device"
    : stats.isBlockDevice()
    ? "block device"
    : "file"
