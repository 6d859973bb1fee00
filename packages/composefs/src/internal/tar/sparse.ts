/**
 * Sparse files, of which an archive holds only what lies between holes: GNU tar's own headers (type `S`), and its PAX
 * formats 0.0, 0.1 and 1.0 (GNU tar manual, "Storing Sparse Files"). Whoever unpacks one gets the file with zeros in its
 * holes, and that is the file which has a digest.
 */
import * as Result from "effect/Result"
import type * as ByteString from "../byteString.ts"
import { blockSize, field, gnuMagic, isZero } from "./format.ts"
import type { PaxRecords } from "./read.ts"

/** A part of a file that the archive holds. */
export interface Extent {
  readonly offset: number
  readonly size: number
}

/** Where the parts of a file belong. */
export interface Sparse {
  /** Bytes of the file, holes included. */
  readonly realSize: number
  /** In order; undefined where they are told in front of the data. */
  readonly extents: ReadonlyArray<Extent> | undefined
}

/** Keys of the PAX records about sparse files. */
export const sparsePrefix = "GNU.sparse."
export const sparseName = `${sparsePrefix}name`
export const sparseMap = `${sparsePrefix}map`

/** Format 0.0 repeats two records for each part; together they say what the one record of 0.1 says. */
export class RepeatedRecords {
  readonly #numbers: Array<ByteString.ByteString> = []

  /** Takes a record if it is one of the two. */
  take(key: ByteString.ByteString, value: ByteString.ByteString): Result.Result<boolean, string> {
    const isOffset = key === `${sparsePrefix}offset`
    if (!isOffset && key !== `${sparsePrefix}numbytes`) return Result.succeed(false)
    if ((this.#numbers.length % 2 === 0) !== isOffset || value.includes(",")) {
      return Result.fail("the records of a sparse file are out of order")
    }
    this.#numbers.push(value)
    return Result.succeed(true)
  }

  /** Adds the record of 0.1 to the others. */
  addTo(records: Map<ByteString.ByteString, ByteString.ByteString>): Result.Result<PaxRecords, string> {
    if (this.#numbers.length === 0) return Result.succeed(records)
    if (records.has(sparseMap)) return Result.fail("a sparse file has two maps")
    return Result.succeed(records.set(sparseMap, this.#numbers.join()))
  }
}

/** What PAX records say about a sparse file; undefined where they do not. */
export const sparseOf = (pax: PaxRecords): Result.Result<Sparse | undefined, string> => {
  const record = (name: string) => pax.get(`${sparsePrefix}${name}`)
  const isSparse = Array.from(pax.keys()).some((key) => key.startsWith(sparsePrefix))
  if (!isSparse) return Result.succeed(undefined)
  const version = `${record("major") ?? "0"}.${record("minor") ?? (record("map") === undefined ? "?" : "1")}`
  return Result.gen(function*() {
    const realSize = yield* numberIn(record("realsize") ?? record("size"), "size")
    if (version === "1.0") return { realSize, extents: undefined }
    const map = record("map")
    if (!/^0\.[01]$/.test(version) || map === undefined) {
      return yield* Result.fail(`sparse files of format ${JSON.stringify(version)} are not known`)
    }
    const extents = yield* extentsIn(map === "" ? [] : map.split(","))
    const count = yield* numberIn(record("numblocks"), "number of parts")
    return count === extents.length
      ? { realSize, extents }
      : yield* Result.fail("the map of a sparse file is incomplete")
  })
}

/** The map in front of the data of format 1.0: the number of parts, then two numbers for each, a line for each number. */
export class SparseMapReader {
  readonly #lines: Array<string> = []
  #rest = ""

  /** Takes the next block; true if the map ends in it. */
  push(block: ByteString.ByteString): Result.Result<boolean, string> {
    if (this.#rest.length > maxDigits) return Result.fail("the map of a sparse file has a line that is no number")
    const lines = (this.#rest + block).split("\n")
    this.#rest = lines.pop() ?? ""
    for (let at = 0; at < lines.length; at++) this.#lines.push(lines[at] ?? "")
    return Result.map(numberIn(this.#lines[0], "number of parts"), (count) => this.#lines.length > 2 * count)
  }

  finish(): Result.Result<ReadonlyArray<Extent>, string> {
    return Result.flatMap(
      numberIn(this.#lines[0], "number of parts"),
      (count) =>
        this.#lines.length === 1 + 2 * count && /^\0*$/.test(this.#rest)
          ? extentsIn(this.#lines.slice(1))
          : Result.fail("something follows the map of a sparse file")
    )
  }
}

/** Offset and size of the parts that a header of type `S` tells of, and what comes after these. */
const oldField = { map: 386, count: 4, isExtended: 482, realSize: [483, 12] } as const
const oldExtension = { count: 21, isExtended: 504 } as const

/** What a header of type `S` says, and whether it goes on in a block behind it. */
export const oldSparseOf = (
  block: Buffer,
  numberAt: NumberAt
): Result.Result<{ readonly sparse: Sparse; readonly isExtended: boolean }, string> =>
  Result.gen(function*() {
    if (block.toString("latin1", field.magic[0], field.magic[0] + gnuMagic.length) !== gnuMagic) {
      return yield* Result.fail("a header of a sparse file is not one of GNU tar")
    }
    const realSize = yield* numberAt(block, oldField.realSize)
    const extents = yield* oldExtents(block, oldField.map, oldField.count, numberAt)
    return { sparse: { realSize, extents }, isExtended: block[oldField.isExtended] !== 0 }
  })

/** What a block behind a header of type `S` adds, and whether there is one more. */
export const oldSparseExtension = (
  block: Buffer,
  numberAt: NumberAt
): Result.Result<{ readonly extents: ReadonlyArray<Extent>; readonly isExtended: boolean }, string> =>
  Result.map(oldExtents(block, 0, oldExtension.count, numberAt), (extents) => ({
    extents,
    isExtended: block[oldExtension.isExtended] !== 0
  }))

/** Reads a number of a header. */
export type NumberAt = (block: Buffer, place: readonly [at: number, size: number]) => Result.Result<number, string>

const oldExtents = (block: Buffer, from: number, count: number, numberAt: NumberAt) =>
  Result.gen(function*() {
    const extents: Array<Extent> = []
    for (let at = from; at < from + 24 * count && !isZero(block.subarray(at, at + 24)); at += 24) {
      extents.push({ offset: yield* numberAt(block, [at, 12]), size: yield* numberAt(block, [at + 12, 12]) })
    }
    return extents
  })

/** Why parts of so many bytes together do not make up a file, if they do not. */
export const extentsProblem = (
  extents: ReadonlyArray<Extent>,
  realSize: number,
  dataSize: number
): string | undefined => {
  let end = 0
  let total = 0
  for (const { offset, size } of extents) {
    if (size < 0 || offset < end) return "the parts of a sparse file overlap or are out of order"
    end = offset + size
    total += size
  }
  return end > realSize
    ? `a sparse file of ${realSize} bytes has a part that ends at ${end}`
    : total !== dataSize
    ? `the parts of a sparse file have ${total} bytes together, and ${dataSize} are there`
    : undefined
}

const extentsIn = (numbers: ReadonlyArray<string>): Result.Result<ReadonlyArray<Extent>, string> =>
  Result.gen(function*() {
    if (numbers.length % 2 !== 0) return yield* Result.fail("the map of a sparse file is incomplete")
    const extents: Array<Extent> = []
    for (let at = 0; at < numbers.length; at += 2) {
      extents.push({
        offset: yield* numberIn(numbers[at], "map"),
        size: yield* numberIn(numbers[at + 1], "map")
      })
    }
    return extents
  })

const maxDigits = 16

const numberIn = (text: string | undefined, what: string): Result.Result<number, string> =>
  text !== undefined && /^[0-9]+$/.test(text) && text.length <= maxDigits && Number.isSafeInteger(Number(text))
    ? Result.succeed(Number(text))
    : Result.fail(`the ${what} of a sparse file is missing or not a number`)

/** Blocks of a map that are read at most: more parts than anybody's file has. */
export const maxMapBlocks = (1 << 20) / blockSize
