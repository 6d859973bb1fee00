/**
 * Reads the entries of batches: looks at each, hashes files, hands external ones to a store. It runs in the calling thread
 * and in those beside it, therefore without Effect and with calls that block.
 */
import { type BigIntStats, closeSync, fstatSync, lstatSync, openSync, readlinkSync } from "node:fs"
import { fileType, typeMask } from "../fileType.ts"
import { type FilePath, readOnly } from "../openFlags.ts"
import { ObjectWriter, type WriterTarget } from "../store/objectWriter.ts"
import { digestSizeOf, type Parameters } from "../verity/blockHash.ts"
import { MerkleHasher } from "../verity/merkleHasher.ts"
import {
  type Batch,
  type BatchResult,
  childOf,
  type Content,
  maxBatchedSize,
  namesOf,
  outcome,
  pathOf,
  type ReadProblem,
  sizeOf,
  type Task,
  taskAt
} from "./batch.ts"
import { InodeClaims } from "./inodeClaims.ts"
import { ReadBuffer } from "./readBuffer.ts"
import { makeStats, type Stats, writeStat } from "./stats.ts"

/** How entries are read; plain data, for it goes to threads. */
export interface ReaderOptions {
  readonly using: Parameters
  /** Files up to this size are returned as they are, without a digest. */
  readonly inlineLimit: number
  /** Takes the external files. */
  readonly store: WriterTarget | undefined
  /** Reads inodes of this device with several names once; see {@link InodeClaims}. */
  readonly claims: { readonly device: bigint; readonly shared: SharedArrayBuffer } | undefined
}

export class FileReader {
  readonly #options: ReaderOptions
  readonly #buffer: ReadBuffer
  readonly #claims: InodeClaims | undefined
  readonly #writer: ObjectWriter | undefined
  /** What was changed before, in nanoseconds, has settled. */
  #settled = 0n

  constructor(options: ReaderOptions) {
    this.#options = options
    this.#buffer = new ReadBuffer(options.using)
    this.#claims = options.claims === undefined ? undefined : new InodeClaims(options.claims.shared)
    this.#writer = options.store === undefined ? undefined : new ObjectWriter(options.store)
  }

  read(batch: Batch): BatchResult {
    this.#settled = BigInt(Date.now() - settlingTime) * 1_000_000n
    const result = new Results(batch.first, sizeOf(batch), 2 * digestSizeOf(this.#options.using.algorithm))
    for (const group of batch.groups) {
      const directory = pathOf(group)
      namesOf(group).forEach((name, at) => this.#entry(childOf(directory, name), taskAt(group, at), result))
    }
    return result
  }

  #entry(path: FilePath, task: Task, result: Results): void {
    try {
      if (task === "file") this.#file(path, result)
      else if (task === "large file") this.#largeFile(path, result)
      else this.#special(path, task, result)
    } catch (cause) {
      result.add(outcome.failed, problemOf(cause))
    }
  }

  /**
   * Reads first and looks then. Whoever writes to a file sets the time of its last change: where that lies back, nobody did
   * since it was opened, and one look was enough. Others are read again, between two looks.
   */
  #file(path: FilePath, result: Results): void {
    const file = openSync(path, readOnly)
    try {
      const count = this.#buffer.readOnce(file)
      const stats = lookAt(file, result)
      if (stats.size > maxBatchedSize) return result.add(outcome.large)
      if (!this.#isFirst(stats)) return result.add(outcome.linked)
      const size = Number(stats.size)
      if (count !== size || stats.ctimeNs >= this.#settled) this.#readAgain(file, size, stats)
      if (size <= this.#options.inlineLimit) result.add(outcome.read, this.#buffer.copy(size))
      else result.addDigest(this.#digest(size))
    } finally {
      closeSync(file)
    }
  }

  #readAgain(file: number, size: number, before: BigIntStats): void {
    const actual = this.#buffer.read(file, 0, size)
    if (actual !== size) throw sizeChanged(size, actual)
    confirm(before, fstatSync(file, bigint))
  }

  #digest(size: number): string {
    const digest = this.#buffer.digest(size)
    this.#writer?.put(digest, this.#buffer.bytes.subarray(0, size))
    return digest
  }

  #largeFile(path: FilePath, result: Results): void {
    const file = openSync(path, readOnly)
    try {
      const before = lookAt(file, result)
      const digest = this.#large(file, Number(before.size))
      confirm(before, fstatSync(file, bigint))
      result.addDigest(digest)
    } finally {
      closeSync(file)
    }
  }

  #isFirst({ dev, ino, nlink }: BigIntStats): boolean {
    return nlink === 1n || dev !== this.#options.claims?.device || this.#claims?.claim(ino) !== false
  }

  /** Reads a file piece by piece, and writes each piece while it is at hand. */
  #large(file: number, size: number): string {
    const unnamed = this.#writer?.begin()
    try {
      const hasher = new MerkleHasher(this.#options.using)
      let actual = 0
      for (let count = -1; count !== 0 && actual <= size; actual += count) {
        count = this.#buffer.read(file, actual, pieceSize)
        const piece = this.#buffer.bytes.subarray(0, count)
        hasher.update(piece)
        unnamed?.write(piece)
      }
      if (actual !== size) throw sizeChanged(size, actual)
      const digest = hasher.digest()
      if (unnamed !== undefined) this.#writer?.name(unnamed.finish(), digest, size)
      return digest
    } catch (cause) {
      unnamed?.discard()
      throw cause
    }
  }

  #special(path: FilePath, task: Task, result: Results): void {
    const stats = lstatSync(path, bigint)
    if ((Number(stats.mode) & typeMask) !== typeOfTask[task]) throw new Changed(`it is no longer a ${task}`)
    result.look(stats)
    result.add(outcome.read, task === "symlink" ? readlinkSync(path, "latin1") : undefined)
  }
}

const bigint = { bigint: true } as const

/**
 * How long ago, in milliseconds, a file must have been changed for another change to show in its time: much more than
 * the grain of that time, and than the clock of a file server may be behind.
 */
const settlingTime = 10_000

const lookAt = (file: number, result: Results): BigIntStats => {
  const stats = fstatSync(file, bigint)
  if (!stats.isFile()) throw new Changed("it is no longer a regular file")
  result.look(stats)
  return stats
}

const typeOfTask = {
  file: fileType.regular,
  "large file": fileType.regular,
  symlink: fileType.symlink,
  fifo: fileType.fifo,
  socket: fileType.socket,
  "character device": fileType.characterDevice,
  "block device": fileType.blockDevice
} as const satisfies Record<Task, number>

/** What is read, hashed and written at once: it should still be in the core's own cache for the second and third. */
const pieceSize = 256 << 10

/** Collects the result of a batch entry by entry. */
class Results implements BatchResult {
  readonly first: number
  readonly outcomes: Uint8Array<ArrayBuffer>
  readonly stats: Stats
  readonly digests: Uint8Array<ArrayBuffer>
  readonly contents = new Map<number, Content>()
  readonly #digestSize: number
  readonly #digestText: Buffer
  #next = 0

  constructor(first: number, count: number, digestSize: number) {
    this.first = first
    this.outcomes = new Uint8Array(count)
    this.stats = makeStats(count)
    this.digests = new Uint8Array(count * digestSize)
    this.#digestSize = digestSize
    this.#digestText = Buffer.from(this.digests.buffer)
  }

  look(stats: BigIntStats): void {
    writeStat(this.stats, this.#next, stats)
  }

  add(outcome: number, content?: Content): void {
    if (content !== undefined) this.contents.set(this.#next, content)
    this.outcomes[this.#next++] = outcome
  }

  addDigest(hex: string): void {
    this.#digestText.write(hex, this.#next * this.#digestSize, this.#digestSize, "latin1")
    this.add(outcome.hashed)
  }
}

/** An entry that is not what it was when its directory was listed, or when its reading began. */
class Changed extends Error {}

const sizeChanged = (expected: number, actual: number): Changed =>
  new Changed(`expected ${expected} bytes, got ${actual > expected ? "more" : actual}`)

const confirm = (before: BigIntStats, after: BigIntStats): void => {
  if (before.size !== after.size || before.mtimeNs !== after.mtimeNs || before.ctimeNs !== after.ctimeNs) {
    throw new Changed("it was written to")
  }
}

/** What opening or reading says of something that took the place of a file. */
const replaced = new Set(["ENOENT", "ELOOP", "ENXIO", "ENOTDIR", "EISDIR", "EAGAIN"])

const problemOf = (cause: unknown): ReadProblem => {
  const code = cause instanceof Error && "code" in cause ? cause.code : undefined
  const isGone = typeof code === "string" && replaced.has(code)
  return {
    isChange: isGone || cause instanceof Changed,
    problem: cause instanceof Error ? cause.message : String(cause)
  }
}
