/** Finds the numbers in an image that this package wrote, each in its place by the format (reference §3). */
import type { Field } from "../mutate.ts"

const blockSize = 4096

/** Header and superblock, every inode with its attributes and entries, the shared attributes. */
export const imageFields = (image: Buffer): ReadonlyArray<Field> => {
  const fields: Array<Field> = [...headerFields]
  const seen = new Set<number>()
  const queue = [image.readUInt16LE(1024 + 14)]
  for (const nid of queue) {
    if (seen.has(nid)) continue
    seen.add(nid)
    // Of the many whiteouts that hide an object store a few will do.
    const isCharacterDevice = (image.readUInt16LE(nid * 32 + 4) & 0o170000) === 0o020000
    if (isCharacterDevice && nid % 16 !== 0) continue
    queue.push(...inodeFields(image, nid, fields))
  }
  return fields
}

const field = (at: number, size: Field["size"]): Field => ({ at, size })

const headerFields: ReadonlyArray<Field> = [
  ...[0, 4, 8, 12, 16].map((at) => field(at, 4)),
  ...[0, 4, 8, 32, 36, 40, 44, 80].map((at) => field(1024 + at, 4)),
  ...[12, 13].map((at) => field(1024 + at, 1)),
  field(1024 + 14, 2),
  ...[16, 24].map((at) => field(1024 + at, 8))
]

/** Adds the fields of an inode; gives the inodes that its entries name. */
const inodeFields = (image: Buffer, nid: number, fields: Array<Field>): ReadonlyArray<number> => {
  const at = nid * 32
  const format = image.readUInt16LE(at)
  const isExtended = (format & 1) === 1
  fields.push(...[0, 2, 4].map((offset) => field(at + offset, 2)), ...[16, 20].map((offset) => field(at + offset, 4)))
  if (isExtended) fields.push(...[24, 28, 40, 44].map((offset) => field(at + offset, 4)))
  else fields.push(...[6, 24, 26].map((offset) => field(at + offset, 2)))
  fields.push(field(at + 8, isExtended ? 8 : 4))
  if (isExtended) fields.push(field(at + 32, 8))
  const head = at + (isExtended ? 64 : 32)
  const count = image.readUInt16LE(at + 2)
  const xattrSize = count === 0 ? 0 : 12 + 4 * (count - 1)
  if (count > 0) xattrFields(image, head, head + xattrSize, fields)
  if ((image.readUInt16LE(at + 4) & 0o170000) !== 0o040000) return []
  const size = isExtended ? Number(image.readBigUInt64LE(at + 8)) : image.readUInt32LE(at + 8)
  return directoryFields(image, {
    size,
    tail: format >> 1 === 2 ? head + xattrSize : undefined,
    firstBlock: image.readUInt32LE(at + 16)
  }, fields)
}

const xattrFields = (image: Buffer, start: number, end: number, fields: Array<Field>): void => {
  fields.push(field(start, 4), field(start + 4, 1), field(start + 5, 1))
  const shared = image.readUInt8(start + 4)
  let at = start + 12
  for (let index = 0; index < shared; index++, at += 4) {
    fields.push(field(at, 4))
    const xattrBlock = image.readUInt32LE(1024 + 44)
    fields.push(...entryFields(xattrBlock * blockSize + 4 * image.readUInt32LE(at)))
  }
  while (at < end) {
    fields.push(...entryFields(at))
    at += Math.ceil((4 + image.readUInt8(at) + image.readUInt16LE(at + 2)) / 4) * 4
  }
}

const entryFields = (at: number): ReadonlyArray<Field> => [field(at, 1), field(at + 1, 1), field(at + 2, 2)]

interface Entries {
  readonly size: number
  readonly tail: number | undefined
  readonly firstBlock: number
}

const directoryFields = (image: Buffer, entries: Entries, fields: Array<Field>): ReadonlyArray<number> => {
  const nids: Array<number> = []
  const whole = entries.tail === undefined ? Math.ceil(entries.size / blockSize) : Math.floor(entries.size / blockSize)
  const starts = Array.from({ length: whole }, (_, index) => (entries.firstBlock + index) * blockSize)
  if (entries.tail !== undefined && entries.size % blockSize > 0) starts.push(entries.tail)
  for (const start of starts) {
    const count = image.readUInt16LE(start + 8) / 12
    for (let index = 0; index < count; index++) {
      const at = start + 12 * index
      if (index < 4 || index % 16 === 0) {
        fields.push(field(at, 8), field(at + 8, 2), field(at + 10, 1), field(at + 11, 1))
      }
      nids.push(Number(image.readBigUInt64LE(at)))
    }
  }
  return nids
}
