import { fullName, type PackageState, type RepositoryState, type RunState, type State } from "./state.ts"

// Bodies in the shape of Gitea's modules/structs: what the API answers and what webhooks carry.

export const user = (login: string) => ({
  id: [...login].reduce((sum, letter) => sum + letter.charCodeAt(0), 0),
  login
})

const actionsUser = { id: -2, login: "gitea-actions" }

export const repository = (state: State, item: RepositoryState) => ({
  id: item.id,
  owner: user(item.owner),
  name: item.name,
  full_name: fullName(item),
  private: item.private,
  archived: false,
  html_url: `${state.url}/${fullName(item)}`,
  clone_url: `${state.url}/${fullName(item)}.git`,
  default_branch: item.defaultBranch,
  has_actions: true
})

export const time = (millis: number): string => new Date(millis).toISOString().replace(/\.\d+Z$/, "Z")

const zero = "0".repeat(40)

export const push = (
  state: State,
  item: RepositoryState,
  change: { readonly ref: string; readonly before: string | undefined; readonly after: string | undefined }
) => {
  const commit = change.after === undefined ? undefined : item.commits.get(change.after)
  const body = commit === undefined ? null : {
    id: commit.sha,
    message: commit.message,
    url: `${state.url}/${fullName(item)}/commit/${commit.sha}`,
    author: { name: item.owner, email: "", username: item.owner },
    committer: { name: item.owner, email: "", username: item.owner },
    verification: null,
    timestamp: time(state.now()),
    added: null,
    removed: null,
    modified: null
  }
  const isBranch = change.ref.startsWith("refs/heads/")
  return {
    ref: change.ref,
    before: change.before ?? zero,
    after: change.after ?? zero,
    compare_url: `${state.url}/${fullName(item)}/compare`,
    commits: isBranch && body !== null ? [body] : [],
    total_commits: isBranch && body !== null ? 1 : 0,
    head_commit: body,
    repository: repository(state, item),
    pusher: user(item.owner),
    sender: user(item.owner)
  }
}

export const create = (
  state: State,
  item: RepositoryState,
  { name, sha, type }: { readonly sha: string; readonly name: string; readonly type: "tag" | "branch" }
) => ({
  sha,
  ref: name,
  ref_type: type,
  repository: repository(state, item),
  sender: user(item.owner)
})

export const deletion = (
  state: State,
  item: RepositoryState,
  { name, type }: { readonly name: string; readonly type: "tag" | "branch" }
) => ({
  ref: name,
  ref_type: type,
  pusher_type: "user",
  repository: repository(state, item),
  sender: user(item.owner)
})

export const release = (
  state: State,
  item: RepositoryState,
  { action, id, tag }: {
    readonly action: "published" | "updated" | "deleted"
    readonly id: number
    readonly tag: string
  }
) => ({
  action,
  release: {
    id,
    tag_name: tag,
    target_commitish: item.defaultBranch,
    name: tag,
    body: "",
    draft: false,
    prerelease: false,
    created_at: time(state.now()),
    published_at: time(state.now()),
    author: user(item.owner),
    assets: []
  },
  repository: repository(state, item),
  sender: user(item.owner)
})

export const packageBody = (state: State, item: PackageState) => {
  const linked = item.repository === undefined ? undefined : state.repositories.get(item.repository.toLowerCase())
  return {
    id: item.id,
    owner: user(item.owner),
    repository: linked === undefined ? null : repository(state, linked),
    creator: user(item.owner),
    type: item.type,
    name: item.name,
    version: item.version,
    html_url: `${state.url}/${item.owner}/-/packages/${item.type}/${encodeURIComponent(item.name)}/${item.version}`,
    created_at: time(item.createdAt)
  }
}

export const packageEvent = (state: State, item: PackageState, action: "created" | "deleted") => ({
  action,
  // Always null at this level, also for a package that is linked.
  repository: null,
  package: packageBody(state, item),
  organization: null,
  sender: user(item.owner)
})

export const run = (state: State, item: RepositoryState, { conclusion, ...entry }: RunState) => ({
  id: entry.id,
  url: `${state.url}/api/v1/repos/${fullName(item)}/actions/runs/${entry.id}`,
  html_url: `${state.url}/${fullName(item)}/actions/runs/${entry.id}`,
  display_title: `${entry.workflow} of ${entry.ref}`,
  path: `${entry.workflow}@${entry.ref}`,
  event: entry.event,
  run_attempt: 1,
  run_number: entry.number,
  head_sha: entry.sha,
  // A run that a tag started has none.
  ...(entry.ref.startsWith("refs/heads/") ? { head_branch: entry.ref.slice("refs/heads/".length) } : {}),
  status: entry.status,
  ...(conclusion === undefined ? {} : { conclusion }),
  actor: actionsUser,
  started_at: entry.status === "queued" ? "0001-01-01T00:00:00Z" : time(state.now()),
  completed_at: entry.status === "completed" ? time(state.now()) : "0001-01-01T00:00:00Z"
})

export const job = (entry: RunState) => ({
  id: entry.job.id,
  run_id: entry.id,
  name: "build",
  labels: ["ubuntu-latest"],
  run_attempt: 1,
  head_sha: entry.sha,
  status: entry.status,
  ...(entry.conclusion === undefined ? {} : { conclusion: entry.conclusion }),
  steps: null
})

export const workflowRun = (
  state: State,
  item: RepositoryState,
  entry: RunState,
  action: "requested" | "in_progress" | "completed"
) => ({
  action,
  workflow: { id: entry.workflow, name: entry.workflow, path: `.gitea/workflows/${entry.workflow}`, state: "active" },
  workflow_run: run(state, item, entry),
  repository: repository(state, item),
  sender: actionsUser
})
