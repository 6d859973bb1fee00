/**
 * Lists by key, each kept in order: an index of rows or jobs.
 */
export class SortedBuckets<A> {
  readonly #buckets = new Map<string, Array<A>>()
  readonly #compare: (left: A, right: A) => number

  constructor(compare: (left: A, right: A) => number) {
    this.#compare = compare
  }

  get(key: string): ReadonlyArray<A> {
    return this.#buckets.get(key) ?? []
  }

  add(key: string, item: A): void {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) this.#buckets.set(key, [item])
    else bucket.splice(this.#position(bucket, item), 0, item)
  }

  remove(key: string, item: A): void {
    const bucket = this.#buckets.get(key)
    if (bucket === undefined) return
    const position = this.#position(bucket, item)
    const found = bucket[position]
    if (found === undefined || this.#compare(found, item) !== 0) return
    if (bucket.length === 1) this.#buckets.delete(key)
    else bucket.splice(position, 1)
  }

  #position(bucket: ReadonlyArray<A>, item: A): number {
    return firstIndex(bucket, (other) => this.#compare(other, item) >= 0)
  }
}

/**
 * The index of the first item of which a predicate holds, where it holds of all that follow: by bisection.
 */
export const firstIndex = <A>(items: ReadonlyArray<A>, holds: (item: A) => boolean): number => {
  let low = 0
  let high = items.length
  // Most often the item belongs at the end: ids grow with time.
  const last = items[high - 1]
  if (last === undefined || !holds(last)) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = items[middle]
    if (item === undefined || holds(item)) high = middle
    else low = middle + 1
  }
  return low
}
