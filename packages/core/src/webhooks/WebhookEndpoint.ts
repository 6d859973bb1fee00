/**
 * Endpoints: where somebody may send webhooks, and the secrets that prove it was them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * A sealed secret and when it counts. Several overlap while one is being rotated.
 *
 * @category schemas
 * @since 0.1.0
 */
export const EndpointKey = Schema.Struct({
  id: Schema.String,
  sealed: Schema.String,
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int,
  /** From when on it does not count any more. */
  notAfter: Schema.optional(Schema.Int)
})

/**
 * A sealed secret and when it counts.
 *
 * @category models
 * @since 0.1.0
 */
export type EndpointKey = typeof EndpointKey.Type

/**
 * An endpoint. Its id is part of the address that senders use.
 *
 * @category schemas
 * @since 0.1.0
 */
export const WebhookEndpoint = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  name: Schema.String,
  state: Schema.Literals(["active", "revoked"]),
  keys: Schema.Array(EndpointKey),
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * An endpoint.
 *
 * @category models
 * @since 0.1.0
 */
export type WebhookEndpoint = typeof WebhookEndpoint.Type

/**
 * Where endpoints are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("webhook_endpoint", WebhookEndpoint, {
  byName: { fields: ["name"], unique: true }
})

/**
 * What a key's secret is sealed for; it opens for no other.
 *
 * @category getters
 * @since 0.1.0
 */
export const sealPurpose = (endpointId: string, keyId: string): string => `webhook-endpoint/${endpointId}/${keyId}`

/**
 * The keys that count at a time, of an endpoint that is not revoked.
 *
 * @category getters
 * @since 0.1.0
 */
export const activeKeys = (endpoint: WebhookEndpoint, now: number): ReadonlyArray<EndpointKey> =>
  endpoint.state === "revoked"
    ? []
    : endpoint.keys.filter((key) => key.notAfter === undefined || now < key.notAfter)
