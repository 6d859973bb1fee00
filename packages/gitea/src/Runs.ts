/**
 * Runs of workflows, their jobs and what these printed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { GiteaError } from "./GiteaError.ts"
import type { GiteaHttp } from "./GiteaHttp.ts"
import { JobBody, jobOf, RunBody, runOf } from "./internal/runWire.ts"
import { list, maybe } from "./internal/wire.ts"
import type { RepositoryName } from "./Repositories.ts"

/**
 * How far a run or a job is. `waiting` waits for other jobs, `queued` for a runner.
 *
 * @category models
 * @since 0.1.0
 */
export type RunStatus = "queued" | "waiting" | "in_progress" | "completed" | "unknown"

/**
 * A run. A run that a tag started has no branch: its tag is in `path` (`build.yaml@refs/tags/v1`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Run {
  readonly id: number
  readonly title: string | undefined
  readonly path: string | undefined
  readonly event: string | undefined
  readonly headSha: string
  readonly headBranch: string | undefined
  readonly status: RunStatus
  readonly conclusion: string | undefined
  readonly htmlUrl: string | undefined
}

/**
 * A job of a run.
 *
 * @category models
 * @since 0.1.0
 */
export interface Job {
  readonly id: number
  readonly runId: number
  readonly name: string
  readonly status: RunStatus
  readonly conclusion: string | undefined
}

/**
 * Which runs to list. The server refuses an actor or a status that it does not know.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListOptions {
  readonly event?: string | undefined
  readonly status?: string | undefined
  readonly branch?: string | undefined
  readonly headSha?: string | undefined
  readonly actor?: string | undefined
}

/**
 * Which part of a log to read: from the byte `offset` (0), at most `limitBytes` (1 MiB).
 *
 * @category models
 * @since 0.1.0
 */
export interface LogOptions {
  readonly offset?: number | undefined
  readonly limitBytes?: number | undefined
}

/**
 * A part of a log. Ask again from `nextOffset` for what follows, also while the job runs; at the end `bytes` is empty.
 *
 * @category models
 * @since 0.1.0
 */
export interface LogPart {
  readonly bytes: Uint8Array
  readonly nextOffset: number
}

/**
 * The calls that concern runs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Runs {
  readonly list: (repository: RepositoryName, options?: ListOptions) => Stream.Stream<Run, GiteaError>
  readonly get: (repository: RepositoryName, runId: number) => Effect.Effect<Run, GiteaError>
  readonly jobs: (repository: RepositoryName, runId: number) => Stream.Stream<Job, GiteaError>
  readonly log: (repository: RepositoryName, jobId: number, options?: LogOptions) => Effect.Effect<LogPart, GiteaError>
}

const RunPage = Schema.Struct({ total_count: maybe(Schema.Int), workflow_runs: list(RunBody) })
const JobPage = Schema.Struct({ total_count: maybe(Schema.Int), jobs: list(JobBody) })

const defaultLogBytes = 1024 * 1024

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): Runs => ({
  list: ({ name, owner }, options = {}) => {
    const path = ["repos", owner, name, "actions", "runs"]
    const { actor, branch, event, headSha, status } = options
    return http.pages({ method: "GET", path, query: { actor, branch, event, head_sha: headSha, status } }, {
      schema: RunPage,
      items: (page) => page.workflow_runs ?? [],
      total: (page) => page.total_count ?? undefined,
      key: (run) => run.id
    }).pipe(Stream.map(runOf), after(http.needs("workflow runs")))
  },
  get: Effect.fnUntraced(function*({ name, owner }, runId) {
    yield* http.needs("workflow runs")
    return runOf(yield* http.json({ method: "GET", path: ["repos", owner, name, "actions", "runs", runId] }, RunBody))
  }),
  jobs: ({ name, owner }, runId) =>
    http.pages({ method: "GET", path: ["repos", owner, name, "actions", "runs", runId, "jobs"] }, {
      schema: JobPage,
      items: (page) => page.jobs ?? [],
      total: (page) => page.total_count ?? undefined,
      key: (job) => job.id
    }).pipe(Stream.map((job) => jobOf(job, runId)), after(http.needs("workflow jobs"))),
  log: Effect.fnUntraced(function*({ name, owner }, jobId, options = {}) {
    yield* http.needs("job logs")
    const offset = options.offset ?? 0
    const path = ["repos", owner, name, "actions", "jobs", jobId, "logs"]
    const reply = yield* http.send({
      method: "GET",
      path,
      headers: { accept: "text/plain", ...(offset > 0 ? { range: `bytes=${offset}-` } : {}) },
      limitBytes: options.limitBytes ?? defaultLogBytes,
      cut: true,
      // 416 at the end of a log is "nothing new".
      accept: [416]
    })
    if (reply.status === 416) return { bytes: new Uint8Array(), nextOffset: offset }
    if (offset > 0 && reply.status !== 206) {
      const problem = `expected the log from byte ${offset} on, got it from its beginning; a proxy dropped the range`
      const reason = { _tag: "MalformedResponse", at: "", problem } as const
      return yield* new GiteaError({ method: "GET", path: `/${path.join("/")}`, reason })
    }
    return { bytes: reply.bytes, nextOffset: offset + reply.bytes.length }
  })
})

const after =
  <E>(check: Effect.Effect<unknown, E>) => <A, E2>(stream: Stream.Stream<A, E2>): Stream.Stream<A, E | E2> =>
    Stream.unwrap(Effect.as(check, stream))
