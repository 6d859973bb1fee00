/**
 * The part of the storage contract about transactions: each as if it ran alone, and wholly or not at all.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { Transaction } from "../../storage/Storage.ts"
import { type ContractCase, equal, failsWith, type Fixture, make } from "../ContractCase.ts"
import { Documents, type Release, Releases } from "./Collections.ts"

const insertRelease = ({ accountId, newId, storage }: Fixture, name: string, state: Release["state"] = "draft") =>
  Effect.flatMap(
    newId,
    (id) =>
      storage.transaction((transaction) =>
        transaction.insert(Releases, { id, accountId, rev: 0, module: name, name, state })
      )
  )

// Long enough that concurrent bodies overlap, where an adapter lets them.
const pause = Effect.sleep("5 millis")

/** Changes everything that a transaction can change: a row, a new row, a job. */
const changeEverything = Effect.fnUntraced(function*(fixture: Fixture, transaction: Transaction, row: Release) {
  const { accountId, kind, newId } = fixture
  yield* transaction.update(Releases, { ...row, name: "changed" })
  yield* transaction.insert(Releases, { ...row, id: yield* newId, name: "new" })
  yield* transaction.insert(Documents, { id: yield* newId, accountId, rev: 0, size: 0n, content: 0 })
  yield* transaction.enqueue({ accountId, kind, key: "undone", payload: null })
})

const nothingChanged = Effect.fnUntraced(function*(fixture: Fixture, row: Release) {
  const { accountId, kind, queue, storage } = fixture
  yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
    yield* equal("the rows", yield* transaction.scan(Releases, accountId), [row])
    const named = yield* transaction.find(Releases, accountId, "name", [row.module, row.name])
    yield* equal("the row by its name", named, Option.some(row))
    yield* equal("the documents", yield* transaction.scan(Documents, accountId), [])
  }))
  yield* equal("the jobs", yield* queue.claim({ kinds: [kind], limit: 10, leaseMillis: 1000 }), [])
  const again = storage.transaction((transaction) =>
    transaction.enqueue({ accountId, kind, key: "undone", payload: null })
  )
  yield* equal("the job's key is free", yield* again, true)
})

const dies = Effect.fnUntraced(function*<A, E>(what: string, effect: Effect.Effect<A, E>) {
  const exit = yield* Effect.exit(effect)
  const died = Exit.isFailure(exit) && Cause.hasDies(exit.cause)
  yield* equal(what, died ? "a defect" : exit._tag, "a defect")
})

/**
 * What adapters do with transactions.
 *
 * @category cases
 * @since 0.1.0
 */
export const transactionCases: ReadonlyArray<ContractCase> = [
  make("keeps nothing of a transaction that fails", (fixture) =>
    Effect.gen(function*() {
      const row = yield* insertRelease(fixture, "a")
      const failing = fixture.storage.transaction((transaction) =>
        Effect.andThen(changeEverything(fixture, transaction, row), Effect.fail("no" as const))
      )
      yield* equal("the failure", yield* Effect.flip(failing), "no")
      yield* nothingChanged(fixture, row)
    })),

  make("keeps nothing of a transaction that dies", (fixture) =>
    Effect.gen(function*() {
      const row = yield* insertRelease(fixture, "a")
      const dying = fixture.storage.transaction((transaction) =>
        Effect.andThen(changeEverything(fixture, transaction, row), Effect.die("no"))
      )
      yield* dies("the transaction", dying)
      yield* nothingChanged(fixture, row)
    })),

  make("keeps nothing of a transaction that is interrupted", (fixture) =>
    Effect.gen(function*() {
      const row = yield* insertRelease(fixture, "a")
      const reached = yield* Deferred.make<void>()
      const fiber = yield* Effect.forkChild(fixture.storage.transaction((transaction) =>
        changeEverything(fixture, transaction, row).pipe(
          Effect.andThen(Deferred.succeed(reached, undefined)),
          Effect.andThen(Effect.never)
        )
      ))
      yield* Deferred.await(reached)
      yield* Fiber.interrupt(fiber)
      yield* nothingChanged(fixture, row)
    })),

  make(
    "keeps nothing of a transaction of which an operation failed, even if its body goes on",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, newId, storage } = fixture
        const row = yield* insertRelease(fixture, "a")
        const stubborn = storage.transaction(Effect.fnUntraced(function*(transaction) {
          yield* changeEverything(fixture, transaction, row)
          const id = yield* newId
          yield* Effect.ignore(transaction.insert(Releases, { ...row, id, name: "changed" }))
          yield* Effect.ignore(transaction.get(Releases, accountId, id))
        }))
        yield* failsWith("the transaction", stubborn, "UniqueViolation")
        yield* nothingChanged(fixture, row)
      })
  ),

  make("shows a transaction its own changes", (fixture) =>
    Effect.gen(function*() {
      const { accountId, storage } = fixture
      const row = yield* insertRelease(fixture, "a")
      yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
        yield* changeEverything(fixture, transaction, row)
        const rows = yield* transaction.scan(Releases, accountId)
        yield* equal("the rows", rows.map(({ name }) => name), ["changed", "new"])
        const found = yield* transaction.find(Releases, accountId, "name", ["a", "a"])
        yield* equal("the row by its former name", found, Option.none())
      }))
    })),

  make(
    "dies when storage is used around the running transaction, or a transaction after its end",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, newId, queue, storage } = fixture
        const id = yield* newId
        const get = (transaction: Transaction) => transaction.get(Releases, accountId, id)
        yield* dies("a transaction in a transaction", storage.transaction(() => storage.transaction(get)))
        const claim = queue.claim({ kinds: [], limit: 1, leaseMillis: 1 })
        yield* dies("a claim in a transaction", storage.transaction(() => claim))
        const ended = yield* storage.transaction(Effect.succeed)
        yield* dies("an operation after the end", get(ended))
      })
  ),

  make("loses no update among 50 concurrent transactions on one row", (fixture) =>
    Effect.gen(function*() {
      const { accountId, kind, queue, storage } = fixture
      const { id } = yield* insertRelease(fixture, "counter")
      const increment = (key: string) =>
        storage.transaction(Effect.fnUntraced(function*(transaction) {
          const row = Option.getOrThrow(yield* transaction.get(Releases, accountId, id))
          const count = Number(row.position ?? 0) + 1
          yield* transaction.update(Releases, { ...row, position: count })
          yield* transaction.enqueue({ accountId, kind, key, payload: count })
          return count
        }))
      const keys = Array.from({ length: 50 }, (_, index) => `${index}`)
      const counts = yield* Effect.forEach(keys, increment, { concurrency: "unbounded" })
      yield* equal("the counts", counts.toSorted((a, b) => a - b), keys.map((_, index) => index + 1))
      const row = yield* storage.transaction((transaction) => transaction.get(Releases, accountId, id))
      yield* equal("the row", Option.map(row, ({ position, rev }) => [position, rev]), Option.some([50, 51]))
      const jobs = yield* queue.claim({ kinds: [kind], limit: 100, leaseMillis: 1000 })
      yield* equal("the jobs", jobs.length, 50)
    })),

  make(
    "lets one of many callers with the same revision win, and tells the others",
    (fixture) =>
      Effect.gen(function*() {
        const { storage } = fixture
        const row = yield* insertRelease(fixture, "a")
        const update = (name: string) =>
          storage.transaction((transaction) => transaction.update(Releases, { ...row, name }))
        const callers = Array.from({ length: 10 }, (_, index) => Effect.exit(update(`${index}`)))
        const exits = yield* Effect.all(callers, { concurrency: "unbounded" })
        const losers = exits.filter(Exit.isFailure)
        yield* equal("the losers", losers.length, 9)
        for (const loser of losers) {
          const { actual, expected } = yield* failsWith("a loser", loser, "StaleRevision")
          yield* equal("the revisions", [expected, actual], [1, 2])
        }
      })
  ),

  make("prevents write skew", (fixture) =>
    Effect.gen(function*() {
      const { accountId, storage } = fixture
      // At least one of each pair is to stay live; each transaction looks at both, and changes one.
      const leave = (mine: Release, other: Release) =>
        storage.transaction(Effect.fnUntraced(function*(transaction) {
          const state = (id: string) =>
            Effect.map(transaction.get(Releases, accountId, id), (row) => Option.getOrThrow(row).state)
          const both = (yield* state(mine.id)) === "live" && (yield* state(other.id)) === "live"
          yield* pause
          if (both) yield* transaction.update(Releases, { ...mine, state: "draft" })
          return both
        }))
      const pairs = yield* Effect.forEach(
        Array.from({ length: 8 }, (_, index) => index),
        (index) =>
          Effect.all([insertRelease(fixture, `a${index}`, "live"), insertRelease(fixture, `b${index}`, "live")])
      )
      const left = yield* Effect.forEach(
        pairs,
        ([a, b]) => Effect.all([leave(a, b), leave(b, a)], { concurrency: "unbounded" }),
        { concurrency: "unbounded" }
      )
      for (const pair of left) yield* equal("those of a pair that left", pair.filter(Boolean).length, 1)
    })),

  make(
    "prevents phantoms: of many who look for a name and then take it, one takes it",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, newId, storage } = fixture
        const findOrInsert = (name: string) =>
          storage.transaction(Effect.fnUntraced(function*(transaction) {
            const found = yield* transaction.find(Releases, accountId, "name", ["base", name])
            yield* pause
            if (Option.isSome(found)) return found.value.id
            const release = { accountId, rev: 0, module: "base", name, state: "draft" } as const
            return (yield* transaction.insert(Releases, { ...release, id: yield* newId })).id
          }))
        for (const name of ["a", "b", "c"]) {
          const ids = yield* Effect.all(Array.from({ length: 12 }, () => findOrInsert(name)), {
            concurrency: "unbounded"
          })
          yield* equal("the different ids", new Set(ids).size, 1)
        }
      })
  ),

  make(
    "prevents phantoms in lists: of many who count the rows and add one below a limit, none exceeds it",
    (fixture) =>
      Effect.gen(function*() {
        const { accountId, newId, storage } = fixture
        const addBelow = (limit: number) =>
          storage.transaction(Effect.fnUntraced(function*(transaction) {
            const id = yield* newId
            const rows = yield* transaction.list(Releases, accountId, "position", ["draft", "pool"])
            yield* pause
            if (rows.length >= limit) return false
            const release = {
              id,
              accountId,
              rev: 0,
              module: "base",
              name: id,
              state: "draft",
              position: "pool"
            } as const
            yield* transaction.insert(Releases, release)
            return true
          }))
        const added = yield* Effect.all(Array.from({ length: 15 }, () => addBelow(5)), { concurrency: "unbounded" })
        yield* equal("how many were added", added.filter(Boolean).length, 5)
      })
  )
]
