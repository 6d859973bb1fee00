/**
 * A Gitea or Forgejo in the process: state, API, and webhooks that are sent and signed as the real servers do it.
 *
 * It behaves like the version that it is given, down to the traps (hollow signature headers without a secret, empty
 * event names, inactive hooks by default, routes that an older server does not have).
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { Transport } from "../GiteaHttp.ts"
import { makeCourier } from "../internal/fake/deliveries.ts"
import * as Operations from "../internal/fake/operations.ts"
import { dispatch } from "../internal/fake/router.ts"
import { routes } from "../internal/fake/routes.ts"
import { findRepository, fullName, type RepositoryState, type State } from "../internal/fake/state.ts"
import type { RepositoryName } from "../Repositories.ts"
import * as ServerVersion from "../ServerVersion.ts"
import * as FaultScript from "./FaultScript.ts"

/**
 * What the fake is like. `version` is `1.26.3` unless told otherwise (`15.0.3+gitea-1.22.0` makes it a Forgejo);
 * without a `token` every caller is let in; `deliver` sends the webhooks, the global `fetch` by default.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeGiteaOptions {
  readonly url?: string | undefined
  readonly version?: string | undefined
  readonly token?: string | undefined
  readonly now?: (() => number) | undefined
  readonly deliver?: ((request: Request) => Promise<Response>) | undefined
}

/**
 * A webhook that was sent once. `status` is undefined when there was no answer; `payload` is the JSON document that
 * was signed, `body` what went over the wire.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delivery {
  readonly uuid: string
  readonly hookId: number
  readonly event: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly payload: string
  readonly body: string
  readonly status: number | undefined
}

/**
 * The fake. What changes a repository gives the webhooks that it caused, once they are answered.
 *
 * @category models
 * @since 0.1.0
 */
export interface FakeGitea {
  readonly url: string
  /** Answers an API request, after the next fault of the script. */
  readonly handle: (request: Request) => Promise<Response>
  /** The same, as the transport of a client. */
  readonly transport: Transport
  readonly faults: FaultScript.FaultScript
  /** Method and path of every request so far. */
  readonly requests: ReadonlyArray<string>
  /** Every webhook so far. */
  readonly deliveries: ReadonlyArray<Delivery>
  readonly addRepository: (repository: RepositoryName, options?: { readonly defaultBranch?: string }) => void
  readonly addWorkflow: (repository: RepositoryName, file: string) => void
  /** Commits files to a branch (the default one), as a push would. */
  readonly commit: (repository: RepositoryName, options: CommitOptions) => Promise<Pushed>
  /** Sets a tag on a commit or branch (the default one): a `push` and a `create` event. */
  readonly pushTag: (repository: RepositoryName, tag: string, target?: string) => Promise<Pushed>
  readonly deleteTag: (repository: RepositoryName, tag: string) => Promise<ReadonlyArray<Delivery>>
  readonly publishRelease: (repository: RepositoryName, tag: string) => Promise<ReadonlyArray<Delivery>>
  /** A manifest was pushed to the container registry (or a file of another `type`). */
  readonly publishPackage: (options: PublishPackageOptions) => Promise<ReadonlyArray<Delivery>>
  readonly startRun: (repository: RepositoryName, options: StartRunOptions) => Promise<Started>
  readonly advanceRun: (repository: RepositoryName, runId: number, to: RunStep) => Promise<ReadonlyArray<Delivery>>
  readonly appendLog: (repository: RepositoryName, runId: number, text: string) => void
  /** What "replay" in the web interface does: the same payload under a new delivery id. */
  readonly redeliver: (delivery: Delivery) => Promise<Delivery>
  /** The value of an action secret, which the API never tells. */
  readonly secret: (repository: RepositoryName, name: string) => string | undefined
  /** The inputs with which a run was dispatched. */
  readonly inputs: (repository: RepositoryName, runId: number) => Readonly<Record<string, string>>
}

/**
 * Files (by path) to put on a branch.
 *
 * @category models
 * @since 0.1.0
 */
export interface CommitOptions {
  readonly files: Readonly<Record<string, string | Uint8Array>>
  readonly branch?: string
  readonly message?: string
}

/**
 * A commit that was pushed, with the webhooks that it caused.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pushed {
  readonly sha: string
  readonly deliveries: ReadonlyArray<Delivery>
}

/**
 * A run that was started, with the webhooks that it caused.
 *
 * @category models
 * @since 0.1.0
 */
export interface Started {
  readonly runId: number
  readonly jobId: number
  readonly deliveries: ReadonlyArray<Delivery>
}

/**
 * A version of a package; `type` is `container` unless told otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublishPackageOptions {
  readonly owner: string
  readonly name: string
  readonly version: string
  readonly type?: string
}

/**
 * The workflow file and the full reference that it runs on.
 *
 * @category models
 * @since 0.1.0
 */
export interface StartRunOptions {
  readonly workflow: string
  readonly ref: string
}

/**
 * How far a run gets: a runner takes it, or it ends.
 *
 * @category models
 * @since 0.1.0
 */
export type RunStep = "in_progress" | "success" | "failure" | "cancelled"

/**
 * Makes a fake without repositories. It throws when it is asked to do what no user of a server could (push to a
 * repository that does not exist): such a test is wrong.
 *
 * @example
 * ```ts
 * import { GiteaClient } from "@lamina/gitea"
 * import { FakeGitea } from "@lamina/gitea/testing"
 * import * as Effect from "effect/Effect"
 *
 * const fake = FakeGitea.make()
 * fake.addRepository({ owner: "acme", name: "redis" })
 *
 * const repository = Effect.flatMap(
 *   GiteaClient.make({ baseUrl: fake.url, transport: fake.transport }),
 *   (gitea) => gitea.repositories.get({ owner: "acme", name: "redis" })
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: FakeGiteaOptions = {}): FakeGitea => {
  const state = stateOf(options)
  const faults = FaultScript.make()
  const requests: Array<string> = []
  const courier = makeCourier(state, options.deliver ?? fetch)

  const handle = (request: Request) => {
    requests.push(`${request.method} ${new URL(request.url).pathname}`)
    return FaultScript.inflict(faults.take(request), request, () => dispatch(state, routes, request))
  }

  return {
    url: state.url,
    handle,
    transport: (url, request) => handle(new Request(url, request)),
    faults,
    requests,
    deliveries: courier.deliveries,
    addRepository: (name, { defaultBranch = "main" } = {}) => {
      state.repositories.set(fullName(name).toLowerCase(), emptyRepository(state.nextId(), name, defaultBranch))
    },
    addWorkflow: (name, file) => void existing(state, name).workflows.add(file),
    commit: (name, change) => Operations.commit(courier, existing(state, name), change),
    pushTag: (name, tag, target) => Operations.pushTag(courier, existing(state, name), tag, target),
    deleteTag: (name, tag) => Operations.deleteTag(courier, existing(state, name), tag),
    publishRelease: (name, tag) => Operations.publishRelease(courier, existing(state, name), tag),
    publishPackage: (item) => Operations.publishPackage(courier, item),
    startRun: (name, run) => Operations.startRun(courier, existing(state, name), run),
    advanceRun: (name, runId, to) =>
      Operations.advanceRun(courier, existing(state, name), existingRun(existing(state, name), runId), to),
    appendLog: (name, runId, text) => {
      existingRun(existing(state, name), runId).job.log += text
    },
    redeliver: (delivery) => courier.redeliver(delivery),
    secret: (name, secret) => existing(state, name).secrets.get(secret.toUpperCase()),
    inputs: (name, runId) => existingRun(existing(state, name), runId).inputs
  }
}

const stateOf = (options: FakeGiteaOptions): State => {
  let lastId = 0
  return {
    url: options.url ?? "https://gitea.test",
    version: Result.getOrThrowWith(ServerVersion.parse(options.version ?? "1.26.3"), (problem) => new Error(problem)),
    token: options.token,
    now: options.now ?? Date.now,
    nextId: () => ++lastId,
    repositories: new Map(),
    organizationHooks: [],
    packages: []
  }
}

const emptyRepository = (id: number, { name, owner }: RepositoryName, defaultBranch: string): RepositoryState => ({
  id,
  owner,
  name,
  private: false,
  defaultBranch,
  commits: new Map(),
  branches: new Map(),
  tags: new Map(),
  hooks: [],
  secrets: new Map(),
  workflows: new Set(),
  runs: []
})

const existing = (state: State, name: RepositoryName): RepositoryState => {
  const repository = findRepository(state, name.owner, name.name)
  if (repository === undefined) throw new Error(`the fake has no repository ${fullName(name)}; add it first`)
  return repository
}

const existingRun = (repository: RepositoryState, runId: number) => {
  const run = repository.runs.find(({ id }) => id === runId)
  if (run === undefined) throw new Error(`${fullName(repository)} has no run ${runId}`)
  return run
}
