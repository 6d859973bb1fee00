import type { Collection, Index, Key, Row } from "@lamina/core/storage/Collection"
import { createHash } from "node:crypto"

/**
 * Where the tables are: in a schema, with a prefix.
 */
export interface Names {
  readonly schema: string
  readonly prefix: string
}

/**
 * The table of a collection, and its indexes as declared.
 */
export interface CollectionTable {
  readonly collection: string
  /** Qualified and quoted. */
  readonly table: string
  readonly primaryKey: string
  readonly indexes: ReadonlyMap<string, TableIndex>
}

/**
 * An index of a collection's table.
 */
export interface TableIndex {
  /** Of the index in the database. It changes with the definition, so that a changed index is made anew. */
  readonly name: string
  /** What follows `create … index … on …`. */
  readonly definition: string
  readonly unique: boolean
  /** Expressions for the fields, in order. */
  readonly columns: ReadonlyArray<string>
  /** The condition for a row to be in the index; queries repeat it, or else PostgreSQL would not use the index. */
  readonly predicate: string
}

const identifier = /^[a-z][a-z0-9_]*$/
const fieldName = /^[A-Za-z_][A-Za-z0-9_]*$/
// PostgreSQL cuts identifiers at 63 bytes; "_pkey" is still to be added.
const maximumTableName = 58

/**
 * Checks names before any of them becomes part of a statement.
 */
export const checkNames = (
  { prefix, schema }: Names,
  collections: ReadonlyArray<Collection<Row>>
): string | undefined => {
  if (!identifier.test(schema)) return `expected the schema to match ${identifier}, got ${JSON.stringify(schema)}`
  if (!identifier.test(prefix)) return `expected the prefix to match ${identifier}, got ${JSON.stringify(prefix)}`
  const seen = new Set<string>()
  for (const { indexes, name } of collections) {
    if (!identifier.test(name)) {
      return `expected the collection's name to match ${identifier}, got ${JSON.stringify(name)}`
    }
    if (rowTableName(prefix, name).length > maximumTableName) return `the name of the collection ${name} is too long`
    if (seen.has(name)) return `the collection ${name} is given twice`
    seen.add(name)
    for (const { fields, where } of Object.values<Index>(indexes)) {
      const strange = [...fields, ...(where === undefined ? [] : [where.field])].find((field) => !fieldName.test(field))
      if (strange !== undefined) return `collection ${name}: cannot index the field ${JSON.stringify(strange)}`
    }
  }
  return undefined
}

/**
 * A name in the schema, qualified and quoted; the parts have been checked.
 */
export const qualified = ({ prefix, schema }: Names, name: string): string => `"${schema}"."${prefix}${name}"`

/**
 * What the names of the indexes of collections begin with.
 */
export const indexPrefix = ({ prefix }: Names): string => `${prefix}ix_`

/**
 * The table of a collection.
 */
export const collectionTable = (names: Names, collection: Collection<Row>): CollectionTable => ({
  collection: collection.name,
  table: qualified(names, `rows_${collection.name}`),
  primaryKey: `${rowTableName(names.prefix, collection.name)}_pkey`,
  indexes: new Map(
    Object.entries<Index>(collection.indexes).map(([name, index]) => [name, tableIndex(names, collection.name, index)])
  )
})

const rowTableName = (prefix: string, collection: string): string => `${prefix}rows_${collection}`

const tableIndex = (names: Names, collection: string, index: Index): TableIndex => {
  const columns = index.fields.map((field) => `(data -> '${field}')`)
  const conditions = [
    // Absent fields, null and compound values are no keys.
    ...columns.map((column) => `jsonb_typeof(${column}) = any (array['string', 'number', 'boolean'])`),
    ...(index.where === undefined ? [] : [`(data -> '${index.where.field}') = ${jsonLiteral(index.where.equals)}`])
  ]
  const unique = index.unique === true
  const predicate = conditions.length === 0 ? "true" : conditions.join(" and ")
  const definition = `(${["account_id", ...columns, ...(unique ? [] : ["id"])].join(", ")}) where ${predicate}`
  const digest = createHash("sha256").update(JSON.stringify([collection, unique, definition])).digest("hex")
  return { name: `${indexPrefix(names)}${digest.slice(0, 24)}`, definition, unique, columns, predicate }
}

const jsonLiteral = (value: Key): string => `'${JSON.stringify(value).replaceAll("'", "''")}'::jsonb`
