/** The inodes that were read, by the slot of their entry. */
import * as Result from "effect/Result"
import { lstatSync } from "node:fs"
import type * as Node from "../../Node.ts"
import type { FilePath } from "../openFlags.ts"
import type { TreeError } from "../treeError.ts"
import { type BatchResult, type Content, outcome, readStat } from "./batch.ts"
import type { BatchQueue } from "./batchQueue.ts"
import type { InodeMaker } from "./inodes.ts"
import type { ScanProgress } from "./options.ts"
import { attempt, changed, unreadable } from "./problems.ts"

/** What tells an inode with several names, and that nobody has written to it. */
interface Version {
  readonly inode: string
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}

export interface ReadingOptions {
  /** Lets {@link Readings.confirm} know every slot, not only inodes with several names. */
  readonly keepsVersions: boolean
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
  readonly #make: InodeMaker
  readonly #options: ReadingOptions
  readonly #nodes: Array<Exclude<Node.Inode, Node.Directory> | undefined> = []
  /** Of inodes with several names, at least. */
  readonly #versions = new Map<number, Version>()
  /** By inode, the slot where it is read. */
  readonly #readers = new Map<string, number>()
  /** Slots that wait for the one where their inode is read. */
  readonly #linked: Array<number> = []
  readonly #huge: Array<HugeFile> = []
  #files = 0
  #bytes = 0

  constructor(queue: BatchQueue, make: InodeMaker, options: ReadingOptions) {
    this.#queue = queue
    this.#make = make
    this.#options = options
  }

  get progress(): ScanProgress {
    return { files: this.#files, bytes: this.#bytes }
  }

  /** What is left to be read, and by whomever. */
  get huge(): ReadonlyArray<HugeFile> {
    return this.#huge
  }

  accept({ contents, first, outcomes, stats }: BatchResult): Result.Result<void, TreeError> {
    for (let at = 0; at < outcomes.length; at++) {
      const slot = first + at
      const content = contents[at]
      switch (outcomes[at]) {
        case outcome.read:
          this.#noteRead(slot, stats, at, content)
          break
        case outcome.linked:
          this.#linked.push(slot)
          this.#versions.set(slot, versionOf(stats, at))
          this.#files++
          break
        case outcome.large:
          this.#putOff(slot, stats, at)
          break
        default:
          return Result.fail(this.#failure(slot, content))
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
      this.#nodes[slot] = this.#nodes[reader]
    }
    return Result.succeed(undefined)
  }

  node(slot: number): Exclude<Node.Inode, Node.Directory> {
    const node = this.#nodes[slot]
    if (node === undefined) throw new RangeError(`slot ${slot} was not read`)
    return node
  }

  /** What the names of one inode have in common; `undefined` where there is only one name. */
  inode(slot: number): string | undefined {
    return this.#versions.get(slot)?.inode
  }

  /** The path from which an entry is read. */
  pathOf(slot: number): FilePath {
    return this.#queue.pathOf(slot)
  }

  /** Every file that was hashed. */
  *externalFiles(): Generator<{ readonly digest: string; readonly slot: number }> {
    for (let slot = 0; slot < this.#nodes.length; slot++) {
      const node = this.#nodes[slot]
      if (node?._tag === "ExternalFile" && node.digest !== undefined) yield { digest: node.digest, slot }
    }
  }

  /** Fails if somebody has written to the file of a slot since it was read. */
  confirm(slot: number): Result.Result<void, TreeError> {
    const source = this.pathOf(slot)
    return Result.flatMap(attempt(source, () => lstatSync(source, { bigint: true })), (after) => {
      const version = { ...after, inode: `${after.dev}:${after.ino}` }
      const read = this.#versions.get(slot)
      return read !== undefined && isSame(read, version)
        ? Result.succeed(undefined)
        : Result.fail(changed(source, writtenTo))
    })
  }

  #noteRead(slot: number, stats: BigInt64Array, at: number, content: Content): void {
    this.#nodes[slot] = this.#make.make(stats, at, content)
    this.#noteVersion(slot, stats, at)
    this.#files++
    this.#bytes += Number(readStat(stats, at, "size"))
  }

  #noteVersion(slot: number, stats: BigInt64Array, at: number): void {
    const hasNames = readStat(stats, at, "nlink") !== 1n
    if (!hasNames && !this.#options.keepsVersions) return
    const version = versionOf(stats, at)
    this.#versions.set(slot, version)
    if (hasNames && !this.#readers.has(version.inode)) this.#readers.set(version.inode, slot)
  }

  /** Lets a large file be read by itself, once however many names it has. */
  #putOff(slot: number, stats: BigInt64Array, at: number): void {
    const version = versionOf(stats, at)
    if (this.#readers.has(version.inode)) {
      this.#linked.push(slot)
      this.#versions.set(slot, version)
      return
    }
    if (readStat(stats, at, "nlink") !== 1n) this.#readers.set(version.inode, slot)
    const size = Number(version.size)
    if (size <= this.#options.maxSize) return this.#queue.addLarge(slot, size)
    this.#versions.set(slot, version)
    const accept = (digest: string): Result.Result<void, TreeError> => {
      this.#noteRead(slot, stats, at, digest)
      return this.confirm(slot)
    }
    this.#huge.push({ slot, size, accept })
  }

  #failure(slot: number, content: Content): TreeError {
    const { isChange, problem } = typeof content === "object" && "problem" in content ? content : unknownProblem
    return (isChange ? changed : unreadable)(this.pathOf(slot), problem)
  }
}

const unknownProblem = { isChange: false, problem: "for no known reason" }

const writtenTo = "it was replaced or written to"

const versionOf = (stats: BigInt64Array, at: number): Version => ({
  inode: `${BigInt.asUintN(64, readStat(stats, at, "dev"))}:${BigInt.asUintN(64, readStat(stats, at, "ino"))}`,
  size: readStat(stats, at, "size"),
  mtimeNs: readStat(stats, at, "mtimeNs"),
  ctimeNs: readStat(stats, at, "ctimeNs")
})

const isSame = (left: Version, right: Version): boolean =>
  left.inode === right.inode && left.size === right.size && left.mtimeNs === right.mtimeNs &&
  left.ctimeNs === right.ctimeNs
