/** Reads the data of inodes: that of flat ones, in whole blocks and an inline tail, and the chunks of external files. */
import * as ByteString from "../byteString.ts"
import { blockSize, chunking, direntSize, layout, maxChunks, nullChunk, slotSize } from "./format.ts"
import type { ImageBytes } from "./imageBytes.ts"
import type { StoredInode } from "./inodeReader.ts"

/** A part of the data of an inode: where in the image, and how many bytes. */
interface Piece {
  readonly offset: number
  readonly size: number
}

/** The bytes of a flat inode: whole blocks, then the inline tail. */
export const readData = (bytes: ImageBytes, inode: StoredInode): ByteString.ByteString => {
  claimData(bytes, inode)
  let data = ""
  for (const { offset, size } of piecesOf(inode)) {
    // Of what is refused already, the size may be anything.
    if (bytes.failure !== undefined) return ""
    data += bytes.text(offset, size)
  }
  return data
}

const tailSizeOf = ({ layout: dataLayout, size }: StoredInode): number =>
  dataLayout === layout.flatInline ? size % blockSize : 0

const claimData = (bytes: ImageBytes, inode: StoredInode): void => {
  const blocks = Math.ceil((inode.size - tailSizeOf(inode)) / blockSize)
  bytes.claimBlocks(blocks === 0 ? 0 : inode.union, blocks, inode.offset)
}

/** Block by block: a directory may be larger than the longest string. */
function* piecesOf(inode: StoredInode): Generator<Piece> {
  const tailSize = tailSizeOf(inode)
  const inBlocks = inode.size - tailSize
  const start = inode.union * blockSize
  for (let at = 0; at < inBlocks; at += blockSize) {
    yield { offset: start + at, size: Math.min(blockSize, inBlocks - at) }
  }
  if (tailSize > 0) yield { offset: inode.headEnd, size: tailSize }
}

/** All chunks of an external file must be absent: their bytes are in the object store. */
export const checkChunks = (bytes: ImageBytes, inode: StoredInode): void => {
  const { count } = chunking(inode.size)
  if (count > maxChunks) bytes.fail(inode.offset, `${count} chunks`)
  for (let at = inode.headEnd; at < inode.end && bytes.failure === undefined; at += 4) {
    bytes.check(bytes.u32(at) === nullChunk, at, "a chunk of an external file is in the image")
  }
}

export interface StoredEntry {
  readonly name: ByteString.ByteString
  readonly nid: number
  readonly type: number
}

/** The entries of a directory, block by block (reference §3.9), names in byte order. */
export const readEntries = (bytes: ImageBytes, inode: StoredInode): ReadonlyArray<StoredEntry> => {
  claimData(bytes, inode)
  const entries: Array<StoredEntry> = []
  let left = inode.size
  for (const piece of piecesOf(inode)) {
    if (bytes.failure !== undefined) break
    left -= piece.size
    readBlock(bytes, inode, piece, left > 0, entries)
  }
  return entries
}

const readBlock = (
  bytes: ImageBytes,
  inode: StoredInode,
  { offset, size }: Piece,
  isFull: boolean,
  entries: Array<StoredEntry>
): void => {
  const broken = (problem: string) => bytes.fail(inode.offset, `in the directory of inode ${inode.nid}, ${problem}`)
  const block = bytes.text(offset, size)
  const namesStart = size < direntSize ? 0 : bytes.u16(offset + 8)
  if (namesStart < direntSize || namesStart % direntSize !== 0 || namesStart > size) {
    return broken("the first name is out of place")
  }
  // Only whole blocks are padded; the last may be one too, when it is more than half full.
  const isPadded = isFull || size === blockSize
  let previous = entries.at(-1)?.name
  for (let at = 0; at < namesStart; at += direntSize) {
    const dirent = offset + at
    const nameStart = bytes.u16(dirent + 8)
    const isLast = at + direntSize >= namesStart
    const limit = isLast ? size : bytes.u16(dirent + direntSize + 8)
    const nul = isLast && isPadded ? block.indexOf("\0", nameStart) : -1
    const nameEnd = nul < 0 ? limit : nul
    const name = block.slice(nameStart, nameEnd)
    if (
      (at === 0 && nameStart !== namesStart) || nameEnd <= nameStart || limit > size || name.length > 255 ||
      name.includes("\0") || name.includes("/") || bytes.u8(dirent + 11) !== 0
    ) {
      return broken("an entry is malformed")
    }
    if (previous !== undefined && previous >= name) return broken("names are not in order")
    const nid = bytes.u64(dirent)
    if (nid > bytes.size / slotSize) return broken("an entry points outside the image")
    entries.push({ name, nid, type: bytes.u8(dirent + 10) })
    previous = name
  }
}

/** Where `..` of a directory leads, looked up without taking possession of its data; 0 where there is none. */
export const parentOf = (bytes: ImageBytes, inode: StoredInode): number => {
  for (const { offset, size } of piecesOf(inode)) {
    if (bytes.failure !== undefined) return 0
    const namesStart = size < direntSize ? 0 : bytes.u16(offset + 8)
    for (let at = 0; at + direntSize <= Math.min(namesStart, size); at += direntSize) {
      const name = offset + bytes.u16(offset + at + 8)
      const limit = at + direntSize < namesStart ? offset + bytes.u16(offset + at + direntSize + 8) : offset + size
      const isParent = limit - name >= 2 && bytes.u8(name) === dot && bytes.u8(name + 1) === dot &&
        (limit - name === 2 || bytes.u8(name + 2) === 0)
      if (isParent) return bytes.u64(offset + at)
    }
  }
  return 0
}

const dot = 0x2e
