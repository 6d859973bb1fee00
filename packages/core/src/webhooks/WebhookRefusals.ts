/**
 * Refused webhooks of an endpoint, the latest only: one row which never grows, however often somebody knocks.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * A webhook that was refused.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RefusedAttempt = Schema.Struct({
  /** Milliseconds since the epoch. */
  at: Schema.Int,
  /** Tag of the reason, e.g. `SignatureMismatch`. */
  reason: Schema.String,
  detail: Schema.String,
  bodySha256: Schema.optional(Schema.String)
})

/**
 * A webhook that was refused.
 *
 * @category models
 * @since 0.1.0
 */
export type RefusedAttempt = typeof RefusedAttempt.Type

/**
 * The refused webhooks of one endpoint; the row has the endpoint's id.
 *
 * @category schemas
 * @since 0.1.0
 */
export const WebhookRefusals = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  /** How many there were in all. */
  total: Schema.Int,
  /** The latest first. */
  latest: Schema.Array(RefusedAttempt)
})

/**
 * The refused webhooks of one endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export type WebhookRefusals = typeof WebhookRefusals.Type

/**
 * Where they are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("webhook_refusals", WebhookRefusals, {})

/**
 * How many refused attempts are remembered.
 *
 * @category constants
 * @since 0.1.0
 */
export const remembered = 50
