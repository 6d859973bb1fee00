/**
 * Collections: what is stored, said as data.
 *
 * A collection names a kind of row, its schema, and the fields by which rows are found or must be unique. Adapters make
 * a map or a table of it, so that a new kind of row needs no new adapter code.
 *
 * @since 0.1.0
 */
import type * as Schema from "effect/Schema"

/**
 * What every row has: a UUIDv7, the account (tenant) it belongs to, and the revision, 1 at insert and one more with
 * every update.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  readonly id: string
  readonly accountId: string
  readonly rev: number
}

/**
 * A value that rows can be found by.
 *
 * @category models
 * @since 0.1.0
 */
export type Key = string | number | boolean

/**
 * Top-level fields of the encoded row, within its account. Rows that lack one of the fields are not in the index;
 * with `where`, neither are rows whose field has another value.
 *
 * @category models
 * @since 0.1.0
 */
export interface Index {
  readonly fields: ReadonlyArray<string>
  readonly unique?: boolean
  readonly where?: { readonly field: string; readonly equals: Key }
}

/**
 * A kind of row. The name is lower-case with underscores; the schema's encoded side is JSON.
 *
 * @category models
 * @since 0.1.0
 */
export interface Collection<R extends Row, Indexes extends string = string> {
  readonly name: string
  readonly schema: Schema.Codec<R, unknown>
  readonly indexes: Readonly<Record<Indexes, Index>>
}

/**
 * Declares a collection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R extends Row, const Indexes extends string>(
  name: string,
  schema: Schema.Codec<R, unknown>,
  indexes: Readonly<Record<Indexes, Index>>
): Collection<R, Indexes> => ({ name, schema, indexes })
