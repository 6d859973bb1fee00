/** How the entries of a directory are divided into blocks. */
import type * as ByteString from "../../byteString.ts"
import { blockSize, direntSize } from "../format.ts"

/** A tail of more than half a block gets a block of its own. */
export const splitTail = (size: number): { readonly blocks: number; readonly tail: number } => {
  const blocks = Math.floor(size / blockSize)
  const tail = size % blockSize
  return tail > blockSize / 2 ? { blocks: blocks + 1, tail: 0 } : { blocks, tail }
}

/** The entries of a directory block by block: no entry crosses a block. */
export const directoryBlocks = <Entry extends { readonly name: ByteString.ByteString }>(
  entries: ReadonlyArray<Entry>
): ReadonlyArray<{ readonly entries: ReadonlyArray<Entry>; readonly size: number }> => {
  const blocks: Array<{ readonly entries: ReadonlyArray<Entry>; readonly size: number }> = []
  let current: Array<Entry> = []
  let size = 0
  for (const entry of entries) {
    const entrySize = direntSize + entry.name.length
    if (size + entrySize > blockSize) {
      blocks.push({ entries: current, size })
      current = []
      size = 0
    }
    current.push(entry)
    size += entrySize
  }
  blocks.push({ entries: current, size })
  return blocks
}
