/** What `lstat` says of many files, in columns that are cheap to send and to read. */
import type { BigIntStats } from "node:fs"

/** As numbers; the time of the last change of the content in whole seconds, rounded down, and the rest in nanoseconds. */
const numbers = ["mode", "nlink", "uid", "gid", "rdev", "size", "mtimeSeconds", "mtimeNanoseconds"] as const

/** As 64 bits: numbers would not be exact. */
const integers = ["ctimeNs", "dev", "ino"] as const

export type NumberField = typeof numbers[number]

export type IntegerField = typeof integers[number]

const numberColumn = {
  mode: 0,
  nlink: 1,
  uid: 2,
  gid: 3,
  rdev: 4,
  size: 5,
  mtimeSeconds: 6,
  mtimeNanoseconds: 7
} as const satisfies Record<NumberField, number>

const integerColumn = { ctimeNs: 0, dev: 1, ino: 2 } as const satisfies Record<IntegerField, number>

/** Each array has the fields of one entry after the other. */
export interface Stats {
  readonly numbers: Float64Array<ArrayBuffer>
  readonly integers: BigInt64Array<ArrayBuffer>
}

export const makeStats = (count: number): Stats => ({
  numbers: new Float64Array(count * numbers.length),
  integers: new BigInt64Array(count * integers.length)
})

export const writeStat = (stats: Stats, entry: number, from: BigIntStats): void => {
  const number = entry * numbers.length
  stats.numbers[number] = Number(from.mode)
  stats.numbers[number + 1] = Number(from.nlink)
  stats.numbers[number + 2] = Number(from.uid)
  stats.numbers[number + 3] = Number(from.gid)
  stats.numbers[number + 4] = Number(from.rdev)
  stats.numbers[number + 5] = Number(from.size)
  const seconds = secondsOf(from.mtimeNs)
  stats.numbers[number + 6] = seconds
  stats.numbers[number + 7] = Number(from.mtimeNs - lastSecond.start)
  const integer = entry * integers.length
  stats.integers[integer] = from.ctimeNs
  stats.integers[integer + 1] = from.dev
  stats.integers[integer + 2] = from.ino
}

export const numberAt = (stats: Stats, entry: number, field: NumberField): number =>
  stats.numbers[entry * numbers.length + numberColumn[field]] ?? 0

export const integerAt = (stats: Stats, entry: number, field: IntegerField): bigint =>
  stats.integers[entry * integers.length + integerColumn[field]] ?? 0n

/** The fields of one entry. */
export const sliceOf = (stats: Stats, entry: number): Stats => ({
  numbers: stats.numbers.slice(entry * numbers.length, (entry + 1) * numbers.length),
  integers: stats.integers.slice(entry * integers.length, (entry + 1) * integers.length)
})

const billion = 1_000_000_000n

let lastSecond = { seconds: 0, start: 0n, end: billion }

/** Files that were unpacked together share a second: dividing large integers for each would cost more than the rest. */
const secondsOf = (time: bigint): number => {
  if (time < lastSecond.start || time >= lastSecond.end) {
    const start = time - ((time % billion) + billion) % billion
    lastSecond = { seconds: Number(start / billion), start, end: start + billion }
  }
  return lastSecond.seconds
}

/** What of a directory matters. */
export interface DirectoryStats {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtimeSeconds: number
  readonly mtimeNanoseconds: number
  readonly ctimeNs: bigint
  readonly dev: bigint
  readonly ino: bigint
}

export const statsOf = ({ ctimeNs, dev, gid, ino, mode, mtimeNs, uid }: BigIntStats): DirectoryStats => ({
  mode: Number(mode),
  uid: Number(uid),
  gid: Number(gid),
  mtimeSeconds: secondsOf(mtimeNs),
  mtimeNanoseconds: Number(mtimeNs - lastSecond.start),
  ctimeNs,
  dev,
  ino
})
