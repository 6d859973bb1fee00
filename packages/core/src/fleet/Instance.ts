/**
 * Instances: installations of an operating system that follow a template.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * What an instance is to run, as it was last computed, and since when.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DesiredMark = Schema.Struct({
  planHash: Schema.String,
  /** Milliseconds since the epoch. */
  since: Schema.Int
})

/**
 * What an instance is to run, and since when.
 *
 * @category models
 * @since 0.1.0
 */
export type DesiredMark = typeof DesiredMark.Type

/**
 * An installation that follows a template. Its agent's token is kept as a hash only.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Instance = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  name: Schema.String,
  templateId: Schema.String,
  architecture: Schema.String,
  /** SHA-256 of the token's secret part, hexadecimal. */
  tokenHash: Schema.String,
  desired: Schema.optional(DesiredMark),
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * An installation that follows a template.
 *
 * @category models
 * @since 0.1.0
 */
export type Instance = typeof Instance.Type

/**
 * Where instances are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("instance", Instance, {
  byName: { fields: ["name"], unique: true },
  byTemplate: { fields: ["templateId"] }
})
