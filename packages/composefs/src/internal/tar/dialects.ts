/**
 * Reads the headers of other people's archives: v7, ustar, GNU and star, with PAX records and GNU's long names. Where
 * readers of the field would disagree on what an entry means, it is refused.
 */
import * as Result from "effect/Result"
import * as ByteString from "../byteString.ts"
import { blockSize, checksum, field, gnuMagic, magic, starTrailer, typeFlag, xattrPrefix } from "./format.ts"
import { numberOf, type PaxRecords, paxTime, splitRecords, textAt, xattrsOf } from "./read.ts"
import { RepeatedRecords, type Sparse, sparseMap, sparseName, sparseOf, sparsePrefix } from "./sparse.ts"
import type { TarEntry } from "./write.ts"

/** What stood in front of a header for its entry. */
export interface Extensions {
  readonly pax: PaxRecords | undefined
  readonly longName: ByteString.ByteString | undefined
  readonly longLink: ByteString.ByteString | undefined
}

/** What a header says of itself alone, before it is known what the entry is. */
export interface HeaderStart {
  readonly type: string
  /** Bytes of its body, in its own words. */
  readonly size: number
}

/** An entry of somebody else's archive. */
export interface ForeignEntry extends TarEntry {
  /** Of a file with holes, whose `size` is that of the other parts. */
  readonly sparse: Sparse | undefined
}

/** The type and size of a header block whose checksum is right. */
export const readStart = (block: Buffer): Result.Result<HeaderStart, string> =>
  Result.gen(function*() {
    const expected = yield* numberAt(block, field.checksum)
    // Some old tars added up signed bytes.
    if (expected !== checksum(block) && expected !== signedChecksum(block)) {
      return yield* Result.fail("the checksum of a header is wrong")
    }
    const size = yield* numberAt(block, field.size)
    if (size < 0) return yield* Result.fail("a size in a header is negative")
    return { type: textAt(block, field.typeFlag), size }
  })

/** The entry of a header block that {@link readStart} has taken. */
export const readEntry = (
  block: Buffer,
  start: HeaderStart,
  { longLink, longName, pax = noRecords }: Extensions
): Result.Result<ForeignEntry, string> =>
  Result.gen(function*() {
    // GNU tar lets its own name win, POSIX lets PAX win.
    if (longName !== undefined && pax.has("path")) return yield* Result.fail("an entry has a PAX and a GNU name")
    if (longLink !== undefined && pax.has("linkpath")) return yield* Result.fail("an entry has a PAX and a GNU link")
    const sparse = yield* sparseOf(pax)
    const path = pax.get(sparseName) ?? pax.get("path") ?? longName ?? nameOf(block)
    const isDevice = start.type === typeFlag.characterDevice || start.type === typeFlag.blockDevice
    const seconds = yield* numberAt(block, field.mtime)
    const mtime = pax.get("mtime")
    return {
      path,
      type: typeOf(start.type, path),
      mode: (yield* numberAt(block, field.mode)) & 0o7777,
      uid: yield* ownerOf(pax, "uid", numberAt(block, field.uid)),
      gid: yield* ownerOf(pax, "gid", numberAt(block, field.gid)),
      size: yield* numberOf(pax, "size", Result.succeed(start.size)),
      mtime: mtime === undefined ? { seconds: BigInt(seconds), nanoseconds: 0 } : yield* paxTime(mtime),
      linkPath: pax.get("linkpath") ?? longLink ?? textAt(block, field.linkName),
      devMajor: isDevice ? yield* numberAt(block, field.devMajor) : 0,
      devMinor: isDevice ? yield* numberAt(block, field.devMinor) : 0,
      xattrs: xattrsOf(pax),
      sparse
    }
  })

const noRecords: PaxRecords = new Map()

/**
 * Reads the body of a PAX header. Of equal keys the last wins, an empty value takes a record back. What does not bear
 * on the tree may stand (LIBARCHIVE.xattr repeats SCHILY.xattr, and nobody in the field reads it).
 */
export const readRecords = (body: ByteString.ByteString): Result.Result<PaxRecords, string> =>
  Result.flatMap(splitRecords(body), (pairs) => {
    const records = new Map<ByteString.ByteString, ByteString.ByteString>()
    const repeated = new RepeatedRecords()
    for (const [key, value] of pairs) {
      if (key === xattrPrefix) return Result.fail("a PAX record names no extended attribute")
      const isXattr = key.startsWith(xattrPrefix)
      if (!isXattr && !isOfTheTree(key)) continue
      if (!isXattr && value.includes("\0")) return Result.fail(`the PAX record ${key} contains a NUL byte`)
      const isRepeated = repeated.take(key, value)
      if (Result.isFailure(isRepeated)) return Result.fail(isRepeated.failure)
      if (isRepeated.success) continue
      if (value === "" && !isXattr && key !== sparseMap) records.delete(key)
      else records.set(key, value)
    }
    return repeated.addTo(records)
  })

/** The name in the body of GNU's long name and long link headers. */
export const readLongName = (body: ByteString.ByteString): ByteString.ByteString => body.replace(/\0[^]*$/, "")

const isOfTheTree = (key: ByteString.ByteString): boolean =>
  key === "path" || key === "linkpath" || key === "size" || key === "uid" || key === "gid" || key === "mtime" ||
  key.startsWith(sparsePrefix)

const nameOf = (block: Buffer): ByteString.ByteString => {
  const name = textAt(block, field.name)
  const prefix = prefixOf(block)
  return prefix === "" ? name : `${prefix}/${name}`
}

/** GNU's headers, and those of v7, have something else in the prefix's place. */
const prefixOf = (block: Buffer): ByteString.ByteString => {
  if (block.toString("latin1", field.magic[0], field.magic[0] + 8) === gnuMagic) return ""
  if (block.toString("latin1", field.magic[0], field.magic[0] + 6) !== magic.slice(0, 6)) return ""
  const [at, size] = field.starTrailer
  return textAt(block, block.toString("latin1", at, at + size) === starTrailer ? field.starPrefix : field.prefix)
}

/** v7 has no type for directories: a slash at the end says so. */
const typeOf = (type: string, path: ByteString.ByteString): string =>
  type === "" && path.endsWith("/")
    ? typeFlag.directory
    : type === "" || type === typeFlag.contiguous
    ? typeFlag.regular
    : type

/** Octal digits, or GNU's base-256: a set high bit, then a big-endian two's complement number. */
export const numberAt = (block: Buffer, [at, size]: readonly [number, number]): Result.Result<number, string> => {
  if (((block[at] ?? 0) & 0x80) !== 0) {
    const value = BigInt.asIntN(size * 8 - 1, BigInt(`0x${block.toString("hex", at, at + size)}`))
    return Number.isSafeInteger(Number(value))
      ? Result.succeed(Number(value))
      : Result.fail("a number in a header is too large")
  }
  const text = textAt(block, [at, size]).trim()
  return /^[0-7]*$/.test(text)
    ? Result.succeed(text === "" ? 0 : Number.parseInt(text, 8))
    : Result.fail("a number in a header is not octal")
}

const maxOwner = 0xffffffff

const ownerOf = (
  pax: PaxRecords,
  key: "uid" | "gid",
  otherwise: Result.Result<number, string>
): Result.Result<number, string> =>
  Result.flatMap(
    numberOf(pax, key, otherwise),
    (id) =>
      id >= 0 && id <= maxOwner ? Result.succeed(id) : Result.fail(`its ${key} ${id} is not within 0 to ${maxOwner}`)
  )

const signedChecksum = (header: Uint8Array): number => {
  let sum = checksum(header)
  const [start, size] = field.checksum
  for (let at = 0; at < blockSize; at++) {
    if ((header[at] ?? 0) >= 0x80 && (at < start || at >= start + size)) sum -= 0x100
  }
  return sum
}
