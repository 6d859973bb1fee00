/**
 * The part of the storage contract about rows: revisions, indexes, accounts and pages.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Transaction } from "../../storage/Storage.ts"
import { type ContractCase, equal, failsWith, type Fixture, make } from "../ContractCase.ts"
import { type Release, Releases } from "./Collections.ts"

const draft = (accountId: string, id: string, name: string, rest: Partial<Release> = {}): Release => ({
  id,
  accountId,
  rev: 0,
  module: "base",
  name,
  state: "draft",
  ...rest
})

const insertAll = Effect.fnUntraced(function*(
  { accountId, newId, storage }: Fixture,
  releases: ReadonlyArray<Partial<Release>>
) {
  return yield* storage.transaction((transaction) =>
    Effect.forEach(
      releases,
      (rest, index) =>
        Effect.flatMap(newId, (id) => transaction.insert(Releases, draft(accountId, id, `release ${index}`, rest)))
    )
  )
})

const insertOne = ({ accountId, newId, storage }: Fixture, rest: Partial<Release> = {}) =>
  Effect.flatMap(
    newId,
    (id) => storage.transaction((transaction) => transaction.insert(Releases, draft(accountId, id, "release 0", rest)))
  )

const names = (releases: ReadonlyArray<Release>): ReadonlyArray<string> => releases.map((release) => release.name)

/**
 * What adapters do with rows.
 *
 * @category cases
 * @since 0.1.0
 */
export const rowCases: ReadonlyArray<ContractCase> = [
  make(
    "gives an inserted row the revision 1 and finds it by id, index and account",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, storage } = fixture
        const row = yield* insertOne(fixture, { rev: 7 })
        yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
          const expected = draft(accountId, row.id, "release 0", { rev: 1 })
          yield* equal("the inserted row", row, expected)
          yield* equal("get", yield* transaction.get(Releases, accountId, expected.id), Option.some(expected))
          yield* equal(
            "find",
            yield* transaction.find(Releases, accountId, "name", ["base", "release 0"]),
            Option.some(expected)
          )
          yield* equal("list", yield* transaction.list(Releases, accountId, "name", ["base"]), [expected])
          yield* equal("scan", yield* transaction.scan(Releases, accountId), [expected])
          yield* equal("locate", yield* transaction.locate(Releases, expected.id), Option.some(expected))
        }))
      })
  ),

  make("replaces a row of the same revision and counts up", (fixture) =>
    Effect.gen(function*() {
      const { accountId, storage } = fixture
      const row = yield* insertOne(fixture, { position: 1 })
      const second = yield* storage.transaction((transaction) =>
        transaction.update(Releases, { ...row, name: "renamed" })
      )
      const { position: _, ...withoutPosition } = second
      const third = yield* storage.transaction((transaction) => transaction.update(Releases, withoutPosition))
      yield* equal("the updated row", third, { ...withoutPosition, rev: 3 })
      yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
        const found = (name: string) => transaction.find(Releases, accountId, "name", ["base", name])
        yield* equal("the row by its former name", yield* found("release 0"), Option.none())
        yield* equal("the row by its name", yield* found("renamed"), Option.some(third))
        const positioned = yield* transaction.list(Releases, accountId, "position", ["draft", 1])
        yield* equal("the rows of the former position", positioned, [])
      }))
    })),

  make("refuses to change a row of another revision and tells both", (fixture) =>
    Effect.gen(function*() {
      const { accountId, storage } = fixture
      const row = yield* insertOne(fixture)
      const current = yield* storage.transaction((transaction) => transaction.update(Releases, row))
      for (const operation of ["update", "remove"] as const) {
        const stale = storage.transaction((transaction) => Effect.asVoid(transaction[operation](Releases, row)))
        const { actual, collection, expected, id } = yield* failsWith(operation, stale, "StaleRevision")
        yield* equal("the reason", { actual, collection, expected, id }, {
          collection: Releases.name,
          id: row.id,
          expected: 1,
          actual: 2
        })
      }
      const kept = yield* storage.transaction((transaction) => transaction.get(Releases, accountId, row.id))
      yield* equal("the row", kept, Option.some(current))
    })),

  make("removes a row from every index", (fixture) =>
    Effect.gen(function*() {
      const { accountId, storage } = fixture
      const row = yield* insertOne(fixture, { state: "live" })
      yield* storage.transaction((transaction) => transaction.remove(Releases, row))
      yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
        yield* equal("get", yield* transaction.get(Releases, accountId, row.id), Option.none())
        yield* equal("scan", yield* transaction.scan(Releases, accountId), [])
        yield* equal("find", yield* transaction.find(Releases, accountId, "live", ["base"]), Option.none())
        yield* transaction.insert(Releases, row)
      }))
      const twice = storage.transaction((transaction) =>
        Effect.andThen(transaction.remove(Releases, row), transaction.remove(Releases, row))
      )
      yield* failsWith("removing a row twice", twice, "RowNotFound")
    })),

  make(
    "refuses a second row of the same id, and a second row with the values of a unique index",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, newId, storage } = fixture
        const row = yield* insertOne(fixture)
        const insert = (release: Release) => storage.transaction((transaction) => transaction.insert(Releases, release))
        const sameId = yield* failsWith("the same id", insert({ ...row, name: "other" }), "UniqueViolation")
        yield* equal("the index", sameId.index, "id")
        const sameName = insert({ ...row, id: yield* newId })
        const violated = yield* failsWith("the same name", sameName, "UniqueViolation")
        yield* equal("the index", [violated.collection, violated.index], [Releases.name, "name"])
        const other = yield* insert({ ...row, id: yield* newId, name: "other" })
        const renamed = storage.transaction((transaction) => transaction.update(Releases, { ...other, name: row.name }))
        yield* failsWith("a rename to the same name", renamed, "UniqueViolation")
        yield* insert({ ...row, id: yield* newId, module: "elsewhere" })
        const kept = yield* storage.transaction((transaction) => transaction.scan(Releases, accountId))
        yield* equal("the rows", names(kept), ["release 0", "other", "release 0"])
      })
  ),

  make(
    "keeps one live row per module, which another replaces after it has stepped down",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, storage } = fixture
        const live = yield* insertOne(fixture, { state: "live" })
        const next = yield* insertOne(fixture, { name: "release 1" })
        const promote = (transaction: Transaction) => transaction.update(Releases, { ...next, state: "live" })
        const early = yield* failsWith("a second live row", storage.transaction(promote), "UniqueViolation")
        yield* equal("the index", early.index, "live")
        yield* storage.transaction((transaction) =>
          Effect.andThen(transaction.update(Releases, { ...live, state: "draft" }), promote(transaction))
        )
        const found = yield* storage.transaction((transaction) =>
          transaction.find(Releases, accountId, "live", ["base"])
        )
        yield* equal("the live row", Option.map(found, ({ id }) => id), Option.some(next.id))
      })
  ),

  make(
    "finds rows by the first values of an index, by type, and only those that have all its fields",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, storage } = fixture
        yield* insertAll(fixture, [
          { position: 1 },
          { position: "1" },
          { position: true },
          { position: null },
          {},
          { position: -0.5 },
          { position: 1, state: "live" },
          { position: "\u{1F600}" }
        ])
        yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
          const list = (values: ReadonlyArray<string | number | boolean>) =>
            Effect.map(transaction.list(Releases, accountId, "position", values), names)
          yield* equal("number", yield* list(["draft", 1]), ["release 0"])
          yield* equal("text", yield* list(["draft", "1"]), ["release 1"])
          yield* equal("boolean", yield* list(["draft", true]), ["release 2"])
          yield* equal("fraction", yield* list(["draft", -0.5]), ["release 5"])
          yield* equal("astral text", yield* list(["draft", "\u{1F600}"]), ["release 7"])
          yield* equal("prefix", yield* list(["draft"]), [0, 1, 2, 5, 7].map((n) => `release ${n}`))
          yield* equal("whole index", yield* list([]), [0, 1, 2, 5, 6, 7].map((n) => `release ${n}`))
          yield* equal("impossible text", yield* list(["draft", "\u0000"]), [])
          yield* equal("impossible number", yield* list(["draft", Number.NaN]), [])
          yield* equal("long text", yield* list(["draft", "x".repeat(100_000)]), [])
          const first = yield* transaction.find(Releases, accountId, "position", ["draft"])
          yield* equal("the first", Option.map(first, ({ name }) => name), Option.some("release 0"))
        }))
      })
  ),

  make("lists in pages, in both directions, and never more than 1,000 rows", (fixture) =>
    Effect.gen(function*() {
      const { accountId, storage } = fixture
      const rows = yield* insertAll(fixture, Array.from({ length: 1003 }, (_, index) => ({ module: `m${index % 2}` })))
      const ids = rows.map((row) => row.id)
      const even = ids.filter((_, index) => index % 2 === 0)
      yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
        const scan = (options?: Parameters<Transaction["scan"]>[2]) =>
          Effect.map(transaction.scan(Releases, accountId, options), (page) => page.map(({ id }) => id))
        const list = (options?: Parameters<Transaction["scan"]>[2]) =>
          Effect.map(transaction.list(Releases, accountId, "name", ["m0"], options), (page) => page.map(({ id }) => id))
        yield* equal("100 when nothing is said", yield* scan(), ids.slice(0, 100))
        yield* equal("1,000 at most", yield* scan({ limit: 5000 }), ids.slice(0, 1000))
        yield* equal("nothing", yield* scan({ limit: 0 }), [])
        yield* equal("less than nothing", yield* scan({ limit: -1 }), [])
        yield* equal("the next page", yield* scan({ limit: 2, after: ids[4] }), ids.slice(5, 7))
        yield* equal("the last page", yield* scan({ after: ids[1000] }), ids.slice(1001))
        yield* equal("after the last", yield* scan({ after: ids[1002] }), [])
        yield* equal("after what is no id", yield* scan({ after: "zzz\u0000" }), [])
        yield* equal("descending", yield* scan({ limit: 3, descending: true }), ids.slice(-3).reverse())
        yield* equal("descending after", yield* scan({ after: ids[2], descending: true }), ids.slice(0, 2).reverse())
        yield* equal("a page of an index", yield* list({ limit: 2, after: even[3] }), even.slice(4, 6))
        yield* equal("descending in an index", yield* list({ limit: 2, descending: true }), even.slice(-2).reverse())
        yield* equal("between the rows of an index", yield* list({ limit: 1, after: ids[1] }), even.slice(1, 2))
      }))
    })),

  make("shows an account no row of another, but by locate", (fixture) =>
    Effect.gen(function*() {
      const { accountId, newId, otherAccountId, storage } = fixture
      const row = yield* insertOne(fixture, { state: "live" })
      const twin = { ...row, id: yield* newId, accountId: otherAccountId }
      yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
        yield* equal("get", yield* transaction.get(Releases, otherAccountId, row.id), Option.none())
        yield* equal("find", yield* transaction.find(Releases, otherAccountId, "live", ["base"]), Option.none())
        yield* equal("list", yield* transaction.list(Releases, otherAccountId, "name", []), [])
        yield* equal("scan", yield* transaction.scan(Releases, otherAccountId), [])
        yield* equal("locate", yield* transaction.locate(Releases, row.id), Option.some(row))
        yield* transaction.insert(Releases, twin)
        yield* equal("own rows", yield* transaction.scan(Releases, accountId), [row])
      }))
      const moved = { ...row, accountId: otherAccountId, name: "moved" }
      const take = storage.transaction((transaction) => transaction.update(Releases, moved))
      yield* failsWith("updating a row of another account", take, "RowNotFound")
      const remove = storage.transaction((transaction) => transaction.remove(Releases, moved))
      yield* failsWith("removing a row of another account", remove, "RowNotFound")
    })),

  make(
    "finds nothing under what cannot be an id or an account",
    ({ accountId, newId, storage }) =>
      storage.transaction(Effect.fnUntraced(function*(transaction) {
        for (const id of ["", "zzz", "\u0000", "\uD800", yield* newId, (yield* newId).toUpperCase()]) {
          yield* equal("get", yield* transaction.get(Releases, accountId, id), Option.none())
          yield* equal("locate", yield* transaction.locate(Releases, id), Option.none())
        }
        for (const account of ["", "\u0000", "\uD800"]) {
          yield* equal("get", yield* transaction.get(Releases, account, yield* newId), Option.none())
          yield* equal("find", yield* transaction.find(Releases, account, "live", ["base"]), Option.none())
          yield* equal("scan", yield* transaction.scan(Releases, account), [])
        }
      }))
  )
]
