/**
 * The storage port and the job queue on PostgreSQL 15 or newer.
 *
 * Each collection is a table of `jsonb` with an expression index for each declared index; jobs are a table of their own.
 * Transactions are SERIALIZABLE. One that runs into another is run again, at once; when it is unlucky again and again, it
 * queues with the others that are, which then pass one after another.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import type { Collection, Row } from "@lamina/core/storage/Collection"
import { JobQueue } from "@lamina/core/storage/JobQueue"
import { Storage } from "@lamina/core/storage/Storage"
import { StorageError, Unavailable } from "@lamina/core/storage/StorageError"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError } from "effect/sql/SqlError"
import type { Database } from "./internal/Database.ts"
import { constraintsOf, toStorageError } from "./internal/failures.ts"
import { checkNames, collectionTable, qualified } from "./internal/identifiers.ts"
import { makeJobQueue } from "./internal/jobs.ts"
import { migrate } from "./internal/migrate.ts"
import { alone, makeTransaction } from "./internal/transactions.ts"

/**
 * Where the database is (`url`, or `host`, `port`, `username`, `password`, …), how to connect, and what to store there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends
  Omit<
    PgClient.PgPoolConfig,
    "multiplex" | "multiplexConcurrency" | "transformJson" | "transformQueryNames" | "transformResultNames" | "types"
  >
{
  /** Every collection that transactions use. */
  readonly collections: ReadonlyArray<Collection<Row>>
  /** The schema of the tables, made when it is absent; `public` when not said. */
  readonly schema?: string | undefined
  /** What the names of the tables begin with; `lamina_` when not said. */
  readonly prefix?: string | undefined
}

/**
 * Storage and job queue in a database, whose tables and indexes are made or brought up to date first.
 *
 * @example
 * ```ts
 * import { PostgresStorage } from "@lamina/storage-postgres"
 * import * as Redacted from "effect/Redacted"
 *
 * export const storage = PostgresStorage.layer({
 *   url: Redacted.make("postgres://lamina:secret@db.example/lamina?sslmode=verify-full"),
 *   collections: []
 * })
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<Storage | JobQueue, StorageError> =>
  Layer.effectContext(make(options)).pipe(Layer.provide([Reactivity.layer, SecureRandom.layerWebCrypto]))

const make = Effect.fnUntraced(function*({ collections, prefix = "lamina_", schema = "public", ...client }: Options) {
  const names = { prefix, schema }
  const problem = checkNames(names, collections)
  if (problem !== undefined) return yield* Effect.die(new Error(`PostgresStorage.layer: ${problem}`))
  const tables = collections.map((collection) => collectionTable(names, collection))
  const toError = toStorageError(constraintsOf(tables))

  const sql = yield* PgClient.make({ ...clientDefaults, ...client, ...startup(client) }).pipe(Effect.mapError(toError))
  yield* migrate(names, tables).pipe(
    Effect.provideService(SqlClient.SqlClient, sql),
    Effect.mapError((error) =>
      isSqlError(error) ? toError(error) : new StorageError({ reason: new Unavailable({ detail: error.message }) })
    )
  )

  const database: Database = {
    sql,
    random: yield* SecureRandom.SecureRandom,
    tables: new Map(tables.map((table) => [table.collection, table])),
    jobs: qualified(names, "jobs"),
    turnstile: qualified(names, "turnstile"),
    toStorageError: toError
  }
  const queue = makeJobQueue(
    database,
    (run) => alone(database, Effect.mapError(run, (error) => isSqlError(error) ? toError(error) : error))
  )
  return Context.make(Storage, Storage.of({ transaction: makeTransaction(database) })).pipe(
    Context.add(JobQueue, JobQueue.of(queue))
  )
})

// A row has 4 MiB at most, but `jsonb` writes small numbers and separators at greater length.
const clientDefaults = {
  applicationName: "lamina",
  maxMessageSize: 32 * 1024 * 1024,
  preparedStatementCacheSize: 500
}

// A sequential scan makes a serializable transaction conflict with every writer of the table; all our conditions have
// an index (PostgreSQL 18, 13.2.3 "Serializable Isolation Level").
const startup = ({ startupParameters }: Pick<Options, "startupParameters">) => ({
  startupParameters: { enable_seqscan: "off", ...startupParameters }
})
