/** Lists directories, and puts what is in them into batches. */
import * as Result from "effect/Result"
import { type Dirent, lstatSync, readdirSync, statSync } from "node:fs"
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import type { FilePath } from "../openFlags.ts"
import { join } from "../paths.ts"
import type { TreeError } from "../treeError.ts"
import { childOf } from "./batch.ts"
import { BatchQueue } from "./batchQueue.ts"
import { attempt, changed, unreadable } from "./problems.ts"
import { type DirectoryStats, statsOf } from "./stats.ts"

/** A directory of the scan. */
export interface FoundDirectory {
  readonly source: FilePath
  /** Inside the tree. */
  readonly path: string
  readonly stats: DirectoryStats
  /** Whether it belongs to the tree for its own sake, and not only for what is in it. */
  readonly isSelected: boolean
}

/** Takes what the walk finds: a directory before what is in it, names in byte order. `D` is a directory it has taken. */
export interface Listing<D> {
  readonly root: (found: FoundDirectory) => D
  readonly directory: (parent: D, name: ByteString.ByteString, found: FoundDirectory) => D
  /** An entry that is going to be read, and its slot. */
  readonly entry: (parent: D, name: ByteString.ByteString, slot: number) => void
}

/** What is listed. */
export interface Selection {
  readonly filter?: ((path: string, kind: Node.Kind) => boolean) | undefined
  readonly descend?: ((path: string) => boolean) | undefined
  readonly skipDevices?: boolean | undefined
}

export class Walk<D> {
  readonly queue: BatchQueue
  readonly root: FoundDirectory
  readonly #selection: Selection
  readonly #listing: Listing<D>
  /** From the root to where the walk is. */
  readonly #open: Array<Position<D>> = []
  readonly #listed: Array<FoundDirectory> = []
  #isBegun = false

  private constructor(root: FoundDirectory, selection: Selection, listing: Listing<D>, batchSize: number) {
    this.queue = new BatchQueue(batchSize)
    this.root = root
    this.#selection = selection
    this.#listing = listing
  }

  /** Begins at a directory, to which links may lead. */
  static from<D>(
    source: string,
    selection: Selection,
    listing: Listing<D>,
    batchSize: number
  ): Result.Result<Walk<D>, TreeError> {
    return Result.flatMap(attempt(source, () => statSync(source, bigint)), (stats) =>
      stats.isDirectory()
        ? Result.succeed(
          new Walk({ source, path: "/", stats: statsOf(stats), isSelected: true }, selection, listing, batchSize)
        )
        : Result.fail(unreadable(source, "it is not a directory")))
  }

  /** Goes on, depth first, until so much is there to be read, or all is seen. */
  prepare(load: number): Result.Result<void, TreeError> {
    if (!this.#isBegun) {
      this.#isBegun = true
      const listed = this.#list(this.#listing.root(this.root), this.root)
      if (Result.isFailure(listed)) return listed
    }
    for (let last = this.#open.at(-1); last !== undefined && this.queue.load < load; last = this.#open.at(-1)) {
      const name = last.names[last.next++]
      const seen = name === undefined ? this.#leave() : this.#see(last, name)
      if (Result.isFailure(seen)) return seen
    }
    if (this.#open.length === 0) this.queue.close()
    return Result.succeed(undefined)
  }

  /**
   * Fails if a directory is not what it was when it was found. All is read by path, so one could have been exchanged for a
   * link that leads out of the scanned one: moving it there and back shows in its time of change.
   */
  confirm(): Result.Result<void, TreeError> {
    for (const { path, source, stats } of this.#listed) {
      const look = path === "/" ? statSync : lstatSync
      const after = attempt(source, () => look(source, bigint))
      if (Result.isFailure(after)) return Result.fail(after.failure)
      const { ctimeNs, dev, ino } = after.success
      if (stats.dev !== dev || stats.ino !== ino || stats.ctimeNs !== ctimeNs) {
        return Result.fail(changed(source, "it was replaced or written to"))
      }
    }
    return Result.succeed(undefined)
  }

  #list(directory: D, found: FoundDirectory): Result.Result<void, TreeError> {
    return Result.map(attempt(found.source, () => readNames(found.source)), (names) => {
      this.#listed.push(found)
      this.#open.push({ directory, found, names, next: 0 })
    })
  }

  #leave(): Result.Result<void, never> {
    this.#open.pop()
    return Result.succeed(undefined)
  }

  #see(parent: Position<D>, [name, kind]: FoundName): Result.Result<void, TreeError> {
    if (kind === "directory") return this.#enter(parent, name)
    if (this.#isTaken(parent, name, kind)) {
      this.#listing.entry(parent.directory, name, this.queue.add(parent.found.source, name, kind))
    }
    return Result.succeed(undefined)
  }

  #enter(parent: Position<D>, name: ByteString.ByteString): Result.Result<void, TreeError> {
    const path = join(parent.found.path, ByteString.toText(name))
    const isSelected = this.#selection.filter?.(path, "directory") ?? true
    if (!isSelected && this.#selection.descend?.(path) === false) return Result.succeed(undefined)
    const source = childOf(parent.found.source, name)
    return Result.flatMap(attempt(source, () => lstatSync(source, bigint)), (stats) => {
      if (!stats.isDirectory()) return Result.fail(changed(source, "it is no longer a directory"))
      const found = { source, path, stats: statsOf(stats), isSelected }
      return this.#list(this.#listing.directory(parent.directory, name, found), found)
    })
  }

  #isTaken({ found }: Position<D>, name: ByteString.ByteString, kind: Node.Kind): boolean {
    const { filter, skipDevices } = this.#selection
    if (skipDevices === true && (kind === "character device" || kind === "block device")) return false
    return filter === undefined || filter(join(found.path, ByteString.toText(name)), kind)
  }
}

/** A directory in whose entries the walk is. */
interface Position<D> {
  readonly directory: D
  readonly found: FoundDirectory
  readonly names: ReadonlyArray<FoundName>
  next: number
}

const bigint = { bigint: true } as const

type FoundName = readonly [name: ByteString.ByteString, kind: Node.Kind]

/** What is in a directory, in byte order. */
const readNames = (source: FilePath): ReadonlyArray<FoundName> =>
  readEntries(source).sort(([left], [right]) => ByteString.compare(left, right))

const readEntries = (source: FilePath): Array<FoundName> => {
  try {
    return readdirSync(source, { withFileTypes: true, encoding: "latin1" }).map((entry) => [entry.name, kindOf(entry)])
  } catch {
    // Where a file system does not tell types, Node looks at each file, for which it needs names of bytes.
    return readdirSync(source, { withFileTypes: true, encoding: "buffer" })
      .map((entry) => [ByteString.fromBytes(entry.name), kindOf(entry)])
  }
}

const kindOf = (entry: Dirent | Dirent<Buffer>): Node.Kind =>
  entry.isFile()
    ? "file"
    : entry.isDirectory()
    ? "directory"
    : entry.isSymbolicLink()
    ? "symlink"
    : entry.isFIFO()
    ? "fifo"
    : entry.isSocket()
    ? "socket"
    : entry.isCharacterDevice()
    ? "character device"
    : "block device"
