import type { Storage, Transaction } from "@lamina/core/storage/Storage"
import { StorageError, Unavailable } from "@lamina/core/storage/StorageError"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as SqlClient from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import { type Database, query } from "./Database.ts"
import { isConflict } from "./failures.ts"
import { jobOperations } from "./jobs.ts"
import { rowOperations } from "./rows.ts"

// A transaction that lost to another can be run again at once: the other is done by then, and the conflict with it
// (src/backend/storage/lmgr/README-SSI, "safe retry"). After so many conflicts it stops hoping, and queues at the
// turnstile. There is no sleeping, therefore a test's clock that stands still stops nobody.
const hopefulAttempts = 3
const maximumAttempts = 40

/**
 * Runs bodies in serializable transactions, again after conflicts.
 */
export const makeTransaction = (database: Database): Storage["Service"]["transaction"] => (body) =>
  alone(
    database,
    Effect.gen(function*() {
      for (let attempt = 1; attempt <= maximumAttempts; attempt++) {
        const outcome = yield* runOnce(database, body, attempt)
        if (Option.isSome(outcome)) return yield* outcome.value
      }
      const detail = `the transaction ran into others ${maximumAttempts} times; try again when there is less to do`
      return yield* new StorageError({ reason: new Unavailable({ detail }) })
    })
  )

/**
 * Runs what must not run within a transaction of the same database.
 */
export const alone = <A, E, R>(database: Database, effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.flatMap(CurrentTransaction, (current) =>
    current?.database === database && current.open
      ? Effect.die(new Error("storage was used around the running transaction; use the Transaction that it gave"))
      : effect)

/** Nothing after a conflict. */
const runOnce = Effect.fnUntraced(function*<A, E, R>(
  database: Database,
  body: (transaction: Transaction) => Effect.Effect<A, E, R>,
  attempt: number
): Effect.fn.Return<Option.Option<Exit.Exit<A, E | StorageError>>, never, R> {
  const { sql } = database
  const running = new RunningTransaction(database)
  const ended: { exit?: Exit.Exit<A, E> } = {}
  const begin = yield* SqlClient.BeginTransaction

  const whole = Effect.gen(function*() {
    if (attempt > hopefulAttempts) yield* passTurnstile(database)
    const connection = Option.getOrThrow(yield* Effect.serviceOption(sql.transactionService))
    const result = yield* Effect.suspend(() => body(running.transaction(connection))).pipe(
      Effect.onExit((exit) =>
        Effect.sync(() => {
          running.open = false
          ended.exit = exit
        })
      ),
      Effect.mapError(() => undone),
      Effect.provideService(CurrentTransaction, running),
      Effect.provideService(SqlClient.BeginTransaction, begin)
    )
    // Whoever catches a failed operation does not thereby make its transaction whole.
    if (running.failure !== undefined) return yield* Effect.fail(undone)
    return result
  })
  const exit = yield* sql.withTransaction(whole).pipe(
    Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL SERIALIZABLE"),
    Effect.mapError((error) => {
      if (isSqlError(error)) running.fail(error)
    }),
    Effect.exit
  )

  if (running.failure?.conflict === true) return Option.none()
  // What the body said counts, even where rolling back failed: the connection is gone then, and the transaction with it.
  if (ended.exit !== undefined && Exit.isFailure(ended.exit)) return Option.some(ended.exit)
  if (running.failure !== undefined) return Option.some(Exit.fail(running.failure.error))
  return Option.some(Exit.isSuccess(exit) ? Exit.succeed(exit.value) : Exit.die(Cause.squash(exit.cause)))
})

const undone = "undone" as const

// LOCK TABLE takes no snapshot: the transaction sees everything that those before it in the queue have done
// (PostgreSQL 18, 13.3.1 "Table-Level Locks" and LOCK).
const passTurnstile = (database: Database): Effect.Effect<void, SqlError> =>
  Effect.asVoid(query(database, `lock table ${database.turnstile} in exclusive mode`, []))

class RunningTransaction {
  readonly database: Database
  open = true
  failure: { readonly error: StorageError; readonly conflict: boolean } | undefined = undefined

  constructor(database: Database) {
    this.database = database
  }

  transaction(connection: SqlClient.TransactionConnection.Service): Transaction {
    const operation = <A>(run: Effect.Effect<A, SqlError | StorageError>): Effect.Effect<A, StorageError> =>
      Effect.suspend(() => {
        if (!this.open) return Effect.die(new Error("a Transaction was used after its transaction had ended"))
        if (this.failure !== undefined) return Effect.fail(this.failure.error)
        return run.pipe(
          // Whatever the body does with its fibers, its statements go to this connection.
          Effect.provideService(this.database.sql.transactionService, connection),
          Effect.mapError((error) => this.fail(error))
        )
      })
    return { ...rowOperations(this.database, operation), ...jobOperations(this.database, operation) }
  }

  /** The first failure decides: those that follow only say that the transaction is aborted. */
  fail(error: SqlError | StorageError): StorageError {
    this.failure ??= {
      error: isSqlError(error) ? this.database.toStorageError(error) : error,
      conflict: isConflict(error)
    }
    return this.failure.error
  }
}

const CurrentTransaction = Context.Reference<RunningTransaction | undefined>(
  "@lamina/storage-postgres/PostgresStorage/CurrentTransaction",
  { defaultValue: () => undefined }
)
