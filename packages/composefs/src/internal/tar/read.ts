/** Reads tar headers. Effect's own decoder takes attributes for UTF-8 and drops nanoseconds, which an image has. */
import * as Result from "effect/Result"
import type { Timestamp } from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { checksum, field, magic, typeFlag, xattrPrefix } from "./format.ts"
import type { TarEntry } from "./write.ts"

/** PAX records by key, values as bytes. */
export type PaxRecords = ReadonlyMap<ByteString.ByteString, ByteString.ByteString>

/** Reads a header block and applies the PAX records in front of it. */
export const readHeader = (block: Buffer, pax: PaxRecords): Result.Result<TarEntry, string> =>
  Result.gen(function*() {
    if (block.toString("latin1", 257, 265) !== magic) {
      return yield* Result.fail("it is not a POSIX tar header")
    }
    if ((yield* octalAt(block, field.checksum)) !== checksum(block)) {
      return yield* Result.fail("the checksum of a header is wrong")
    }
    const prefix = textAt(block, field.prefix)
    const name = textAt(block, field.name)
    const mtime = pax.get("mtime")
    return {
      path: pax.get("path") ?? (prefix === "" ? name : `${prefix}/${name}`),
      type: normalType(textAt(block, field.typeFlag)),
      mode: (yield* octalAt(block, field.mode)) & 0o7777,
      uid: yield* numberOf(pax, "uid", octalAt(block, field.uid)),
      gid: yield* numberOf(pax, "gid", octalAt(block, field.gid)),
      size: yield* numberOf(pax, "size", octalAt(block, field.size)),
      mtime: mtime === undefined
        ? { seconds: BigInt(yield* octalAt(block, field.mtime)), nanoseconds: 0 }
        : yield* paxTime(mtime),
      linkPath: pax.get("linkpath") ?? textAt(block, field.linkName),
      devMajor: yield* octalAt(block, field.devMajor),
      devMinor: yield* octalAt(block, field.devMinor),
      xattrs: xattrsOf(pax)
    }
  })

/** Reads the body of a PAX header as we write it. */
export const readPax = (body: ByteString.ByteString): Result.Result<PaxRecords, string> =>
  Result.flatMap(splitRecords(body), (pairs) => {
    const records = new Map<ByteString.ByteString, ByteString.ByteString>()
    for (const [key, value] of pairs) {
      if (!isKnown(key)) return Result.fail(`the PAX record ${JSON.stringify(key.slice(0, 100))} is not supported`)
      if (records.has(key)) return Result.fail(`the PAX record ${JSON.stringify(key.slice(0, 100))} appears twice`)
      records.set(key, value)
    }
    return Result.succeed(records)
  })

/** Cuts the body of a PAX header into its records. */
export const splitRecords = (
  body: ByteString.ByteString
): Result.Result<ReadonlyArray<readonly [key: ByteString.ByteString, value: ByteString.ByteString]>, string> => {
  const pairs: Array<readonly [ByteString.ByteString, ByteString.ByteString]> = []
  for (let at = 0; at < body.length;) {
    const blank = body.indexOf(" ", at)
    const digits = body.slice(at, blank < 0 || blank - at > 8 ? at : blank)
    const end = at + Number.parseInt(digits, 10)
    const equals = body.indexOf("=", blank)
    if (!/^[1-9][0-9]*$/.test(digits) || end > body.length || equals < 0 || equals >= end || body[end - 1] !== "\n") {
      return Result.fail("a PAX record is malformed")
    }
    const key = body.slice(blank + 1, equals)
    if (key.includes("\0")) return Result.fail("the name of a PAX record contains a NUL byte")
    pairs.push([key, body.slice(equals + 1, end - 1)])
    at = end
  }
  return Result.succeed(pairs)
}

/** Records that do not bear on the tree may stand; GNU.sparse and others that change the content may not. */
const isKnown = (key: string): boolean =>
  /^(?:path|linkpath|size|uid|gid|mtime|atime|ctime|uname|gname|comment)$/.test(key) ||
  (key.startsWith(xattrPrefix) && key.length > xattrPrefix.length)

const normalType = (type: string): string => type === "" ? typeFlag.regular : type

export const textAt = (block: Buffer, [at, size]: readonly [number, number]): ByteString.ByteString => {
  const text = block.toString("latin1", at, at + size)
  const end = text.indexOf("\0")
  return end < 0 ? text : text.slice(0, end)
}

const octalAt = (block: Buffer, place: readonly [number, number]): Result.Result<number, string> => {
  const text = textAt(block, place).trim()
  return /^[0-7]*$/.test(text)
    ? Result.succeed(text === "" ? 0 : Number.parseInt(text, 8))
    : Result.fail("a number in a header is not octal")
}

export const numberOf = (
  pax: PaxRecords,
  key: string,
  otherwise: Result.Result<number, string>
): Result.Result<number, string> => {
  const text = pax.get(key)
  if (text === undefined) return otherwise
  return /^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(Number(text))
    ? Result.succeed(Number(text))
    : Result.fail(`the PAX record ${key} is not a number`)
}

export const paxTime = (text: string): Result.Result<Timestamp, string> => {
  const match = /^(-?)([0-9]{1,19})(?:\.([0-9]{1,9})[0-9]{0,20})?$/.exec(text)
  if (match === null) return Result.fail("the PAX record mtime is not a time")
  const size = BigInt(match[2] ?? "") * 1_000_000_000n + BigInt((match[3] ?? "").padEnd(9, "0"))
  const total = match[1] === "-" ? -size : size
  const nanoseconds = ((total % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n
  return Result.succeed({ seconds: (total - nanoseconds) / 1_000_000_000n, nanoseconds: Number(nanoseconds) })
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

export const xattrsOf = (pax: PaxRecords): ReadonlyMap<string, Uint8Array> => {
  const xattrs = new Map<string, Uint8Array>()
  for (const [key, value] of pax) {
    if (key.startsWith(xattrPrefix)) {
      xattrs.set(ByteString.toText(key.slice(xattrPrefix.length)), ByteString.toBytes(value))
    }
  }
  return xattrs.size === 0 ? noXattrs : xattrs
}
