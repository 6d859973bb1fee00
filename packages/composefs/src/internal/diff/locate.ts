/** What a byte of an image belongs to. */
import * as Result from "effect/Result"
import * as ByteString from "../byteString.ts"
import { open, type Opened } from "../erofs/assemble.ts"
import { readEntries } from "../erofs/dataReader.ts"
import {
  blockSize,
  compactInodeSize,
  extendedInodeSize,
  headerField,
  headerSize,
  inodesOffset,
  layout,
  superblockOffset,
  superField
} from "../erofs/format.ts"
import type { ImageBytes } from "../erofs/imageBytes.ts"
import { InodeReader, inodeRules, type StoredInode } from "../erofs/inodeReader.ts"
import { legacyInodeRules } from "../erofs/legacy/assemble.ts"
import { legacyVersion } from "../erofs/legacy/format.ts"
import { isDirectory } from "../erofs/nodeReader.ts"
import { join } from "../paths.ts"

/**
 * What a byte of an image belongs to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Place {
  readonly part:
    | "header"
    | "superblock"
    | "inode"
    | "extended attributes"
    | "inline data"
    | "data block"
    | "shared attributes"
    | "padding"
    | "beyond the end"
  /** Whose inode, attributes or data it is. */
  readonly path: string | undefined
  /** Which field of the header, the superblock or the inode. */
  readonly field: string | undefined
}

/** The image must be one that can be read. */
export const locate = (bytes: Uint8Array, offset: number): Place => {
  if (offset >= bytes.length) return placeOf("beyond the end")
  if (offset < headerSize) return placeOf("header", undefined, fieldAt(headerField, offset))
  if (offset < superblockOffset) return placeOf("padding")
  if (offset < inodesOffset) return placeOf("superblock", undefined, fieldAt(superField, offset - superblockOffset))
  return Result.match(open(bytes), {
    onFailure: () => placeOf("padding"),
    onSuccess: (opened) => locateBehindSuperblock(bytes, offset, opened)
  })
}

/** Behind the inodes come the shared attributes, then the blocks, which are all somebody's. */
const locateBehindSuperblock = (bytes: Uint8Array, offset: number, { image, superblock }: Opened): Place => {
  const rules = superblock.version === legacyVersion ? legacyInodeRules : inodeRules
  const reader = new InodeReader(image, superblock, rules)
  let inodesEnd = inodesOffset
  for (const { inode, path } of storedInodes(image, reader, superblock.rootNid)) {
    const place = placeIn(inode, path, offset, bytes)
    if (place !== undefined) return place
    inodesEnd = Math.max(inodesEnd, inode.end)
  }
  return placeOf(offset >= inodesEnd && offset < reader.sharedEnd ? "shared attributes" : "padding")
}

const placeOf = (part: Place["part"], path?: string, field?: string): Place => ({ part, path, field })

function* storedInodes(
  image: ImageBytes,
  reader: InodeReader,
  rootNid: number
): Generator<{ readonly inode: StoredInode; readonly path: string }> {
  const met = new Set([rootNid])
  const pending = [{ nid: rootNid, path: "/" }]
  for (const { nid, path } of pending) {
    const inode = reader.read(nid)
    yield { inode, path }
    for (const entry of isDirectory(inode) ? entriesOf(image, inode) : []) {
      if (met.has(entry.nid)) continue
      met.add(entry.nid)
      pending.push({ nid: entry.nid, path: join(path, ByteString.toText(entry.name)) })
    }
  }
}

const entriesOf = (image: ImageBytes, inode: StoredInode) =>
  readEntries(image, inode).filter(({ name }) => name !== "." && name !== "..")

const placeIn = (inode: StoredInode, path: string, offset: number, bytes: Uint8Array): Place | undefined => {
  if (offset >= inode.offset && offset < inode.end) {
    const isExtended = ((bytes[inode.offset] ?? 0) & 1) === 1
    const fieldsEnd = inode.offset + (isExtended ? extendedInodeSize : compactInodeSize)
    if (offset >= fieldsEnd) return placeOf(offset < inode.headEnd ? "extended attributes" : "inline data", path)
    return placeOf("inode", path, fieldAt(isExtended ? extendedField : compactField, offset - inode.offset))
  }
  if (inode.layout === layout.chunkBased) return undefined
  const inBlocks = inode.layout === layout.flatInline ? inode.size - (inode.size % blockSize) : inode.size
  const start = inode.union * blockSize
  const end = start + Math.ceil(inBlocks / blockSize) * blockSize
  return offset >= start && offset < end ? placeOf("data block", path) : undefined
}

/** Byte offsets inside both forms of an inode (reference §3.4). */
const commonField = { format: 0, xattrCount: 2, mode: 4, nlink: 6, size: 8, union: 16, number: 20, uid: 24 } as const
const compactField = { ...commonField, gid: 26, reserved: 28 } as const
const extendedField = { ...commonField, nlink: 44, gid: 28, mtime: 32, mtimeNsec: 40, reserved: 48 } as const

/** The field that starts last before an offset. */
const fieldAt = (fields: Readonly<Record<string, number>>, offset: number): string | undefined => {
  let found: readonly [name: string, start: number] | undefined
  for (const [name, start] of Object.entries(fields)) {
    if (start <= offset && (found === undefined || start > found[1])) found = [name, start]
  }
  return found?.[0]
}
