/**
 * The fields of a dump's lines, one after the other, where they stand in an arena. The first problem of a line sticks,
 * and what is read after it does not matter. No string is made but for what is wrong or odd.
 */
import * as ByteString from "../byteString.ts"
import type { ByteArena } from "../table/byteArena.ts"
import { invalid, type LineReason, lineTooLong, maxLineSize } from "./reason.ts"
import { unescapeBytes } from "./unescape.ts"

const newline = 0x0a
const blank = 0x20
const dash = 0x2d
const dot = 0x2e
const zero = 0x30
const atSign = 0x40
const backslash = 0x5c

export class FieldReader {
  problem: LineReason | undefined
  /** Where in the line the problem is, in bytes from 0. */
  problemOffset = 0
  /** Where the field that was read last is, unless it was a number. */
  from = 0
  to = 0
  /** What {@link time} read: 64 and 32 bits. */
  secondsHigh = 0
  secondsLow = 0
  nanoseconds = 0
  /** Whether {@link unsigned32} read more than fits. */
  hasWrapped = false
  readonly #arena: ByteArena
  #at = 0
  #end = 0
  #lineStart = 0
  #fieldStart = 0

  constructor(arena: ByteArena) {
    this.#arena = arena
  }

  /** Starts to read a block of whole lines; the last of all may lack its newline. */
  open(from: number, to: number): void {
    this.#at = from
    this.#end = to
  }

  get hasLine(): boolean {
    return this.#at < this.#end
  }

  startLine(): void {
    this.#lineStart = this.#at
  }

  /** Goes behind the newline. */
  endLine(): void {
    this.rest()
    if (this.#at - this.#lineStart > maxLineSize) {
      this.problem = lineTooLong
      this.problemOffset = maxLineSize
    }
    this.#at++
  }

  /** Fails at the start of the field that was read last, or at another place in the line. */
  fail(reason: LineReason, offset: number = this.#fieldStart - this.#lineStart): void {
    if (this.problem !== undefined) return
    this.problem = reason
    this.problemOffset = offset
  }

  skip(fields: number): void {
    for (let count = 0; count < fields; count++) this.#scan(blank)
  }

  /** A field whose escapes are undone in place. It ends where a C string would. */
  cString(name: string): void {
    if (this.#scan(blank)) this.#unescape(name, true)
  }

  /** The same where a lone `-` means unset: then it is false. */
  optionalCString(name: string): boolean {
    if (!this.#scan(blank)) return !this.#isDash()
    this.#unescape(name, true)
    return true
  }

  /** A field of any bytes whose escapes are undone in place. */
  optionalBytes(name: string): boolean {
    if (!this.#scan(blank)) return !this.#isDash()
    this.#unescape(name, false)
    return true
  }

  /** All that is left of the line, as it is. */
  rest(): void {
    this.#scan(newline)
  }

  /** The text of the field that was read last. */
  text(): string {
    return ByteString.fromBytes(this.#arena.bytes.subarray(this.from, this.to))
  }

  /** A number of 32 bits; larger and negative ones wrap around. */
  unsigned32(name: string): number {
    const plain = this.#plainNumber(blank)
    const value = plain >= 0 ? plain : this.#integer(name)
    const wrapped = typeof value === "number" ? value >>> 0 : Number(BigInt.asUintN(32, value))
    this.hasWrapped = typeof value === "number" ? wrapped !== value : BigInt(wrapped) !== value
    return wrapped
  }

  /** A number of bytes, or -1 for what must be read again because only the next field tells whether it matters. */
  plainSize(): number {
    const size = this.#plainNumber(blank)
    if (size < 0) this.#scan(blank)
    return size
  }

  /** Reads a number of bytes that was not plain; `offset` is where the field starts in the line. */
  sizeAt(offset: number, name: string): number {
    const at = this.#at
    this.#at = this.#lineStart + offset
    const size = this.#integer(name)
    // strtoull would wrap a negative size around to an enormous one.
    if (this.text().includes("-")) this.fail(invalid(name, "a number of bytes", this.text()))
    this.#at = at
    // One number past what is exact is rounded down to it.
    return size > BigInt(Number.MAX_SAFE_INTEGER) + 1n ? Math.max(Number(size), 2 ** 53 + 2) : Number(size)
  }

  /** Where the next field starts in the line. */
  get offset(): number {
    return this.#at - this.#lineStart
  }

  /** Of a place in the arena, the one in the line. */
  offsetOf(place: number): number {
    return place - this.#lineStart
  }

  /** Seconds, a dot, nanoseconds. */
  time(name: string): void {
    const start = this.#at
    const seconds = this.#plainNumber(dot)
    const nanoseconds = seconds < 0 ? -1 : this.#plainNumber(blank)
    if (nanoseconds < 0) {
      this.#at = start
      this.#oddTime(name)
    } else {
      this.secondsHigh = Math.floor(seconds / 2 ** 32)
      this.secondsLow = seconds >>> 0
      this.nanoseconds = nanoseconds >>> 0
    }
  }

  /** An octal number of which the low 16 bits count, behind an `@` or not: then the seventeenth is set. */
  mode(name: string): number {
    this.#scan(blank)
    const { bytes } = this.#arena
    const isLink = this.from < this.to && bytes[this.from] === atSign
    let mode = 0
    let at = this.from + (isLink ? 1 : 0)
    const digits = this.to - at
    for (; at < this.to; at++) {
      const digit = (bytes[at] ?? 0) - zero
      if (digit < 0 || digit > 7) break
      mode = ((mode << 3) | digit) & 0xffff
    }
    if (at < this.to || digits < 1 || digits > maxPlainDigits) mode = this.#oddMode(name, isLink)
    return isLink ? mode | linkFlag : mode
  }

  #oddMode(name: string, isLink: boolean): number {
    const text = this.text()
    const mode = parseInteger(isLink ? text.slice(1) : text, octal)
    if (mode === undefined) this.fail(invalid(name, "an octal number, for a hard link after @", text))
    return Number(BigInt.asUintN(16, mode ?? 0n))
  }

  #oddTime(name: string): void {
    this.#scan(blank)
    const text = this.text()
    const end = text.indexOf(".")
    const seconds = parseInteger(text.slice(0, Math.max(end, 0)), decimal)
    const nanoseconds = parseInteger(text.slice(end + 1), decimal)
    if (seconds === undefined || nanoseconds === undefined) {
      this.fail(invalid(name, "seconds, a dot, nanoseconds", text))
      return
    }
    this.secondsHigh = Number(BigInt.asIntN(32, seconds >> 32n))
    this.secondsLow = Number(BigInt.asUintN(32, seconds))
    this.nanoseconds = Number(BigInt.asUintN(32, nanoseconds))
  }

  #integer(name: string): bigint {
    this.#scan(blank)
    const value = parseInteger(this.text(), decimal)
    if (value === undefined) this.fail(invalid(name, "a decimal number below 2^64", this.text()))
    return value ?? 0n
  }

  /** Reads a number of digits only, which is almost every number; otherwise reads nothing and gives -1. */
  #plainNumber(end: number): number {
    const { bytes } = this.#arena
    const limit = this.#end
    let at = this.#at
    let value = 0
    for (; at < limit; at++) {
      const digit = (bytes[at] ?? 0) - zero
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    const digits = at - this.#at
    if (digits === 0 || digits > maxPlainDigits) return -1
    const next = at < limit ? bytes[at] : newline
    if (next !== end && (next !== newline || end !== blank)) return -1
    this.#fieldStart = this.#at
    this.#at = next === end ? at + 1 : at
    return value
  }

  /** Reads up to a blank or the end of the line; tells whether a backslash was met. */
  #scan(end: number): boolean {
    const { bytes } = this.#arena
    const limit = this.#end
    let at = this.#at
    let hasEscape = false
    for (; at < limit; at++) {
      const byte = bytes[at] ?? 0
      if (byte === backslash) hasEscape = true
      else if (byte === end || byte === newline) break
      else if (byte === 0) this.fail(invalid("line", "no NUL byte", "a NUL byte"), at - this.#lineStart)
    }
    this.from = this.#fieldStart = this.#at
    this.to = at
    this.#at = at < limit && bytes[at] === blank ? at + 1 : at
    return hasEscape
  }

  #isDash(): boolean {
    return this.to - this.from === 1 && this.#arena.bytes[this.from] === dash
  }

  #unescape(name: string, endsAtNul: boolean): void {
    const { bytes } = this.#arena
    const end = unescapeBytes(bytes, this.from, this.to, this.from)
    if (end < 0) {
      const bad = ByteString.fromBytes(bytes.subarray(-1 - end, this.to))
      this.fail(invalid(name, "the escapes \\\\ \\n \\r \\t \\xHH", bad), -1 - end - this.#lineStart)
      this.to = this.from
      return
    }
    const nul = endsAtNul ? bytes.subarray(this.from, end).indexOf(0) : -1
    this.to = nul < 0 ? end : this.from + nul
  }
}

/** Set in a mode behind the sixteen bits that count. */
export const linkFlag = 0x10000

/** Numbers of so many digits are exact, and nearly all have fewer. */
const maxPlainDigits = 15

const decimal = { digits: /^[\t\v\f\r]*([+-]?)([0-9]{1,40})$/, prefix: "" } as const
const octal = { digits: /^[\t\v\f\r]*([+-]?)([0-7]{1,40})$/, prefix: "0o" } as const

/** The formats' reference reader uses strtoull, which takes leading blanks and a sign and wraps around. */
const parseInteger = (text: string, base: typeof decimal | typeof octal): bigint | undefined => {
  const match = base.digits.exec(text)
  if (match === null) return undefined
  const magnitude = BigInt(`${base.prefix}${match[2] ?? ""}`)
  if (magnitude >= 1n << 64n) return undefined
  return BigInt.asUintN(64, match[1] === "-" ? -magnitude : magnitude)
}
