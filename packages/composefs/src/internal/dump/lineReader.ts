/**
 * Reads lines of a dump into a table, one entry from each:
 * `PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT DIGEST [NAME=VALUE ...]`. Reference §2.1.
 */
import * as ByteString from "../byteString.ts"
import { Redirects } from "../erofs/redirect.ts"
import { fileType, isFileType, typeMask } from "../fileType.ts"
import { maxFileSize, maxInlineSize, maxTargetSize } from "../limits.ts"
import type { PathReason } from "../paths.ts"
import { copyBytes } from "../table/byteArena.ts"
import { type EntryTable, rootEntry } from "../table/entryTable.ts"
import { FieldReader, linkFlag } from "./fields.ts"
import { PathStack, pathText } from "./pathStack.ts"
import { exceeded, invalid, type LineReason, type Located, maxLineSize } from "./reason.ts"
import { hexByte } from "./unescape.ts"
import { XattrReader } from "./xattrs.ts"

const slash = 0x2f
const sha256Digits = 64
const sha512Digits = 128

export class LineReader {
  readonly #table: EntryTable
  readonly #strict: boolean
  readonly #paths: PathStack
  readonly #redirects: Redirects
  readonly #xattrs: XattrReader
  readonly #scratch = new Uint8Array(maxLineSize)
  /** A slash and the PAYLOAD that was read last. */
  readonly #payload = new Uint8Array(1 + maxLineSize).fill(slash, 0, 1)
  #payloadSize = 0
  /** The line that was read last, from 1. */
  line = 0

  constructor(table: EntryTable, strict: boolean) {
    this.#table = table
    this.#strict = strict
    this.#paths = new PathStack(table)
    this.#redirects = new Redirects(table)
    this.#xattrs = new XattrReader(table)
  }

  /** Reads a block of whole lines; the last of all may lack its newline. */
  read(block: Uint8Array): Located | undefined {
    const fields = new FieldReader(block)
    while (fields.hasLine) {
      fields.startLine()
      this.line++
      this.#readLine(fields)
      fields.endLine()
      if (fields.problem !== undefined) {
        return { line: this.line, column: fields.problemOffset + 1, reason: fields.problem }
      }
    }
    return undefined
  }

  #readLine(fields: FieldReader): void {
    const entry = this.#readPath(fields)
    if (entry < 0) return
    const sizeOffset = fields.offset
    const plainSize = fields.plainSize()
    const modeOffset = fields.offset
    const mode = fields.mode("MODE")
    const untyped = isFileType(mode) ? undefined : fields.text()
    const isLink = (mode & linkFlag) !== 0
    const isDirectory = (mode & typeMask) === fileType.directory
    if (entry === rootEntry && (isLink || !isDirectory)) {
      fields.fail({ _tag: "InvalidPath", path: "/", problem: "the root must be a directory" }, 0)
    }
    if (isLink) {
      if (isDirectory) fields.fail(invalid("MODE", "a hard link to anything but a directory", fields.text()))
      if (untyped !== undefined) fields.fail(noFileType(untyped))
      return this.#readLinkTarget(fields, entry)
    }
    this.#table.mode[entry] = mode
    if (isDirectory && entry !== rootEntry) this.#paths.enter(entry)
    this.#readNumbers(fields, entry)
    this.#readData(fields, entry, plainSize < 0 ? fields.sizeAt(sizeOffset, "SIZE") : plainSize, sizeOffset)
    fields.rest()
    this.#table.xattrs[entry] = this.#xattrs.read(fields.bytes, fields.from, fields.to)
    if (this.#xattrs.problem !== undefined) fields.fail(this.#xattrs.problem)
    if (untyped !== undefined) fields.fail(noFileType(untyped), modeOffset)
  }

  /** Adds the entry of a path. */
  #readPath(fields: FieldReader): number {
    fields.cString("PATH", this.#scratch)
    const { bytes, from, to } = fields
    if (from === to) return failPath(fields, { _tag: "InvalidPath", path: "", problem: "the path is empty" })
    if (to - from === 1 && bytes[from] === slash) {
      if (this.#table.count > 0) return failPath(fields, { _tag: "DuplicatePath", path: "/" })
      this.#table.addRoot()
      return rootEntry
    }
    const problem = this.#table.count === 0
      ? { _tag: "MissingParent", path: pathText(bytes, from, to) } as const
      : this.#paths.find(bytes, from, to)
    if (problem !== undefined) return failPath(fields, problem)
    const entry = this.#table.add(this.#paths.directory, bytes, this.#paths.nameFrom, to)
    return entry < 0 ? failPath(fields, { _tag: "DuplicatePath", path: pathText(bytes, from, to) }) : entry
  }

  /** All other fields of a hard link describe its target and are not read. */
  #readLinkTarget(fields: FieldReader, entry: number): void {
    fields.skip(5)
    if (!fields.optionalCString("PAYLOAD", this.#scratch)) {
      fields.fail(invalid("PAYLOAD", "the path of the link's target", "nothing"))
    }
    const target = ByteString.toArray(
      ByteString.fromText(pathText(fields.bytes, fields.from, fields.to).replace(/(?<=.)\/$/, ""))
    )
    this.#table.setData(entry, target, 0, target.length)
  }

  #readNumbers(fields: FieldReader, entry: number): void {
    const table = this.#table
    table.nlink[entry] = fields.unsigned32("NLINK")
    table.uid[entry] = fields.unsigned32("UID")
    table.gid[entry] = fields.unsigned32("GID")
    const rdev = fields.unsigned32("RDEV")
    if (table.isDevice(entry)) table.rdev[entry] = rdev
    else if (this.#strict && (rdev !== 0 || fields.hasWrapped)) {
      fields.fail(invalid("RDEV", "0 for anything but a device", fields.hasWrapped ? "2^32 or more" : String(rdev)))
    }
    fields.time("MTIME")
    table.secondsHigh[entry] = fields.secondsHigh
    table.secondsLow[entry] = fields.secondsLow
    table.nanoseconds[entry] = fields.nanoseconds
  }

  #readData(fields: FieldReader, entry: number, size: number, sizeOffset: number): void {
    const table = this.#table
    const type = table.typeOf(entry)
    table.size[entry] = size
    this.#readPayload(fields)
    if (type === fileType.symlink) this.#setTarget(fields, entry, size, sizeOffset)
    const hasContent = this.#readContent(fields, entry, size)
    const isExternal = type === fileType.regular && size > 0 && !hasContent
    if (isExternal) this.#setExternal(fields, entry, size, sizeOffset)
    this.#readDigest(fields, entry, isExternal)
  }

  #readPayload(fields: FieldReader): void {
    const isSet = fields.optionalCString("PAYLOAD", this.#scratch)
    const size = isSet ? fields.to - fields.from : 0
    if (size > maxTargetSize) {
      fields.fail(exceeded(`PAYLOAD has ${size} bytes, at most ${maxTargetSize} are allowed`))
    }
    this.#payloadSize = Math.min(size, maxTargetSize)
    copyBytes(fields.bytes, fields.from, fields.from + this.#payloadSize, this.#payload, 1)
  }

  /** What SIZE says of a symbolic link does not count. */
  #setTarget(fields: FieldReader, entry: number, size: number, sizeOffset: number): void {
    const length = this.#payloadSize
    if (length === 0) fields.fail(invalid("PAYLOAD", "the target of the symbolic link", "nothing"))
    this.#table.size[entry] = length
    this.#table.setData(entry, this.#payload, 1, 1 + length)
    if (this.#strict && size !== length) {
      fields.fail(invalid("SIZE", `the length of the link's target, ${length}`, String(size)), sizeOffset)
    }
  }

  /** Tells whether there is content, which only regular files keep. */
  #readContent(fields: FieldReader, entry: number, size: number): boolean {
    if (!fields.optionalBytes("CONTENT", this.#scratch)) return false
    const length = fields.to - fields.from
    const type = this.#table.typeOf(entry)
    if (length > maxInlineSize && type !== fileType.symlink) {
      fields.fail(exceeded(`CONTENT has ${length} bytes inline, at most ${maxInlineSize} are allowed`))
    }
    if (length !== size) {
      fields.fail(invalid("CONTENT", `as many bytes as SIZE says, ${size}`, `${length} bytes`))
    }
    if (this.#strict && length > 0 && type === fileType.symlink) {
      fields.fail(invalid("CONTENT", "- for a symbolic link", fields.text()))
    }
    if (type === fileType.regular && length <= maxInlineSize) {
      this.#table.setData(entry, fields.bytes, fields.from, fields.to)
    }
    return length > 0
  }

  #setExternal(fields: FieldReader, entry: number, size: number, sizeOffset: number): void {
    if (size > maxFileSize) {
      fields.fail(exceeded(`SIZE is ${size}, at most ${maxFileSize} is allowed`), sizeOffset)
    }
    this.#redirects.setExternal(entry)
    if (this.#payloadSize > 0) this.#redirects.setPlace(entry, this.#payload, 1 + this.#payloadSize)
  }

  #readDigest(fields: FieldReader, entry: number, matters: boolean): void {
    if (!fields.optionalCString("DIGEST", this.#scratch) || !matters) return
    const { bytes, from, to } = fields
    const digits = to - from
    const digest = this.#redirects.digest
    let isDigest = digits === sha256Digits || digits === sha512Digits
    for (let at = from; at < to && isDigest; at += 2) {
      const byte = hexByte(bytes[at] ?? 0, bytes[at + 1] ?? 0)
      isDigest = byte >= 0
      digest[(at - from) / 2] = byte
    }
    if (isDigest) this.#redirects.setDigest(entry, digits / 2)
    else fields.fail(invalid("DIGEST", "64 or 128 hex digits, or -", digits === 0 ? "nothing" : fields.text()))
  }
}

const noFileType = (mode: string): LineReason =>
  invalid("MODE", "a mode with a file type, such as 100644 or 40755", mode)

const failPath = (fields: FieldReader, reason: PathReason): number => {
  fields.fail(reason)
  return -1
}
