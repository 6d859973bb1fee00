/**
 * Reading events, and handing them out.
 *
 * Every event is promised to be delivered in the transaction that writes it, as a job of the kind
 * `Command.outboxJobKind`. `drainOnce` keeps the promise: each event at least once. Events of one aggregate can overtake
 * each other when a delivery fails and is tried again; `aggregateRev` and `id` put them in order.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { backoffMillis } from "../internal/backoff.ts"
import { unlessLeaseLost } from "../internal/lease.ts"
import type { Job } from "../storage/Job.ts"
import { JobQueue } from "../storage/JobQueue.ts"
import { type ListOptions, Storage } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { outboxJobKind } from "./Command.ts"
import * as Event from "./Event.ts"

/**
 * A page of an account's events, of one aggregate or of all, oldest first unless `descending`.
 *
 * @category queries
 * @since 0.1.0
 */
export const list = Effect.fn("Events.list")(function*(
  input: {
    readonly accountId: string
    readonly aggregate?: { readonly kind: string; readonly id: string } | undefined
  } & ListOptions
): Effect.fn.Return<ReadonlyArray<Event.Event>, StorageError, Storage> {
  const storage = yield* Storage
  const { accountId, aggregate } = input
  return yield* storage.transaction((transaction) =>
    aggregate === undefined
      ? transaction.scan(Event.collection, accountId, input)
      : transaction.list(Event.collection, accountId, "byAggregate", [aggregate.kind, aggregate.id], input)
  )
})

/**
 * How events are handed out in one round.
 *
 * @category models
 * @since 0.1.0
 */
export interface DrainOptions<E, R> {
  readonly deliver: (event: Event.Event) => Effect.Effect<void, E, R>
  /** How many events at most; 100 when absent. */
  readonly limit?: number | undefined
  /** How long a delivery may take before somebody else tries, in milliseconds; a minute when absent. */
  readonly leaseMillis?: number | undefined
  /** How often a delivery is tried before it is given up; 20 times when absent. */
  readonly maximumAttempts?: number | undefined
}

/**
 * What came of a round.
 *
 * @category models
 * @since 0.1.0
 */
export interface Drained {
  readonly delivered: number
  readonly postponed: number
  readonly givenUp: number
}

/**
 * Hands out events that are due, one after another, oldest first. A failed delivery is tried again later; the round goes
 * on.
 *
 * @category delivering
 * @since 0.1.0
 */
export const drainOnce = Effect.fn("Events.drainOnce")(function*<E, R>(
  options: DrainOptions<E, R>
): Effect.fn.Return<Drained, StorageError, Storage | JobQueue | R> {
  const queue = yield* JobQueue
  const jobs = yield* queue.claim({
    kinds: [outboxJobKind],
    limit: options.limit ?? 100,
    leaseMillis: options.leaseMillis ?? 60_000
  })
  const outcomes = yield* Effect.forEach(
    jobs,
    (job) => unlessLeaseLost<Outcome, never, Storage | JobQueue | R>(deliverJob(job, options), "postponed")
  )
  const count = (wanted: Outcome) => outcomes.filter((outcome) => outcome === wanted).length
  return { delivered: count("delivered"), postponed: count("postponed"), givenUp: count("givenUp") }
})

type Outcome = "delivered" | "postponed" | "givenUp"

const Payload = Schema.Struct({ eventId: Schema.String })

const deliverJob = Effect.fnUntraced(function*<E, R>(
  job: Job,
  options: DrainOptions<E, R>
): Effect.fn.Return<Outcome, StorageError, Storage | JobQueue | R> {
  const storage = yield* Storage
  const queue = yield* JobQueue
  const payload = Schema.decodeUnknownOption(Payload)(job.payload)
  const event = Option.isNone(payload)
    ? Option.none<Event.Event>()
    : yield* storage.transaction((transaction) =>
      transaction.get(Event.collection, job.accountId, payload.value.eventId)
    )
  if (Option.isNone(event)) {
    yield* queue.fail(job, "the event does not exist")
    return "givenUp"
  }
  const failure = yield* Effect.match(options.deliver(event.value), {
    onFailure: (error) => error instanceof Error ? error.message : String(error),
    onSuccess: () => undefined
  })
  if (failure === undefined) {
    yield* storage.transaction((transaction) => transaction.complete(job))
    return "delivered"
  }
  if (job.attempts >= (options.maximumAttempts ?? 20)) {
    yield* queue.fail(job, failure)
    return "givenUp"
  }
  const now = yield* Clock.currentTimeMillis
  yield* queue.retry(job, { availableAt: now + backoffMillis(job.attempts), error: failure })
  return "postponed"
})
