/** Reads the extended attributes of inodes (reference §3.6): those in a shared table by reference, the others in place. */
import type * as ByteString from "../byteString.ts"
import { xattrEntrySize, xattrHeaderSize, type XattrPrefix } from "./format.ts"
import type { ImageBytes } from "./imageBytes.ts"
import { splitName, xattrSize } from "./xattrs.ts"

/** One attribute as stored; a shared one is one object for all that have it. */
export interface StoredXattr {
  readonly name: ByteString.ByteString
  /** Where its value is. */
  readonly offset: number
  readonly size: number
  readonly isShared: boolean
}

/** How the name of an attribute is stored; one object per name. */
interface StoredName {
  readonly name: ByteString.ByteString
  readonly suffix: Uint8Array
  readonly filterBit: number
  /** The inode, by count, in which it was last met: there it must not be met again. */
  metIn: number
}

export class XattrReader {
  readonly #bytes: ImageBytes
  readonly #tableOffset: number
  readonly #rules: { readonly xattrPrefixes: ReadonlyArray<XattrPrefix>; readonly maxSharedXattrs: number }
  readonly #shared = new Map<number, Entry>()
  readonly #names = new Map<ByteString.ByteString, StoredName>()
  /** By prefix and length of the rest: the name that was met last. Most files have the same few. */
  readonly #recent: Array<StoredName | undefined> = []
  #inodes = 0
  /** Where the last of the shared attributes ends that were read so far. */
  sharedEnd = 0

  constructor(
    bytes: ImageBytes,
    tableOffset: number,
    rules: { readonly xattrPrefixes: ReadonlyArray<XattrPrefix>; readonly maxSharedXattrs: number }
  ) {
    this.#bytes = bytes
    this.#tableOffset = tableOffset
    this.#rules = rules
  }

  /** The attributes of the inode in whose head they stand from `at` to `end`. */
  read(at: number, end: number): ReadonlyArray<StoredXattr> {
    if (at === end) return noXattrs
    const bytes = this.#bytes
    const inode = ++this.#inodes
    const sharedCount = bytes.u8(at + 4)
    if (sharedCount > this.#rules.maxSharedXattrs) bytes.fail(at + 4, `${sharedCount} shared attributes`)
    bytes.check(bytes.isZero(at + 5, 7), at + 5, "reserved bytes of an attribute header are not zero")
    const xattrs: Array<StoredXattr> = []
    let filter = -1
    let position = at + xattrHeaderSize
    while (position < end && bytes.failure === undefined) {
      const entry = xattrs.length < sharedCount ? this.#sharedEntry(bytes.u32(position)) : this.#entry(position, false)
      const { storedName } = entry
      if (storedName.metIn === inode) bytes.fail(at, "an attribute appears twice")
      storedName.metIn = inode
      filter &= ~(1 << storedName.filterBit)
      position += xattrs.length < sharedCount ? 4 : entry.entrySize
      xattrs.push(entry)
    }
    bytes.check(position === end && xattrs.length >= sharedCount, at, "attributes do not fill their block")
    bytes.check(bytes.u32(at) === filter >>> 0, at, "the attribute filter does not match")
    return xattrs
  }

  #sharedEntry(id: number): Entry {
    let entry = this.#shared.get(id)
    if (entry === undefined) {
      const at = this.#tableOffset + 4 * id
      this.#bytes.claimWords(at, xattrSize(this.#bytes.u8(at), this.#bytes.u16(at + 2)))
      this.#shared.set(id, entry = this.#entry(at, true))
      this.sharedEnd = Math.max(this.sharedEnd, at + entry.entrySize)
    }
    return entry
  }

  #entry(at: number, isShared: boolean): Entry {
    const suffixSize = this.#bytes.u8(at)
    const size = this.#bytes.u16(at + 2)
    const storedName = this.#name(at, this.#bytes.u8(at + 1), suffixSize)
    return {
      name: storedName.name,
      offset: at + xattrEntrySize + suffixSize,
      size,
      isShared,
      storedName,
      entrySize: xattrSize(suffixSize, size)
    }
  }

  #name(at: number, index: number, suffixSize: number): StoredName {
    const slot = index * 256 + suffixSize
    const recent = this.#recent[slot]
    if (recent !== undefined && this.#bytes.holds(at + xattrEntrySize, recent.suffix)) return recent
    return this.#recent[slot] = this.#nameOf(at, index, this.#bytes.text(at + xattrEntrySize, suffixSize))
  }

  #nameOf(at: number, index: number, suffix: ByteString.ByteString): StoredName {
    const prefixes = this.#rules.xattrPrefixes
    const prefix = index === 0 ? "" : prefixes.find((known) => known.index === index)?.prefix
    if (prefix === undefined) this.#bytes.fail(at + 1, `unknown attribute prefix ${index}`)
    const name = (prefix ?? "") + suffix
    const split = splitName(name, prefixes)
    this.#bytes.check(split.index === index && name !== "", at, "an attribute is not stored in its one form")
    let known = this.#names.get(name)
    if (known === undefined) {
      known = { name, suffix: Buffer.from(suffix, "latin1"), filterBit: split.filterBit, metIn: 0 }
      this.#names.set(name, known)
    }
    return known
  }
}

interface Entry extends StoredXattr {
  readonly storedName: StoredName
  /** Bytes of its entry, padding included. */
  readonly entrySize: number
}

const noXattrs: ReadonlyArray<StoredXattr> = []
