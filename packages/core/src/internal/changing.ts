import * as Effect from "effect/Effect"
import { CommandError, InvalidInput } from "../events/CommandError.ts"
import { Storage, type Transaction } from "../storage/Storage.ts"
import { StorageError } from "../storage/StorageError.ts"

/**
 * A transaction that writes what a caller gave. Of two that race for the same unique value or row, the later one looks
 * again and sees what the other did. A row that no storage takes was made of the input, which is to be mended, and is no
 * fault of the storage.
 */
export const changing = Effect.fnUntraced(function*<A, E, R>(
  body: (transaction: Transaction) => Effect.Effect<A, E, R>
): Effect.fn.Return<A, E | CommandError | StorageError, R | Storage> {
  const storage = yield* Storage
  return yield* storage.transaction(body).pipe(
    Effect.retry({ times: 5, while: lostRace }),
    Effect.mapError((error) => unstorable(error) ?? error)
  )
})

const lostRace = (error: unknown): boolean =>
  error instanceof StorageError &&
  (error.reason._tag === "UniqueViolation" || error.reason._tag === "StaleRevision")

const unstorable = (error: unknown): CommandError | undefined =>
  error instanceof StorageError && error.reason._tag === "InvalidRow"
    ? new CommandError({
      reason: new InvalidInput({
        field: error.reason.collection,
        expected: "something that can be stored",
        actual: `what cannot: ${error.reason.detail}`
      })
    })
    : undefined
