/** Extended attributes as an image stores them: indexed prefixes, a name filter, and a table of shared ones. */
import * as ByteString from "../byteString.ts"
import { alignUp, xattrEntrySize, xattrFilterSeed, xattrHeaderSize, type XattrPrefix, xattrPrefixes } from "./format.ts"
import { xxhash32 } from "./xxhash32.ts"

/** How the name of an attribute is stored: an index in place of its prefix, the rest, and a bit in the filter. */
export interface StoredName {
  readonly index: number
  readonly suffix: Uint8Array
  readonly filterBit: number
}

export const storedName = (name: ByteString.ByteString): StoredName => {
  const { filterBit, index, suffix } = splitName(name, xattrPrefixes)
  return { index, suffix: ByteString.toArray(suffix), filterBit }
}

/** One attribute with its value; equal ones are the same object, so that their uses can be counted. */
export interface Xattr {
  readonly name: ByteString.ByteString
  readonly value: ByteString.ByteString
  readonly index: number
  readonly suffix: ByteString.ByteString
  /** Bytes of its entry, padding included. */
  readonly size: number
  /** Its bit in the name filter. */
  readonly filterBit: number
  uses: number
  /** Byte offset in the shared table; only if it has several uses. */
  sharedOffset: number
}

/** All attributes of an image, one object per distinct name and value. */
export class XattrTable {
  readonly #byName = new Map<ByteString.ByteString, Map<ByteString.ByteString, Xattr>>()
  readonly #prefixes: ReadonlyArray<XattrPrefix>

  constructor(prefixes = xattrPrefixes) {
    this.#prefixes = prefixes
  }

  intern(name: ByteString.ByteString, value: ByteString.ByteString): Xattr {
    let byValue = this.#byName.get(name)
    if (byValue === undefined) this.#byName.set(name, byValue = new Map())
    let xattr = byValue.get(value)
    if (xattr === undefined) byValue.set(value, xattr = makeXattr(name, value, this.#prefixes))
    return xattr
  }

  /** Gives every attribute with several uses its place in the shared table; returns the table in order. */
  share(order: (left: Xattr, right: Xattr) => number): ReadonlyArray<Xattr> {
    const shared: Array<Xattr> = []
    for (const byValue of this.#byName.values()) {
      for (const xattr of byValue.values()) if (xattr.uses > 1) shared.push(xattr)
    }
    shared.sort(order)
    let offset = 0
    for (const xattr of shared) {
      xattr.sharedOffset = offset
      offset += xattr.size
    }
    return shared
  }
}

const makeXattr = (
  name: ByteString.ByteString,
  value: ByteString.ByteString,
  prefixes: ReadonlyArray<XattrPrefix>
): Xattr => {
  const { filterBit, index, suffix } = splitName(name, prefixes)
  return {
    name,
    value,
    index,
    suffix,
    size: xattrSize(suffix.length, value.length),
    filterBit,
    uses: 0,
    sharedOffset: 0
  }
}

/** A name without the prefix that has an index, and its bit in the name filter. */
export const splitName = (
  name: ByteString.ByteString,
  prefixes: ReadonlyArray<XattrPrefix>
): { readonly index: number; readonly suffix: ByteString.ByteString; readonly filterBit: number } => {
  const { index, prefix } = prefixes.find(({ prefix }) => name.startsWith(prefix)) ?? { index: 0, prefix: "" }
  const suffix = name.slice(prefix.length)
  return { index, suffix, filterBit: xxhash32(suffix, xattrFilterSeed + index) & 31 }
}

/** Bytes of an entry, padding included. */
export const xattrSize = (suffixSize: number, valueSize: number): number =>
  alignUp(xattrEntrySize + suffixSize + valueSize, 4)

/** The attributes of one inode in order: the first of the shared ones by reference, the others in place. */
export interface XattrBlock {
  readonly shared: ReadonlyArray<Xattr>
  readonly inline: ReadonlyArray<Xattr>
  /** Bytes, 0 without attributes. */
  readonly size: number
}

const noXattrs: XattrBlock = { shared: [], inline: [], size: 0 }

/** Divides an inode's attributes once the uses of all are counted. */
export const xattrBlock = (xattrs: ReadonlyArray<Xattr>, maxShared: number): XattrBlock => {
  if (xattrs.length === 0) return noXattrs
  const shared: Array<Xattr> = []
  const inline: Array<Xattr> = []
  let size = xattrHeaderSize
  for (const xattr of xattrs) {
    const isShared = xattr.uses > 1 && shared.length < maxShared
    if (isShared) shared.push(xattr)
    else inline.push(xattr)
    size += isShared ? 4 : xattr.size
  }
  return { shared, inline, size }
}

/** The name filter: a set bit means that no attribute with such a name is there. */
export const nameFilter = (xattrs: ReadonlyArray<Xattr>): number => {
  let filter = 0xffffffff
  for (const xattr of xattrs) filter &= ~(1 << xattr.filterBit)
  return filter >>> 0
}
