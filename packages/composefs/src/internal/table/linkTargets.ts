/**
 * Where hard links lead. Links to links may form chains as long as a hostile tree likes: each is walked once, and what
 * was found holds for all of it. And many may lead deep down: the way to a directory is walked once too.
 */
import * as Result from "effect/Result"
import { ByteIndex } from "./byteIndex.ts"
import { type EntryTable, rootEntry } from "./entryTable.ts"

/** A hard link that leads nowhere: it is, or leads to, a link whose target is missing, or to itself. */
export interface DeadLink {
  readonly entry: number
  readonly reason: { readonly _tag: "Self" } | { readonly _tag: "Loop" } | {
    readonly _tag: "Missing"
    readonly target: string
  }
}

/** By entry: the inode behind a hard link. Of other entries it says nothing. */
export const resolveLinks = (table: EntryTable): Result.Result<Int32Array, DeadLink> => {
  const resolver = new Resolver(table)
  for (let entry = 0; entry < table.count; entry++) {
    if (!table.isLink(entry)) continue
    const dead = resolver.resolve(entry)
    if (dead !== undefined) return Result.fail(dead)
  }
  return Result.succeed(resolver.targets)
}

const unknown = -1
const slash = 0x2f

class Resolver {
  readonly targets: Int32Array
  readonly #table: EntryTable
  readonly #finder: Finder
  /** The link from which an entry was last passed, plus one. */
  readonly #passed: Uint32Array
  readonly #chain: Array<number> = []

  constructor(table: EntryTable) {
    this.#table = table
    this.#finder = new Finder(table)
    this.targets = new Int32Array(table.count).fill(unknown)
    this.#passed = new Uint32Array(table.count)
  }

  resolve(link: number): DeadLink | undefined {
    this.#chain.length = 0
    let at = link
    while (this.#table.isLink(at) && this.targets[at] === unknown) {
      if (this.#passed[at] === link + 1) return { entry: link, reason: { _tag: "Loop" } }
      this.#passed[at] = link + 1
      this.#chain.push(at)
      const { dataFrom, dataTo } = this.#table
      const next = this.#finder.find(dataFrom[at] ?? 0, dataTo[at] ?? 0)
      if (next === link && at === link) return { entry: link, reason: { _tag: "Self" } }
      if (next < 0) {
        return { entry: link, reason: { _tag: "Missing", target: this.#table.dataText(at) } }
      }
      at = next
    }
    const inode = this.#table.isLink(at) ? this.targets[at] ?? 0 : at
    for (const passed of this.#chain) this.targets[passed] = inode
    return undefined
  }
}

/** Finds entries by their paths, which must stay where they are. */
class Finder {
  readonly #table: EntryTable
  /** Directories as paths write them, each with its slash, and the entry of each, by number. */
  readonly #directories: ByteIndex
  readonly #entries: Array<number> = []

  constructor(table: EntryTable) {
    this.#table = table
    this.#directories = new ByteIndex(table.arena, 16)
  }

  /** The entry at an absolute path, links not followed, or -1. */
  find(from: number, to: number): number {
    const nameFrom = this.#table.arena.bytes.subarray(from, to).lastIndexOf(slash) + 1 + from
    const directory = this.#entries[this.#directories.intern(rootEntry, from, nameFrom)] ??= this.#table.lookup(
      from,
      nameFrom
    )
    return directory < 0 || nameFrom === to ? directory : this.#table.names.find(directory, nameFrom, to)
  }
}
