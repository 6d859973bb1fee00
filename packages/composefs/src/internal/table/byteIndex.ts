/** A set of byte strings, each with an owner, that are known by the numbers 0, 1, 2, … in the order they were added. */
import type { ByteArena } from "./byteArena.ts"

export class ByteIndex {
  count = 0
  /** By number: to whom the bytes belong (a directory, the name of an attribute), and where in the arena they are. */
  owner: Int32Array
  from: Uint32Array
  to: Uint32Array
  readonly #arena: ByteArena
  #hashes: Int32Array
  /** Open addressing: number + 1, or 0 where free; a power of two, at most half of it taken. */
  #slots: Int32Array
  /** So many of the numbers are in the slots. */
  #indexed = 0

  constructor(arena: ByteArena, capacity: number) {
    this.#arena = arena
    this.owner = new Int32Array(capacity)
    this.from = new Uint32Array(capacity)
    this.to = new Uint32Array(capacity)
    this.#hashes = new Int32Array(capacity)
    this.#slots = new Int32Array(slotsFor(capacity))
  }

  /** The number of an owner's bytes, or -1. */
  find(owner: number, from: number, to: number): number {
    return this.#findIn(this.#arena.bytes, owner, from, to)
  }

  /** The same for bytes that are not in the arena. */
  findBytes(owner: number, bytes: Uint8Array, from: number, to: number): number {
    return this.#findIn(bytes, owner, from, to)
  }

  /** The number of an owner's bytes, which are added if they are new: then the number is the `count` of before. */
  intern(owner: number, from: number, to: number): number {
    this.#catchUp()
    const { bytes } = this.#arena
    const hash = hashBytes(owner, bytes, from, to)
    const slot = this.#slotOf(hash, owner, bytes, from, to)
    const known = (this.#slots[slot] ?? 0) - 1
    if (known >= 0) return known
    const number = this.append(owner, from, to)
    this.#take(slot, hash, number)
    return number
  }

  /** The same for bytes that are not in the arena, which copies them if they are new. */
  internBytes(owner: number, bytes: Uint8Array, from: number, to: number): number {
    const { count } = this
    const start = this.#arena.append(bytes, from, to)
    const number = this.intern(owner, start, this.#arena.size)
    if (number < count) this.#arena.size = start
    return number
  }

  /** Adds an owner's bytes, of which it must be known that they are new. They are looked at when something is sought. */
  append(owner: number, from: number, to: number): number {
    const number = this.count++
    if (number === this.owner.length) this.#grow()
    this.owner[number] = owner
    this.from[number] = from
    this.to[number] = to
    return number
  }

  /** The same for bytes that nobody will ever seek: they need no place among those which are. */
  appendUnsought(owner: number, bytes: Uint8Array, from: number, to: number): number {
    this.#catchUp()
    const start = this.#arena.append(bytes, from, to)
    const number = this.append(owner, start, this.#arena.size)
    // A larger index will have them all: scattered, they are in nobody's way.
    this.#hashes[number] = Math.imul(number, scatter)
    this.#indexed = number + 1
    return number
  }

  #findIn(bytes: Uint8Array, owner: number, from: number, to: number): number {
    this.#catchUp()
    return (this.#slots[this.#slotOf(hashBytes(owner, bytes, from, to), owner, bytes, from, to)] ?? 0) - 1
  }

  #catchUp(): void {
    for (let number = this.#indexed; number < this.count; number++) {
      const hash = hashBytes(
        this.owner[number] ?? 0,
        this.#arena.bytes,
        this.from[number] ?? 0,
        this.to[number] ?? 0
      )
      this.#take(this.#freeSlot(hash), hash, number)
    }
  }

  #take(slot: number, hash: number, number: number): void {
    this.#hashes[number] = hash
    this.#slots[slot] = number + 1
    this.#indexed = number + 1
    if (this.#indexed * 2 > this.#slots.length) this.#rebuild()
  }

  #slotOf(hash: number, owner: number, bytes: Uint8Array, from: number, to: number): number {
    const slots = this.#slots
    const mask = slots.length - 1
    let slot = hash & mask
    for (let number = (slots[slot] ?? 0) - 1; number >= 0; number = (slots[slot] ?? 0) - 1) {
      if (this.#hashes[number] === hash && this.owner[number] === owner && this.#holds(number, bytes, from, to)) break
      slot = (slot + 1) & mask
    }
    return slot
  }

  #holds(number: number, bytes: Uint8Array, from: number, to: number): boolean {
    const start = this.from[number] ?? 0
    if ((this.to[number] ?? 0) - start !== to - from) return false
    const arena = this.#arena.bytes
    for (let at = from, own = start; at < to; at++, own++) if (arena[own] !== bytes[at]) return false
    return true
  }

  #freeSlot(hash: number): number {
    const mask = this.#slots.length - 1
    let slot = hash & mask
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask
    return slot
  }

  #grow(): void {
    const capacity = 2 * this.owner.length
    this.owner = grownInt32(this.owner, capacity)
    this.from = grownUint32(this.from, capacity)
    this.to = grownUint32(this.to, capacity)
    this.#hashes = grownInt32(this.#hashes, capacity)
  }

  #rebuild(): void {
    this.#slots = new Int32Array(2 * this.#slots.length)
    for (let number = 0; number < this.#indexed; number++) {
      this.#slots[this.#freeSlot(this.#hashes[number] ?? 0)] = number + 1
    }
  }
}

const scatter = 0x9e3779b1

export const grownInt32 = (column: Int32Array, capacity: number): Int32Array => {
  const grown = new Int32Array(capacity)
  grown.set(column)
  return grown
}

export const grownUint32 = (column: Uint32Array, capacity: number): Uint32Array => {
  const grown = new Uint32Array(capacity)
  grown.set(column)
  return grown
}

const slotsFor = (capacity: number): number => 2 ** Math.ceil(Math.log2(Math.max(2 * capacity, 16)))

const prime = 0x9e3779b1
// Drawn anew in every process, so that nobody can prepare names which all collide.
const secret = Math.floor(Math.random() * 2 ** 32) | 1

/** The second, secret multiplication is behind a rotation: no bit passes both unchanged, so nothing can cancel it. */
const hashBytes = (owner: number, bytes: Uint8Array, from: number, to: number): number => {
  let hash = mix(secret, owner ^ (to - from))
  let at = from
  for (const words = to - 3; at < words; at += 4) {
    hash = mix(
      hash,
      (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16) | ((bytes[at + 3] ?? 0) << 24)
    )
  }
  for (; at < to; at++) hash = mix(hash, bytes[at] ?? 0)
  return hash ^ (hash >>> 15)
}

const mix = (hash: number, word: number): number => {
  const product = Math.imul(hash ^ word, prime)
  return Math.imul((product << 15) | (product >>> 17), secret)
}
