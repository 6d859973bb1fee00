/**
 * Categories: bands of the layer stack, from the base system at the bottom to userland at the top.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * A band of the layer stack; modules of a higher position lie above.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Category = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  slug: Schema.String,
  position: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000 })),
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * A band of the layer stack.
 *
 * @category models
 * @since 0.1.0
 */
export type Category = typeof Category.Type

/**
 * Where categories are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("category", Category, {
  bySlug: { fields: ["slug"], unique: true }
})

/**
 * The categories of a new account.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults: ReadonlyArray<{ readonly slug: string; readonly position: number }> = [
  { slug: "system-base", position: 10 },
  { slug: "security", position: 20 },
  { slug: "network-overlay", position: 60 },
  { slug: "container-runtimes", position: 70 },
  { slug: "userland", position: 90 }
]
