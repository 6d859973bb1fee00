/** The attributes at the end of a line: `NAME=VALUE`, separated by blanks. Most lines share theirs with others. */
import * as ByteString from "../byteString.ts"
import { XattrBudget, xattrBudgetProblem, xattrProblem } from "../limits.ts"
import { noAttributes } from "../table/attributeTable.ts"
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
  readonly #table: EntryTable
  readonly #texts: ByteIndex
  /** The number of the set that a text stands for, by the text's number. */
  readonly #sets: Array<number> = []
  /** By number of the name: the attribute, in the order in which the names were first met. */
  readonly #attributes = new Map<number, number>()
  readonly #name = new Uint8Array(maxTextSize)
  readonly #value = new Uint8Array(maxTextSize)

  constructor(table: EntryTable) {
    this.#table = table
    this.#texts = new ByteIndex(table.arena, 64)
  }

  /** The number of the set of attributes. */
  read(bytes: Uint8Array, from: number, to: number): number {
    if (from === to) return noAttributes
    if (to - from > maxTextSize) {
      this.problem = exceeded(
        `the extended attributes take ${to - from} bytes of text, at most ${maxTextSize} are allowed`
      )
      return noAttributes
    }
    const text = this.#texts.intern(0, bytes, from, to)
    return this.#sets[text] ??= this.#parse(bytes, from, to)
  }

  #parse(bytes: Uint8Array, from: number, to: number): number {
    this.#attributes.clear()
    const budget = new XattrBudget()
    // One blank at the end is not the start of another attribute.
    const last = bytes[to - 1] === blank && to - from > 1 ? to - 1 : to
    for (let at = from; at <= last && this.problem === undefined;) {
      let end = at
      while (end < last && bytes[end] !== blank) end++
      this.problem = this.#add(bytes, at, end, budget)
      at = end + 1
    }
    return this.#table.attributes.addSet([...this.#attributes.values()])
  }

  #add(bytes: Uint8Array, from: number, to: number, budget: XattrBudget): LineReason | undefined {
    const text = () => ByteString.fromBytes(bytes.subarray(from, to))
    let split = from
    while (split < to && bytes[split] !== equals) split++
    if (split === to) return invalid("xattr", "NAME=VALUE", from === to ? "nothing" : text())
    const nameSize = unescapeBytes(bytes, from, split, this.#name)
    const valueSize = unescapeBytes(bytes, split + 1, to, this.#value)
    if (nameSize < 0 || valueSize < 0) return invalid("xattr", "the escapes \\\\ \\n \\r \\t \\xHH", text())
    const name = nameText(this.#name.subarray(0, nameSize))
    const problem = xattrProblem(name, valueSize)
    if (problem !== undefined) return exceeded(problem)
    const { attributes } = this.#table
    const number = attributes.name(name)
    const replaced = this.#attributes.get(number)
    const others = this.#attributes.size - (replaced === undefined ? 0 : 1)
    const replacedSize = replaced === undefined ? undefined : attributes.valueSize(replaced)
    if (!budget.set(name, valueSize, others, replacedSize)) return exceeded(xattrBudgetProblem)
    this.#attributes.set(number, attributes.attribute(number, this.#value, 0, valueSize))
    return undefined
  }
}

/** A name ends where a C string would. */
const nameText = (bytes: Uint8Array): ByteString.ByteString => {
  const end = bytes.indexOf(0)
  return ByteString.fromBytes(end < 0 ? bytes : bytes.subarray(0, end))
}
