/** Collects a scan as a table of entries, from which an image is written without a node on the way. */
import type { Timestamp } from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { Redirects } from "../erofs/redirect.ts"
import { EntryTable, rootEntry } from "../table/entryTable.ts"
import { type BatchResult, digestAt, outcome, readStat } from "./batch.ts"
import { MetadataRules } from "./metadata.ts"
import type { DirectoryOptions } from "./options.ts"
import type { InodeSink, Readings } from "./readings.ts"
import { deviceNumber } from "./treeListing.ts"
import type { FoundDirectory, Listing } from "./walk.ts"

/** A directory is the number of its entry. */
export class TableListing implements Listing<number>, InodeSink {
  readonly table = new EntryTable({ entries: 1024, bytes: 1 << 16 })
  readonly #rules: MetadataRules
  readonly #redirects = new Redirects(this.table)
  /** By slot. */
  readonly #entries: Array<number> = []
  /** Where a file is in the store: a slash, the first byte, a slash, the others. */
  readonly #place = new Uint8Array(2 + 2 * this.#redirects.digest.length).fill(slash)
  readonly #digest = Buffer.from(
    this.#redirects.digest.buffer,
    this.#redirects.digest.byteOffset,
    this.#redirects.digest.length
  )
  /** Where the last time stands. */
  #last: { readonly seconds: bigint; readonly high: number; readonly low: number } = { seconds: 0n, high: 0, low: 0 }

  constructor(options: Pick<DirectoryOptions, "owner" | "mtime">) {
    this.#rules = new MetadataRules(options)
  }

  root(found: FoundDirectory): number {
    this.table.addRoot()
    this.#setInode(rootEntry, found.stats.mode, found.stats.uid, found.stats.gid, found.stats.mtimeNs)
    return rootEntry
  }

  directory(parent: number, name: ByteString.ByteString, { stats }: FoundDirectory): number {
    const entry = this.#add(parent, name)
    this.#setInode(entry, stats.mode, stats.uid, stats.gid, stats.mtimeNs)
    return entry
  }

  entry(parent: number, name: ByteString.ByteString, slot: number): void {
    this.#entries[slot] = this.#add(parent, name)
  }

  put(slot: number, result: BatchResult, at: number): void {
    const { stats } = result
    const entry = this.#entryOf(slot)
    const mode = readStat(stats, at, "mode")
    this.#setInode(
      entry,
      mode,
      readStat(stats, at, "uid"),
      readStat(stats, at, "gid"),
      readStat(stats, at, "mtimeNs")
    )
    this.table.nlink[entry] = 1
    if (this.table.isDevice(entry)) this.table.rdev[entry] = deviceNumber(stats, at)
    if (result.outcomes[at] === outcome.hashed) {
      this.table.size[entry] = Number(readStat(stats, at, "size"))
      this.#setDigest(entry, digestAt(result, at))
    } else this.#setContent(entry, result, at)
  }

  share(slot: number, from: number): void {
    const { table } = this
    const [entry, source] = [this.#entryOf(slot), this.#entryOf(from)]
    for (
      const column of [
        table.mode,
        table.nlink,
        table.uid,
        table.gid,
        table.rdev,
        table.size,
        table.secondsHigh,
        table.secondsLow,
        table.nanoseconds,
        table.dataFrom,
        table.dataTo,
        table.metacopy,
        table.redirect
      ]
    ) column[entry] = column[source] ?? 0
  }

  /** Makes links of all names of an inode but the first. Returns, by entry, the inode behind a link. */
  link(readings: Readings): Int32Array {
    const { table } = this
    const targets = new Int32Array(table.count).fill(-1)
    const firsts = new Map<string, number>()
    this.#entries.forEach((entry, slot) => {
      const inode = readings.inode(slot)
      if (inode === undefined) return
      const first = firsts.get(inode)
      if (first === undefined) {
        firsts.set(inode, entry)
        return
      }
      for (const column of [table.mode, table.nlink, table.size, table.metacopy, table.redirect]) column[entry] = 0
      targets[entry] = first
      table.nlink[first] = (table.nlink[first] ?? 0) + 1
    })
    return targets
  }

  #add(directory: number, name: ByteString.ByteString): number {
    const { arena } = this.table
    const from = arena.size
    arena.reserve(name.length)
    for (let at = 0; at < name.length; at++) arena.bytes[from + at] = name.charCodeAt(at)
    arena.size += name.length
    return this.table.addNew(directory, from, arena.size)
  }

  #entryOf(slot: number): number {
    const entry = this.#entries[slot]
    if (entry === undefined) throw new RangeError(`slot ${slot} has no entry`)
    return entry
  }

  #setInode(entry: number, mode: bigint, uid: bigint, gid: bigint, mtimeNs: bigint): void {
    const { table } = this
    table.mode[entry] = Number(mode)
    table.uid[entry] = this.#rules.uid(uid)
    table.gid[entry] = this.#rules.gid(gid)
    this.#setTime(entry, this.#rules.mtime(mtimeNs))
  }

  #setTime(entry: number, { nanoseconds, seconds }: Timestamp): void {
    const { table } = this
    if (seconds !== this.#last.seconds) {
      this.#last = { seconds, high: Number(seconds >> 32n), low: Number(BigInt.asUintN(32, seconds)) }
    }
    table.secondsHigh[entry] = this.#last.high
    table.secondsLow[entry] = this.#last.low
    table.nanoseconds[entry] = nanoseconds
  }

  #setContent(entry: number, { contents }: BatchResult, at: number): void {
    const content = contents.get(at)
    const bytes = typeof content === "string"
      ? ByteString.toArray(content)
      : content instanceof Uint8Array
      ? content
      : undefined
    if (bytes === undefined) return
    this.table.size[entry] = bytes.length
    this.table.setDataBytes(entry, bytes, 0, bytes.length)
  }

  #setDigest(entry: number, hex: Uint8Array): void {
    this.#place.set(hex.subarray(0, 2), 1)
    this.#place.set(hex.subarray(2), 4)
    this.#redirects.setPlaceBytes(entry, this.#place, 2 + hex.length)
    for (let at = 0; at < hex.length; at += 2) this.#digest[at >> 1] = nibble(hex[at]) << 4 | nibble(hex[at + 1])
    this.#redirects.setDigest(entry, hex.length / 2)
  }
}

const slash = 0x2f

/** The value of a hex digit in ASCII: 0 to 9, or a to f. */
const nibble = (code: number = 0): number => code < 0x3a ? code - 0x30 : code - 0x57
