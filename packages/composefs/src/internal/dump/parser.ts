/** Feeds the lines of a dump, whole or in chunks, to a tree builder. */
import * as Result from "effect/Result"
import type { Tree } from "../../Tree.ts"
import * as ByteString from "../byteString.ts"
import { TreeBuilder } from "../treeBuilder.ts"
import { type Interned, isProblem, type LineReason, parseLine } from "./line.ts"

/** A problem with its place: line and column from 1, the column in bytes. */
export interface Located {
  readonly line: number
  readonly column: number
  readonly reason: LineReason
}

/** Longer than any line that could be accepted: path, payload and content, each byte escaped, and the attributes. */
export const maxLineSize = 256 * 1024

const newline = 0x0a

export class DumpParser {
  readonly #strict: boolean
  readonly #builder = new TreeBuilder()
  readonly #linkLines = new Map<string, number>()
  readonly #interned: Interned = { times: new Map(), xattrs: new Map() }
  #line = 0
  #pending: Array<Uint8Array> = []
  #pendingSize = 0

  constructor(strict: boolean) {
    this.#strict = strict
  }

  push(chunk: Uint8Array): Located | undefined {
    let at = 0
    for (let end = chunk.indexOf(newline); end >= 0; end = chunk.indexOf(newline, at)) {
      const problem = this.#endLine(chunk.subarray(at, end))
      if (problem !== undefined) return problem
      at = end + 1
    }
    return this.#keep(chunk.subarray(at))
  }

  finish(): Result.Result<Tree, Located> {
    if (this.#pendingSize > 0) {
      const problem = this.#strict
        ? this.#at(this.#line + 1, this.#pendingSize, {
          _tag: "InvalidField",
          field: "line",
          expected: "a newline at the end",
          actual: "the end of the dump"
        })
        : this.#endLine(new Uint8Array(0))
      if (problem !== undefined) return Result.fail(problem)
    }
    return Result.mapError(
      this.#builder.finish(),
      (reason) => this.#at(this.#linkLines.get(reason.path) ?? this.#line + 1, 0, reason)
    )
  }

  #keep(rest: Uint8Array): Located | undefined {
    if (rest.length === 0) return undefined
    // A copy: the chunk belongs to the caller.
    this.#pending.push(rest.slice())
    this.#pendingSize += rest.length
    return this.#pendingSize > maxLineSize
      ? this.#at(this.#line + 1, maxLineSize, {
        _tag: "LimitExceeded",
        problem: `a line has more than ${maxLineSize} bytes`
      })
      : undefined
  }

  #endLine(last: Uint8Array): Located | undefined {
    if (this.#pendingSize === 0) return this.#parse(last)
    const whole = Buffer.concat([...this.#pending, last])
    this.#pending = []
    this.#pendingSize = 0
    return this.#parse(whole)
  }

  #parse(bytes: Uint8Array): Located | undefined {
    this.#line++
    if (bytes.length > maxLineSize) {
      return this.#at(this.#line, maxLineSize, {
        _tag: "LimitExceeded",
        problem: `a line has more than ${maxLineSize} bytes`
      })
    }
    const parsed = parseLine(ByteString.fromBytes(bytes), this.#interned, this.#strict)
    if (isProblem(parsed)) return this.#at(this.#line, parsed.offset, parsed.reason)
    if (parsed.node._tag === "HardLink") this.#linkLines.set(parsed.path, this.#line)
    const reason = this.#builder.add(parsed.path, parsed.node)
    return reason === undefined ? undefined : this.#at(this.#line, 0, reason)
  }

  #at(line: number, offset: number, reason: LineReason): Located {
    return { line, column: offset + 1, reason }
  }
}
