import type {
  CommitOptions,
  Delivery,
  PublishPackageOptions,
  Pushed,
  RunStep,
  Started,
  StartRunOptions
} from "../../testing/FakeGitea.ts"
import type { Courier, FakeEvent } from "./deliveries.ts"
import * as Payload from "./payloads.ts"
import { addRun } from "./runRoutes.ts"
import { addCommit, fullName, type RepositoryState, resolve, type RunState } from "./state.ts"

// What users, runners and registries do to a server: each changes the state and tells the hooks.

const pushEvent = (
  { state }: Courier,
  repository: RepositoryState,
  change: { readonly ref: string; readonly before: string | undefined; readonly after: string | undefined }
): FakeEvent => ({ type: "push", payload: Payload.push(state, repository, change) })

export const commit = async (
  courier: Courier,
  repository: RepositoryState,
  { branch = repository.defaultBranch, files, message = "a change" }: CommitOptions
): Promise<Pushed> => {
  const before = repository.branches.get(branch)
  const contents = Object.entries(files).map(([path, content]) =>
    [path, typeof content === "string" ? new TextEncoder().encode(content) : content] as const
  )
  const { sha } = addCommit(repository, branch, new Map(contents), message)
  const push = pushEvent(courier, repository, { ref: `refs/heads/${branch}`, before, after: sha })
  return { sha, deliveries: await courier.tell(repository.owner, repository, push) }
}

export const pushTag = async (
  courier: Courier,
  repository: RepositoryState,
  tag: string,
  target = repository.defaultBranch
): Promise<Pushed> => {
  const found = resolve(repository, target)
  if (found === undefined) throw new Error(`${fullName(repository)} has no commit ${target}`)
  const before = repository.tags.get(tag)
  repository.tags.set(tag, found.sha)
  const push = pushEvent(courier, repository, { ref: `refs/tags/${tag}`, before, after: found.sha })
  const reference = { sha: found.sha, name: tag, type: "tag" } as const
  const create: FakeEvent = { type: "create", payload: Payload.create(courier.state, repository, reference) }
  const events = before === undefined ? [push, create] : [push]
  return { sha: found.sha, deliveries: await courier.tell(repository.owner, repository, ...events) }
}

export const deleteTag = (
  courier: Courier,
  repository: RepositoryState,
  tag: string
): Promise<ReadonlyArray<Delivery>> => {
  const before = repository.tags.get(tag)
  repository.tags.delete(tag)
  const push = pushEvent(courier, repository, { ref: `refs/tags/${tag}`, before, after: undefined })
  const payload = Payload.deletion(courier.state, repository, { name: tag, type: "tag" })
  return courier.tell(repository.owner, repository, push, { type: "delete", payload })
}

export const publishRelease = (
  courier: Courier,
  repository: RepositoryState,
  tag: string
): Promise<ReadonlyArray<Delivery>> => {
  const id = courier.state.nextId()
  const payload = Payload.release(courier.state, repository, { action: "published", id, tag })
  return courier.tell(repository.owner, repository, { type: "release", payload })
}

export const publishPackage = (
  courier: Courier,
  { name, owner, type = "container", version }: PublishPackageOptions
): Promise<ReadonlyArray<Delivery>> => {
  const { state } = courier
  const versions = state.packages.filter((item) => item.owner === owner && item.type === type && item.name === name)
  // A link belongs to the package, so a new version has it too.
  const repository = versions[0]?.repository
  const same = versions.find((item) => item.version === version)
  const item = same ?? { id: state.nextId(), owner, type, name, version, createdAt: state.now(), repository }
  if (same === undefined) state.packages.push(item)
  const linked = repository === undefined ? undefined : state.repositories.get(repository.toLowerCase())
  return courier.tell(owner, linked, { type: "package", payload: Payload.packageEvent(state, item, "created") })
}

export const startRun = async (
  courier: Courier,
  repository: RepositoryState,
  { ref, workflow }: StartRunOptions
): Promise<Started> => {
  const found = resolve(repository, ref)
  if (found === undefined) throw new Error(`${fullName(repository)} has no reference ${ref}`)
  const run = addRun(courier.state, repository, { workflow, ref, sha: found.sha, event: "push" })
  const deliveries = await tellOfRun(courier, repository, run, "requested")
  return { runId: run.id, jobId: run.job.id, deliveries }
}

export const advanceRun = (
  courier: Courier,
  repository: RepositoryState,
  run: RunState,
  to: RunStep
): Promise<ReadonlyArray<Delivery>> => {
  const status = to === "in_progress" ? to : "completed"
  run.status = status
  run.conclusion = to === "in_progress" ? undefined : to
  return tellOfRun(courier, repository, run, status)
}

const tellOfRun = (
  courier: Courier,
  repository: RepositoryState,
  run: RunState,
  action: "requested" | "in_progress" | "completed"
): Promise<ReadonlyArray<Delivery>> => {
  const payload = Payload.workflowRun(courier.state, repository, run, action)
  const giteaSince = action === "in_progress" ? 26 : 25
  return courier.tell(repository.owner, repository, { type: "workflow_run", payload, giteaSince })
}
