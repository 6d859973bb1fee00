/**
 * What goes to a thread that reads files, and what comes back. Columns instead of an object for each file: a message of
 * a hundred files then costs little more than one of a single file.
 */
import type { BigIntStats } from "node:fs"
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import type { FilePath } from "../openFlags.ts"

/** What is done with an entry: read whole, read whatever its size, or looked at. */
export type Task = "file" | "large file" | Exclude<Node.Kind, "file" | "directory">

/** Entries of one directory. */
export interface Group {
  /** A path; its bytes where it is not UTF-8 (in another thread, a Buffer is but a Uint8Array). */
  readonly directory: string | Uint8Array
  readonly names: ReadonlyArray<ByteString.ByteString>
  readonly tasks: ReadonlyArray<Task>
}

/** As much as one thread reads at a time. */
export interface Batch {
  /** The slot of the first entry; those of the others follow. */
  readonly first: number
  readonly groups: ReadonlyArray<Group>
}

/** Entries per batch: their reading takes some milliseconds, against tens of microseconds for the messages. */
export const batchSize = 128

/** A file of more bytes is read by itself, so that a batch does not keep one thread busy while the others end. */
export const maxBatchedSize = 1 << 20

/** What became of an entry. */
export const outcome = {
  /** The content is there: the bytes of an inline file, the target of a link, or nothing. */
  read: 0,
  /** The digest is there. */
  hashed: 1,
  /** Another thread reads the same inode under another name. */
  linked: 2,
  /** More than {@link maxBatchedSize} bytes: not read. */
  large: 3,
  failed: 4
} as const

/** Why an entry could not be read; `isChange` if it is not what it was a moment ago. */
export interface ReadProblem {
  readonly isChange: boolean
  readonly problem: string
}

/** The bytes of an inline file, a link's target as a byte string, or why an entry could not be read. */
export type Content = Uint8Array | ByteString.ByteString | ReadProblem

export interface BatchResult {
  readonly first: number
  readonly outcomes: Uint8Array<ArrayBuffer>
  /** Of each entry, the fields of `lstat`, see {@link readStat}. */
  readonly stats: BigInt64Array<ArrayBuffer>
  /** Of each entry, room for a digest in hex, as text of ASCII. */
  readonly digests: Uint8Array<ArrayBuffer>
  /** By entry. */
  readonly contents: ReadonlyMap<number, Content>
}

/** The fields of `lstat` that matter, exact to the nanosecond, in the order of the columns. */
const statFields = ["mode", "nlink", "uid", "gid", "rdev", "size", "mtimeNs", "ctimeNs", "dev", "ino"] as const

export type StatField = typeof statFields[number]

export const statSize = statFields.length

/** Where each field stands among those of an entry. */
export const statColumn = {
  mode: 0,
  nlink: 1,
  uid: 2,
  gid: 3,
  rdev: 4,
  size: 5,
  mtimeNs: 6,
  ctimeNs: 7,
  dev: 8,
  ino: 9
} as const satisfies Record<StatField, number>

export const writeStat = (stats: BigInt64Array, entry: number, from: BigIntStats): void => {
  const at = entry * statSize
  stats[at] = from.mode
  stats[at + 1] = from.nlink
  stats[at + 2] = from.uid
  stats[at + 3] = from.gid
  stats[at + 4] = from.rdev
  stats[at + 5] = from.size
  stats[at + 6] = from.mtimeNs
  stats[at + 7] = from.ctimeNs
  stats[at + 8] = from.dev
  stats[at + 9] = from.ino
}

export const readStat = (stats: BigInt64Array, entry: number, field: StatField): bigint =>
  stats[entry * statSize + statColumn[field]] ?? 0n

/** Where in a result's digests that of an entry is. */
export const digestAt = ({ digests, outcomes }: BatchResult, entry: number): Uint8Array => {
  const size = digests.length / outcomes.length
  return digests.subarray(entry * size, (entry + 1) * size)
}

export const sizeOf = (batch: Batch): number => {
  let count = 0
  for (const { names } of batch.groups) count += names.length
  return count
}

/** Names are bytes: a path is a string only as long as it is UTF-8. */
export const childOf = (directory: string | Uint8Array, name: ByteString.ByteString): FilePath => {
  const text = ByteString.toText(name)
  return typeof directory === "string" && (text === name || ByteString.isUtf8Text(text))
    ? `${directory}/${text}`
    : Buffer.concat([Buffer.from(directory), Buffer.from("/"), ByteString.toBytes(name)])
}
