import { createHash } from "node:crypto"
import type { RunStatus } from "../../Runs.ts"
import type { ServerVersion } from "../../ServerVersion.ts"

/** What the fake server knows. Everything lives in memory and changes at once. */
export interface State {
  readonly url: string
  readonly version: ServerVersion
  readonly token: string | undefined
  readonly now: () => number
  readonly nextId: () => number
  readonly repositories: Map<string, RepositoryState>
  readonly organizationHooks: Array<{ readonly organization: string; readonly hook: HookState }>
  readonly packages: Array<PackageState>
}

export interface RepositoryState {
  readonly id: number
  readonly owner: string
  readonly name: string
  readonly private: boolean
  readonly defaultBranch: string
  readonly commits: Map<string, CommitState>
  readonly branches: Map<string, string>
  readonly tags: Map<string, string>
  readonly hooks: Array<HookState>
  readonly secrets: Map<string, string>
  readonly workflows: Set<string>
  readonly runs: Array<RunState>
}

export interface CommitState {
  readonly sha: string
  readonly message: string
  readonly files: ReadonlyMap<string, Uint8Array>
}

export interface HookState {
  readonly id: number
  readonly active: boolean
  readonly events: ReadonlyArray<string>
  readonly url: string
  readonly contentType: "json" | "form"
  readonly secret: string
  readonly branchFilter: string
  readonly authorizationHeader: string
}

export interface RunState {
  readonly id: number
  readonly number: number
  readonly workflow: string
  readonly ref: string
  readonly sha: string
  readonly event: string
  readonly inputs: Readonly<Record<string, string>>
  status: Exclude<RunStatus, "unknown">
  conclusion: string | undefined
  readonly job: { readonly id: number; log: string }
}

export interface PackageState {
  readonly id: number
  readonly owner: string
  readonly type: string
  readonly name: string
  readonly version: string
  readonly createdAt: number
  repository: string | undefined
}

export const fullName = ({ name, owner }: { readonly owner: string; readonly name: string }): string =>
  `${owner}/${name}`

export const findRepository = (state: State, owner: string, name: string): RepositoryState | undefined =>
  // Gitea compares names without regard to case.
  state.repositories.get(`${owner}/${name}`.toLowerCase())

/** The commit that a branch, a tag, a full reference or an id names. */
export const resolve = (repository: RepositoryState, ref: string): CommitState | undefined => {
  const sha = ref.startsWith("refs/tags/")
    ? repository.tags.get(ref.slice("refs/tags/".length))
    : ref.startsWith("refs/heads/")
    ? repository.branches.get(ref.slice("refs/heads/".length))
    : repository.branches.get(ref) ?? repository.tags.get(ref) ?? ref
  return sha === undefined ? undefined : repository.commits.get(sha)
}

export const blobId = (bytes: Uint8Array): string =>
  createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex")

/** Records a commit of the files on a branch; the same change on the same parent has the same id. */
export const addCommit = (
  repository: RepositoryState,
  branch: string,
  files: ReadonlyMap<string, Uint8Array>,
  message: string
): CommitState => {
  const parent = repository.branches.get(branch)
  const before = parent === undefined ? undefined : repository.commits.get(parent)
  const all = new Map([...before?.files ?? [], ...files])
  const hash = createHash("sha1").update(`${parent ?? ""}\n${message}\n`)
  for (const [path, bytes] of all) hash.update(`${path} ${blobId(bytes)}\n`)
  const commit = { sha: hash.digest("hex"), message, files: all }
  repository.commits.set(commit.sha, commit)
  repository.branches.set(branch, commit.sha)
  return commit
}
