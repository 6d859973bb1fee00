/**
 * Deliveries: authentic webhooks, kept before anything is done about them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"
import { WebhookContent } from "./WebhookAuthenticator.ts"

/**
 * - `received`: somebody will see to it.
 * - `processed`: what it asked for was done, or had been done before.
 * - `ignored`: authentic, and about nothing that concerns the domain.
 * - `failed`: given up, for `detail`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DeliveryState = Schema.Literals(["received", "processed", "ignored", "failed"])

/**
 * The states of a delivery.
 *
 * @category models
 * @since 0.1.0
 */
export type DeliveryState = typeof DeliveryState.Type

/**
 * An authentic webhook.
 *
 * @category schemas
 * @since 0.1.0
 */
export const WebhookDelivery = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  endpointId: Schema.String,
  /** The same for a repetition of the same signed bytes or message. */
  dedupeKey: Schema.String,
  /** Which form of signature it had. */
  family: Schema.String,
  /** Which of the endpoint's keys it was signed with. */
  keyId: Schema.String,
  bodySha256: Schema.String,
  content: WebhookContent,
  /** Milliseconds since the epoch. */
  receivedAt: Schema.Int,
  state: DeliveryState,
  detail: Schema.optional(Schema.String),
  /** The version that came of it. */
  versionId: Schema.optional(Schema.String),
  settledAt: Schema.optional(Schema.Int)
})

/**
 * An authentic webhook.
 *
 * @category models
 * @since 0.1.0
 */
export type WebhookDelivery = typeof WebhookDelivery.Type

/**
 * Where deliveries are kept: the inbox. Storage itself refuses the same one twice.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("webhook_delivery", WebhookDelivery, {
  byEndpoint: { fields: ["endpointId"] },
  byDedupeKey: { fields: ["endpointId", "dedupeKey"], unique: true },
  byBody: { fields: ["endpointId", "bodySha256"] },
  byState: { fields: ["state"] }
})

/**
 * The kind of the jobs that see to deliveries.
 *
 * @category constants
 * @since 0.1.0
 */
export const jobKind = "webhook.delivery"
