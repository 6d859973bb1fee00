/** The inodes that were read, by the slot of their entry. */
import * as Result from "effect/Result"
import { lstatSync } from "node:fs"
import type { FilePath } from "../openFlags.ts"
import type { TreeError } from "../treeError.ts"
import { type BatchResult, type Content, digestText, outcome } from "./batch.ts"
import type { BatchQueue } from "./batchQueue.ts"
import type { ScanProgress } from "./options.ts"
import { attempt, changed, unreadable } from "./problems.ts"
import { integerAt, numberAt, sliceOf, type Stats } from "./stats.ts"

/** Takes inodes as they are read. */
export interface InodeSink {
  /** The inode of a slot: an entry of a result that is read, or hashed. */
  readonly put: (slot: number, result: BatchResult, entry: number) => void
  /** A slot whose inode is that of another. */
  readonly share: (slot: number, from: number) => void
}

/** What tells an inode with several names, and that nobody has written to it. */
interface Version {
  readonly inode: string
  readonly size: number
  readonly ctimeNs: bigint
}

export interface ReadingOptions {
  /** Lets {@link Readings.confirm} know every slot, not only inodes with several names. */
  readonly keepsVersions: boolean
  /** Lets {@link Readings.digests} know what was hashed. */
  readonly keepsDigests: boolean
  /** Larger files are left to the caller, see {@link Readings.huge}. */
  readonly maxSize: number
}

/** A file that is too large for one thread. */
export interface HugeFile {
  readonly slot: number
  readonly size: number
  /** Accepts its digest. */
  readonly accept: (digest: string) => Result.Result<void, TreeError>
}

export class Readings {
  readonly #queue: BatchQueue
  readonly #sink: InodeSink
  readonly #options: ReadingOptions
  /** Of inodes with several names, at least. */
  readonly #versions = new Map<number, Version>()
  /** By inode, the slot where it is read. */
  readonly #readers = new Map<string, number>()
  /** Slots that wait for the one where their inode is read. */
  readonly #linked: Array<number> = []
  readonly #huge: Array<HugeFile> = []
  readonly #digests: Array<string> = []
  #files = 0
  #bytes = 0

  constructor(queue: BatchQueue, sink: InodeSink, options: ReadingOptions) {
    this.#queue = queue
    this.#sink = sink
    this.#options = options
  }

  get progress(): ScanProgress {
    return { files: this.#files, bytes: this.#bytes }
  }

  get digests(): ReadonlyArray<string> {
    return this.#digests
  }

  /** What is left to be read, and by whomever. */
  get huge(): ReadonlyArray<HugeFile> {
    return this.#huge
  }

  accept(result: BatchResult): Result.Result<void, TreeError> {
    for (let at = 0; at < result.outcomes.length; at++) {
      const slot = result.first + at
      switch (result.outcomes[at]) {
        case outcome.read:
        case outcome.hashed:
          this.#take(slot, result, at)
          break
        case outcome.linked:
          this.#link(slot, versionOf(result.stats, at))
          break
        case outcome.large:
          this.#putOff(slot, result, at)
          break
        default:
          return Result.fail(this.#failure(slot, result.contents.get(at)))
      }
    }
    return Result.succeed(undefined)
  }

  /** Gives every name of an inode what was read under one of them. All must have been accepted. */
  finish(): Result.Result<void, TreeError> {
    for (const slot of this.#linked) {
      const version = this.#versions.get(slot)
      const reader = this.#readers.get(version?.inode ?? "")
      const read = reader === undefined ? undefined : this.#versions.get(reader)
      if (reader === undefined || version === undefined || read === undefined || !isSame(version, read)) {
        return Result.fail(changed(this.pathOf(slot), writtenTo))
      }
      this.#sink.share(slot, reader)
    }
    return Result.succeed(undefined)
  }

  /** What the names of one inode have in common; `undefined` where there is only one name. */
  inode(slot: number): string | undefined {
    return this.#versions.get(slot)?.inode
  }

  /** The path from which an entry is read. */
  pathOf(slot: number): FilePath {
    return this.#queue.pathOf(slot)
  }

  /** Fails if somebody has written to the file of a slot since it was read. */
  confirm(slot: number): Result.Result<void, TreeError> {
    const source = this.pathOf(slot)
    return Result.flatMap(attempt(source, () => lstatSync(source, { bigint: true })), ({ ctimeNs, dev, ino, size }) => {
      const version = { inode: inodeOf(dev, ino), size: Number(size), ctimeNs }
      const read = this.#versions.get(slot)
      return read !== undefined && isSame(read, version)
        ? Result.succeed(undefined)
        : Result.fail(changed(source, writtenTo))
    })
  }

  #take(slot: number, result: BatchResult, at: number): void {
    this.#sink.put(slot, result, at)
    if (this.#options.keepsDigests && result.outcomes[at] === outcome.hashed) {
      this.#digests.push(digestText(result, at))
    }
    this.#noteVersion(slot, result.stats, at)
    this.#files++
    this.#bytes += numberAt(result.stats, at, "size")
  }

  #link(slot: number, version: Version): void {
    this.#linked.push(slot)
    this.#versions.set(slot, version)
    this.#files++
  }

  #noteVersion(slot: number, stats: Stats, at: number): void {
    const hasNames = numberAt(stats, at, "nlink") !== 1
    if (!hasNames && !this.#options.keepsVersions) return
    const version = versionOf(stats, at)
    this.#versions.set(slot, version)
    if (hasNames && !this.#readers.has(version.inode)) this.#readers.set(version.inode, slot)
  }

  /** Lets a large file be read by itself, once however many names it has. */
  #putOff(slot: number, { stats }: BatchResult, at: number): void {
    const version = versionOf(stats, at)
    if (this.#readers.has(version.inode)) return this.#link(slot, version)
    if (numberAt(stats, at, "nlink") !== 1) this.#readers.set(version.inode, slot)
    const { size } = version
    if (size <= this.#options.maxSize) return this.#queue.addLarge(slot, size)
    this.#versions.set(slot, version)
    const entry = sliceOf(stats, at)
    const accept = (digest: string): Result.Result<void, TreeError> => {
      this.#take(slot, hashedResult(slot, entry, digest), 0)
      return this.confirm(slot)
    }
    this.#huge.push({ slot, size, accept })
  }

  #failure(slot: number, content: Content | undefined): TreeError {
    const { isChange, problem } = typeof content === "object" && "problem" in content ? content : unknownProblem
    return (isChange ? changed : unreadable)(this.pathOf(slot), problem)
  }
}

const hashedResult = (first: number, stats: Stats, digest: string): BatchResult => ({
  first,
  outcomes: Uint8Array.of(outcome.hashed),
  stats,
  digests: Uint8Array.from(Buffer.from(digest, "latin1")),
  contents: new Map()
})

const unknownProblem = { isChange: false, problem: "for no known reason" }

const writtenTo = "it was replaced or written to"

const versionOf = (stats: Stats, at: number): Version => ({
  inode: inodeOf(integerAt(stats, at, "dev"), integerAt(stats, at, "ino")),
  size: numberAt(stats, at, "size"),
  ctimeNs: integerAt(stats, at, "ctimeNs")
})

const inodeOf = (device: bigint, inode: bigint): string => `${BigInt.asUintN(64, device)}:${BigInt.asUintN(64, inode)}`

const isSame = (left: Version, right: Version): boolean =>
  left.inode === right.inode && left.size === right.size && left.ctimeNs === right.ctimeNs
