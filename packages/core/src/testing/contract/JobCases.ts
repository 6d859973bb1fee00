/**
 * The part of the storage contract about jobs: promised once, leased to one worker at a time, done at least once.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type { Job, NewJob } from "../../storage/Job.ts"
import { type ContractCase, equal, failsWith, type Fixture, make } from "../ContractCase.ts"
import { Documents } from "./Collections.ts"

const enqueue = ({ accountId, kind, storage }: Fixture, key: string, rest: Partial<NewJob> = {}) =>
  storage.transaction((transaction) => transaction.enqueue({ accountId, kind, key, payload: null, ...rest }))

const claim = ({ kind, queue }: Fixture, limit = 10) => queue.claim({ kinds: [kind], limit, leaseMillis: 1000 })

const claimOne = (fixture: Fixture) =>
  Effect.map(claim(fixture, 1), (jobs) => Option.getOrThrow(Option.fromIterable(jobs)))

const complete = ({ storage }: Fixture, job: Job) => storage.transaction((transaction) => transaction.complete(job))

const keys = (jobs: ReadonlyArray<Job>): ReadonlyArray<string> => jobs.map((job) => job.key)

/**
 * What adapters do with jobs.
 *
 * @category cases
 * @since 0.1.0
 */
export const jobCases: ReadonlyArray<ContractCase> = [
  make("gives a worker the job as it was promised", (fixture) =>
    Effect.gen(function*() {
      const { accountId, kind } = fixture
      const payload = { tag: "v1", list: [1, null, { "\u{1F600}": "\u4e2d" }] }
      yield* enqueue(fixture, "a", { payload })
      const job = yield* claimOne(fixture)
      yield* equal("the job", [job.accountId, job.kind, job.key, job.payload], [accountId, kind, "a", payload])
      yield* equal("its state", [job.state, job.attempts, job.lastError], ["running", 1, undefined])
      yield* equal("its lease", job.leasedUntil, job.availableAt + 1000)
    })),

  make("promises a job of an account, kind and key once, whatever became of it", (fixture) =>
    Effect.gen(function*() {
      const { accountId, kind, otherAccountId, storage } = fixture
      const twice = yield* storage.transaction((transaction) => {
        const job = { accountId, kind, key: "a", payload: null }
        return Effect.all([transaction.enqueue(job), transaction.enqueue({ ...job, payload: 2 })])
      })
      yield* equal("twice in a transaction", twice, [true, false])
      yield* equal("again", yield* enqueue(fixture, "a"), false)
      yield* equal("of another account", yield* enqueue(fixture, "a", { accountId: otherAccountId }), true)
      yield* equal("of another kind", yield* enqueue(fixture, "a", { kind: `${kind}-2` }), true)
      const job = yield* claimOne(fixture)
      yield* equal("the payload", job.payload, null)
      yield* equal("while it runs", yield* enqueue(fixture, "a"), false)
      yield* complete(fixture, job)
      yield* equal("when it is done", yield* enqueue(fixture, "a"), false)
      const racing = Array.from({ length: 10 }, () => enqueue(fixture, "b"))
      const raced = yield* Effect.all(racing, { concurrency: "unbounded" })
      yield* equal("concurrently", raced.filter(Boolean).length, 1)
    })),

  make("refuses jobs that cannot be stored", (fixture) =>
    Effect.gen(function*() {
      const bad = [{ payload: "\u0000" }, { key: "\uD800" }, { kind: "x".repeat(10_000) }, { availableAt: Number.NaN }]
      for (const rest of bad) yield* failsWith("enqueue", enqueue(fixture, "a", rest), "InvalidRow")
    })),

  make("leases the oldest jobs first, and those of the asked kinds only", (fixture) =>
    Effect.gen(function*() {
      const { advance, kind, queue } = fixture
      yield* Effect.forEach(["a", "b"], (key) => enqueue(fixture, key))
      yield* advance(1)
      yield* enqueue(fixture, "other", { kind: `${kind}-2` })
      yield* advance(1)
      yield* Effect.forEach(["c", "d"], (key) => enqueue(fixture, key))
      yield* equal("no kinds", yield* queue.claim({ kinds: [], limit: 10, leaseMillis: 1000 }), [])
      yield* equal("no limit", yield* claim(fixture, 0), [])
      yield* equal("the first", keys(yield* claim(fixture, 1)), ["a"])
      const both = yield* queue.claim({ kinds: [`${kind}-2`, kind], limit: 3, leaseMillis: 1000 })
      yield* equal("of two kinds", keys(both), ["b", "other", "c"])
      yield* equal("the rest", keys(yield* claim(fixture)), ["d"])
      yield* equal("no more", yield* claim(fixture), [])
    })),

  make("leases a job not before it is due", (fixture) =>
    Effect.gen(function*() {
      const { advance } = fixture
      yield* enqueue(fixture, "now")
      const { availableAt } = yield* claimOne(fixture)
      yield* enqueue(fixture, "later", { availableAt: availableAt + 1000 })
      yield* enqueue(fixture, "earlier", { availableAt: availableAt + 500 })
      yield* advance(499)
      yield* equal("before", yield* claim(fixture), [])
      yield* advance(1)
      yield* equal("at the time of one", keys(yield* claim(fixture)), ["earlier"])
      yield* advance(500)
      const due = keys(yield* claim(fixture))
      yield* equal("later", due.includes("later"), true)
    })),

  make("never leases a job to two workers", (fixture) =>
    Effect.gen(function*() {
      const wanted = Array.from({ length: 60 }, (_, index) => `${index}`)
      yield* fixture.storage.transaction((transaction) =>
        Effect.forEach(wanted, (key) =>
          transaction.enqueue({ accountId: fixture.accountId, kind: fixture.kind, key, payload: null }))
      )
      const worker = Effect.gen(function*() {
        const taken: Array<Job> = []
        while (true) {
          const jobs = yield* claim(fixture, 4)
          if (jobs.length === 0) {
            return taken
          }
          taken.push(...jobs)
        }
      })
      const claimed = yield* Effect.all(
        Array.from({ length: 6 }, () =>
          worker),
        { concurrency: "unbounded" }
      )
      const taken = keys(claimed.flat())
      yield* equal("how many jobs were taken", taken.length, wanted.length)
      yield* equal("the jobs", new Set(taken), new Set(wanted))
    })),

  make(
    "leases a job again when its lease has run out, and refuses the former holder",
    (fixture) =>
      Effect.gen(function*() {
        const { advance, queue } = fixture
        yield* enqueue(fixture, "a")
        const first = yield* claimOne(fixture)
        yield* advance(999)
        yield* equal("while the lease runs", yield* claim(fixture), [])
        yield* advance(1)
        const second = yield* claimOne(fixture)
        yield* equal("the same job", [second.id, second.attempts], [first.id, 2])
        yield* failsWith("complete", complete(fixture, first), "LeaseLost")
        yield* failsWith("retry", queue.retry(first, { availableAt: 0, error: "x" }), "LeaseLost")
        const lost = yield* failsWith("fail", queue.fail(first, "x"), "LeaseLost")
        yield* equal("the job that was lost", lost.jobId, first.id)
        yield* complete(fixture, second)
        yield* failsWith("complete again", complete(fixture, second), "LeaseLost")
      })
  ),

  make("takes a late report while nobody else has the job", (fixture) =>
    Effect.gen(function*() {
      yield* enqueue(fixture, "a")
      const job = yield* claimOne(fixture)
      yield* fixture.advance(60_000)
      yield* complete(fixture, job)
      yield* equal("the jobs that are due", yield* claim(fixture), [])
    })),

  make("completes a job together with what its transaction writes, or not at all", (fixture) =>
    Effect.gen(function*() {
      const { accountId, advance, newId, queue, storage } = fixture
      yield* enqueue(fixture, "a")
      const job = yield* claimOne(fixture)
      const finish = (job: Job, outcome: Effect.Effect<void, string>) =>
        storage.transaction(Effect.fnUntraced(function*(transaction) {
          yield* transaction.insert(Documents, { id: yield* newId, accountId, rev: 0, size: 0n, content: job.key })
          yield* transaction.complete(job)
          yield* transaction.enqueue({ accountId, kind: job.kind, key: "next", payload: null })
          yield* outcome
        }))
      const documents = storage.transaction((transaction) => transaction.scan(Documents, accountId))
      yield* equal("the failure", yield* Effect.flip(finish(job, Effect.fail("no"))), "no")
      yield* equal("the running jobs", keys(yield* queue.list(accountId, "running")), ["a"])
      yield* equal("the documents", yield* documents, [])
      yield* advance(1000)
      const again = yield* claimOne(fixture)
      yield* failsWith("the former holder", finish(job, Effect.void), "LeaseLost")
      yield* equal("the documents", yield* documents, [])
      yield* finish(again, Effect.void)
      yield* equal("the documents", (yield* documents).map(({ content }) => content), ["a"])
      yield* equal("the jobs that are done", keys(yield* queue.list(accountId, "done")), ["a"])
      yield* equal("the jobs that are due", keys(yield* claim(fixture)), ["next"])
    })),

  make("gives a job back to be taken later, behind those that are due before", (fixture) =>
    Effect.gen(function*() {
      const { accountId, advance, queue } = fixture
      yield* enqueue(fixture, "a")
      const job = yield* claimOne(fixture)
      yield* queue.retry(job, { availableAt: job.availableAt + 500, error: "no route to host\u0000" })
      yield* failsWith("a second report", queue.fail(job, "x"), "LeaseLost")
      yield* advance(100)
      yield* enqueue(fixture, "b")
      yield* equal("the ready jobs", keys(yield* queue.list(accountId, "ready")), ["b", "a"])
      yield* advance(400)
      const due = yield* claim(fixture)
      yield* equal("the jobs that are due", keys(due), ["b", "a"])
      yield* equal("attempts and error", due.map(({ attempts, lastError }) => [attempts, lastError]), [
        [1, undefined],
        [2, "no route to host\uFFFD"]
      ])
    })),

  make("gives a job up, and lists jobs by account and state, newest first", (fixture) =>
    Effect.gen(function*() {
      const { accountId, advance, otherAccountId, queue } = fixture
      yield* Effect.forEach(Array.from({ length: 102 }, (_, index) => `${index}`), (key) => enqueue(fixture, key))
      const [first, second] = yield* claim(fixture, 2)
      yield* Effect.forEach(
        [first, second],
        (job) => queue.fail(Option.getOrThrow(Option.fromUndefinedOr(job)), "gone")
      )
      const failed = yield* queue.list(accountId, "failed")
      yield* equal("the failed jobs", failed.map(({ key, lastError }) => [key, lastError]), [["1", "gone"], [
        "0",
        "gone"
      ]])
      const [job] = failed
      yield* equal("what is left of the lease", [job?.lease, job?.leasedUntil], [undefined, undefined])
      const ready = yield* queue.list(accountId, "ready")
      yield* equal("the ready jobs", keys(ready), Array.from({ length: 100 }, (_, index) => `${101 - index}`))
      yield* equal("of another account", yield* queue.list(otherAccountId, "failed"), [])
      yield* equal("of what is no account", yield* queue.list("\u0000", "failed"), [])
      yield* advance(1_000_000)
      const due = yield* claim(fixture, 1000)
      yield* equal("failed jobs stay failed", keys(due), keys(ready).toReversed())
    }))
]
