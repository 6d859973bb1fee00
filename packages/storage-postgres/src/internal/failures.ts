import { StorageError, Unavailable, UniqueViolation } from "@lamina/core/storage/StorageError"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import type { CollectionTable } from "./identifiers.ts"

/**
 * What a unique constraint of the database is called in the declaration of its collection.
 */
export type Constraints = ReadonlyMap<string, { readonly collection: string; readonly index: string }>

/**
 * The unique constraints of collections' tables, by name.
 */
export const constraintsOf = (tables: ReadonlyArray<CollectionTable>): Constraints =>
  new Map(tables.flatMap(({ collection, indexes, primaryKey }) => [
    [primaryKey, { collection, index: "id" }] as const,
    ...[...indexes].map(([index, { name }]) => [name, { collection, index }] as const)
  ]))

/**
 * Whether a transaction ran into another one, and may succeed when it is run again.
 */
export const isConflict = (error: unknown): boolean =>
  isSqlError(error) && (error.reason._tag === "SerializationError" || error.reason._tag === "DeadlockError")

/**
 * An error of the database as one of the port. PostgreSQL's message is told, not its details: they may quote rows, and
 * a connection error may hold the URL with its password.
 */
export const toStorageError = (constraints: Constraints) => (error: SqlError): StorageError => {
  const { reason } = error
  const constraint = reason._tag === "UniqueViolation" ? constraints.get(reason.constraint) : undefined
  return new StorageError({
    reason: constraint === undefined
      ? new Unavailable({ detail: `PostgreSQL: ${describe(reason)}` })
      : new UniqueViolation(constraint)
  })
}

const describe = ({ _tag, cause, message }: SqlError["reason"]): string => {
  const said = cause instanceof Error && cause.message !== message ? `: ${cause.message}` : ""
  return `${message || _tag}${said}`
}
