/**
 * Finds the directory of a path. Dumps go depth first, so what a path has in common with the one before need not be
 * looked up again: the directories on the way are kept on a stack.
 */
import * as ByteString from "../byteString.ts"
import { maxNameSize, maxPathSize, type PathReason } from "../paths.ts"
import { type EntryTable, rootEntry } from "../table/entryTable.ts"
import { maxLineSize } from "./reason.ts"

const slash = 0x2f
const dot = 0x2e

export class PathStack {
  /** The directory of the path that was found last, and where in it the name starts. */
  directory = rootEntry
  nameFrom = 0
  readonly #table: EntryTable
  /** The path before. */
  readonly #path = new Uint8Array(maxLineSize + 1)
  #size = 0
  /** The directories on the way, the root first: where their names end in the path. */
  readonly #entries: Array<number> = [rootEntry]
  readonly #ends: Array<number> = [0]

  constructor(table: EntryTable) {
    this.#table = table
  }

  /** Finds the directory of a path that is not `/`; its last name is there or not. */
  find(bytes: Uint8Array, from: number, to: number): PathReason | undefined {
    const size = to - from
    if (size > maxPathSize && canonicalSize(bytes, from, to) > maxPathSize) {
      return this.#invalid(bytes, from, to, `a path has at most ${maxPathSize} bytes`)
    }
    const common = this.#commonSize(bytes, from, size)
    this.#leave(bytes, from, size, common)
    const problem = this.#descend(bytes, from, to)
    for (let at = common; at < size; at++) this.#path[at] = bytes[from + at] ?? 0
    this.#size = size
    return problem
  }

  /** The path that was found last is that of a directory. */
  enter(entry: number): void {
    this.#entries.push(entry)
    this.#ends.push(this.#size)
  }

  #commonSize(bytes: Uint8Array, from: number, size: number): number {
    const path = this.#path
    const most = Math.min(size, this.#size)
    let common = 0
    while (common < most && path[common] === bytes[from + common]) common++
    return common
  }

  /** Leaves all directories but those whose path is a part of this one. */
  #leave(bytes: Uint8Array, from: number, size: number, common: number): void {
    const ends = this.#ends
    while (ends.length > 1) {
      const end = ends[ends.length - 1] ?? 0
      if (end <= common && end < size && bytes[from + end] === slash) return
      ends.pop()
      this.#entries.pop()
    }
  }

  #descend(bytes: Uint8Array, from: number, to: number): PathReason | undefined {
    let at = from + (this.#ends[this.#ends.length - 1] ?? 0)
    for (;;) {
      while (at < to && bytes[at] === slash) at++
      let end = at
      while (end < to && bytes[end] !== slash) end++
      const directory = this.#entries[this.#entries.length - 1] ?? rootEntry
      if (end === to) {
        this.directory = directory
        this.nameFrom = at
        return this.#nameProblem(bytes, from, to)
      }
      const entry = this.#table.names.find(directory, bytes, at, end)
      if (entry < 0 || !this.#table.isDirectory(entry)) return this.#missing(bytes, from, to, entry, end)
      this.#entries.push(entry)
      this.#ends.push(end - from)
      at = end
    }
  }

  #missing(bytes: Uint8Array, from: number, to: number, entry: number, end: number): PathReason {
    if (bytes[to - 1] === slash) return this.#invalid(bytes, from, to, "a path does not end with a slash")
    const path = pathText(bytes, from, to)
    const isLast = bytes.subarray(end + 1, to).every((byte, at, rest) => byte !== slash || rest[at - 1] === slash)
    return entry >= 0 && isLast
      ? { _tag: "NotADirectory", path, parent: pathText(bytes, from, end) }
      : { _tag: "MissingParent", path }
  }

  #nameProblem(bytes: Uint8Array, from: number, to: number): PathReason | undefined {
    const size = to - this.nameFrom
    if (size === 0) {
      const isAllSlashes = canonicalSize(bytes, from, to) === 1
      return this.#invalid(bytes, from, to, isAllSlashes ? "a name is empty" : "a path does not end with a slash")
    }
    if (size > maxNameSize) {
      return this.#invalid(bytes, from, to, `a name has ${size} bytes, at most ${maxNameSize} are allowed`)
    }
    const isDots = size <= 2 && bytes[this.nameFrom] === dot && bytes[to - 1] === dot
    return isDots ? this.#invalid(bytes, from, to, `the name ${".".repeat(size)} is reserved`) : undefined
  }

  #invalid(bytes: Uint8Array, from: number, to: number, problem: string): PathReason {
    return { _tag: "InvalidPath", path: pathText(bytes, from, to), problem }
  }
}

/** Bytes of a path whose runs of slashes are collapsed. */
const canonicalSize = (bytes: Uint8Array, from: number, to: number): number => {
  let size = bytes[from] === slash ? 0 : 1
  for (let at = from; at < to; at++) if (bytes[at] !== slash || at === from || bytes[at - 1] !== slash) size++
  return size
}

/** Paths need no leading slash, and runs of slashes collapse. */
export const pathText = (bytes: Uint8Array, from: number, to: number): string =>
  `/${ByteString.bytesToText(bytes.subarray(from, to))}`.replace(/\/+/g, "/")
