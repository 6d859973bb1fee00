import type { Collection, Index, Key, Row } from "@lamina/core/storage/Collection"
import * as RowCodec from "@lamina/core/storage/RowCodec"
import type { ListOptions } from "@lamina/core/storage/Storage"
import { firstIndex, SortedBuckets } from "./SortedBuckets.ts"

/**
 * The rows of a collection, found by id, by account, and by every prefix of every index.
 */
export class RowTable {
  readonly name: string
  readonly #indexes: ReadonlyArray<readonly [name: string, index: Index]>
  readonly #rows = new Map<string, RowCodec.EncodedRow>()
  readonly #byAccount = new SortedBuckets<string>(compareText)
  readonly #byIndex = new Map<string, SortedBuckets<string>>()

  constructor(collection: Collection<Row>) {
    this.name = collection.name
    this.#indexes = Object.entries(collection.indexes)
    for (const [name] of this.#indexes) this.#byIndex.set(name, new SortedBuckets(compareText))
  }

  get(id: string): RowCodec.EncodedRow | undefined {
    return this.#rows.get(id)
  }

  /** Puts a row in the place of what has its id; without a row, empties the place. */
  set(id: string, row: RowCodec.EncodedRow | undefined): void {
    const previous = this.#rows.get(id)
    if (previous !== undefined) {
      this.#rows.delete(id)
      for (const [bucket, key] of this.#places(previous)) bucket.remove(key, id)
    }
    if (row !== undefined) {
      this.#rows.set(id, row)
      for (const [bucket, key] of this.#places(row)) bucket.add(key, id)
    }
  }

  /** The unique index in which another row has the values of this one. */
  violated(row: RowCodec.EncodedRow): string | undefined {
    for (const [name, index] of this.#indexes) {
      const values = index.unique === true ? row.keys.get(name) : undefined
      if (values === undefined) continue
      if (this.ids(row.accountId, name, values).some((id) => id !== row.id)) return name
    }
    return undefined
  }

  /** The ids of an account, or of its rows whose index begins with the values, in ascending order. */
  ids(accountId: string, index?: string, values: ReadonlyArray<Key> = []): ReadonlyArray<string> {
    const buckets = index === undefined ? this.#byAccount : this.#byIndex.get(index)
    return buckets?.get(RowCodec.keyText(accountId, values)) ?? []
  }

  *#places(row: RowCodec.EncodedRow): Generator<readonly [bucket: SortedBuckets<string>, key: string]> {
    yield [this.#byAccount, RowCodec.keyText(row.accountId, [])]
    for (const [name, values] of row.keys) {
      const buckets = this.#byIndex.get(name)
      if (buckets === undefined) continue
      for (let length = 0; length <= values.length; length++) {
        yield [buckets, RowCodec.keyText(row.accountId, values.slice(0, length))]
      }
    }
  }
}

/**
 * A page of ids which are in ascending order.
 */
export const page = (ids: ReadonlyArray<string>, options: ListOptions = {}): ReadonlyArray<string> => {
  const { after, descending = false } = options
  const limit = RowCodec.pageLimit(options.limit)
  if (after !== undefined && !RowCodec.isRowId(after)) return []
  if (descending) {
    const end = after === undefined ? ids.length : firstIndex(ids, (id) => id >= after)
    return ids.slice(Math.max(0, end - limit), end).reverse()
  }
  const start = after === undefined ? 0 : firstIndex(ids, (id) => id > after)
  return ids.slice(start, start + limit)
}

const compareText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0
