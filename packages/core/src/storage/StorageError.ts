/**
 * What can go wrong in storage.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Another row of the account has the same values in the fields of a unique index.
 *
 * @category errors
 * @since 0.1.0
 */
export class UniqueViolation
  extends Schema.TaggedError<UniqueViolation>("@lamina/core/storage/UniqueViolation")("UniqueViolation", {
    collection: Schema.String,
    index: Schema.String
  })
{
  override get message(): string {
    return `${this.collection} already has a row with the same ${this.index}`
  }
}

/**
 * A row was changed by somebody else since it was read: read it again and decide anew.
 *
 * @category errors
 * @since 0.1.0
 */
export class StaleRevision
  extends Schema.TaggedError<StaleRevision>("@lamina/core/storage/StaleRevision")("StaleRevision", {
    collection: Schema.String,
    id: Schema.String,
    expected: Schema.Finite,
    actual: Schema.Finite
  })
{
  override get message(): string {
    return `${this.collection} ${this.id} changed meanwhile: expected rev ${this.expected}, found ${this.actual}`
  }
}

/**
 * A row that is to be changed is not there, or belongs to another account.
 *
 * @category errors
 * @since 0.1.0
 */
export class RowNotFound extends Schema.TaggedError<RowNotFound>("@lamina/core/storage/RowNotFound")("RowNotFound", {
  collection: Schema.String,
  id: Schema.String
}) {
  override get message(): string {
    return `${this.collection} ${this.id} does not exist`
  }
}

/**
 * A job is no longer leased to the worker that reports on it.
 *
 * @category errors
 * @since 0.1.0
 */
export class LeaseLost extends Schema.TaggedError<LeaseLost>("@lamina/core/storage/LeaseLost")("LeaseLost", {
  jobId: Schema.String
}) {
  override get message(): string {
    return `job ${this.jobId} is no longer leased to this worker`
  }
}

/**
 * A stored row does not have the form of its collection.
 *
 * @category errors
 * @since 0.1.0
 */
export class CorruptRow extends Schema.TaggedError<CorruptRow>("@lamina/core/storage/CorruptRow")("CorruptRow", {
  collection: Schema.String,
  id: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.collection} ${this.id} cannot be read: ${this.detail}`
  }
}

/**
 * A row or job cannot be stored: it does not fit its schema, or holds what PostgreSQL's `jsonb` cannot (`RowCodec`).
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidRow extends Schema.TaggedError<InvalidRow>("@lamina/core/storage/InvalidRow")("InvalidRow", {
  collection: Schema.String,
  id: Schema.String,
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.collection} ${this.id} cannot be stored: ${this.detail}`
  }
}

/**
 * The storage cannot be reached or gave up; trying again may help.
 *
 * @category errors
 * @since 0.1.0
 */
export class Unavailable extends Schema.TaggedError<Unavailable>("@lamina/core/storage/Unavailable")("Unavailable", {
  detail: Schema.String,
  cause: Schema.optionalKey(Schema.Defect())
}) {
  override get message(): string {
    return this.detail
  }
}

/**
 * Every reason for which storage fails.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  UniqueViolation,
  StaleRevision,
  RowNotFound,
  LeaseLost,
  CorruptRow,
  InvalidRow,
  Unavailable
])

/**
 * Every reason for which storage fails.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * An operation of storage failed and nothing of its transaction was kept.
 *
 * @category errors
 * @since 0.1.0
 */
export class StorageError extends Schema.TaggedError<StorageError>("@lamina/core/storage/StorageError")(
  "StorageError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
}
