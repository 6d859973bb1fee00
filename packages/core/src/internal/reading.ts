import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { type CommandError, notFound } from "../events/CommandError.ts"
import type { Collection, Row } from "../storage/Collection.ts"
import { type ListOptions, Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"

/** The row with an id, in a transaction of its own. */
export const one = Effect.fnUntraced(function*<R extends Row, I extends string>(
  collection: Collection<R, I>,
  accountId: string,
  kind: string,
  id: string
): Effect.fn.Return<R, CommandError | StorageError, Storage> {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) => required(transaction, collection, accountId, kind, id))
})

/** The row with an id, or the error that it is not there. */
export const required = Effect.fnUntraced(function*<R extends Row, I extends string>(
  transaction: Transaction,
  collection: Collection<R, I>,
  accountId: string,
  kind: string,
  id: string
): Effect.fn.Return<R, CommandError | StorageError> {
  const row = yield* transaction.get(collection, accountId, id)
  if (Option.isNone(row)) return yield* notFound(accountId, kind, id)
  return row.value
})

/** All rows of a listing, page after page. */
export const everyPage = Effect.fnUntraced(function*<R extends Row>(
  page: (options: ListOptions) => Effect.Effect<ReadonlyArray<R>, StorageError>
): Effect.fn.Return<ReadonlyArray<R>, StorageError> {
  const limit = 1000
  const rows: Array<R> = []
  let last: ReadonlyArray<R> = yield* page({ limit })
  rows.push(...last)
  while (last.length === limit) {
    last = yield* page({ limit, after: last.at(-1)?.id })
    rows.push(...last)
  }
  return rows
})
