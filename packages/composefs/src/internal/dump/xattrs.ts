/** The attributes at the end of a line: `NAME=VALUE`, separated by blanks. Most lines share theirs with others. */
import * as ByteString from "../byteString.ts"
import { XattrBudget, xattrBudgetProblem, xattrProblem } from "../limits.ts"
import { noAttributes } from "../table/attributeTable.ts"
import type { ByteArena } from "../table/byteArena.ts"
import { ByteIndex } from "../table/byteIndex.ts"
import type { EntryTable } from "../table/entryTable.ts"
import { exceeded, invalid, type LineReason } from "./reason.ts"
import { unescapeBytes } from "./unescape.ts"

const blank = 0x20
const equals = 0x3d

/** No list is longer than the largest attribute. */
const maxTextSize = 65535

export class XattrReader {
  problem: LineReason | undefined
  /** Where in the arena the problem is. */
  problemAt = 0
  readonly #table: EntryTable
  readonly #arena: ByteArena
  readonly #texts: ByteIndex
  /** The number of the set that a text stands for, by the text's number. */
  readonly #sets: Array<number> = []
  /** By number of the name: the attribute, in the order in which the names were first met. */
  readonly #attributes = new Map<number, number>()

  constructor(table: EntryTable) {
    this.#table = table
    this.#arena = table.arena
    this.#texts = new ByteIndex(table.arena, 64)
  }

  /** The number of the set of attributes. */
  read(from: number, to: number): number {
    if (from === to) return noAttributes
    this.problemAt = from
    if (to - from > maxTextSize) {
      this.problem = exceeded(
        `the extended attributes take ${to - from} bytes of text, at most ${maxTextSize} are allowed`
      )
      return noAttributes
    }
    const text = this.#texts.intern(0, from, to)
    return this.#sets[text] ??= this.#parse(from, to)
  }

  #parse(from: number, to: number): number {
    this.#attributes.clear()
    const budget = new XattrBudget()
    // One blank at the end is not the start of another attribute.
    const last = this.#arena.bytes[to - 1] === blank && to - from > 1 ? to - 1 : to
    for (let at = from; at <= last && this.problem === undefined;) {
      const end = this.#find(blank, at, last)
      this.problemAt = at
      this.problem = this.#add(at, end, budget)
      at = end + 1
    }
    return this.#table.attributes.addSet([...this.#attributes.values()])
  }

  #find(byte: number, from: number, to: number): number {
    const { bytes } = this.#arena
    let at = from
    while (at < to && bytes[at] !== byte) at++
    return at
  }

  #add(from: number, to: number, budget: XattrBudget): LineReason | undefined {
    const split = this.#find(equals, from, to)
    if (split === to) return invalid("xattr", "NAME=VALUE", from === to ? "nothing" : this.#text(from, to))
    // The text itself must stay, for others to be found the same.
    this.#arena.reserve(to - from)
    const start = this.#arena.size
    const nameEnd = unescapeBytes(this.#arena.bytes, from, split, start)
    const name = nameEnd < 0 ? "" : untilNul(this.#text(start, nameEnd))
    const valueEnd = unescapeBytes(this.#arena.bytes, split + 1, to, start)
    if (nameEnd < 0 || valueEnd < 0) {
      this.problemAt = -1 - (nameEnd < 0 ? nameEnd : valueEnd)
      return invalid("xattr", "the escapes \\\\ \\n \\r \\t \\xHH", this.#text(from, to))
    }
    return this.#set(name, start, valueEnd, budget)
  }

  #set(name: ByteString.ByteString, from: number, to: number, budget: XattrBudget): LineReason | undefined {
    const size = to - from
    const problem = xattrProblem(name, size)
    if (problem !== undefined) return exceeded(problem)
    const { attributes } = this.#table
    const number = attributes.name(name)
    const replaced = this.#attributes.get(number)
    const others = this.#attributes.size - (replaced === undefined ? 0 : 1)
    const replacedSize = replaced === undefined ? undefined : attributes.valueSize(replaced)
    if (!budget.set(name, size, others, replacedSize)) return exceeded(xattrBudgetProblem)
    const { count } = attributes.values
    const attribute = attributes.attribute(number, from, to)
    // A new value stays where it is.
    if (attribute === count) this.#arena.size = to
    this.#attributes.set(number, attribute)
    return undefined
  }

  #text(from: number, to: number): ByteString.ByteString {
    return ByteString.fromBytes(this.#arena.bytes.subarray(from, to))
  }
}

/** A name ends where a C string would. */
const untilNul = (name: ByteString.ByteString): ByteString.ByteString => {
  const end = name.indexOf("\0")
  return end < 0 ? name : name.slice(0, end)
}
