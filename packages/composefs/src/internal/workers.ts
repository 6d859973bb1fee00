/** Worker threads that live as long as a scope, started from a module beside the caller, as source and as built. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { existsSync } from "node:fs"
import { availableParallelism } from "node:os"
import { Worker } from "node:worker_threads"

/** Why a thread ended before its work did: the error it threw, with the `code` that Node gave it. */
export interface ThreadProblem {
  readonly code: string
  readonly problem: string
}

/** What the threads are, and what they are told. */
export interface ThreadOptions {
  /**
   * The module a thread runs: `new URL("./name.ts", import.meta.url)`. Where the caller runs as JavaScript, the `.js` of
   * that name is taken, so a host that bundles this package keeps its threads by putting that file beside the bundle.
   * It should import little and no package: the thread's start is part of what its work must win back.
   */
  readonly module: URL
  /** How many to start; see {@link spareThreads}. */
  readonly count: number
  /** `workerData` of each. */
  readonly data: unknown
  /** Called in the calling thread with each message, and the number of the thread it comes from. */
  readonly onMessage?: ((message: unknown, thread: number) => void) | undefined
}

/** Threads beside the calling one. */
export interface Threads {
  /** How many were started: fewer than wanted, even none, where the module or the right to start threads is absent. */
  readonly count: number
  readonly post: (thread: number, message: unknown, transfer?: ReadonlyArray<ArrayBuffer>) => void
  /** Succeeds when every thread has ended by itself, fails as soon as one of them failed. */
  readonly ended: Effect.Effect<void, ThreadProblem>
  /** Runs `work`, which may wait for the threads, and ends it as soon as one of them fails. */
  readonly guard: <A, E, R>(work: Effect.Effect<A, E, R>) => Effect.Effect<A, E | ThreadProblem, R>
}

/** How many threads have a core of their own beside the calling one; none on a single core. */
export const spareThreads = (): number => availableParallelism() - 1

/**
 * Starts threads without waiting until they run; they are terminated at the end of the scope, whatever ends it.
 *
 * The caller must be able to do all of the work itself, since `count` may be 0.
 */
export const startThreads = (options: ThreadOptions): Effect.Effect<Threads, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(Effect.sync(() => launch(options)), (running) => Effect.promise(() => terminate(running))),
    (running): Threads => {
      const ended = Effect.forEach(running, ({ end }) => end, { concurrency: "unbounded", discard: true })
      return {
        count: running.length,
        post: (thread, message, transfer = []) => running[thread]?.worker.postMessage(message, transfer),
        ended,
        guard: (work) => Effect.raceFirst(work, Effect.andThen(ended, Effect.never))
      }
    }
  )

interface Running {
  readonly worker: Worker
  readonly end: Effect.Effect<void, ThreadProblem>
}

const launch = ({ count, data, module, onMessage }: ThreadOptions): ReadonlyArray<Running> => {
  const file = asTheCallerRuns(module)
  const running: Array<Running> = []
  if (count < 1 || !existsSync(file)) return running
  try {
    while (running.length < count) {
      // Neither the host's hooks nor its flags: the modules of this package need none, and each costs a thread's start.
      const worker = new Worker(file, { workerData: data, execArgv: [] })
      const thread = running.length
      if (onMessage !== undefined) worker.on("message", (message) => onMessage(message, thread))
      running.push({ worker, end: endOf(worker) })
    }
  } catch {
    // No more threads to be had (a limit, a permission): those which run are enough.
  }
  return running
}

/** `.ts` under type stripping, `.js` in a build: a URL in a string is nothing a compiler rewrites. */
const asTheCallerRuns = (module: URL): URL =>
  import.meta.url.endsWith(".ts") ? module : new URL(module.href.replace(/\.ts$/, ".js"))

/** Listens from the start on: an event that nobody waits for is lost, and an error without a listener is thrown. */
const endOf = (worker: Worker): Effect.Effect<void, ThreadProblem> => {
  const end = new Promise<ThreadProblem | undefined>((resolve) => {
    worker.once("error", (cause) => resolve(threadProblem(cause)))
    worker.once("messageerror", (cause) => resolve(threadProblem(cause)))
    worker.once("exit", (code) => resolve(code === 0 ? undefined : threadProblem(`a thread ended with code ${code}`)))
  })
  return Effect.flatMap(
    Effect.promise(() => end),
    (problem) => problem === undefined ? Effect.void : Effect.fail(problem)
  )
}

const threadProblem = (cause: unknown): ThreadProblem => ({
  code: cause instanceof Error && "code" in cause ? String(cause.code) : "",
  problem: cause instanceof Error ? cause.message : String(cause)
})

const terminate = (running: ReadonlyArray<Running>): Promise<unknown> =>
  Promise.all(running.map(({ worker }) => worker.terminate()))
