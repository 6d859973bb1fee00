/** One line of a dump: `PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT DIGEST [NAME=VALUE ...]`. */
import * as Schema from "effect/Schema"
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { fileType, typeMask } from "../fileType.ts"
import { maxFileSize, maxInlineSize, maxTargetSize, XattrBudget, xattrBudgetProblem, xattrProblem } from "../limits.ts"
import { PathReason } from "../paths.ts"
import { unescape } from "./escape.ts"

/** What can be wrong with a line. */
export const LineReason = Schema.Union([
  ...PathReason.members,
  Schema.TaggedStruct("InvalidField", { field: Schema.String, expected: Schema.String, actual: Schema.String }),
  Schema.TaggedStruct("LimitExceeded", { problem: Schema.String })
])

export type LineReason = typeof LineReason.Type

/** A reason and where in the line it was found, counted in bytes from 0. */
export interface Problem {
  readonly offset: number
  readonly reason: LineReason
}

export const isProblem = (value: Problem | ParsedLine): value is Problem => "reason" in value

export interface ParsedLine {
  readonly path: string
  readonly node: Node.Node
}

/** What lines have in common is parsed once per dump: times and whole sets of attributes repeat a lot. */
export interface Interned {
  readonly times: Map<string, Node.Timestamp>
  readonly xattrs: Map<string, ReadonlyMap<string, Uint8Array>>
}

const fieldNames = [
  "PATH",
  "SIZE",
  "MODE",
  "NLINK",
  "UID",
  "GID",
  "RDEV",
  "MTIME",
  "PAYLOAD",
  "CONTENT",
  "DIGEST"
] as const
type FieldName = (typeof fieldNames)[number]

/** No attribute list is longer than the largest attribute. */
const maxXattrText = 65535

export const parseLine = (line: ByteString.ByteString, interned: Interned, strict: boolean): ParsedLine | Problem => {
  if (line.includes("\0")) return { offset: line.indexOf("\0"), reason: invalid("line", "no NUL byte", "a NUL byte") }
  const fields = new Fields(line)
  const path = parsePath(fields)
  const node = parseNode(fields, interned, strict)
  return fields.problem ?? { path, node }
}

const invalid = (field: string, expected: string, actual: string): LineReason => ({
  _tag: "InvalidField",
  field,
  expected,
  actual: actual.slice(0, 100)
})

/** The fields of one line. The first problem sticks, and what is read after it does not matter. */
class Fields {
  problem: Problem | undefined
  readonly rest: ByteString.ByteString
  readonly restOffset: number
  readonly #texts: Array<ByteString.ByteString> = []

  constructor(line: ByteString.ByteString) {
    let at = 0
    while (this.#texts.length < fieldNames.length) {
      const end = line.indexOf(" ", at)
      this.#texts.push(end < 0 ? line.slice(at) : line.slice(at, end))
      at = end < 0 ? line.length : end + 1
      if (end < 0) break
    }
    this.rest = line.slice(at)
    this.restOffset = at
  }

  text(name: FieldName): ByteString.ByteString {
    return this.#texts[fieldNames.indexOf(name)] ?? ""
  }

  fail(name: FieldName, reason: LineReason): void {
    if (this.problem !== undefined) return
    const index = fieldNames.indexOf(name)
    const offset = this.#texts.slice(0, index).reduce((sum, text) => sum + text.length + 1, 0)
    this.problem = { offset, reason }
  }

  failRest(problem: LineReason): void {
    this.problem ??= { offset: this.restOffset, reason: problem }
  }

  bytes(name: FieldName): ByteString.ByteString {
    const text = this.text(name)
    const bytes = unescape(text)
    if (bytes === undefined) this.fail(name, invalid(name, "the escapes \\\\ \\n \\r \\t \\xHH", text))
    return bytes ?? ""
  }

  /** A field in which `-` means unset. */
  optional(name: FieldName): ByteString.ByteString | undefined {
    return this.text(name) === "-" ? undefined : this.bytes(name)
  }

  /** The formats' reference reader uses strtoull, which takes leading blanks and a sign and wraps around. */
  integer(name: FieldName): bigint {
    const text = this.text(name)
    const value = parseInteger(text)
    if (value === undefined) this.fail(name, invalid(name, "a decimal number below 2^64", text))
    return value ?? 0n
  }

  unsigned32(name: FieldName): number {
    const text = this.text(name)
    return smallNumber.test(text) ? Number(text) : Number(BigInt.asUintN(32, this.integer(name)))
  }
}

const smallNumber = /^[0-9]{1,9}$/
const signedNumber = /^[\t\v\f\r]*([+-]?)([0-9]{1,40})$/
const octalNumber = /^[\t\v\f\r]*([+-]?)([0-7]{1,22})$/

const parseInteger = (text: string): bigint | undefined => {
  const match = signedNumber.exec(text)
  if (match === null) return undefined
  const magnitude = BigInt(match[2] ?? "")
  if (magnitude >= 1n << 64n) return undefined
  return BigInt.asUintN(64, match[1] === "-" ? -magnitude : magnitude)
}

/** Paths need no leading slash, and runs of slashes collapse. */
const canonicalPath = (bytes: ByteString.ByteString): string => {
  const path = ByteString.toText(bytes)
  return path.startsWith("/") && !path.includes("//") ? path : `/${path}`.replace(/\/+/g, "/")
}

/** Ends a text where a C string would. */
const untilNul = (bytes: ByteString.ByteString): ByteString.ByteString => {
  const end = bytes.indexOf("\0")
  return end < 0 ? bytes : bytes.slice(0, end)
}

const parsePath = (fields: Fields): string => {
  const bytes = untilNul(fields.bytes("PATH"))
  if (bytes === "") fields.fail("PATH", { _tag: "InvalidPath", path: "", problem: "the path is empty" })
  const path = canonicalPath(bytes)
  if (path === "/" && bytes !== "/") {
    fields.fail("PATH", { _tag: "InvalidPath", path: ByteString.toText(bytes), problem: "a name is empty" })
  } else if (path !== "/" && path.endsWith("/")) {
    fields.fail("PATH", { _tag: "InvalidPath", path, problem: "a path does not end with a slash" })
  }
  return path
}

const parseNode = (fields: Fields, interned: Interned, strict: boolean): Node.Node => {
  const text = fields.text("MODE")
  const isLink = text.startsWith("@")
  const match = octalNumber.exec(isLink ? text.slice(1) : text)
  if (match === null) fields.fail("MODE", invalid("MODE", "an octal number, for a hard link after @", text))
  // Only the low 16 bits count. They are the last six digits, so no precision is lost.
  const digits = Number.parseInt((match?.[2] ?? "0").slice(-6), 8)
  const mode = (match?.[1] === "-" ? -digits : digits) & 0xffff
  return isLink ? parseHardLink(fields, mode) : parseInode(fields, mode, interned, strict)
}

/** All other fields of a hard link describe its target and are not read. */
const parseHardLink = (fields: Fields, mode: number): Node.HardLink => {
  if ((mode & typeMask) === fileType.directory) {
    fields.fail("MODE", invalid("MODE", "a hard link to anything but a directory", fields.text("MODE")))
  }
  if (!Object.values<number>(fileType).includes(mode & typeMask)) failFileType(fields)
  const payload = fields.optional("PAYLOAD")
  if (payload === undefined) fields.fail("PAYLOAD", invalid("PAYLOAD", "the path of the link's target", "nothing"))
  // An empty path leads to the root, as "/" does.
  return Node.hardLink(canonicalPath(untilNul(payload ?? "")))
}

const parseInode = (fields: Fields, mode: number, interned: Interned, strict: boolean): Node.Inode => {
  const size = parseSize(fields)
  const nlink = fields.unsigned32("NLINK")
  const options = {
    mode: mode & 0o7777,
    nlink,
    uid: fields.unsigned32("UID"),
    gid: fields.unsigned32("GID"),
    mtime: parseTime(fields, interned),
    xattrs: parseXattrs(fields, interned)
  }
  const rdev = fields.unsigned32("RDEV")
  const payload = parsePayload(fields)
  const content = parseContent(fields, size)
  const isExternal = (mode & typeMask) === fileType.regular && size > 0n && content === undefined
  const digest = parseDigest(fields, isExternal)
  if (strict) checkStrictly(fields, mode, { size, content, payload })
  switch (mode & typeMask) {
    case fileType.directory:
      return Node.directory(new Map(), options)
    case fileType.regular:
      return isExternal
        ? parseExternalFile(fields, size, digest, payload, options)
        : Node.inlineFile(ByteString.toBytes(content ?? ""), options)
    case fileType.symlink:
      if (payload === "") fields.fail("PAYLOAD", invalid("PAYLOAD", "the target of the symbolic link", "nothing"))
      return Node.symlink(ByteString.toText(payload), options)
    case fileType.fifo:
      return Node.fifo({ ...options, size: Number(size) })
    case fileType.socket:
      return Node.socket({ ...options, size: Number(size) })
    case fileType.characterDevice:
      return Node.characterDevice(rdev, { ...options, size: Number(size) })
    case fileType.blockDevice:
      return Node.blockDevice(rdev, { ...options, size: Number(size) })
    default:
      failFileType(fields)
      return Node.fifo()
  }
}

const failFileType = (fields: Fields): void =>
  fields.fail("MODE", invalid("MODE", "a mode with a file type, such as 100644 or 40755", fields.text("MODE")))

const parseSize = (fields: Fields): bigint => {
  const text = fields.text("SIZE")
  // strtoull would wrap a negative size around to an enormous one.
  if (text.includes("-")) fields.fail("SIZE", invalid("SIZE", "a number of bytes", text))
  return fields.integer("SIZE")
}

const parseTime = (fields: Fields, interned: Interned): Node.Timestamp => {
  const text = fields.text("MTIME")
  const known = interned.times.get(text)
  if (known !== undefined) return known
  const dot = text.indexOf(".")
  const seconds = dot < 0 ? undefined : parseInteger(text.slice(0, dot))
  const nanoseconds = dot < 0 ? undefined : parseInteger(text.slice(dot + 1))
  if (seconds === undefined || nanoseconds === undefined) {
    fields.fail("MTIME", invalid("MTIME", "seconds, a dot, nanoseconds", text))
    return Node.epoch
  }
  const time = { seconds: BigInt.asIntN(64, seconds), nanoseconds: Number(BigInt.asUintN(32, nanoseconds)) }
  interned.times.set(text, time)
  return time
}

const parsePayload = (fields: Fields): ByteString.ByteString => {
  const payload = untilNul(fields.optional("PAYLOAD") ?? "")
  if (payload.length > maxTargetSize) {
    fields.fail("PAYLOAD", {
      _tag: "LimitExceeded",
      problem: `PAYLOAD has ${payload.length} bytes, at most ${maxTargetSize} are allowed`
    })
  }
  return payload
}

const parseContent = (fields: Fields, size: bigint): ByteString.ByteString | undefined => {
  const content = fields.optional("CONTENT")
  if (content === undefined) return undefined
  if (content.length > maxInlineSize) {
    fields.fail("CONTENT", {
      _tag: "LimitExceeded",
      problem: `CONTENT has ${content.length} bytes inline, at most ${maxInlineSize} are allowed`
    })
  }
  if (BigInt(content.length) !== size) {
    fields.fail("CONTENT", invalid("CONTENT", `as many bytes as SIZE says, ${size}`, `${content.length} bytes`))
  }
  return content.length === 0 ? undefined : content
}

const digestPattern = /^(?:[0-9a-fA-F]{64}){1,2}$/

const parseDigest = (fields: Fields, matters: boolean): string | undefined => {
  const text = fields.optional("DIGEST")
  if (text === undefined) return undefined
  // A line may end early where the digest does not matter.
  if (text === "" && !matters) return undefined
  if (!digestPattern.test(text)) {
    fields.fail("DIGEST", invalid("DIGEST", "64 or 128 hex digits, or -", text === "" ? "nothing" : text))
  }
  return text.toLowerCase()
}

const parseExternalFile = (
  fields: Fields,
  size: bigint,
  digest: string | undefined,
  payload: ByteString.ByteString,
  options: Node.MetadataOptions & { readonly nlink: number }
): Node.ExternalFile => {
  if (size > BigInt(maxFileSize)) {
    fields.fail("SIZE", { _tag: "LimitExceeded", problem: `SIZE is ${size}, at most ${maxFileSize} is allowed` })
  }
  return {
    ...Node.externalFile({ size: Number(size), digest }, options),
    payload: payload === "" ? undefined : ByteString.toText(payload)
  }
}

const checkStrictly = (
  fields: Fields,
  mode: number,
  line: {
    readonly size: bigint
    readonly content: ByteString.ByteString | undefined
    readonly payload: ByteString.ByteString
  }
): void => {
  const type = mode & typeMask
  const isDevice = type === fileType.characterDevice || type === fileType.blockDevice
  if (!isDevice && fields.integer("RDEV") !== 0n) {
    fields.fail("RDEV", invalid("RDEV", "0 for anything but a device", fields.text("RDEV")))
  }
  if (type !== fileType.symlink) return
  if (line.content !== undefined) {
    fields.fail("CONTENT", invalid("CONTENT", "- for a symbolic link", fields.text("CONTENT")))
  }
  if (line.size !== BigInt(line.payload.length)) {
    fields.fail("SIZE", invalid("SIZE", `the length of the link's target, ${line.payload.length}`, String(line.size)))
  }
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

const parseXattrs = (fields: Fields, interned: Interned): ReadonlyMap<string, Uint8Array> => {
  const text = fields.rest
  if (text === "") return noXattrs
  const known = interned.xattrs.get(text)
  if (known !== undefined) return known
  if (text.length > maxXattrText) {
    fields.failRest({
      _tag: "LimitExceeded",
      problem: `the extended attributes take ${text.length} bytes of text, at most ${maxXattrText} are allowed`
    })
    return noXattrs
  }
  const xattrs = new Map<string, Uint8Array>()
  const budget = new XattrBudget()
  for (const token of (text.endsWith(" ") ? text.slice(0, -1) : text).split(" ")) {
    const reason = addXattr(xattrs, budget, token)
    if (reason !== undefined) {
      fields.failRest(reason)
      return noXattrs
    }
  }
  interned.xattrs.set(text, xattrs)
  return xattrs
}

const addXattr = (
  xattrs: Map<string, Uint8Array>,
  budget: XattrBudget,
  token: ByteString.ByteString
): LineReason | undefined => {
  const equals = token.indexOf("=")
  if (equals < 0) return invalid("xattr", "NAME=VALUE", token === "" ? "nothing" : token)
  const name = unescape(token.slice(0, equals))
  const value = unescape(token.slice(equals + 1))
  if (name === undefined || value === undefined) return invalid("xattr", "the escapes \\\\ \\n \\r \\t \\xHH", token)
  const key = untilNul(name)
  const problem = xattrProblem(key, value.length)
  if (problem !== undefined) return { _tag: "LimitExceeded", problem }
  const text = ByteString.toText(key)
  const replaced = xattrs.get(text)
  const others = xattrs.size - (replaced === undefined ? 0 : 1)
  if (!budget.set(key, value.length, others, replaced?.length)) {
    return { _tag: "LimitExceeded", problem: xattrBudgetProblem }
  }
  xattrs.set(text, ByteString.toBytes(value))
  return undefined
}
