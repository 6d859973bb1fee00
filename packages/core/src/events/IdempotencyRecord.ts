/**
 * Idempotency records: the result of a command under the key that its caller gave, so that saying it twice does it once.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * The result of a command that was done.
 *
 * @category schemas
 * @since 0.1.0
 */
export const IdempotencyRecord = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  key: Schema.String,
  command: Schema.String,
  /** SHA-256 of the command's name and its request in canonical JSON. */
  requestHash: Schema.String,
  result: Schema.Json,
  /** Milliseconds since the epoch. */
  at: Schema.Int,
  expiresAt: Schema.Int
})

/**
 * The result of a command that was done.
 *
 * @category models
 * @since 0.1.0
 */
export type IdempotencyRecord = typeof IdempotencyRecord.Type

/**
 * Where they are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("idempotency_record", IdempotencyRecord, {
  byKey: { fields: ["key"], unique: true }
})

/**
 * How long a key is remembered: two days, in milliseconds.
 *
 * @category constants
 * @since 0.1.0
 */
export const lifetimeMillis = 2 * 24 * 60 * 60 * 1000
