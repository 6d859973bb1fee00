/** Feeds a dump, whole or in chunks, to a reader of lines. */
import * as Result from "effect/Result"
import * as ByteString from "../byteString.ts"
import { EntryTable } from "../table/entryTable.ts"
import { type DeadLink, resolveLinks } from "../table/linkTargets.ts"
import { LineReader } from "./lineReader.ts"
import { exceeded, invalid, type LineReason, lineTooLong, type Located, maxLineSize } from "./reason.ts"

const newline = 0x0a

/** Guesses: what is larger grows. */
const bytesPerLine = 100
const bytesBesideText = 1.25

/** Places in the table are kept in 32 bits, and what a dump stands for is at most twice its size. */
const maxDumpSize = 2 ** 31
const tooLarge = exceeded(`a dump has at most ${maxDumpSize} bytes`)

/** What was read: entry number n is from line n + 1. */
export interface ReadDump {
  readonly table: EntryTable
  /** By entry: the inode behind a hard link. */
  readonly targets: Int32Array
}

/** Reads a dump in memory. */
export const readDump = (dump: string | Uint8Array, strict: boolean): Result.Result<ReadDump, Located> => {
  const bytes = typeof dump === "string" ? ByteString.toBytes(ByteString.fromText(dump)) : dump
  const parser = new DumpParser(strict, bytes.length)
  const problem = parser.push(bytes)
  return problem === undefined ? parser.finish() : Result.fail(problem)
}

export class DumpParser {
  readonly #strict: boolean
  readonly #table: EntryTable
  readonly #lines: LineReader
  /** The start of a line whose end has not come yet. */
  #pending: Array<Uint8Array> = []
  #pendingSize = 0
  #size = 0

  /** `size` is that of the dump in bytes, or a guess. */
  constructor(strict: boolean, size: number) {
    this.#strict = strict
    this.#table = new EntryTable({ entries: Math.ceil(size / bytesPerLine), bytes: Math.ceil(size * bytesBesideText) })
    this.#lines = new LineReader(this.#table, strict)
  }

  push(chunk: Uint8Array): Located | undefined {
    this.#size += chunk.length
    if (this.#size > maxDumpSize) return this.#atNextLine(0, tooLarge)
    const end = chunk.lastIndexOf(newline) + 1
    return (end === 0 ? undefined : this.#read(chunk.subarray(0, end))) ?? this.#keep(chunk.subarray(end))
  }

  finish(): Result.Result<ReadDump, Located> {
    const problem = this.#pendingSize === 0 ? undefined : this.#endLast()
    if (problem !== undefined) return Result.fail(problem)
    const table = this.#table
    if (table.count === 0) return Result.fail(noRoot)
    return Result.mapBoth(resolveLinks(table), {
      onSuccess: (targets) => ({ table, targets }),
      onFailure: (dead) => deadLink(table, dead)
    })
  }

  #keep(rest: Uint8Array): Located | undefined {
    if (rest.length === 0) return undefined
    // A copy: the chunk belongs to the caller.
    this.#pending.push(rest.slice())
    this.#pendingSize += rest.length
    return this.#pendingSize > maxLineSize ? this.#atNextLine(maxLineSize, lineTooLong) : undefined
  }

  /** Reads lines, of which the first may have begun before. */
  #read(lines: Uint8Array): Located | undefined {
    const { arena } = this.#table
    const from = arena.size
    for (const start of this.#pending) arena.append(start, 0, start.length)
    arena.append(lines, 0, lines.length)
    this.#pending = []
    this.#pendingSize = 0
    return this.#lines.read(from, arena.size)
  }

  #endLast(): Located | undefined {
    return this.#strict
      ? this.#atNextLine(this.#pendingSize, invalid("line", "a newline at the end", "the end of the dump"))
      : this.#read(new Uint8Array(0))
  }

  #atNextLine(offset: number, reason: LineReason): Located {
    return { line: this.#lines.line + 1, column: offset + 1, reason }
  }
}

const noRoot: Located = {
  line: 1,
  column: 1,
  reason: { _tag: "InvalidPath", path: "/", problem: "the root directory is missing" }
}

const deadLink = (table: EntryTable, { entry, reason }: DeadLink): Located => {
  const target = table.dataText(entry)
  const problem = reason._tag === "Self"
    ? "a file cannot be a hard link to itself"
    : reason._tag === "Loop"
    ? "the links form a loop"
    : `${reason.target === target ? "the target" : reason.target} is missing`
  return { line: entry + 1, column: 1, reason: { _tag: "InvalidLink", path: table.pathText(entry), target, problem } }
}
