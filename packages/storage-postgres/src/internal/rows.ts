import type { Collection, Key, Row } from "@lamina/core/storage/Collection"
import * as RowCodec from "@lamina/core/storage/RowCodec"
import type { ListOptions, Transaction } from "@lamina/core/storage/Storage"
import { type Reason, RowNotFound, StaleRevision, StorageError } from "@lamina/core/storage/StorageError"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { SqlError } from "effect/sql/SqlError"
import { type Database, query, tableOf } from "./Database.ts"

type Failure = SqlError | StorageError

type RowOperations = {
  readonly [Name in "get" | "locate" | "find" | "list" | "scan" | "insert" | "update" | "remove"]: Transaction[Name]
}

/**
 * The operations on rows, each as the transaction wants it run.
 */
export const rowOperations = (
  database: Database,
  operation: <A>(run: Effect.Effect<A, Failure>) => Effect.Effect<A, StorageError>
): RowOperations => {
  const select = Effect.fnUntraced(function*<R extends Row, I extends string>(
    collection: Collection<R, I>,
    conditions: ReadonlyArray<string>,
    parameters: ReadonlyArray<string>,
    options: ListOptions = {}
  ): Effect.fn.Return<ReadonlyArray<R>, Failure> {
    const { table } = yield* tableOf(database, collection)
    const limit = RowCodec.pageLimit(options.limit)
    const { after, descending = false } = options
    if (limit === 0 || (after !== undefined && !RowCodec.isRowId(after))) return []
    const beyond = after === undefined ? [] : [`id ${descending ? "<" : ">"} $${parameters.length + 1}::uuid`]
    const rows = yield* query<{ readonly id: string; readonly json: string }>(
      database,
      `select id::text as id, data::text as json from ${table}
       where ${[...conditions, ...beyond].join(" and ")}
       order by ${table}.id ${descending ? "desc" : "asc"} limit ${limit}`,
      after === undefined ? parameters : [...parameters, after]
    )
    return yield* Effect.forEach(rows, ({ id, json }) => Effect.fromResult(RowCodec.decode(collection, id, json)))
  })

  const selectByIndex = Effect.fnUntraced(function*<R extends Row, I extends string>(
    collection: Collection<R, I>,
    accountId: string,
    indexName: I,
    values: ReadonlyArray<Key>,
    options?: ListOptions
  ): Effect.fn.Return<ReadonlyArray<R>, Failure> {
    const { indexes } = yield* tableOf(database, collection)
    const index = indexes.get(indexName)
    if (index === undefined || values.length > index.columns.length) {
      return yield* Effect.die(
        new Error(`${collection.name}: index ${indexName} cannot be asked for ${values.length} values`)
      )
    }
    if (!RowCodec.isStorableKey(accountId, values)) return []
    const conditions = values.map((_, position) => `${index.columns[position]} = $${position + 2}::jsonb`)
    const parameters = [accountId, ...values.map((value) => JSON.stringify(value))]
    return yield* select(collection, [ofAccount, index.predicate, ...conditions], parameters, options)
  })

  const selectById = <R extends Row, I extends string>(
    collection: Collection<R, I>,
    id: string,
    accountId?: string
  ): Effect.Effect<Option.Option<R>, Failure> => {
    if (!RowCodec.isRowId(id)) return Effect.succeedNone
    if (accountId === undefined) return Effect.map(select(collection, ["id = $1::uuid"], [id]), first)
    if (!RowCodec.isStorableText(accountId)) return Effect.succeedNone
    return Effect.map(select(collection, [ofAccount, "id = $2::uuid"], [accountId, id]), first)
  }

  const insert = Effect.fnUntraced(function*<R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: R
  ): Effect.fn.Return<R, Failure> {
    const { table } = yield* tableOf(database, collection)
    const { accountId, id, json, rev } = yield* Effect.fromResult(RowCodec.encode(collection, row, 1))
    yield* query(
      database,
      `insert into ${table} (id, account_id, rev, data) values ($1::uuid, $2::text, $3::float8, $4::jsonb)`,
      [id, accountId, rev, json]
    )
    return yield* Effect.fromResult(RowCodec.decode(collection, id, json))
  })

  const update = Effect.fnUntraced(function*<R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: R
  ): Effect.fn.Return<R, Failure> {
    const { table } = yield* tableOf(database, collection)
    const { accountId, id, json } = yield* Effect.fromResult(RowCodec.encode(collection, row, row.rev + 1))
    const updated = yield* query(
      database,
      `update ${table} set rev = rev + 1, data = $4::jsonb
       where id = $1::uuid and account_id = $2::text and rev = $3::float8 returning 1 as found`,
      [id, accountId, row.rev, json]
    )
    if (updated.length === 0) return yield* missed(collection, row)
    return yield* Effect.fromResult(RowCodec.decode(collection, id, json))
  })

  const remove = Effect.fnUntraced(function*<R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: R
  ): Effect.fn.Return<void, Failure> {
    const { table } = yield* tableOf(database, collection)
    if (!RowCodec.isRowId(row.id) || !RowCodec.isStorableText(row.accountId)) return yield* notFound(collection, row)
    const removed = yield* query(
      database,
      `delete from ${table}
       where id = $1::uuid and account_id = $2::text and rev = $3::float8 returning 1 as found`,
      [row.id, row.accountId, row.rev]
    )
    if (removed.length === 0) return yield* missed(collection, row)
  })

  /** Why no row has the id, account and revision. */
  const missed = Effect.fnUntraced(function*(collection: Collection<Row>, row: Row) {
    const { table } = yield* tableOf(database, collection)
    const [current] = yield* query<{ readonly rev: number }>(
      database,
      `select rev::float8 as rev from ${table} where id = $1::uuid and account_id = $2::text`,
      [row.id, row.accountId]
    )
    if (current === undefined) return yield* notFound(collection, row)
    return yield* fail(
      new StaleRevision({ collection: collection.name, id: row.id, expected: row.rev, actual: current.rev })
    )
  })

  return {
    get: (collection, accountId, id) => operation(selectById(collection, id, accountId)),
    locate: (collection, id) => operation(selectById(collection, id)),
    find: (collection, accountId, index, values) =>
      operation(Effect.map(selectByIndex(collection, accountId, index, values, { limit: 1 }), first)),
    list: (collection, accountId, index, values, options) =>
      operation(selectByIndex(collection, accountId, index, values, options)),
    scan: (collection, accountId, options) =>
      operation(
        RowCodec.isStorableText(accountId)
          ? select(collection, [ofAccount], [accountId], options)
          : Effect.succeed([])
      ),
    insert: (collection, row) => operation(insert(collection, row)),
    update: (collection, row) => operation(update(collection, row)),
    remove: (collection, row) => operation(remove(collection, row))
  }
}

const ofAccount = "account_id = $1::text"

const first = <A>(rows: ReadonlyArray<A>): Option.Option<A> => Option.fromUndefinedOr(rows[0])

const fail = (reason: Reason): Effect.Effect<never, StorageError> => Effect.fail(new StorageError({ reason }))

const notFound = (collection: Collection<Row>, { id }: Row): Effect.Effect<never, StorageError> =>
  fail(new RowNotFound({ collection: collection.name, id }))
