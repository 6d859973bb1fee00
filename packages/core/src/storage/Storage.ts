/**
 * The storage port: rows in collections, changed in transactions.
 *
 * Transactions are serializable: each sees the state as if it ran alone. An adapter may run the body again after a
 * conflict, therefore a body only reads and writes through its `Transaction` and computes. To start another transaction,
 * or to claim jobs, within a body is a defect, and so is to use a `Transaction` after its end.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Option from "effect/Option"
import type { Collection, Key, Row } from "./Collection.ts"
import type { Job, NewJob } from "./Job.ts"
import type { StorageError } from "./StorageError.ts"

/**
 * Which rows a listing gives: those after an id, in ascending order of ids (UUIDv7: of time), or descending.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListOptions {
  readonly after?: string | undefined
  /** 100 when absent, at most 1,000; nothing below 1. */
  readonly limit?: number | undefined
  readonly descending?: boolean | undefined
}

/**
 * What can be done inside of a transaction. An operation that fails decides the outcome: the transaction fails with its
 * error, also when the body catches it. To go on after a `UniqueViolation`, look first, or run another transaction.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transaction {
  /** The row with an id, if it belongs to the account. */
  readonly get: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    accountId: string,
    id: string
  ) => Effect.Effect<Option.Option<R>, StorageError>
  /** The row with an id, whatever its account: only where the id itself was the caller's credential. */
  readonly locate: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    id: string
  ) => Effect.Effect<Option.Option<R>, StorageError>
  /** The first row, in order of ids, whose index begins with the values. */
  readonly find: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    accountId: string,
    index: NoInfer<I>,
    values: ReadonlyArray<Key>
  ) => Effect.Effect<Option.Option<R>, StorageError>
  /** A page of the rows whose index begins with the values. */
  readonly list: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    accountId: string,
    index: NoInfer<I>,
    values: ReadonlyArray<Key>,
    options?: ListOptions
  ) => Effect.Effect<ReadonlyArray<R>, StorageError>
  /** A page of all rows of an account. */
  readonly scan: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    accountId: string,
    options?: ListOptions
  ) => Effect.Effect<ReadonlyArray<R>, StorageError>
  /** Adds a row with `rev` 1; fails with `UniqueViolation`, of the index `id` when the id is taken. */
  readonly insert: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: NoInfer<R>
  ) => Effect.Effect<R, StorageError>
  /** Replaces the row of the same id and `rev`; returns it with the next `rev`. Fails with `StaleRevision`. */
  readonly update: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: NoInfer<R>
  ) => Effect.Effect<R, StorageError>
  /** Removes the row of the same id and `rev`. */
  readonly remove: <R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: NoInfer<R>
  ) => Effect.Effect<void, StorageError>
  /** Promises work; `false` when a job of the same account, kind and key is known already. */
  readonly enqueue: (job: NewJob) => Effect.Effect<boolean, StorageError>
  /** Marks a leased job as done, together with what the transaction writes. Fails with `LeaseLost`. */
  readonly complete: (job: Job) => Effect.Effect<void, StorageError>
}

/**
 * The storage port.
 *
 * @category services
 * @since 0.1.0
 */
export class Storage extends Context.Service<Storage, {
  /** Runs a body in a transaction, which is undone when the body fails. It may run more than once. */
  readonly transaction: <A, E, R>(
    body: (transaction: Transaction) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | StorageError, R>
}>()("@lamina/core/storage/Storage") {}
