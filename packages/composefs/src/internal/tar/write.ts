/** Writes tar headers. The same entry always gives the same bytes: no names of owners, no times but the file's. */
import type { Timestamp } from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { blockSize, checksum, field, magic, padding, typeFlag, xattrPrefix } from "./format.ts"

export interface TarEntry {
  readonly path: ByteString.ByteString
  readonly type: string
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly size: number
  readonly mtime: Timestamp
  readonly linkPath: ByteString.ByteString
  readonly devMajor: number
  readonly devMinor: number
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}

/** The header of an entry, with a PAX header before it where ustar has no room. */
export const header = (entry: TarEntry): Uint8Array => {
  const records = paxRecords(entry)
  const own = ustar({
    ...entry,
    uid: fits(entry.uid, field.uid) ? entry.uid : 0,
    gid: fits(entry.gid, field.gid) ? entry.gid : 0,
    size: fits(entry.size, field.size) ? entry.size : 0,
    seconds: fitsTime(entry.mtime) ? Number(entry.mtime.seconds) : 0
  })
  return records === "" ? own : Buffer.concat([paxHeader(records), own])
}

const paxHeader = (records: ByteString.ByteString): Uint8Array => {
  const own = ustar({
    path: "././@PaxHeader",
    type: typeFlag.pax,
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: records.length,
    seconds: 0,
    linkPath: "",
    devMajor: 0,
    devMinor: 0
  })
  return Buffer.concat([own, ByteString.toBytes(records), new Uint8Array(padding(records.length))])
}

const ustar = (
  entry: Omit<TarEntry, "mtime" | "xattrs"> & { readonly seconds: number }
): Buffer => {
  const block = Buffer.alloc(blockSize)
  const text = ([at, size]: readonly [number, number], value: ByteString.ByteString) =>
    block.write(value.slice(0, size), at, "latin1")
  const octal = ([at, size]: readonly [number, number], value: number) =>
    block.write(value.toString(8).padStart(size - 1, "0"), at, "latin1")
  text(field.name, entry.path)
  octal(field.mode, entry.mode)
  octal(field.uid, entry.uid)
  octal(field.gid, entry.gid)
  octal(field.size, entry.size)
  octal(field.mtime, entry.seconds)
  text(field.typeFlag, entry.type)
  text(field.linkName, entry.linkPath)
  text(field.magic, magic)
  octal(field.devMajor, entry.devMajor)
  octal(field.devMinor, entry.devMinor)
  // Six digits, a NUL and a blank, as every tar writes it.
  block.write(`${checksum(block).toString(8).padStart(6, "0")}\0 `, field.checksum[0], "latin1")
  return block
}

const fits = (value: number, [, size]: readonly [number, number]): boolean => value < 8 ** (size - 1)

const fitsTime = ({ nanoseconds, seconds }: Timestamp): boolean =>
  nanoseconds === 0 && seconds >= 0n && fits(Number(seconds), field.mtime)

const paxRecords = (entry: TarEntry): ByteString.ByteString => {
  let records = ""
  if (entry.path.length > field.name[1]) records += paxRecord("path", entry.path)
  if (entry.linkPath.length > field.linkName[1]) records += paxRecord("linkpath", entry.linkPath)
  if (!fits(entry.size, field.size)) records += paxRecord("size", String(entry.size))
  if (!fits(entry.uid, field.uid)) records += paxRecord("uid", String(entry.uid))
  if (!fits(entry.gid, field.gid)) records += paxRecord("gid", String(entry.gid))
  if (!fitsTime(entry.mtime)) records += paxRecord("mtime", paxTime(entry.mtime))
  const xattrs = Array.from(entry.xattrs, ([name, value]) => [ByteString.fromText(name), value] as const)
  for (const [name, value] of xattrs.sort(([left], [right]) => ByteString.compare(left, right))) {
    records += paxRecord(xattrPrefix + name, ByteString.fromBytes(value))
  }
  return records
}

/** "LENGTH KEY=VALUE\n", where the length counts its own digits. */
const paxRecord = (key: ByteString.ByteString, value: ByteString.ByteString): ByteString.ByteString => {
  const rest = ` ${key}=${value}\n`
  const guess = rest.length + String(rest.length).length
  const length = rest.length + String(guess).length
  return `${length}${rest}`
}

/** Decimal seconds: time counts backwards before the epoch, nanoseconds always forwards. */
const paxTime = ({ nanoseconds, seconds }: Timestamp): string => {
  const total = seconds * 1_000_000_000n + BigInt(nanoseconds)
  const size = total < 0n ? -total : total
  const fraction = String(size % 1_000_000_000n).padStart(9, "0").replace(/0+$/, "")
  return `${total < 0n ? "-" : ""}${size / 1_000_000_000n}${fraction === "" ? "" : `.${fraction}`}`
}
