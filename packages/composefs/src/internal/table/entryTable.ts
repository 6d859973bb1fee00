/**
 * A file system tree as columns: entry number n is at place n of each. Entries come parents first, the root is number 0.
 * Names, targets and contents are ranges of one arena.
 */
import type { Timestamp } from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import { AttributeTable } from "./attributeTable.ts"
import { ByteArena } from "./byteArena.ts"
import { ByteIndex, grownInt32, grownUint32 } from "./byteIndex.ts"

export const rootEntry = 0
const slash = 0x2f

/** Where in every arena the names `.` and `..` start. */
export const dotNames = 0
const dots = Uint8Array.of(0x2e, 0x2e)

export class EntryTable {
  readonly arena: ByteArena
  /** The names; the number of a name is that of the entry, its owner is the directory's entry. */
  readonly names: ByteIndex
  readonly attributes: AttributeTable

  /** File type and permissions, 16 bits. A hard link is an entry without a type. */
  mode: Uint32Array
  nlink: Uint32Array
  uid: Uint32Array
  gid: Uint32Array
  rdev: Uint32Array
  /** Bytes; what the source claims even where it means nothing. */
  size: Float64Array
  secondsHigh: Int32Array
  secondsLow: Uint32Array
  nanoseconds: Uint32Array
  /** Number of a set of attributes. */
  xattrs: Uint32Array
  /** Where in the arena the content, the target of a symbolic link or the path of a hard link's target is. */
  dataFrom: Uint32Array
  dataTo: Uint32Array
  /** Of files outside the image: the numbers of the attributes that say where, and with which digest. */
  metacopy: Uint32Array
  redirect: Uint32Array

  constructor(sizes: { readonly entries: number; readonly bytes: number }) {
    const capacity = Math.max(sizes.entries, 512)
    this.arena = new ByteArena(dots, sizes.bytes)
    this.names = new ByteIndex(this.arena, capacity)
    this.attributes = new AttributeTable(this.arena, capacity)
    this.mode = new Uint32Array(capacity)
    this.nlink = new Uint32Array(capacity)
    this.uid = new Uint32Array(capacity)
    this.gid = new Uint32Array(capacity)
    this.rdev = new Uint32Array(capacity)
    this.size = new Float64Array(capacity)
    this.secondsHigh = new Int32Array(capacity)
    this.secondsLow = new Uint32Array(capacity)
    this.nanoseconds = new Uint32Array(capacity)
    this.xattrs = new Uint32Array(capacity)
    this.dataFrom = new Uint32Array(capacity)
    this.dataTo = new Uint32Array(capacity)
    this.metacopy = new Uint32Array(capacity)
    this.redirect = new Uint32Array(capacity)
  }

  get count(): number {
    return this.names.count
  }

  addRoot(): void {
    this.names.append(-1, dotNames, dotNames)
  }

  /** Adds an entry that is a hard link until it gets a mode; -1 if the directory has one of this name. */
  add(directory: number, from: number, to: number): number {
    const next = this.count
    return this.#added(next, this.names.intern(directory, from, to))
  }

  /** The same for a name that is not in the arena. */
  addBytes(directory: number, bytes: Uint8Array, from: number, to: number): number {
    const next = this.count
    return this.#added(next, this.names.internBytes(directory, bytes, from, to))
  }

  /** The same for a name of which it is known that the directory does not have it. */
  addNew(directory: number, from: number, to: number): number {
    return this.#added(this.count, this.names.append(directory, from, to))
  }

  #added(next: number, entry: number): number {
    if (entry !== next) return -1
    if (this.names.owner.length > this.mode.length) this.#grow(this.names.owner.length)
    return entry
  }

  copyOwnerAndTime(from: number, to: number): void {
    this.uid[to] = this.uid[from] ?? 0
    this.gid[to] = this.gid[from] ?? 0
    this.secondsHigh[to] = this.secondsHigh[from] ?? 0
    this.secondsLow[to] = this.secondsLow[from] ?? 0
    this.nanoseconds[to] = this.nanoseconds[from] ?? 0
  }

  setData(entry: number, from: number, to: number): void {
    this.dataFrom[entry] = from
    this.dataTo[entry] = to
  }

  setDataBytes(entry: number, bytes: Uint8Array, from: number, to: number): void {
    this.setData(entry, this.arena.append(bytes, from, to), this.arena.size)
  }

  typeOf(entry: number): number {
    return (this.mode[entry] ?? 0) & typeMask
  }

  isDirectory(entry: number): boolean {
    return this.typeOf(entry) === fileType.directory
  }

  isDevice(entry: number): boolean {
    const type = this.typeOf(entry)
    return type === fileType.characterDevice || type === fileType.blockDevice
  }

  isLink(entry: number): boolean {
    return this.mode[entry] === 0
  }

  isWhiteout(entry: number): boolean {
    return this.typeOf(entry) === fileType.characterDevice && this.rdev[entry] === 0
  }

  isExternal(entry: number): boolean {
    return this.metacopy[entry] !== 0
  }

  dataSize(entry: number): number {
    return (this.dataTo[entry] ?? 0) - (this.dataFrom[entry] ?? 0)
  }

  directoryOf(entry: number): number {
    return entry === rootEntry ? rootEntry : this.names.owner[entry] ?? 0
  }

  /** Orders the times of two entries from past to future. */
  compareTimes(left: number, right: number): number {
    return (this.secondsHigh[left] ?? 0) - (this.secondsHigh[right] ?? 0) ||
      (this.secondsLow[left] ?? 0) - (this.secondsLow[right] ?? 0) ||
      (this.nanoseconds[left] ?? 0) - (this.nanoseconds[right] ?? 0)
  }

  timeOf(entry: number): Timestamp {
    const seconds = (BigInt(this.secondsHigh[entry] ?? 0) << 32n) | BigInt(this.secondsLow[entry] ?? 0)
    return { seconds, nanoseconds: this.nanoseconds[entry] ?? 0 }
  }

  text(from: number, to: number): string {
    return ByteString.bytesToText(this.arena.bytes.subarray(from, to))
  }

  dataText(entry: number): string {
    return this.text(this.dataFrom[entry] ?? 0, this.dataTo[entry] ?? 0)
  }

  nameText(entry: number): string {
    return this.text(this.names.from[entry] ?? 0, this.names.to[entry] ?? 0)
  }

  pathText(entry: number): string {
    const names: Array<string> = []
    for (let at = entry; at !== rootEntry; at = this.directoryOf(at)) names.push(this.nameText(at))
    return `/${names.reverse().join("/")}`
  }

  /** The entry at an absolute path, links not followed, or -1. */
  lookup(from: number, to: number): number {
    const { bytes } = this.arena
    let entry = rootEntry
    for (let at = from; at < to;) {
      while (at < to && bytes[at] === slash) at++
      let end = at
      while (end < to && bytes[end] !== slash) end++
      // A path may end with slashes.
      if (end === at) return entry
      entry = this.names.find(entry, at, end)
      if (entry < 0) return -1
      at = end
    }
    return entry
  }

  #grow(capacity: number): void {
    this.mode = grownUint32(this.mode, capacity)
    this.nlink = grownUint32(this.nlink, capacity)
    this.uid = grownUint32(this.uid, capacity)
    this.gid = grownUint32(this.gid, capacity)
    this.rdev = grownUint32(this.rdev, capacity)
    this.size = grownFloat64(this.size, capacity)
    this.secondsHigh = grownInt32(this.secondsHigh, capacity)
    this.secondsLow = grownUint32(this.secondsLow, capacity)
    this.nanoseconds = grownUint32(this.nanoseconds, capacity)
    this.xattrs = grownUint32(this.xattrs, capacity)
    this.dataFrom = grownUint32(this.dataFrom, capacity)
    this.dataTo = grownUint32(this.dataTo, capacity)
    this.metacopy = grownUint32(this.metacopy, capacity)
    this.redirect = grownUint32(this.redirect, capacity)
  }
}

const grownFloat64 = (column: Float64Array, capacity: number): Float64Array => {
  const grown = new Float64Array(capacity)
  grown.set(column)
  return grown
}
