/**
 * The relay: hands out every event at least once, after the transaction that wrote it, as long as it runs.
 *
 * @since 0.1.0
 */
import { Events, type JobQueue, type Storage } from "@lamina/core"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as rounds from "./internal/rounds.ts"

/**
 * To whom events are handed, as `Events.drainOnce`, and how long the relay rests when there is nothing to do (default one
 * second) or when the database is away (default five seconds).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<E, R> extends Events.DrainOptions<E, R> {
  readonly idle?: Duration.Input | undefined
  readonly afterFailure?: Duration.Input | undefined
}

/**
 * Hands out events until it is interrupted. What a receiver refuses is offered again, later and later.
 *
 * @category operations
 * @since 0.1.0
 */
export const run = <E, R>(
  options: Options<E, R>
): Effect.Effect<never, never, Storage.Storage | JobQueue.JobQueue | R> =>
  rounds.forever(
    "event relay",
    Effect.map(Events.drainOnce(options), ({ delivered, givenUp, postponed }) => delivered + givenUp + postponed),
    options
  )
