import type { Job, JobState } from "@lamina/core/storage/Job"
import type { JobQueue } from "@lamina/core/storage/JobQueue"
import * as RowCodec from "@lamina/core/storage/RowCodec"
import type { Transaction } from "@lamina/core/storage/Storage"
import { LeaseLost, StorageError } from "@lamina/core/storage/StorageError"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { SqlError } from "effect/sql/SqlError"
import { type Database, query } from "./Database.ts"
import { isConflict } from "./failures.ts"

type Failure = SqlError | StorageError

interface JobRow {
  readonly id: string
  readonly sequence: number
  readonly account_id: string
  readonly kind: string
  readonly key: string
  readonly payload: string
  readonly state: JobState
  readonly attempts: number
  readonly available_at: number
  readonly lease: string | null
  readonly leased_until: number | null
  readonly last_error: string | null
}

const columns =
  `job.id::text as id, sequence::float8 as sequence, account_id, kind, key, payload::text as payload, state,
  attempts, available_at, lease, leased_until, last_error`

const toJob = (row: JobRow): Job => ({
  id: row.id,
  accountId: row.account_id,
  kind: row.kind,
  key: row.key,
  payload: JSON.parse(row.payload),
  state: row.state,
  attempts: row.attempts,
  availableAt: row.available_at,
  lease: row.lease ?? undefined,
  leasedUntil: row.leased_until ?? undefined,
  lastError: row.last_error ?? undefined
})

/**
 * The operations on jobs within a transaction, each as the transaction wants it run.
 */
export const jobOperations = (
  database: Database,
  operation: <A>(run: Effect.Effect<A, Failure>) => Effect.Effect<A, StorageError>
): Pick<Transaction, "enqueue" | "complete"> => ({
  enqueue: (job) =>
    operation(Effect.gen(function*() {
      const payload = yield* Effect.fromResult(RowCodec.encodePayload(job))
      const id = yield* database.random.uuidV7()
      const now = yield* Clock.currentTimeMillis
      const inserted = yield* query(
        database,
        `insert into ${database.jobs} (id, account_id, kind, key, payload, state, attempts, available_at)
         values ($1::uuid, $2::text, $3::text, $4::text, $5::jsonb, 'ready', 0, $6::float8)
         on conflict (account_id, kind, key) do nothing returning 1 as found`,
        [id, job.accountId, job.kind, job.key, payload, job.availableAt ?? now]
      )
      return inserted.length > 0
    })),
  complete: (job) => operation(report(database, job, "state = 'done'", []))
})

/**
 * The queue's own operations, each a transaction of its own.
 */
export const makeJobQueue = (
  database: Database,
  alone: <A>(run: Effect.Effect<A, Failure>) => Effect.Effect<A, StorageError>
): JobQueue["Service"] => {
  const run = <A>(effect: Effect.Effect<A, Failure>) =>
    // Only where the server's default is another isolation than READ COMMITTED.
    alone(Effect.retry(effect, { times: 10, while: isConflict }))

  return {
    claim: ({ kinds, leaseMillis, limit }) =>
      run(Effect.gen(function*() {
        const now = yield* Clock.currentTimeMillis
        const lease = yield* database.random.uuidV4()
        const claimed = yield* query<JobRow>(
          database,
          `with due as (
             select id from ${database.jobs}
             where kind = any (array(select jsonb_array_elements_text($1::jsonb)))
               and state in ('ready', 'running') and available_at <= $2::float8
               and (leased_until is null or leased_until <= $2::float8)
             order by available_at, sequence limit $3::int for update skip locked
           )
           update ${database.jobs} as job
           set state = 'running', attempts = attempts + 1, lease = $4::text, leased_until = $5::float8
           from due where job.id = due.id returning ${columns}`,
          [
            JSON.stringify(kinds.filter(RowCodec.isStorableText)),
            now,
            RowCodec.pageLimit(limit),
            lease,
            now + leaseMillis
          ]
        )
        return claimed
          .toSorted((left, right) => left.available_at - right.available_at || left.sequence - right.sequence)
          .map(toJob)
      })),
    retry: (job, { availableAt, error }) =>
      run(report(database, job, "state = 'ready', available_at = $3::float8, last_error = $4::text", [
        availableAt,
        RowCodec.storableErrorText(error)
      ])),
    fail: (job, error) =>
      run(report(database, job, "state = 'failed', last_error = $3::text", [RowCodec.storableErrorText(error)])),
    list: (accountId, state) =>
      RowCodec.isStorableText(accountId)
        ? run(Effect.map(
          query<JobRow>(
            database,
            `select ${columns} from ${database.jobs} as job where account_id = $1::text and state = $2::text
             order by sequence desc limit 100`,
            [accountId, state]
          ),
          (rows) => rows.map(toJob)
        ))
        : Effect.succeed([])
  }
}

const report = Effect.fnUntraced(function*(
  database: Database,
  { id, lease }: Job,
  change: string,
  parameters: ReadonlyArray<string | number>
): Effect.fn.Return<void, Failure> {
  const lost = new StorageError({ reason: new LeaseLost({ jobId: id }) })
  if (!RowCodec.isRowId(id) || lease === undefined || !RowCodec.isStorableText(lease)) return yield* lost
  const reported = yield* query(
    database,
    `update ${database.jobs} set ${change}, lease = null, leased_until = null
     where id = $1::uuid and state = 'running' and lease = $2::text returning 1 as found`,
    [id, lease, ...parameters]
  )
  if (reported.length === 0) return yield* lost
})
