/**
 * Reads lines of a dump into a table, one entry from each:
 * `PATH SIZE MODE NLINK UID GID RDEV MTIME PAYLOAD CONTENT DIGEST [NAME=VALUE ...]`. Reference §2.1.
 */
import * as ByteString from "../byteString.ts"
import { Redirects } from "../erofs/redirect.ts"
import { fileType, isFileType, typeMask } from "../fileType.ts"
import { maxFileSize, maxInlineSize, maxTargetSize } from "../limits.ts"
import { type EntryTable, rootEntry } from "../table/entryTable.ts"
import { FieldReader, linkFlag } from "./fields.ts"
import { canonicalPath, PathStack } from "./pathStack.ts"
import { exceeded, invalid, type LineReason, type Located } from "./reason.ts"
import { hexByte } from "./unescape.ts"
import { XattrReader } from "./xattrs.ts"

const slash = 0x2f
const sha256Digits = 64
const sha512Digits = 128

export class LineReader {
  /** The line that was read last, from 1. */
  line = 0
  readonly #table: EntryTable
  readonly #strict: boolean
  readonly #fields: FieldReader
  readonly #paths: PathStack
  readonly #redirects: Redirects
  readonly #xattrs: XattrReader

  constructor(table: EntryTable, strict: boolean) {
    this.#table = table
    this.#strict = strict
    this.#fields = new FieldReader(table.arena)
    this.#paths = new PathStack(table)
    this.#redirects = new Redirects(table)
    this.#xattrs = new XattrReader(table)
  }

  /** Reads a block of whole lines in the table's arena; the last of all may lack its newline. */
  read(from: number, to: number): Located | undefined {
    const fields = this.#fields
    fields.open(from, to)
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
    if (!this.#readPath(fields)) return
    const { entry } = this.#paths
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
    if (isDirectory && entry !== rootEntry) this.#paths.enter()
    this.#readNumbers(fields, entry)
    this.#readData(fields, entry, plainSize < 0 ? fields.sizeAt(sizeOffset, "SIZE") : plainSize, sizeOffset)
    fields.rest()
    this.#table.xattrs[entry] = this.#xattrs.read(fields.from, fields.to)
    if (this.#xattrs.problem !== undefined) {
      fields.fail(this.#xattrs.problem, fields.offsetOf(this.#xattrs.problemAt))
    }
    if (untyped !== undefined) fields.fail(noFileType(untyped), modeOffset)
  }

  /** Adds the entry of a path. */
  #readPath(fields: FieldReader): boolean {
    fields.cString("PATH")
    const problem = fields.from === fields.to
      ? { _tag: "InvalidPath", path: "", problem: "the path is empty" } as const
      : this.#paths.add(fields.from, fields.to)
    if (problem !== undefined) fields.fail(problem)
    return problem === undefined
  }

  /** All other fields of a hard link describe its target and are not read. */
  #readLinkTarget(fields: FieldReader, entry: number): void {
    fields.skip(5)
    if (!fields.optionalCString("PAYLOAD")) {
      fields.fail(invalid("PAYLOAD", "the path of the link's target", "nothing"))
    }
    const target = canonicalPath(fields.text()).replace(/(?<=.)\/$/, "")
    this.#table.setDataBytes(entry, ByteString.toArray(target), 0, target.length)
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
    // More is no exact number; of what a device claims to have, only that it is more than 32 bits matters.
    table.size[entry] = Math.min(size, maxFileSize)
    const payloadSize = this.#readPayload(fields)
    const payloadFrom = fields.from
    if (type === fileType.symlink) this.#setTarget(fields, entry, payloadSize, size, sizeOffset)
    const hasContent = this.#readContent(fields, entry, size)
    const isExternal = type === fileType.regular && size > 0 && !hasContent
    if (isExternal) {
      if (size > maxFileSize) {
        fields.fail(exceeded(`SIZE is ${size}, at most ${maxFileSize} is allowed`), sizeOffset)
      }
      this.#redirects.setExternal(entry)
      if (payloadSize > 0) this.#setPlace(entry, payloadFrom, payloadFrom + payloadSize)
    }
    this.#readDigest(fields, entry, isExternal)
  }

  #readPayload(fields: FieldReader): number {
    const size = fields.optionalCString("PAYLOAD") ? fields.to - fields.from : 0
    if (size > maxTargetSize) {
      fields.fail(exceeded(`PAYLOAD has ${size} bytes, at most ${maxTargetSize} are allowed`))
    }
    return size
  }

  /** The place in the store is the payload behind a slash, for which there is room where the blank was. */
  #setPlace(entry: number, from: number, to: number): void {
    this.#table.arena.bytes[from - 1] = slash
    this.#redirects.setPlace(entry, from - 1, to)
  }

  /** What SIZE says of a symbolic link does not count. */
  #setTarget(fields: FieldReader, entry: number, length: number, size: number, sizeOffset: number): void {
    if (length === 0) fields.fail(invalid("PAYLOAD", "the target of the symbolic link", "nothing"))
    this.#table.size[entry] = length
    this.#table.setData(entry, fields.from, fields.from + length)
    if (this.#strict && size !== length) {
      fields.fail(invalid("SIZE", `the length of the link's target, ${length}`, String(size)), sizeOffset)
    }
  }

  /** Tells whether there is content, which only regular files keep. */
  #readContent(fields: FieldReader, entry: number, size: number): boolean {
    if (!fields.optionalBytes("CONTENT")) return false
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
    if (type === fileType.regular) this.#table.setData(entry, fields.from, fields.to)
    return length > 0
  }

  #readDigest(fields: FieldReader, entry: number, matters: boolean): void {
    if (!fields.optionalCString("DIGEST") || !matters) return
    const { bytes } = this.#table.arena
    const { digest } = this.#redirects
    const digits = fields.to - fields.from
    let isDigest = digits === sha256Digits || digits === sha512Digits
    for (let at = 0; at < digits / 2 && isDigest; at++) {
      const byte = hexByte(bytes[fields.from + 2 * at] ?? 0, bytes[fields.from + 2 * at + 1] ?? 0)
      isDigest = byte >= 0
      digest[at] = byte
    }
    if (isDigest) this.#redirects.setDigest(entry, digits / 2)
    else fields.fail(invalid("DIGEST", "64 or 128 hex digits, or -", digits === 0 ? "nothing" : fields.text()))
  }
}

const noFileType = (mode: string): LineReason =>
  invalid("MODE", "a mode with a file type, such as 100644 or 40755", mode)
