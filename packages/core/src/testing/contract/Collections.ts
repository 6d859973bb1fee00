/**
 * The collections that the storage contract is tried on.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../../storage/Collection.ts"

const rowFields = { id: Schema.String, accountId: Schema.String, rev: Schema.Int }

/**
 * A row with indexes of every sort.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Release = Schema.Struct({
  ...rowFields,
  module: Schema.String,
  name: Schema.String,
  state: Schema.Literals(["draft", "live"]),
  position: Schema.optionalKey(Schema.Union([Schema.Finite, Schema.String, Schema.Boolean, Schema.Null]))
})

/**
 * A row with indexes of every sort.
 *
 * @category models
 * @since 0.1.0
 */
export type Release = typeof Release.Type

/**
 * Rows whose names are unique, of which at most one per module is live, and which may have a position.
 *
 * @category collections
 * @since 0.1.0
 */
export const Releases = Collection.make("contract_releases", Release, {
  name: { fields: ["module", "name"], unique: true },
  live: { fields: ["module"], unique: true, where: { field: "state", equals: "live" } },
  position: { fields: ["state", "position"] }
})

/**
 * A row that holds any JSON, and a field which is encoded otherwise than it is decoded.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Document = Schema.Struct({ ...rowFields, size: Schema.BigIntFromString, content: Schema.Unknown })

/**
 * A row that holds any JSON, and a field which is encoded otherwise than it is decoded.
 *
 * @category models
 * @since 0.1.0
 */
export type Document = typeof Document.Type

/**
 * Rows of any content.
 *
 * @category collections
 * @since 0.1.0
 */
export const Documents = Collection.make("contract_documents", Document, { size: { fields: ["size"] } })
