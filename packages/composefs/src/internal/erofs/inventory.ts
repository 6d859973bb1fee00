/**
 * What goes into an image, in the order in which it is numbered and written (reference §3.3): inodes breadth first, and
 * the entries of every directory in byte order, with `.` and `..` among them.
 */
import { fileType } from "../fileType.ts"
import { compareRanges } from "../table/byteArena.ts"
import { dotNames, type EntryTable, rootEntry } from "../table/entryTable.ts"

export interface Inventory {
  readonly table: EntryTable
  /** Entries of the table; the number of an inode is its place here. */
  readonly inodes: Uint32Array
  readonly listings: Listings
  /** The inode with the earliest modification time; those who share it can be compact. */
  readonly earliest: number
}

/** The entries of all directories, one directory after the other. */
export interface Listings {
  /** Where a directory's start and end, by its entry in the table. */
  readonly from: Uint32Array
  readonly to: Uint32Array
  /** The inode behind a name, as entry of the table, and where in the arena the name is. */
  readonly inode: Uint32Array
  readonly nameFrom: Uint32Array
  readonly nameTo: Uint32Array
}

/** `targets` are the inodes behind hard links, by entry. */
export const takeInventory = (table: EntryTable, targets: Int32Array): Inventory => {
  const lister = new Lister(table, targets)
  const inodes = lister.run()
  return { table, inodes, listings: lister.listings, earliest: earliestOf(table, inodes) }
}

class Lister {
  readonly listings: Listings
  readonly #table: EntryTable
  readonly #targets: Int32Array
  /** The entries of the table by directory; those of one start where those before it end. */
  readonly #children: Uint32Array
  readonly #ends: Uint32Array
  readonly #inodes: Uint32Array
  #inodeCount = 0
  #listed = 0

  constructor(table: EntryTable, targets: Int32Array) {
    this.#table = table
    this.#targets = targets
    this.#ends = endsOfDirectories(table)
    this.#children = childrenByDirectory(table, this.#ends)
    this.#inodes = new Uint32Array(table.count)
    const size = table.count + 2 * countDirectories(table)
    this.listings = {
      from: new Uint32Array(table.count),
      to: new Uint32Array(table.count),
      inode: new Uint32Array(size),
      nameFrom: new Uint32Array(size),
      nameTo: new Uint32Array(size)
    }
  }

  /** The inodes, breadth first. */
  run(): Uint32Array {
    this.#inodes[this.#inodeCount++] = rootEntry
    for (let number = 0; number < this.#inodeCount; number++) {
      const inode = this.#inodes[number] ?? 0
      if (this.#table.isDirectory(inode)) this.#list(inode)
    }
    return this.#inodes.subarray(0, this.#inodeCount)
  }

  /** Lists a directory, and numbers the inodes in it. */
  #list(directory: number): void {
    const table = this.#table
    const { names } = table
    const end = this.#ends[directory] ?? 0
    let at = directory === rootEntry ? 0 : this.#ends[directory - 1] ?? 0
    this.#sort(at, end)
    this.listings.from[directory] = this.#listed
    let subdirectories = 0
    let dots = 0
    for (; at < end; at++) {
      const child = this.#children[at] ?? 0
      if (dots < 2) dots = this.#listDots(directory, dots, child)
      const isLink = table.isLink(child)
      this.#listName(isLink ? this.#targets[child] ?? 0 : child, names.from[child] ?? 0, names.to[child] ?? 0)
      if (isLink) continue
      this.#inodes[this.#inodeCount++] = child
      if (table.isDirectory(child)) subdirectories++
    }
    if (dots < 2) this.#listDots(directory, dots, -1)
    this.listings.to[directory] = this.#listed
    table.nlink[directory] = 2 + subdirectories
  }

  /** Lists `.` and `..` if the next name comes behind them; gives the number of dots listed so far. */
  #listDots(directory: number, listed: number, next: number): number {
    const { from, to } = this.#table.names
    const { bytes } = this.#table.arena
    let dots = listed
    while (dots < 2) {
      const size = dots + 1
      const isNext = next < 0 ||
        compareRanges(bytes, dotNames, dotNames + size, from[next] ?? 0, to[next] ?? 0) < 0
      if (!isNext) break
      this.#listName(dots === 0 ? directory : this.#table.directoryOf(directory), dotNames, dotNames + size)
      dots++
    }
    return dots
  }

  #listName(inode: number, from: number, to: number): void {
    const at = this.#listed++
    this.listings.inode[at] = inode
    this.listings.nameFrom[at] = from
    this.listings.nameTo[at] = to
  }

  /** Most sources are in order already. */
  #sort(from: number, to: number): void {
    for (let at = from + 1; at < to; at++) {
      if (this.#compareNames(this.#children[at - 1] ?? 0, this.#children[at] ?? 0) < 0) continue
      this.#children.subarray(from, to).sort((left, right) => this.#compareNames(left, right))
      return
    }
  }

  #compareNames(left: number, right: number): number {
    const { names: { from, to }, arena: { bytes } } = this.#table
    return compareRanges(bytes, from[left] ?? 0, to[left] ?? 0, from[right] ?? 0, to[right] ?? 0)
  }
}

/** Where the entries of each directory end, if they are put together directory by directory. */
const endsOfDirectories = (table: EntryTable): Uint32Array => {
  const { count, names: { owner } } = table
  const ends = new Uint32Array(count)
  for (let entry = rootEntry + 1; entry < count; entry++) {
    const directory = owner[entry] ?? 0
    ends[directory] = (ends[directory] ?? 0) + 1
  }
  let end = 0
  for (let entry = 0; entry < count; entry++) ends[entry] = end += ends[entry] ?? 0
  return ends
}

const childrenByDirectory = (table: EntryTable, ends: Uint32Array): Uint32Array => {
  const { count, names: { owner } } = table
  const children = new Uint32Array(count)
  const next = ends.slice()
  // From the last to the first, so that they stay in order.
  for (let entry = count - 1; entry > rootEntry; entry--) {
    const directory = owner[entry] ?? 0
    const at = (next[directory] ?? 0) - 1
    next[directory] = at
    children[at] = entry
  }
  return children
}

const countDirectories = (table: EntryTable): number => {
  let directories = 0
  for (let entry = 0; entry < table.count; entry++) if (table.typeOf(entry) === fileType.directory) directories++
  return directories
}

const earliestOf = (table: EntryTable, inodes: Uint32Array): number => {
  let earliest = rootEntry
  for (let number = 0; number < inodes.length; number++) {
    const inode = inodes[number] ?? 0
    if (table.compareTimes(inode, earliest) < 0) earliest = inode
  }
  return earliest
}
