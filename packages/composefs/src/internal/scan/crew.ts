/** Reads batches in the calling thread and, where there is enough to read, in others beside it. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { availableParallelism } from "node:os"
import { startThreads, type ThreadProblem, type Threads } from "../workers.ts"
import type { Batch, BatchResult } from "./batch.ts"
import { FileReader, type ReaderOptions } from "./fileReader.ts"

/** Where batches come from, and where their results go. */
export interface Work<E> {
  /** Makes batches out of what is known, until `load` is reached or no more can be made. */
  readonly prepare: (load: number) => Result.Result<void, E>
  /** What there is to read, counted in files of ordinary size. */
  readonly load: () => number
  readonly next: () => Batch | undefined
  readonly accept: (result: BatchResult) => Result.Result<void, E>
  /** The failure of a thread, as the work tells it. */
  readonly threadFailure: (problem: ThreadProblem) => E
}

/** What a thread's start costs, counted in files of ordinary size that are read meanwhile: no less is worth it. */
const worthThreads = 3000

/** So many batches go to a thread in advance, for the time until the calling thread looks again. */
const inAdvance = 6

/** Reads all there is with at most so many threads, the calling one included. Fails at the first failure. */
export const readAll: <E>(
  work: Work<E>,
  options: ReaderOptions,
  threads: number | undefined
) => Effect.Effect<void, E> = Effect.fnUntraced(
  function*(work, options, threads = availableParallelism()) {
    const reader = new FileReader(options)
    for (;;) {
      yield* Effect.fromResult(work.prepare(worthThreads))
      if (threads > 1 && work.load() >= worthThreads) {
        return yield* Effect.scoped(readTogether(work, reader, options, threads - 1))
      }
      const turn = yield* Effect.fromResult(takeTurn(work, reader))
      if (turn.isIdle) return
      yield* Effect.yieldNow
    }
  }
)

const readTogether: <E>(
  work: Work<E>,
  reader: FileReader,
  options: ReaderOptions,
  count: number
) => Effect.Effect<void, E, Scope.Scope> = Effect.fnUntraced(
  function*(work, reader, options, count) {
    const mailbox = new Mailbox(count)
    const threads = yield* startThreads({
      module: new URL("./readerThread.ts", import.meta.url),
      count,
      data: options,
      onMessage: (message, thread) => mailbox.put(message, thread)
    })
    const shared = yield* threads.guard(Effect.result(share(work, reader, threads, mailbox))).pipe(
      Effect.mapError(work.threadFailure)
    )
    yield* Effect.fromResult(shared)
  }
)

const share: <E>(
  work: Work<E>,
  reader: FileReader,
  threads: Threads,
  mailbox: Mailbox
) => Effect.Effect<void, E> = Effect.fnUntraced(
  function*(work, reader, threads, mailbox) {
    for (;;) {
      for (const result of mailbox.take()) yield* Effect.fromResult(work.accept(result))
      yield* Effect.fromResult(work.prepare(worthThreads))
      giveAway(work, threads, mailbox)
      const turn = yield* Effect.fromResult(takeTurn(work, reader))
      if (!turn.isIdle) yield* Effect.yieldNow
      else if (mailbox.isAwaited) yield* mailbox.arrival
      else return
    }
  }
)

/** Reads some batches before others of this thread get their turn, and the results of other threads arrive. */
const takeTurn = <E>(work: Work<E>, reader: FileReader): Result.Result<{ readonly isIdle: boolean }, E> => {
  // Near the end, what is left should go to whoever is free.
  const batches = work.load() < worthThreads ? 1 : batchesPerTurn
  for (let taken = 0; taken < batches; taken++) {
    const batch = work.next()
    if (batch === undefined) return Result.succeed({ isIdle: taken === 0 })
    const accepted = work.accept(reader.read(batch))
    if (Result.isFailure(accepted)) return Result.fail(accepted.failure)
  }
  return Result.succeed({ isIdle: false })
}

/** Some milliseconds. */
const batchesPerTurn = 4

/** One batch to each in turn: the last ones must not all be one thread's. */
const giveAway = <E>(work: Work<E>, threads: Threads, mailbox: Mailbox): void => {
  const most = work.load() < worthThreads ? 2 : inAdvance
  for (let given = 0; given < most; given++) {
    for (let thread = 0; thread < threads.count; thread++) {
      if (mailbox.awaitedFrom(thread) > given) continue
      const batch = work.next()
      if (batch === undefined) return
      threads.post(thread, batch)
      mailbox.expect(thread)
    }
  }
}

/** Results on their way from the threads. */
class Mailbox {
  #arrived: Array<BatchResult> = []
  #awaited = 0
  readonly #awaitedFrom: Array<number>
  #wake = (): void => {}

  constructor(threads: number) {
    this.#awaitedFrom = Array.from({ length: threads }, () => 0)
  }

  /** Waits until something has arrived. */
  readonly arrival: Effect.Effect<void> = Effect.callback((resume) => {
    this.#wake = () => resume(Effect.void)
    if (this.#arrived.length > 0) this.#wake()
  })

  get isAwaited(): boolean {
    return this.#awaited > 0
  }

  awaitedFrom(thread: number): number {
    return this.#awaitedFrom[thread] ?? 0
  }

  expect(thread: number): void {
    this.#awaited++
    this.#awaitedFrom[thread] = this.awaitedFrom(thread) + 1
  }

  put(message: unknown, thread: number): void {
    if (!isResult(message)) return
    this.#awaited--
    this.#awaitedFrom[thread] = this.awaitedFrom(thread) - 1
    this.#arrived.push(message)
    this.#wake()
  }

  take(): ReadonlyArray<BatchResult> {
    const arrived = this.#arrived
    this.#arrived = []
    return arrived
  }
}

/** The threads are our own: what they send is taken at its word. */
const isResult = (message: unknown): message is BatchResult =>
  typeof message === "object" && message !== null && "contents" in message
