import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import * as Collection from "@lamina/core/storage/Collection"
import { Storage } from "@lamina/core/storage/Storage"
import { PostgresStorage } from "@lamina/storage-postgres"
import { TestDatabase } from "@lamina/storage-postgres/testing"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const Machine = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  name: Schema.String,
  zone: Schema.String,
  live: Schema.Boolean
})
const machine = {
  id: "0190a0a0-0000-7000-8000-000000000001",
  accountId: "acme",
  rev: 0,
  name: "it's \"one\" \\",
  zone: "eu",
  live: true
}
const twin = { ...machine, id: "0190a0a0-0000-7000-8000-000000000002" }

const machines = <const I extends string>(indexes: Readonly<Record<I, Collection.Index>>) =>
  Collection.make("machines", Machine, indexes)
const plain = machines({})
const byName = machines({ name: { fields: ["name"], unique: true } })

type Storing = Omit<PostgresStorage.Options, "collections">

const withCollection = (options: Storing, collection: Collection.Collection<Collection.Row>) =>
  PostgresStorage.layer({ ...options, collections: [collection] })

const insert = (row: typeof machine) =>
  Effect.flatMap(Storage, (storage) => storage.transaction((transaction) => transaction.insert(plain, row)))

const boot = (options: Storing, collection: Collection.Collection<Collection.Row>) =>
  Effect.scoped(Layer.build(withCollection(options, collection)))

const connect = (url: Redacted.Redacted) => Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer)

const indexNames = Effect.fnUntraced(function*(url: Redacted.Redacted) {
  const sql = yield* connect(url)
  const rows = yield* sql<{ readonly indexname: string }>`select indexname::text from pg_indexes
    where tablename = 'lamina_rows_machines' order by 1`
  return rows.map(({ indexname }) => indexname)
})

const reasonOf = <A, E extends { readonly reason: unknown }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason)

layer(TestDatabase.layerServer)("the tables", (it) => {
  it.effect("are made once when many processes boot at the same time", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      yield* Effect.all(Array.from({ length: 8 }, () => boot({ url, schema: "fleet" }, byName)), {
        concurrency: "unbounded"
      })
      const sql = yield* connect(url)
      const tables = yield* sql`select tablename::text as name from pg_tables where schemaname = 'fleet' order by 1`
      assert.deepStrictEqual(tables.map(({ name }) => name), [
        "lamina_jobs",
        "lamina_migrations",
        "lamina_rows_machines",
        "lamina_turnstile"
      ])
    }))

  it.effect("get indexes that are declared later, and lose those that are declared no longer", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      yield* Effect.provide(insert(machine), withCollection({ url }, plain))
      const sql = yield* connect(url)
      yield* sql`create index made_by_an_operator on lamina_rows_machines ((data -> 'zone'))`
      const before = yield* indexNames(url)

      const find = Effect.flatMap(
        Storage,
        (storage) => storage.transaction((transaction) => transaction.find(byName, "acme", "name", [machine.name]))
      )
      const found = yield* Effect.provide(find, withCollection({ url }, byName))
      assert.deepStrictEqual(found, Option.some({ ...machine, rev: 1 }))
      const reason = yield* reasonOf(Effect.provide(insert(twin), withCollection({ url }, byName)))
      assert.deepInclude(reason, { _tag: "UniqueViolation", collection: "machines", index: "name" })

      yield* boot({ url }, machines({ name: { fields: ["name", "id"], unique: true } }))
      yield* Effect.provide(insert(twin), withCollection({ url }, plain))
      assert.deepStrictEqual(yield* indexNames(url), before)
    }))

  it.effect("refuse a unique index that the rows contradict, and stay as they were", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      yield* Effect.provide(Effect.andThen(insert(machine), insert(twin)), withCollection({ url }, plain))
      const before = yield* indexNames(url)
      assert.deepInclude(yield* reasonOf(boot({ url }, byName)), { _tag: "UniqueViolation", index: "name" })
      assert.deepStrictEqual(yield* indexNames(url), before)
    }))

  it.effect("keep two storages apart by prefix", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      for (const prefix of ["one_", "two_"]) {
        yield* Effect.provide(insert(machine), withCollection({ url, prefix }, byName))
      }
    }))

  it.effect("quote the values of an index's condition", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const special = machines({ special: { fields: ["zone"], where: { field: "name", equals: machine.name } } })
      const find = Effect.gen(function*() {
        const storage = yield* Storage
        yield* insert(machine)
        yield* insert({ ...twin, name: "two" })
        return yield* storage.transaction((transaction) => transaction.list(special, "acme", "special", ["eu"]))
      })
      const found = yield* Effect.provide(find, withCollection({ url }, special))
      assert.deepStrictEqual(found, [{ ...machine, rev: 1 }])
    }))

  it.effect("are searched through the declared indexes", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const indexed = machines({
        zone: { fields: ["zone", "name"] },
        live: { fields: ["zone"], unique: true, where: { field: "live", equals: true } }
      })
      yield* boot({ url }, indexed)
      const sql = yield* connect(url)
      const plan = Effect.fnUntraced(function*(condition: string) {
        const rows = yield* sql.unsafe<{ readonly "QUERY PLAN": string }>(
          `explain select * from lamina_rows_machines where account_id = 'a' and ${condition} order by id limit 10`
        )
        return rows.map((row) => row["QUERY PLAN"]).join("\n")
      })
      const isKey = (field: string) => `jsonb_typeof((data -> '${field}')) = any (array['string', 'number', 'boolean'])`
      const definitions = yield* sql<{ readonly definition: string }>`
        select pg_get_indexdef(indexrelid) as definition from pg_index
        where indrelid = 'lamina_rows_machines'::regclass and indpred is not null`
      assert.strictEqual(definitions.length, 2)
      yield* sql`set enable_seqscan = off`
      const both = yield* plan(`${isKey("zone")} and ${isKey("name")} and (data -> 'zone') = '"eu"'::jsonb`)
      assert.match(both, /Index Cond: .*account_id.*zone/)
      assert.match(both, /lamina_ix_/)
    }))

  it.effect("are not made for names that could be something else in SQL", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const bad: ReadonlyArray<readonly [Storing, Collection.Collection<Collection.Row>]> = [
        [{ url, prefix: "a\"; drop table x; --" }, plain],
        [{ url, schema: "Public" }, plain],
        [{ url }, Collection.make("machines; --", Machine, {})],
        [{ url }, Collection.make("m".repeat(60), Machine, {})],
        [{ url }, machines({ odd: { fields: ["na'me"] } })],
        [{ url }, machines({ odd: { fields: ["name"], where: { field: "na'me", equals: 1 } } })]
      ]
      for (const [options, collection] of bad) {
        const exit = yield* Effect.exit(boot(options, collection))
        assert.isTrue(Exit.hasDies(exit))
      }
    }))
})
