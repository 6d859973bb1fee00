/**
 * The job queue port: workers take what transactions promised with `enqueue`.
 *
 * A job that is taken is leased. A worker that dies loses its lease, and somebody else gets the job: at least once. A
 * report that comes after the lease has run out still counts while nobody else has the job; then it fails with
 * `LeaseLost`.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type { Job, JobState } from "./Job.ts"
import type { StorageError } from "./StorageError.ts"

/**
 * Which jobs a worker takes: of the kinds, at most `limit`, leased for `leaseMillis`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClaimOptions {
  readonly kinds: ReadonlyArray<string>
  readonly limit: number
  readonly leaseMillis: number
}

/**
 * The job queue port.
 *
 * @category services
 * @since 0.1.0
 */
export class JobQueue extends Context.Service<JobQueue, {
  /** Leases jobs that are due, at most 1,000, the longest due first; no job is leased to two workers. */
  readonly claim: (options: ClaimOptions) => Effect.Effect<ReadonlyArray<Job>, StorageError>
  /** Gives a job back, to be taken again at `availableAt` (milliseconds since the epoch). */
  readonly retry: (
    job: Job,
    options: { readonly availableAt: number; readonly error: string }
  ) => Effect.Effect<void, StorageError>
  /** Gives a job up for good. */
  readonly fail: (job: Job, error: string) => Effect.Effect<void, StorageError>
  /** The jobs of an account in a state, newest first, at most 100: for operators. */
  readonly list: (accountId: string, state: JobState) => Effect.Effect<ReadonlyArray<Job>, StorageError>
}>()("@lamina/core/storage/JobQueue") {}
