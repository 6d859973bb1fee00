import * as Schema from "effect/Schema"

/** A field that may be absent or null; both are read as `undefined` by the resources. */
export const maybe = <S extends Schema.Constraint>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/** Go sends `null` for an empty list. */
export const list = <S extends Schema.Constraint>(item: S) => Schema.NullOr(Schema.Array(item))
