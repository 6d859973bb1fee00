/** Damages bytes: in the ways that any format may meet, and in the fields of this one. */
import type { Random } from "./Random.ts"

/** A number in a format: where it is, and how many bytes it takes, least significant first. */
export interface Field {
  readonly at: number
  readonly size: 1 | 2 | 4 | 8
}

/** What the mutations of a case start from. */
export interface Seed {
  readonly bytes: Buffer
  readonly fields: ReadonlyArray<Field>
  /** Places of bytes that are not zero: most of an image is padding. */
  readonly places: ReadonlyArray<number>
}

export const makeSeed = (bytes: Uint8Array, fields: ReadonlyArray<Field> = []): Seed => ({
  bytes: Buffer.from(bytes),
  fields,
  places: Array.from(bytes.keys()).filter((at) => bytes[at] !== 0)
})

/** One to four faults. */
export const mutate = (seed: Seed, others: ReadonlyArray<Seed>, random: Random): Buffer => {
  let bytes: Buffer = Buffer.from(seed.bytes)
  for (let faults = random.pick(1, 1, 1, 2, 3, 4); faults > 0; faults--) bytes = addFault(bytes, seed, others, random)
  return bytes
}

const addFault = (bytes: Buffer, seed: Seed, others: ReadonlyArray<Seed>, random: Random): Buffer => {
  if (bytes.length < 16) return bytes
  if (seed.fields.length > 0 && !random.onceIn(3)) return changeField(bytes, seed.fields, random)
  const at = placeIn(bytes, seed, random)
  switch (random.below(12)) {
    case 0:
      return truncate(bytes, random)
    case 1:
      return splice(bytes, random.oneOf(others, seed).bytes, random)
    case 2:
      return moveBlock(bytes, random)
    case 3:
      return insert(bytes, at, random)
    case 4:
      bytes.fill(random.pick(0, 0xff, 0x2f), at, Math.min(at + 1 + random.below(64), bytes.length))
      return bytes
    case 5:
      bytes.copyWithin(at, random.below(bytes.length), random.below(bytes.length))
      return bytes
    case 6:
    case 7:
      return writeNumber(bytes, { at: at - (at % 4), size: 4 }, random)
    case 8:
      bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8))
      return bytes
    default:
      bytes[at] = random.below(256)
      return bytes
  }
}

const placeIn = (bytes: Buffer, { places }: Seed, random: Random): number =>
  random.onceIn(4)
    ? random.below(bytes.length)
    : Math.min(random.oneOf(places, 0), bytes.length - 1)

const changeField = (bytes: Buffer, fields: ReadonlyArray<Field>, random: Random): Buffer => {
  const field = random.oneOf<Field>(fields, { at: 0, size: 4 })
  if (field.at + field.size > bytes.length) return bytes
  if (!random.onceIn(3)) return writeNumber(bytes, field, random)
  // The value of another field of that size: another inode's number, another name's offset.
  const other = random.oneOf(fields.filter(({ at, size }) => size === field.size && at + size <= bytes.length), field)
  bytes.copyWithin(field.at, other.at, other.at + other.size)
  return bytes
}

const interesting = [
  0n,
  1n,
  2n,
  3n,
  4n,
  7n,
  8n,
  11n,
  12n,
  13n,
  31n,
  32n,
  36n,
  63n,
  64n,
  127n,
  128n,
  129n,
  255n,
  256n,
  2048n,
  4095n,
  4096n,
  4097n,
  0x7fffn,
  0x8000n,
  0xffffn,
  0x10000n,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  2n ** 53n - 1n,
  2n ** 53n,
  2n ** 53n + 1n,
  2n ** 63n - 1n,
  2n ** 63n,
  2n ** 64n - 1n
]

const writeNumber = (bytes: Buffer, field: Field, random: Random): Buffer => {
  const { at, size } = field
  if (at + size > bytes.length) return bytes
  const old = readField(bytes, field)
  const step = BigInt(random.pick(1, 1, 2, 4, 8, 12, 32, 64, 4096))
  const value = random.onceIn(2) ? random.oneOf(interesting, 0n) : random.onceIn(2) ? old + step : old - step
  const cut = BigInt.asUintN(size * 8, value)
  if (size === 8) bytes.writeBigUInt64LE(cut, at)
  else bytes.writeUIntLE(Number(cut), at, size)
  return bytes
}

const readField = (bytes: Buffer, { at, size }: Field): bigint =>
  size === 8 ? bytes.readBigUInt64LE(at) : BigInt(bytes.readUIntLE(at, size))

const truncate = (bytes: Buffer, random: Random): Buffer => {
  const size = random.below(bytes.length)
  return bytes.subarray(0, random.onceIn(2) ? size - (size % 512) : size)
}

/** The start of one and the rest of another. */
const splice = (bytes: Buffer, other: Buffer, random: Random): Buffer => {
  const at = random.below(Math.min(bytes.length, other.length))
  const cut = random.onceIn(2) ? at - (at % 512) : at
  return Buffer.concat([bytes.subarray(0, cut), other.subarray(cut)])
}

/** A block over, before or instead of another. */
const moveBlock = (bytes: Buffer, random: Random): Buffer => {
  const size = random.pick(32, 64, 512, 4096)
  const count = Math.max(1, Math.floor(bytes.length / size))
  const from = random.below(count) * size
  const to = random.below(count) * size
  const block = Buffer.from(bytes.subarray(from, from + size))
  const rest = bytes.subarray(random.onceIn(2) ? to : to + size)
  return Buffer.concat([bytes.subarray(0, to), block, rest])
}

const insert = (bytes: Buffer, at: number, random: Random): Buffer => {
  const added = Buffer.alloc(random.pick(1, 1, 4, 12, 32, 512, 4096), random.below(256))
  return Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(random.onceIn(2) ? at : at + added.length)])
}
