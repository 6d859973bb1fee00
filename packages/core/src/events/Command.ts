/**
 * Commands: one transaction in which a change, its events and its idempotency record are all written, or none.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Account from "../catalog/Account.ts"
import { changing } from "../internal/changing.ts"
import { canonicalJson, hashOf } from "../internal/contentHash.ts"
import type { Row } from "../storage/Collection.ts"
import type { Storage, Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { Actor } from "./Actor.ts"
import { CommandError, IdempotencyConflict, notFound, Stale } from "./CommandError.ts"
import * as Event from "./Event.ts"
import * as Id from "./Id.ts"
import * as IdempotencyRecord from "./IdempotencyRecord.ts"

/**
 * What every command is given: for which account, by whom, and how a repetition is recognised.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly accountId: string
  readonly actor: Actor
  /** The same key with the same request gives the stored result; with another request it is refused. */
  readonly idempotencyKey?: string | undefined
  /** What this command belongs to, in events and logs; its own new id when absent. */
  readonly correlationId?: string | undefined
}

/**
 * What a command is: its name, what its idempotency key stands for, and the form of its result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Definition<A> {
  readonly name: string
  readonly options: Options
  /** Everything that makes two requests different; compared as canonical JSON. */
  readonly request: unknown
  readonly result: Schema.Codec<A, unknown>
  /** Whether the command makes the account itself, so that it need not exist yet. */
  readonly founding?: boolean | undefined
}

/**
 * An event as a command says it; who, when and why are added from the command.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewEvent {
  readonly type: string
  readonly aggregateKind: string
  readonly aggregate: Row
  readonly before?: Schema.Json | undefined
  readonly after?: Schema.Json | undefined
  readonly detail?: Schema.Json | undefined
}

/**
 * A change in the making: what the body of a command works with.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change {
  readonly transaction: Transaction
  readonly accountId: string
  readonly actor: Actor
  readonly correlationId: string
  /** Milliseconds since the epoch, the same throughout the command. */
  readonly now: number
  /** Writes an event, and the promise to deliver it. */
  readonly record: (event: NewEvent) => Effect.Effect<Event.Event, StorageError>
}

/**
 * The kind of the jobs that carry events out.
 *
 * @category constants
 * @since 0.1.0
 */
export const outboxJobKind = "event.deliver"

/**
 * Runs a command whose refusal undoes everything.
 *
 * @category running
 * @since 0.1.0
 */
export const run = <A, E, R>(
  definition: Definition<A>,
  body: (change: Change) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | CommandError | StorageError, R | Storage> =>
  runKeeping(definition, (change) => Effect.map(body(change), (value) => Result.succeed(value)))

/**
 * Runs a command whose refusal may keep what was written: a `Result` failure is committed, and then is the error.
 *
 * Only a success is remembered under the idempotency key.
 *
 * @category running
 * @since 0.1.0
 */
export const runKeeping = Effect.fnUntraced(function*<A, Kept, E, R>(
  definition: Definition<A>,
  body: (change: Change) => Effect.Effect<Result.Result<A, Kept>, E, R>
): Effect.fn.Return<A, Kept | E | CommandError | StorageError, R | Storage> {
  const requestHash = hashOf({ command: definition.name, request: definition.request })
  const outcome = yield* changing((transaction) => once(definition, requestHash, transaction, body))
  return yield* Effect.fromResult(outcome)
})

const once = Effect.fnUntraced(function*<A, Kept, E, R>(
  definition: Definition<A>,
  requestHash: string,
  transaction: Transaction,
  body: (change: Change) => Effect.Effect<Result.Result<A, Kept>, E, R>
): Effect.fn.Return<Result.Result<A, Kept>, E | CommandError | StorageError, R> {
  const { options } = definition
  const now = yield* Clock.currentTimeMillis
  if (definition.founding !== true) yield* requireAccount(transaction, options.accountId)
  const recorded = yield* recall(definition, requestHash, transaction, now)
  if (Option.isSome(recorded)) return Result.succeed(recorded.value)

  const correlationId = options.correlationId ?? (yield* Id.next)
  const outcome = yield* body({
    transaction,
    accountId: options.accountId,
    actor: options.actor,
    correlationId,
    now,
    record: (event) => recordEvent(transaction, options, correlationId, now, event)
  })
  if (Result.isSuccess(outcome)) yield* remember(definition, requestHash, transaction, now, outcome.success)
  return outcome
})

const requireAccount = Effect.fnUntraced(function*(transaction: Transaction, accountId: string) {
  const account = yield* transaction.get(Account.collection, accountId, accountId)
  if (Option.isNone(account)) return yield* notFound(accountId, "account", accountId)
})

const recall = Effect.fnUntraced(function*<A>(
  definition: Definition<A>,
  requestHash: string,
  transaction: Transaction,
  now: number
): Effect.fn.Return<Option.Option<A>, CommandError | StorageError> {
  const { accountId, idempotencyKey } = definition.options
  if (idempotencyKey === undefined) return Option.none()
  const record = yield* transaction.find(IdempotencyRecord.collection, accountId, "byKey", [idempotencyKey])
  if (Option.isNone(record)) return Option.none()
  if (record.value.expiresAt <= now) {
    yield* transaction.remove(IdempotencyRecord.collection, record.value)
    return Option.none()
  }
  if (record.value.requestHash !== requestHash) {
    return yield* new CommandError({
      reason: new IdempotencyConflict({
        key: idempotencyKey,
        command: definition.name,
        recordedCommand: record.value.command,
        recordedAt: record.value.at
      })
    })
  }
  return Option.some(yield* Effect.orDie(Schema.decodeEffect(definition.result)(record.value.result)))
})

const remember = Effect.fnUntraced(function*<A>(
  definition: Definition<A>,
  requestHash: string,
  transaction: Transaction,
  now: number,
  value: A
) {
  const { accountId, idempotencyKey } = definition.options
  if (idempotencyKey === undefined) return
  const encoded = yield* Effect.orDie(Schema.encodeEffect(definition.result)(value))
  yield* transaction.insert(IdempotencyRecord.collection, {
    id: yield* Id.next,
    accountId,
    rev: 1,
    key: idempotencyKey,
    command: definition.name,
    requestHash,
    result: toJson(encoded),
    at: now,
    expiresAt: now + IdempotencyRecord.lifetimeMillis
  })
})

const recordEvent = Effect.fnUntraced(function*(
  transaction: Transaction,
  options: Options,
  correlationId: string,
  now: number,
  event: NewEvent
) {
  const row = yield* transaction.insert(Event.collection, {
    id: yield* Id.next,
    accountId: options.accountId,
    rev: 1,
    type: event.type,
    aggregateKind: event.aggregateKind,
    aggregateId: event.aggregate.id,
    aggregateRev: event.aggregate.rev,
    actor: options.actor,
    correlationId,
    at: now,
    before: event.before ?? null,
    after: event.after ?? null,
    detail: event.detail ?? null
  })
  yield* transaction.enqueue({
    accountId: options.accountId,
    kind: outboxJobKind,
    key: row.id,
    payload: { eventId: row.id }
  })
  return row
})

/**
 * A value as JSON: absent fields are left out. For events and stored results.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toJson = (value: unknown): Schema.Json => JSON.parse(canonicalJson(value))

/**
 * Fails with `Stale` when the caller expected another revision; expecting none is expecting any.
 *
 * @category checking
 * @since 0.1.0
 */
export const expectRev = Effect.fnUntraced(function*(kind: string, row: Row, expected: number | undefined) {
  if (expected !== undefined && expected !== row.rev) {
    return yield* new CommandError({ reason: new Stale({ kind, id: row.id, expected, current: row.rev }) })
  }
})
