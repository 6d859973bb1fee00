/** Extended attributes of a whole tree: each name, each name with a value, and each set of them is there once. */
import type { ByteString } from "../byteString.ts"
import type { ByteArena } from "./byteArena.ts"
import { ByteIndex } from "./byteIndex.ts"

/** Numbers of attributes: of a tree in the order in which they were set, of an image sorted by name. */
export type AttributeSet = ReadonlyArray<number>

export const noAttributes = 0

export class AttributeTable {
  readonly arena: ByteArena
  /** Every attribute: a value, owned by its name's number. Number 0 is none. */
  readonly values: ByteIndex
  /** The names by number. */
  readonly names: Array<ByteString> = []
  /** The sets by number. Number 0 is the empty one. */
  readonly sets: Array<AttributeSet> = [[]]
  readonly #numbers = new Map<ByteString, number>()

  constructor(arena: ByteArena, capacity: number) {
    this.arena = arena
    this.values = new ByteIndex(arena, capacity)
    this.values.append(-1, 0, 0)
  }

  name(name: ByteString): number {
    let number = this.#numbers.get(name)
    if (number === undefined) {
      number = this.names.push(name) - 1
      this.#numbers.set(name, number)
    }
    return number
  }

  /** The number of an attribute. */
  attribute(name: number, from: number, to: number): number {
    return this.values.intern(name, from, to)
  }

  /** The same for a value that is not in the arena. */
  attributeOf(name: number, bytes: Uint8Array): number {
    return this.values.internBytes(name, bytes, 0, bytes.length)
  }

  /** The attribute with the same value and another name. */
  renamed(attribute: number, name: ByteString): number {
    const { from, to } = this.values
    return this.values.intern(this.name(name), from[attribute] ?? 0, to[attribute] ?? 0)
  }

  /** The number of a set, which is new. */
  addSet(set: AttributeSet): number {
    return set.length === 0 ? noAttributes : this.sets.push(set) - 1
  }

  nameOf(attribute: number): ByteString {
    return this.names[this.values.owner[attribute] ?? 0] ?? ""
  }

  valueSize(attribute: number): number {
    return (this.values.to[attribute] ?? 0) - (this.values.from[attribute] ?? 0)
  }

  /** The value's bytes, which must not be changed. */
  value(attribute: number): Uint8Array {
    return this.arena.bytes.subarray(this.values.from[attribute], this.values.to[attribute])
  }
}
