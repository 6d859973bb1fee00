/**
 * Jobs: work that was promised in a transaction and is done later, at least once.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The states of a job: `done` and `failed` are final.
 *
 * @category schemas
 * @since 0.1.0
 */
export const JobState = Schema.Literals(["ready", "running", "done", "failed"])

/**
 * The states of a job.
 *
 * @category models
 * @since 0.1.0
 */
export type JobState = typeof JobState.Type

/**
 * Work to enqueue. `key` makes it unique within its account and kind: enqueueing it again does nothing.
 *
 * @category models
 * @since 0.1.0
 */
export interface NewJob {
  readonly accountId: string
  readonly kind: string
  readonly key: string
  readonly payload: Schema.Json
  /** Milliseconds since the epoch before which nobody takes it; now, when absent. */
  readonly availableAt?: number | undefined
}

/**
 * A job as a worker gets it. `lease` proves, until `leasedUntil`, that the worker holds it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Job {
  readonly id: string
  readonly accountId: string
  readonly kind: string
  readonly key: string
  readonly payload: Schema.Json
  readonly state: JobState
  /** How often it was taken, this time included. */
  readonly attempts: number
  readonly availableAt: number
  readonly lease: string | undefined
  readonly leasedUntil: number | undefined
  readonly lastError: string | undefined
}
