/**
 * What goes to a thread that reads files, and what comes back. Columns instead of an object for each file: a message of
 * a hundred files then costs little more than one of a single file.
 */
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import type { FilePath } from "../openFlags.ts"
import type { Stats } from "./stats.ts"

/** What is done with an entry: read whole, read whatever its size, or looked at. */
export type Task = "file" | "large file" | Exclude<Node.Kind, "file" | "directory">

const tasks: ReadonlyArray<Task> = [
  "file",
  "large file",
  "symlink",
  "fifo",
  "socket",
  "character device",
  "block device"
]

/** Entries of one directory. */
export interface Group {
  /** A path, in bytes where it is not UTF-8. */
  readonly directory: string | Uint8Array
  /** The names, with a NUL between each two: one string is sent more quickly than many. */
  readonly names: ByteString.ByteString
  /** Of each, the number of its task. */
  readonly tasks: Uint8Array
}

export const groupOf = (
  directory: FilePath,
  names: ReadonlyArray<ByteString.ByteString>,
  entryTasks: ReadonlyArray<Task>
): Group => ({
  directory,
  names: names.join("\0"),
  tasks: Uint8Array.from(entryTasks, (task) => tasks.indexOf(task))
})

export const namesOf = ({ names }: Group): ReadonlyArray<ByteString.ByteString> => names.split("\0")

export const taskAt = (group: Group, entry: number): Task => tasks[group.tasks[entry] ?? 0] ?? "file"

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
  readonly stats: Stats
  /** Of each entry, room for a digest in hex, as text of ASCII. */
  readonly digests: Uint8Array<ArrayBuffer>
  /** By entry. */
  readonly contents: ReadonlyMap<number, Content>
}

/** Where in a result's digests that of an entry begins, and how long it is. */
export const digestStart = ({ digests, outcomes }: BatchResult, entry: number): number =>
  entry * digests.length / outcomes.length

export const digestText = (result: BatchResult, entry: number): string =>
  Buffer.from(result.digests.buffer).toString("latin1", digestStart(result, entry), digestStart(result, entry + 1))

export const sizeOf = (batch: Batch): number => {
  let count = 0
  for (const { tasks } of batch.groups) count += tasks.length
  return count
}

/** The path of a group's directory: bytes come out of another thread without being a Buffer. */
export const pathOf = ({ directory }: Group): FilePath =>
  typeof directory === "string" ? directory : Buffer.from(directory.buffer, directory.byteOffset, directory.byteLength)

/** Names are bytes: a path is a string only as long as it is UTF-8. */
export const childOf = (directory: FilePath, name: ByteString.ByteString): FilePath => {
  const text = ByteString.toText(name)
  return typeof directory === "string" && (text === name || ByteString.isUtf8Text(text))
    ? `${directory}/${text}`
    : Buffer.concat([Buffer.from(directory), Buffer.from("/"), ByteString.toBytes(name)])
}
