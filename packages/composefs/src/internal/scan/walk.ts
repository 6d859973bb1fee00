/** Lists directories, and puts what is in them into batches. */
import * as Result from "effect/Result"
import { type BigIntStats, type Dirent, lstatSync, readdirSync, statSync } from "node:fs"
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import type { FilePath } from "../openFlags.ts"
import { join } from "../paths.ts"
import type { TreeError } from "../treeError.ts"
import { childOf } from "./batch.ts"
import { BatchQueue } from "./batchQueue.ts"
import { attempt, changed, unreadable } from "./problems.ts"

/** A directory of the scan and what was found in it, names in byte order. */
export interface ListedDirectory {
  readonly source: FilePath
  /** Inside the tree. */
  readonly path: string
  readonly stats: BigIntStats
  /** Whether it belongs to the tree for its own sake, and not only for what is in it. */
  readonly isSelected: boolean
  readonly names: ReadonlyArray<string>
  /** What each name stands for: a directory, or the slot of an entry that is to be read. */
  readonly contents: ReadonlyArray<ListedDirectory | number>
}

/** What is listed. */
export interface Selection {
  readonly filter?: ((path: string, kind: Node.Kind) => boolean) | undefined
  readonly descend?: ((path: string) => boolean) | undefined
  readonly skipDevices?: boolean | undefined
}

export class Walk {
  readonly queue: BatchQueue
  readonly #root: OpenDirectory
  readonly #selection: Selection
  /** From the root to where the walk is. */
  readonly #open: Array<Position> = []
  readonly #listed: Array<ListedDirectory> = []
  #isBegun = false

  private constructor(root: OpenDirectory, selection: Selection, batchSize: number) {
    this.queue = new BatchQueue(batchSize)
    this.#root = root
    this.#selection = selection
  }

  get root(): ListedDirectory {
    return this.#root
  }

  /** Begins at a directory, to which links may lead. */
  static from(source: string, selection: Selection, batchSize: number): Result.Result<Walk, TreeError> {
    return Result.flatMap(attempt(source, () => statSync(source, bigint)), (stats) =>
      stats.isDirectory()
        ? Result.succeed(
          new Walk({ source, path: "/", stats, isSelected: true, names: [], contents: [] }, selection, batchSize)
        )
        : Result.fail(unreadable(source, "it is not a directory")))
  }

  /** Goes on, depth first, until so much is there to be read, or all is seen. */
  prepare(load: number): Result.Result<void, TreeError> {
    if (!this.#isBegun) {
      this.#isBegun = true
      const listed = this.#list(this.#root)
      if (Result.isFailure(listed)) return listed
    }
    for (let last = this.#open.at(-1); last !== undefined && this.queue.load < load; last = this.#open.at(-1)) {
      const found = last.found[last.next++]
      const seen = found === undefined ? this.#leave() : this.#see(last.directory, found)
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
      if (identity.some((field) => stats[field] !== after.success[field])) {
        return Result.fail(changed(source, "it was replaced or written to"))
      }
    }
    return Result.succeed(undefined)
  }

  #list(directory: OpenDirectory): Result.Result<void, TreeError> {
    return Result.map(attempt(directory.source, () => readNames(directory.source)), (found) => {
      this.#listed.push(directory)
      this.#open.push({ directory, found, next: 0 })
    })
  }

  #leave(): Result.Result<void, never> {
    this.#open.pop()
    return Result.succeed(undefined)
  }

  #see(directory: OpenDirectory, [name, kind]: FoundName): Result.Result<void, TreeError> {
    if (kind === "directory") return this.#enter(directory, name)
    const slot = this.#take(directory, name, kind)
    if (slot !== undefined) add(directory, name, slot)
    return Result.succeed(undefined)
  }

  #enter(parent: OpenDirectory, name: ByteString.ByteString): Result.Result<void, TreeError> {
    const path = join(parent.path, ByteString.toText(name))
    const isSelected = this.#selection.filter?.(path, "directory") ?? true
    if (!isSelected && this.#selection.descend?.(path) === false) return Result.succeed(undefined)
    const source = childOf(parent.source, name)
    return Result.flatMap(attempt(source, () => lstatSync(source, bigint)), (stats) => {
      if (!stats.isDirectory()) return Result.fail(changed(source, "it is no longer a directory"))
      const directory = { source, path, stats, isSelected, names: [], contents: [] }
      add(parent, name, directory)
      return this.#list(directory)
    })
  }

  #take(
    { path, source }: OpenDirectory,
    name: ByteString.ByteString,
    kind: Exclude<Node.Kind, "directory">
  ): number | undefined {
    const { filter, skipDevices } = this.#selection
    const isDevice = kind === "character device" || kind === "block device"
    const isTaken = (!isDevice || skipDevices !== true) &&
      (filter === undefined || filter(join(path, ByteString.toText(name)), kind))
    return isTaken ? this.queue.add(source, name, kind) : undefined
  }
}

const add = (directory: OpenDirectory, name: ByteString.ByteString, content: ListedDirectory | number): void => {
  directory.names.push(ByteString.toText(name))
  directory.contents.push(content)
}

/** A directory in whose entries the walk is. */
interface Position {
  readonly directory: OpenDirectory
  readonly found: ReadonlyArray<FoundName>
  next: number
}

interface OpenDirectory extends ListedDirectory {
  readonly names: Array<string>
  readonly contents: Array<ListedDirectory | number>
}

const bigint = { bigint: true } as const

const identity = ["dev", "ino", "mode", "mtimeNs", "ctimeNs"] as const

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
