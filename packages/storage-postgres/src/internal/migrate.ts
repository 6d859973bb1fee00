import * as Effect from "effect/Effect"
import * as Migrator from "effect/sql/Migrator"
import * as SqlClient from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type CollectionTable, indexPrefix, type Names, qualified } from "./identifiers.ts"

/**
 * Brings the database to the form that this version and the declared collections need, in one transaction. Many
 * processes may do so at once: one does the work, the others find it done.
 */
export const migrate = Effect.fnUntraced(function*(
  names: Names,
  tables: ReadonlyArray<CollectionTable>
): Effect.fn.Return<void, SqlError | Migrator.MigrationError, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  yield* sql.withTransaction(Effect.gen(function*() {
    const lock = `lamina storage ${names.schema}.${names.prefix}`
    yield* sql.unsafe("select pg_advisory_xact_lock(hashtextextended($1::text, 0))::text", [lock])
    yield* ensureSchema(names)
    yield* Migrator.make({})({
      table: `${names.schema}.${names.prefix}migrations`,
      loader: Migrator.fromRecord({ "0001_jobs": createJobs(names) })
    })
    for (const table of tables) yield* ensureTable(names, table)
  }))
})

// Not "create schema if not exists": that needs the right to create schemas even if there is nothing to create.
const ensureSchema = Effect.fnUntraced(function*({ schema }: Names) {
  const sql = yield* SqlClient.SqlClient
  const found = yield* sql.unsafe("select 1 as found from pg_namespace where nspname = $1::text", [schema])
  if (found.length === 0) yield* sql.unsafe(`create schema "${schema}"`)
})

// Times are milliseconds since the epoch, from the clock of the host. The turnstile is never written to: transactions
// that keep running into each other lock it, and so pass one after another.
const createJobs = Effect.fnUntraced(function*(names: Names) {
  const sql = yield* SqlClient.SqlClient
  const jobs = qualified(names, "jobs")
  yield* sql.unsafe(`create table ${jobs} (
    id uuid primary key,
    sequence bigint generated always as identity,
    account_id text collate "C" not null,
    kind text collate "C" not null,
    key text collate "C" not null,
    payload jsonb not null,
    state text collate "C" not null,
    attempts integer not null,
    available_at double precision not null,
    lease text,
    leased_until double precision,
    last_error text,
    unique (account_id, kind, key)
  )`)
  yield* sql.unsafe(`create index on ${jobs} (kind, available_at, sequence) where state in ('ready', 'running')`)
  yield* sql.unsafe(`create index on ${jobs} (account_id, state, sequence)`)
  yield* sql.unsafe(`create table ${qualified(names, "turnstile")} ()`)
})

const ensureTable = Effect.fnUntraced(function*(names: Names, { indexes, primaryKey, table }: CollectionTable) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(`create table if not exists ${table} (
    id uuid constraint "${primaryKey}" primary key,
    account_id text collate "C" not null,
    rev bigint not null,
    data jsonb not null
  )`)
  yield* sql.unsafe(
    `create index if not exists "${primaryKey.replace(/_pkey$/, "_scan")}" on ${table} (account_id, id)`
  )

  const existing = yield* sql.unsafe<{ readonly name: string }>(
    `select relname::text as name from pg_index join pg_class on pg_class.oid = indexrelid
     where indrelid = $1::text::regclass and starts_with(relname, $2::text)`,
    [table, indexPrefix(names)]
  )
  const declared = new Map([...indexes.values()].map((index) => [index.name, index]))
  for (const { name } of existing) {
    if (!declared.delete(name)) yield* sql.unsafe(`drop index "${names.schema}"."${name}"`)
  }
  for (const { definition, name, unique } of declared.values()) {
    yield* sql.unsafe(`create ${unique ? "unique " : ""}index "${name}" on ${table} ${definition}`)
  }
})
