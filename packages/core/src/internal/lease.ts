import * as Effect from "effect/Effect"
import { StorageError } from "../storage/StorageError.ts"

/** The fallback when the lease of the job went to another worker, who now sees to it. */
export const unlessLeaseLost = <A, E, R>(
  effect: Effect.Effect<A, E | StorageError, R>,
  fallback: A
): Effect.Effect<A, E | StorageError, R> =>
  Effect.catchIf(
    effect,
    (error) => error instanceof StorageError && error.reason._tag === "LeaseLost",
    () => Effect.succeed(fallback)
  )
