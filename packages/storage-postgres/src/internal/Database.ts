import type { Collection, Row } from "@lamina/core/storage/Collection"
import type { StorageError } from "@lamina/core/storage/StorageError"
import type * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import type * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { CollectionTable } from "./identifiers.ts"

/**
 * What the statements need: the client, the tables, and how the database's errors are told.
 */
export interface Database {
  readonly sql: SqlClient.SqlClient
  readonly random: SecureRandom.SecureRandom["Service"]
  readonly tables: ReadonlyMap<string, CollectionTable>
  readonly jobs: string
  readonly turnstile: string
  readonly toStorageError: (error: SqlError) => StorageError
}

/**
 * Runs a statement; parameters are cast to their types in its text.
 */
export const query = <A extends object>(
  { sql }: Database,
  text: string,
  parameters: ReadonlyArray<string | number | null>
): Effect.Effect<ReadonlyArray<A>, SqlError> => sql.unsafe<A>(text, parameters).withoutTransform

/**
 * The table of a collection.
 */
export const tableOf = ({ tables }: Database, { name }: Collection<Row>): Effect.Effect<CollectionTable> => {
  const table = tables.get(name)
  return table === undefined
    ? Effect.die(new Error(`the collection ${name} is not among the collections that PostgresStorage.layer was given`))
    : Effect.succeed(table)
}
