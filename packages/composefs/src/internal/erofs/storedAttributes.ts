/**
 * Extended attributes as an image stores them (reference §3.6): what several inodes have stands once in a table and is
 * referred to, up to 128 times by one inode; the rest stands behind the inode.
 */
import { compareRanges } from "../table/byteArena.ts"
import type { EntryTable } from "../table/entryTable.ts"
import { alignUp, maxSharedXattrs, xattrEntrySize, xattrHeaderSize } from "./format.ts"
import { aclNames, metacopyName, redirectName } from "./overlay.ts"
import { type StoredName, storedName } from "./xattrs.ts"

/** More than the budget of an inode allows for. */
const maxAttributes = 8192

export class StoredAttributes {
  /** The attributes of the inode that was gathered last, in the order of their names. */
  readonly list = new Uint32Array(maxAttributes)
  count = 0
  /** How the names are stored, by number. */
  readonly names: ReadonlyArray<StoredName>
  /** The shared attributes in the order of their table, and by attribute the offset in it, in bytes. */
  readonly shared: ReadonlyArray<number>
  readonly sharedOffset: Uint32Array
  readonly sharedSize: number
  readonly hasAcl: boolean
  readonly #table: EntryTable
  readonly #uses: Uint32Array
  /** By set: how many attributes come before the metacopy, and before the redirect. */
  readonly #beforeMetacopy: ReadonlyArray<number>
  readonly #beforeRedirect: ReadonlyArray<number>

  constructor(table: EntryTable, inodes: Uint32Array) {
    const { attributes } = table
    this.#table = table
    this.names = attributes.names.map(storedName)
    this.#beforeMetacopy = this.#countBefore(metacopyName)
    this.#beforeRedirect = this.#countBefore(redirectName)
    this.#uses = new Uint32Array(attributes.values.count)
    for (let number = 0; number < inodes.length; number++) this.#countUses(inodes[number] ?? 0)
    this.hasAcl = this.#isUsed(aclNames)
    this.sharedOffset = new Uint32Array(attributes.values.count)
    this.shared = this.#sortShared()
    this.sharedSize = this.#placeShared()
  }

  /** Lists the attributes of an inode. */
  gather(inode: number): void {
    const set = this.#table.xattrs[inode] ?? 0
    const own = this.#table.attributes.sets[set] ?? []
    const metacopy = this.#table.metacopy[inode] ?? 0
    const redirect = this.#table.redirect[inode] ?? 0
    this.count = 0
    if (metacopy === 0) {
      this.#push(own, 0, own.length)
      return
    }
    const beforeMetacopy = this.#beforeMetacopy[set] ?? 0
    const beforeRedirect = this.#beforeRedirect[set] ?? 0
    this.#push(own, 0, beforeMetacopy)
    this.list[this.count++] = metacopy
    this.#push(own, beforeMetacopy, beforeRedirect)
    if (redirect !== 0) this.list[this.count++] = redirect
    this.#push(own, beforeRedirect, own.length)
  }

  /** Of the attributes that were gathered, bytes they take behind their inode. */
  get size(): number {
    if (this.count === 0) return 0
    let size = xattrHeaderSize
    let shared = 0
    for (let at = 0; at < this.count; at++) {
      const attribute = this.list[at] ?? 0
      if (shared < maxSharedXattrs && this.isShared(attribute)) {
        size += 4
        shared++
      } else {
        size += this.entrySize(attribute)
      }
    }
    return size
  }

  /** Of the attributes that were gathered: a set bit means that none has such a name. */
  get nameFilter(): number {
    const { owner } = this.#table.attributes.values
    let filter = -1
    for (let at = 0; at < this.count; at++) {
      filter &= ~(1 << (this.names[owner[this.list[at] ?? 0] ?? 0]?.filterBit ?? 0))
    }
    return filter
  }

  isShared(attribute: number): boolean {
    return (this.#uses[attribute] ?? 0) > 1
  }

  /** Bytes of an entry, padding included. */
  entrySize(attribute: number): number {
    const { from, owner, to } = this.#table.attributes.values
    const suffixSize = this.names[owner[attribute] ?? 0]?.suffix.length ?? 0
    return (xattrEntrySize + suffixSize + (to[attribute] ?? 0) - (from[attribute] ?? 0) + 3) & ~3
  }

  #push(own: ReadonlyArray<number>, from: number, to: number): void {
    for (let at = from; at < to; at++) this.list[this.count++] = own[at] ?? 0
  }

  #countBefore(name: string): ReadonlyArray<number> {
    const { attributes } = this.#table
    return attributes.sets.map((set) => set.filter((attribute) => attributes.nameOf(attribute) < name).length)
  }

  #countUses(inode: number): void {
    this.gather(inode)
    for (let at = 0; at < this.count; at++) {
      const attribute = this.list[at] ?? 0
      this.#uses[attribute] = (this.#uses[attribute] ?? 0) + 1
    }
  }

  #isUsed(names: ReadonlyArray<string>): boolean {
    const { attributes } = this.#table
    const numbers = new Set(attributes.names.flatMap((name, number) => names.includes(name) ? [number] : []))
    if (numbers.size === 0) return false
    return this.#uses.some((uses, attribute) => uses > 0 && numbers.has(attributes.values.owner[attribute] ?? 0))
  }

  /** From last to first: by name, then by length of value, then by value. */
  #sortShared(): ReadonlyArray<number> {
    const { attributes, arena: { bytes } } = this.#table
    const { from, to } = attributes.values
    const shared: Array<number> = []
    for (let attribute = 0; attribute < this.#uses.length; attribute++) {
      if (this.isShared(attribute)) shared.push(attribute)
    }
    const fromOf = (attribute: number) => from[attribute] ?? 0
    const toOf = (attribute: number) => to[attribute] ?? 0
    return shared.sort((left, right) => {
      const leftName = attributes.nameOf(left)
      const rightName = attributes.nameOf(right)
      if (leftName !== rightName) return leftName < rightName ? 1 : -1
      return attributes.valueSize(right) - attributes.valueSize(left) ||
        compareRanges(bytes, fromOf(right), toOf(right), fromOf(left), toOf(left))
    })
  }

  #placeShared(): number {
    let offset = 0
    for (const attribute of this.shared) {
      this.sharedOffset[attribute] = offset
      offset += this.entrySize(attribute)
    }
    return alignUp(offset, 4)
  }
}
