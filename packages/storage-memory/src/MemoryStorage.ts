/**
 * The storage port and the job queue in the memory of one process.
 *
 * Transactions run one after another. A transaction keeps a journal of what it overwrote; when its body fails, dies or
 * is interrupted, the journal is played backwards. Rows are kept as JSON text, never as the caller's objects, so that
 * what PostgreSQL would refuse or change is refused or changed here too.
 *
 * @since 0.1.0
 */
import type { Collection, Key, Row } from "@lamina/core/storage/Collection"
import type { Job } from "@lamina/core/storage/Job"
import { JobQueue } from "@lamina/core/storage/JobQueue"
import * as RowCodec from "@lamina/core/storage/RowCodec"
import { type ListOptions, Storage, type Transaction } from "@lamina/core/storage/Storage"
import {
  LeaseLost,
  type Reason,
  RowNotFound,
  StaleRevision,
  StorageError,
  UniqueViolation
} from "@lamina/core/storage/StorageError"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Semaphore from "effect/Semaphore"
import { JobTable, type StoredJob, toJob } from "./internal/JobTable.ts"
import { page, RowTable } from "./internal/RowTable.ts"

const make = Effect.gen(function*() {
  const random = yield* SecureRandom.SecureRandom
  const turn = yield* Semaphore.make(1)
  const memory: Memory = { tables: new Map(), jobs: new JobTable() }

  const exclusively = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(CurrentTransaction, (current) =>
      current?.memory === memory && current.open
        ? Effect.die(new Error("storage was used around the running transaction; use the Transaction that it gave"))
        : turn.withPermit(effect))

  const transaction = <A, E, R>(
    body: (transaction: Transaction) => Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | StorageError, R> =>
    exclusively(Effect.uninterruptibleMask((restore) => {
      const running = new RunningTransaction(memory)
      return Effect.suspend(() => body(makeTransaction(running, random))).pipe(
        Effect.provideService(CurrentTransaction, running),
        restore,
        Effect.exit,
        Effect.flatMap((exit) => {
          running.open = false
          // Whoever catches a failed operation does not thereby make its transaction whole.
          const outcome: Exit.Exit<A, E | StorageError> = Exit.isSuccess(exit) && running.failure !== undefined
            ? Exit.fail(running.failure)
            : exit
          if (Exit.isFailure(outcome)) running.undo()
          return outcome
        })
      )
    }))

  const report = (job: Job, change: Partial<StoredJob>): Effect.Effect<void, StorageError> =>
    exclusively(Effect.suspend(() => {
      const held = heldJob(memory.jobs, job)
      if (Result.isSuccess(held)) memory.jobs.set(job.id, { ...held.success, ...released, ...change })
      return Effect.asVoid(Effect.fromResult(held))
    }))

  return Context.make(Storage, Storage.of({ transaction })).pipe(Context.add(
    JobQueue,
    JobQueue.of({
      claim: (options) =>
        exclusively(Effect.gen(function*() {
          const now = yield* Clock.currentTimeMillis
          const lease = yield* random.uuidV4()
          return memory.jobs.due(options, now).map((due) => {
            const leased: StoredJob = {
              ...due,
              state: "running",
              attempts: due.attempts + 1,
              lease,
              leasedUntil: now + options.leaseMillis
            }
            memory.jobs.set(due.id, leased)
            return toJob(leased)
          })
        })),
      retry: (job, { availableAt, error }) =>
        report(job, { state: "ready", availableAt, lastError: RowCodec.storableErrorText(error) }),
      fail: (job, error) => report(job, { state: "failed", lastError: RowCodec.storableErrorText(error) }),
      list: (accountId, state) =>
        exclusively(Effect.sync(() => memory.jobs.inState(accountId, state).slice(-100).reverse().map(toJob)))
    })
  ))
})

/**
 * An empty storage and job queue, which live as long as the layer.
 *
 * @example
 * ```ts
 * import { MemoryStorage } from "@lamina/storage-memory"
 * import { Storage } from "@lamina/core/storage/Storage"
 * import * as Effect from "effect/Effect"
 *
 * const program = Effect.gen(function*() {
 *   const storage = yield* Storage
 *   return yield* storage.transaction((transaction) =>
 *     transaction.enqueue({ accountId: "acme", kind: "greet", key: "1", payload: { name: "Ada" } })
 *   )
 * })
 *
 * Effect.runPromise(Effect.provide(program, MemoryStorage.layer)) // => true
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<Storage | JobQueue> = Layer.effectContext(make).pipe(
  Layer.provide(SecureRandom.layerWebCrypto)
)

interface Memory {
  readonly tables: Map<string, RowTable>
  readonly jobs: JobTable
}

class RunningTransaction {
  readonly memory: Memory
  readonly #journal: Array<() => void> = []
  open = true
  failure: StorageError | undefined = undefined

  constructor(memory: Memory) {
    this.memory = memory
  }

  table(collection: Collection<Row>): RowTable {
    const known = this.memory.tables.get(collection.name)
    if (known !== undefined) return known
    const table = new RowTable(collection)
    this.memory.tables.set(collection.name, table)
    return table
  }

  setRow(table: RowTable, id: string, row: RowCodec.EncodedRow | undefined): void {
    const previous = table.get(id)
    this.#journal.push(() => table.set(id, previous))
    table.set(id, row)
  }

  setJob(id: string, job: StoredJob): void {
    const previous = this.memory.jobs.get(id)
    this.#journal.push(() => this.memory.jobs.set(id, previous))
    this.memory.jobs.set(id, job)
  }

  undo(): void {
    for (const revert of this.#journal.reverse()) revert()
  }

  /** An operation: the first that fails decides the outcome of the transaction. */
  operation<A>(run: () => Result.Result<A, StorageError>): Effect.Effect<A, StorageError> {
    return Effect.suspend(() => {
      if (!this.open) return Effect.die(new Error("a Transaction was used after its transaction had ended"))
      if (this.failure !== undefined) return Effect.fail(this.failure)
      const result = run()
      if (Result.isFailure(result)) this.failure = result.failure
      return Effect.fromResult(result)
    })
  }
}

const CurrentTransaction = Context.Reference<RunningTransaction | undefined>(
  "@lamina/storage-memory/MemoryStorage/CurrentTransaction",
  { defaultValue: () => undefined }
)

const makeTransaction = (running: RunningTransaction, random: SecureRandom.SecureRandom["Service"]): Transaction => {
  const found = <R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: RowCodec.EncodedRow | undefined
  ): Result.Result<Option.Option<R>, StorageError> =>
    row === undefined
      ? Result.succeed(Option.none())
      : Result.map(RowCodec.decode(collection, row.id, row.json), Option.some)

  const pageOf = <R extends Row, I extends string>(
    collection: Collection<R, I>,
    ids: ReadonlyArray<string>,
    options: ListOptions | undefined
  ): Result.Result<ReadonlyArray<R>, StorageError> => {
    const table = running.table(collection)
    return Result.all(
      page(ids, options).flatMap((id) => {
        const row = table.get(id)
        return row === undefined ? [] : [RowCodec.decode(collection, id, row.json)]
      })
    )
  }

  const store = <R extends Row, I extends string>(
    collection: Collection<R, I>,
    row: RowCodec.EncodedRow
  ): Result.Result<R, StorageError> => {
    const table = running.table(collection)
    const index = table.violated(row)
    if (index !== undefined) return fail(new UniqueViolation({ collection: collection.name, index }))
    running.setRow(table, row.id, row)
    return RowCodec.decode(collection, row.id, row.json)
  }

  return {
    get: (collection, accountId, id) =>
      running.operation(() => {
        const row = running.table(collection).get(id)
        return found(collection, row?.accountId === accountId ? row : undefined)
      }),
    locate: (collection, id) => running.operation(() => found(collection, running.table(collection).get(id))),
    find: (collection, accountId, index, values) =>
      running.operation(() => {
        const table = running.table(collection)
        const [first] = table.ids(accountId, declaredIndex(collection, index, values), values)
        return found(collection, first === undefined ? undefined : table.get(first))
      }),
    list: (collection, accountId, index, values, options) =>
      running.operation(() => {
        const ids = running.table(collection).ids(accountId, declaredIndex(collection, index, values), values)
        return pageOf(collection, ids, options)
      }),
    scan: (collection, accountId, options) =>
      running.operation(() => pageOf(collection, running.table(collection).ids(accountId), options)),
    insert: (collection, row) =>
      running.operation(() => {
        const encoded = RowCodec.encode(collection, row, 1)
        if (Result.isFailure(encoded)) return Result.fail(encoded.failure)
        if (running.table(collection).get(row.id) !== undefined) {
          return fail(new UniqueViolation({ collection: collection.name, index: "id" }))
        }
        return store(collection, encoded.success)
      }),
    update: (collection, row) =>
      running.operation(() => {
        const encoded = RowCodec.encode(collection, row, row.rev + 1)
        if (Result.isFailure(encoded)) return Result.fail(encoded.failure)
        const current = currentRow(running.table(collection), row)
        return Result.isFailure(current) ? Result.fail(current.failure) : store(collection, encoded.success)
      }),
    remove: (collection, row) =>
      running.operation(() => {
        const table = running.table(collection)
        return Result.map(currentRow(table, row), () => running.setRow(table, row.id, undefined))
      }),
    enqueue: Effect.fnUntraced(function*(job) {
      const now = yield* Clock.currentTimeMillis
      const id = yield* random.uuidV7()
      return yield* running.operation(() =>
        Result.map(RowCodec.encodePayload(job), (payload) => {
          const { jobs } = running.memory
          if (jobs.has(job)) return false
          const { accountId, availableAt = now, key, kind } = job
          const sequence = jobs.nextSequence()
          const ready = { state: "ready", attempts: 0, lastError: undefined, ...released } as const
          running.setJob(id, { id, accountId, kind, key, payload, availableAt, sequence, ...ready })
          return true
        })
      )
    }),
    complete: (job) =>
      running.operation(() =>
        Result.map(
          heldJob(running.memory.jobs, job),
          (held) => running.setJob(job.id, { ...held, ...released, state: "done" })
        )
      )
  }
}

const released = { lease: undefined, leasedUntil: undefined } as const

const fail = (reason: Reason): Result.Result<never, StorageError> => Result.fail(new StorageError({ reason }))

const declaredIndex = <R extends Row, I extends string>(
  collection: Collection<R, I>,
  index: I,
  values: ReadonlyArray<Key>
): I => {
  const { fields } = collection.indexes[index]
  if (values.length <= fields.length) return index
  throw new Error(`${collection.name}: index ${index} has ${fields.length} fields, got ${values.length} values`)
}

const currentRow = (table: RowTable, row: Row): Result.Result<RowCodec.EncodedRow, StorageError> => {
  const current = table.get(row.id)
  if (current === undefined || current.accountId !== row.accountId) {
    return fail(new RowNotFound({ collection: table.name, id: row.id }))
  }
  return current.rev === row.rev
    ? Result.succeed(current)
    : fail(new StaleRevision({ collection: table.name, id: row.id, expected: row.rev, actual: current.rev }))
}

const heldJob = (jobs: JobTable, job: Job): Result.Result<StoredJob, StorageError> => {
  const current = jobs.get(job.id)
  return current?.state === "running" && current.lease === job.lease
    ? Result.succeed(current)
    : fail(new LeaseLost({ jobId: job.id }))
}
