/**
 * Events: what changed, by whom, from what to what. They are written in the transaction of the change and never after.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"
import { Actor } from "./Actor.ts"

/**
 * One thing that happened to an aggregate: the row that a command was about.
 *
 * `aggregateRev` is the revision of that row after the change, by which a consumer puts events of one aggregate in order.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Event = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  type: Schema.String,
  aggregateKind: Schema.String,
  aggregateId: Schema.String,
  aggregateRev: Schema.Int,
  actor: Actor,
  correlationId: Schema.String,
  /** Milliseconds since the epoch. */
  at: Schema.Int,
  before: Schema.Json,
  after: Schema.Json,
  detail: Schema.Json
})

/**
 * One thing that happened.
 *
 * @category models
 * @since 0.1.0
 */
export type Event = typeof Event.Type

/**
 * Where events are kept. They are only ever added.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("event", Event, {
  byAggregate: { fields: ["aggregateKind", "aggregateId"] },
  byCorrelation: { fields: ["correlationId"] },
  byType: { fields: ["type"] }
})
