/**
 * Adds entries by their paths. Dumps go depth first with names in order, so what a path has in common with the one
 * before need not be looked up again: the directories on the way are kept on a stack. And a name that comes behind the
 * last one of its directory is new.
 */
import { longPathProblem, maxNameSize, maxPathSize, type PathReason } from "../paths.ts"
import { compareRanges } from "../table/byteArena.ts"
import { dotNames, type EntryTable, rootEntry } from "../table/entryTable.ts"

const slash = 0x2f

/** In place of a directory's last entry: there is none, or it is not known. */
const none = rootEntry
const unknown = -1

export class PathStack {
  /** The entry that was added last. */
  entry = rootEntry
  readonly #table: EntryTable
  /** The path before. */
  #from = 0
  #to = 0
  /** The directories on the way, the root first; where their names end in the path; and what was added to them last. */
  readonly #entries: Array<number> = [rootEntry]
  readonly #ends: Array<number> = [0]
  readonly #last: Array<number> = [none]

  constructor(table: EntryTable) {
    this.#table = table
  }

  /** Adds the entry of a path in the arena. */
  add(from: number, to: number): PathReason | undefined {
    const { bytes } = this.#table.arena
    if (to - from === 1 && bytes[from] === slash) return this.#addRoot()
    if (this.#table.count === 0) return { _tag: "MissingParent", path: this.#text(from, to) }
    if (to - from > maxPathSize && canonicalSize(bytes, from, to) > maxPathSize) {
      return this.#invalid(from, to, longPathProblem)
    }
    this.#leave(bytes, from, to)
    this.#from = from
    this.#to = to
    const nameFrom = this.#descend(bytes, from, to)
    return typeof nameFrom === "number"
      ? this.#nameProblem(from, nameFrom, to) ?? this.#addName(nameFrom, to)
      : nameFrom
  }

  /** The entry that was added last is a directory. */
  enter(): void {
    this.#push(this.entry, this.#to - this.#from, none)
  }

  #addRoot(): PathReason | undefined {
    if (this.#table.count > 0) return { _tag: "DuplicatePath", path: "/" }
    this.#table.addRoot()
    this.entry = rootEntry
    return undefined
  }

  #addName(from: number, to: number): PathReason | undefined {
    const top = this.#entries.length - 1
    const directory = this.#entries[top] ?? rootEntry
    const last = this.#last[top] ?? unknown
    const isNew = last === none || (last !== unknown && this.#isBehind(last, from, to))
    this.entry = isNew ? this.#table.addNew(directory, from, to) : this.#table.add(directory, from, to)
    this.#last[top] = isNew ? this.entry : unknown
    return this.entry < 0 ? { _tag: "DuplicatePath", path: this.#text(this.#from, this.#to) } : undefined
  }

  #isBehind(entry: number, from: number, to: number): boolean {
    const { arena, names } = this.#table
    return compareRanges(arena.bytes, names.from[entry] ?? 0, names.to[entry] ?? 0, from, to) < 0
  }

  #push(entry: number, end: number, last: number): void {
    this.#entries.push(entry)
    this.#ends.push(end)
    this.#last.push(last)
  }

  /** Leaves all directories but those whose path is a part of this one. */
  #leave(bytes: Uint8Array, from: number, to: number): void {
    const common = this.#commonSize(bytes, from, to)
    const ends = this.#ends
    while (ends.length > 1) {
      const end = ends[ends.length - 1] ?? 0
      if (end <= common && from + end < to && bytes[from + end] === slash) return
      this.#entries.pop()
      this.#last.pop()
      ends.pop()
    }
  }

  #commonSize(bytes: Uint8Array, from: number, to: number): number {
    const shift = this.#from - from
    const limit = Math.min(to, this.#to - shift)
    let at = from
    while (at < limit && bytes[at] === bytes[at + shift]) at++
    return at - from
  }

  /** Goes down to the directory of a path and gives the place of the name in it. */
  #descend(bytes: Uint8Array, from: number, to: number): number | PathReason {
    let at = from + (this.#ends[this.#ends.length - 1] ?? 0)
    for (;;) {
      while (at < to && bytes[at] === slash) at++
      let end = at
      while (end < to && bytes[end] !== slash) end++
      if (end === to) return at
      const entry = this.#table.names.find(this.#entries[this.#entries.length - 1] ?? rootEntry, at, end)
      if (entry < 0 || !this.#table.isDirectory(entry)) return this.#missing(bytes, entry, end)
      this.#push(entry, end - from, unknown)
      at = end
    }
  }

  #missing(bytes: Uint8Array, entry: number, end: number): PathReason {
    const path = this.#text(this.#from, this.#to)
    if (path.endsWith("/")) return { _tag: "InvalidPath", path, problem: "a path does not end with a slash" }
    const rest = bytes.subarray(end, this.#to)
    const isLast = rest.lastIndexOf(slash) === rest.findIndex((byte) => byte !== slash) - 1
    return entry >= 0 && isLast
      ? { _tag: "NotADirectory", path, parent: this.#text(this.#from, end) }
      : { _tag: "MissingParent", path }
  }

  #nameProblem(from: number, nameFrom: number, to: number): PathReason | undefined {
    const size = to - nameFrom
    if (size > 2 && size <= maxNameSize) return undefined
    if (size === 0) {
      const isAllSlashes = canonicalSize(this.#table.arena.bytes, from, to) === 1
      return this.#invalid(from, to, isAllSlashes ? "a name is empty" : "a path does not end with a slash")
    }
    if (size > maxNameSize) {
      return this.#invalid(from, to, `a name has ${size} bytes, at most ${maxNameSize} are allowed`)
    }
    const isDots = compareRanges(this.#table.arena.bytes, dotNames, dotNames + size, nameFrom, to) === 0
    return isDots ? this.#invalid(from, to, `the name ${".".repeat(size)} is reserved`) : undefined
  }

  #invalid(from: number, to: number, problem: string): PathReason {
    return { _tag: "InvalidPath", path: this.#text(from, to), problem }
  }

  #text(from: number, to: number): string {
    return canonicalPath(this.#table.text(from, to))
  }
}

/** Bytes of a path whose runs of slashes are collapsed. */
const canonicalSize = (bytes: Uint8Array, from: number, to: number): number => {
  let size = bytes[from] === slash ? 0 : 1
  for (let at = from; at < to; at++) if (bytes[at] !== slash || at === from || bytes[at - 1] !== slash) size++
  return size
}

/** Paths need no leading slash, and runs of slashes collapse. */
export const canonicalPath = (path: string): string => `/${path}`.replace(/\/+/g, "/")
