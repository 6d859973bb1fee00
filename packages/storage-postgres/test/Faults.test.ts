import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, layer } from "@effect/vitest"
import * as Collection from "@lamina/core/storage/Collection"
import { JobQueue } from "@lamina/core/storage/JobQueue"
import { Storage } from "@lamina/core/storage/Storage"
import { StorageContract } from "@lamina/core/testing"
import { PostgresStorage } from "@lamina/storage-postgres"
import { TestDatabase } from "@lamina/storage-postgres/testing"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const Counter = Schema.Struct({ id: Schema.String, accountId: Schema.String, rev: Schema.Int, count: Schema.Int })
const Counters = Collection.make("counters", Counter, {})
const counter = { id: "0190a0a0-0000-7000-8000-000000000001", accountId: "acme", rev: 0, count: 0 }

const connect = (url: Redacted.Redacted) => Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer)

const open = (url: Redacted.Redacted) =>
  Effect.map(Layer.build(PostgresStorage.layer({ url, collections: [Counters] })), (context) => ({
    storage: Context.get(context, Storage),
    queue: Context.get(context, JobQueue)
  }))

const cutConnections = Effect.fnUntraced(function*(url: Redacted.Redacted) {
  const sql = yield* connect(url)
  const cut = yield* sql`select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'lamina'`
  return cut.length
})

layer(TestDatabase.layerServer)("PostgresStorage", (it) => {
  it.effect("tells that the server cannot be reached, without the password", () =>
    Effect.gen(function*() {
      for (
        const url of ["postgres://u:hunter2@127.0.0.1:1/db", "not a url hunter2", "postgres://u:hunter2@h:99999/db"]
      ) {
        const error = yield* Effect.flip(open(Redacted.make(url)))
        assert.strictEqual(error.reason._tag, "Unavailable")
        assert.notInclude(JSON.stringify(error) + error.message + String(error.stack), "hunter2")
      }
    }))

  it.effect("fails a transaction whose connection is lost, keeps nothing of it, and goes on", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const { storage } = yield* open(url)
      const broken = storage.transaction((transaction) =>
        transaction.insert(Counters, counter).pipe(
          Effect.andThen(Effect.orDie(Effect.scoped(cutConnections(url)))),
          Effect.tap((cut) => Effect.sync(() => assert.isAbove(cut, 0))),
          Effect.andThen(transaction.scan(Counters, "acme"))
        )
      )
      const error = yield* Effect.flip(broken)
      assert.strictEqual(error.reason._tag, "Unavailable")
      const rows = yield* storage.transaction((transaction) => transaction.scan(Counters, "acme"))
      assert.deepStrictEqual(rows, [])
    }))

  it.effect("gives the body's own failure even if the connection is lost before it is rolled back", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const { storage } = yield* open(url)
      const broken = storage.transaction((transaction) =>
        transaction.insert(Counters, counter).pipe(
          Effect.andThen(Effect.orDie(Effect.scoped(cutConnections(url)))),
          Effect.andThen(Effect.fail("no" as const))
        )
      )
      assert.deepStrictEqual(yield* Effect.exit(broken), Exit.fail("no" as const))
    }))

  it.effect("does not take a transaction for done whose connection is lost before it is committed", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const { storage } = yield* open(url)
      const broken = storage.transaction((transaction) =>
        Effect.andThen(transaction.insert(Counters, counter), Effect.orDie(Effect.scoped(cutConnections(url))))
      )
      const error = yield* Effect.flip(broken)
      assert.strictEqual(error.reason._tag, "Unavailable")
    }))

  it.effect("serves hosts that share a database: no job twice, no update lost", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const hosts = yield* Effect.forEach([1, 2, 3], () => open(url))
      const [first] = hosts
      if (first === undefined) return assert.fail("no host")
      const keys = Array.from({ length: 30 }, (_, index) => `${index}`)
      yield* first.storage.transaction((transaction) =>
        Effect.andThen(
          transaction.insert(Counters, counter),
          Effect.forEach(keys, (key) => transaction.enqueue({ accountId: "acme", kind: "add", key, payload: 1 }))
        )
      )
      const work = Effect.fnUntraced(function*({ queue, storage }: typeof first) {
        for (let round = 0; round < 10; round++) {
          for (const job of yield* queue.claim({ kinds: ["add"], limit: 3, leaseMillis: 60_000 })) {
            yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
              const row = Option.getOrThrow(yield* transaction.get(Counters, "acme", counter.id))
              yield* transaction.update(Counters, { ...row, count: row.count + 1 })
              yield* transaction.complete(job)
            }))
          }
        }
      })
      yield* Effect.forEach(hosts, work, { concurrency: "unbounded" })
      const row = yield* first.storage.transaction((transaction) => transaction.get(Counters, "acme", counter.id))
      assert.deepStrictEqual(row, Option.some({ ...counter, rev: 31, count: 30 }))
    }))

  it.effect("gives the connection back when a transaction is interrupted", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const context = yield* Layer.build(PostgresStorage.layer({ url, collections: [Counters], maxConnections: 1 }))
      const storage = Context.get(context, Storage)
      for (let round = 0; round < 3; round++) {
        const reached = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(storage.transaction((transaction) =>
          transaction.insert(Counters, counter).pipe(
            Effect.andThen(Deferred.succeed(reached, undefined)),
            Effect.andThen(Effect.never)
          )
        ))
        yield* Deferred.await(reached)
        yield* Fiber.interrupt(fiber)
      }
      const rows = yield* storage.transaction((transaction) =>
        transaction.scan(Counters, "acme")
      )
      assert.deepStrictEqual(rows, [])
    }))

  it.effect("tells of a row that somebody else has spoilt", () =>
    Effect.gen(function*() {
      const url = yield* TestDatabase.fresh
      const { storage } = yield* open(url)
      yield* storage.transaction((transaction) => transaction.insert(Counters, counter))
      const sql = yield* connect(url)
      yield* sql`update lamina_rows_counters set data = data || '{"count": "many"}'`
      const error = yield* Effect.flip(storage.transaction((transaction) => transaction.scan(Counters, "acme")))
      assert.deepInclude(error.reason, { _tag: "CorruptRow", collection: "counters", id: counter.id })
    }))

  it.effect("dies when asked for a collection that it was not given", () =>
    Effect.gen(function*() {
      const { storage } = yield* open(yield* TestDatabase.fresh)
      const [other] = StorageContract.collections
      if (other === undefined) return assert.fail("no collection")
      const exit = yield* Effect.exit(storage.transaction((transaction) => transaction.scan(other, "acme")))
      assert.isTrue(Exit.hasDies(exit))
    }))
})
