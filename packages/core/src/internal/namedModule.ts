import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Module from "../catalog/Module.ts"
import type { Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"

/**
 * The module that a requirement names: by forge path, by name, or, of a forge path that is unknown, the one named like
 * its last part. The same as `Requirement.isFor` says of one module.
 */
export const findRequired = Effect.fnUntraced(function*(
  transaction: Transaction,
  accountId: string,
  name: string
): Effect.fn.Return<Option.Option<Module.Module>, StorageError> {
  const byForgePath = yield* transaction.find(Module.collection, accountId, "byForgeRepository", [name])
  if (Option.isSome(byForgePath)) return byForgePath
  return yield* transaction.find(Module.collection, accountId, "byName", [name.slice(name.indexOf("/") + 1)])
})
