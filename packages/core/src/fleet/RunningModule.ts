/**
 * Which instance runs which artifact: the reverse of the heartbeats, kept so that "is it in use" is one look-up.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * One module that an instance reported as running.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RunningModule = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  instanceId: Schema.String,
  moduleName: Schema.String,
  composefsDigest: Schema.String
})

/**
 * One module that an instance reported as running.
 *
 * @category models
 * @since 0.1.0
 */
export type RunningModule = typeof RunningModule.Type

/**
 * Where they are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("running_module", RunningModule, {
  byInstance: { fields: ["instanceId"] },
  byDigest: { fields: ["composefsDigest"] }
})
