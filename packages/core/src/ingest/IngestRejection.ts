/**
 * Rejections: digests that were found and not taken in, so that an operator sees them and a poller does not try again.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * A digest that was not taken in.
 *
 * @category schemas
 * @since 0.1.0
 */
export const IngestRejection = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  moduleId: Schema.String,
  indexDigest: Schema.String,
  tag: Schema.optional(Schema.String),
  /** Tag of the reason, e.g. `VersionConflict`. */
  reason: Schema.String,
  detail: Schema.String,
  /** How often it was tried. */
  times: Schema.Int,
  /** Milliseconds since the epoch. */
  firstAt: Schema.Int,
  lastAt: Schema.Int
})

/**
 * A digest that was not taken in.
 *
 * @category models
 * @since 0.1.0
 */
export type IngestRejection = typeof IngestRejection.Type

/**
 * Where rejections are kept: one for each digest of a module.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("ingest_rejection", IngestRejection, {
  byModule: { fields: ["moduleId"] },
  byDigest: { fields: ["moduleId", "indexDigest"], unique: true }
})
