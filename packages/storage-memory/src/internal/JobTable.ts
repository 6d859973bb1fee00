import type { Job, JobState, NewJob } from "@lamina/core/storage/Job"
import type { ClaimOptions } from "@lamina/core/storage/JobQueue"
import * as RowCodec from "@lamina/core/storage/RowCodec"
import { SortedBuckets } from "./SortedBuckets.ts"

/**
 * A job as it is stored: its payload as text, and the order in which it came.
 */
export interface StoredJob extends Omit<Job, "payload"> {
  readonly payload: string
  readonly sequence: number
}

/**
 * The jobs, found by id, by name, by kind while they are open, and by account and state.
 */
export class JobTable {
  #sequence = 0
  readonly #jobs = new Map<string, StoredJob>()
  readonly #names = new Set<string>()
  readonly #open = new SortedBuckets<StoredJob>(compareDue)
  readonly #byState = new SortedBuckets<StoredJob>((left, right) => left.sequence - right.sequence)

  get(id: string): StoredJob | undefined {
    return this.#jobs.get(id)
  }

  has(job: NewJob): boolean {
    return this.#names.has(nameOf(job))
  }

  /** Puts a job in the place of what has its id; without a job, empties the place. */
  set(id: string, job: StoredJob | undefined): void {
    const previous = this.#jobs.get(id)
    if (previous !== undefined) {
      this.#jobs.delete(id)
      this.#names.delete(nameOf(previous))
      this.#open.remove(previous.kind, previous)
      this.#byState.remove(RowCodec.keyText(previous.accountId, [previous.state]), previous)
    }
    if (job !== undefined) {
      this.#jobs.set(id, job)
      this.#names.add(nameOf(job))
      if (isOpen(job)) this.#open.add(job.kind, job)
      this.#byState.add(RowCodec.keyText(job.accountId, [job.state]), job)
    }
  }

  nextSequence(): number {
    return ++this.#sequence
  }

  /** The jobs that may be claimed at a time, the longest due first. */
  due(options: ClaimOptions, now: number): ReadonlyArray<StoredJob> {
    const limit = RowCodec.pageLimit(options.limit)
    const due: Array<StoredJob> = []
    for (const kind of new Set(options.kinds)) {
      let found = 0
      for (const job of this.#open.get(kind)) {
        if (found === limit || job.availableAt > now) break
        if (job.leasedUntil !== undefined && job.leasedUntil > now) continue
        due.push(job)
        found++
      }
    }
    return due.sort(compareDue).slice(0, limit)
  }

  /** The jobs of an account in a state, in the order in which they came. */
  inState(accountId: string, state: JobState): ReadonlyArray<StoredJob> {
    return this.#byState.get(RowCodec.keyText(accountId, [state]))
  }
}

/**
 * A stored job as a worker gets it.
 */
export const toJob = (stored: StoredJob): Job => ({
  id: stored.id,
  accountId: stored.accountId,
  kind: stored.kind,
  key: stored.key,
  payload: JSON.parse(stored.payload),
  state: stored.state,
  attempts: stored.attempts,
  availableAt: stored.availableAt,
  lease: stored.lease,
  leasedUntil: stored.leasedUntil,
  lastError: stored.lastError
})

const isOpen = (job: StoredJob): boolean => job.state === "ready" || job.state === "running"

const nameOf = (job: NewJob | StoredJob): string => RowCodec.keyText(job.accountId, [job.kind, job.key])

const compareDue = (left: StoredJob, right: StoredJob): number =>
  left.availableAt - right.availableAt || left.sequence - right.sequence
