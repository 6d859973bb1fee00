/** Random numbers that a seed brings back, in every version of everything: sfc32. */
export class Random {
  #a: number
  #b: number
  #c: number
  #counter = 1

  /** The stream of one case: its seed, and its number. */
  constructor(seed: number, number = 0) {
    this.#a = seed | 0
    this.#b = number | 0
    this.#c = 0x9e3779b9
    for (let round = 0; round < 12; round++) this.next()
  }

  /** An integer of 32 bits. */
  next(): number {
    const sum = (this.#a + this.#b + this.#counter++) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum | 0
    return sum >>> 0
  }

  /** An integer from 0 to below `limit`, which is at least 1. */
  below(limit: number): number {
    return Math.floor((this.next() / 2 ** 32) * limit)
  }

  /** True once in so many times. */
  onceIn(times: number): boolean {
    return this.below(times) === 0
  }

  pick<A>(first: A, ...others: ReadonlyArray<A>): A {
    const index = this.below(others.length + 1)
    return index === 0 ? first : others[index - 1] ?? first
  }

  /** One of a list, or `otherwise` if there is none. */
  oneOf<A>(list: ArrayLike<A>, otherwise: A): A {
    return list[this.below(Math.max(list.length, 1))] ?? otherwise
  }
}
