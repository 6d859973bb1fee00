/** Collects a scan as a table of entries, from which an image is written without a node on the way. */
import type { Timestamp } from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { Redirects } from "../erofs/redirect.ts"
import { EntryTable, rootEntry } from "../table/entryTable.ts"
import { type BatchResult, digestStart, outcome } from "./batch.ts"
import { MetadataRules } from "./metadata.ts"
import type { DirectoryOptions } from "./options.ts"
import type { InodeSink, Readings } from "./readings.ts"
import { numberAt } from "./stats.ts"
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
  /** Where the last time stands. */
  #last: { readonly seconds: bigint; readonly high: number; readonly low: number } = { seconds: 0n, high: 0, low: 0 }

  constructor(options: Pick<DirectoryOptions, "owner" | "mtime">) {
    this.#rules = new MetadataRules(options)
  }

  root(found: FoundDirectory): number {
    this.table.addRoot()
    this.#setDirectory(rootEntry, found)
    return rootEntry
  }

  directory(parent: number, name: ByteString.ByteString, found: FoundDirectory): number {
    const entry = this.#add(parent, name)
    this.#setDirectory(entry, found)
    return entry
  }

  entry(parent: number, name: ByteString.ByteString, slot: number): void {
    this.#entries[slot] = this.#add(parent, name)
  }

  put(slot: number, result: BatchResult, at: number): void {
    const { stats } = result
    const entry = this.#entryOf(slot)
    this.#setInode(
      entry,
      numberAt(stats, at, "mode"),
      numberAt(stats, at, "uid"),
      numberAt(stats, at, "gid"),
      this.#rules.mtime(numberAt(stats, at, "mtimeSeconds"), numberAt(stats, at, "mtimeNanoseconds"))
    )
    this.table.nlink[entry] = 1
    if (this.table.isDevice(entry)) this.table.rdev[entry] = deviceNumber(stats, at)
    if (result.outcomes[at] === outcome.hashed) {
      this.table.size[entry] = numberAt(stats, at, "size")
      this.#setDigest(entry, result, at)
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

  #setDirectory(entry: number, { stats }: FoundDirectory): void {
    const { gid, mode, mtimeNanoseconds, mtimeSeconds, uid } = stats
    this.#setInode(entry, mode, uid, gid, this.#rules.mtime(mtimeSeconds, mtimeNanoseconds))
  }

  #setInode(entry: number, mode: number, uid: number, gid: number, mtime: Timestamp): void {
    const { table } = this
    table.mode[entry] = mode
    table.uid[entry] = this.#rules.uid(uid)
    table.gid[entry] = this.#rules.gid(gid)
    this.#setTime(entry, mtime)
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

  #setDigest(entry: number, result: BatchResult, at: number): void {
    const place = this.#place
    const { digest } = this.#redirects
    const end = digestStart(result, at + 1)
    let size = 0
    for (let hex = digestStart(result, at); hex < end; hex += 2, size++) {
      const high = result.digests[hex] ?? 0
      const low = result.digests[hex + 1] ?? 0
      digest[size] = nibble(high) << 4 | nibble(low)
      // After the first byte, there is a slash.
      const to = size === 0 ? 1 : 2 * size + 2
      place[to] = high
      place[to + 1] = low
    }
    this.#redirects.setDigestAndPlace(entry, size, place, 2 * size + 2)
  }
}

const slash = 0x2f

/** The value of a hex digit in ASCII: 0 to 9, or a to f. */
const nibble = (code: number): number => code < 0x3a ? code - 0x30 : code - 0x57
