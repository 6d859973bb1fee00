/**
 * Templates: which modules an installation consists of, and which of their versions it follows.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * A template.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Template = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  name: Schema.String,
  description: Schema.String,
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * A template.
 *
 * @category models
 * @since 0.1.0
 */
export type Template = typeof Template.Type

/**
 * Where templates are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("template", Template, {
  byName: { fields: ["name"], unique: true }
})
