import * as Schema from "effect/Schema"
import { maybe } from "./wire.ts"

// Payloads as Gitea (modules/structs/hook.go, repo_actions.go, package.go), Forgejo and the CI callbacks send them.
// Only the fields that are used are named: others may come, go or change their type.

const CommitId = Schema.String.check(Schema.isPattern(/^[0-9a-f]{40}(?:[0-9a-f]{24})?$/))

// Two segments on Gitea; more where a forge nests its namespaces. No segment can climb.
const FullName = Schema.String.check(
  Schema.isMaxLength(512),
  Schema.isPattern(/^(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.-]+(?:\/(?!\.{1,2}(?:\/|$))[A-Za-z0-9_.-]+){1,7}$/, {
    expected: "owner/name"
  })
)

const User = Schema.Struct({ id: Schema.Int, login: Schema.String })

const Repository = Schema.Struct({
  id: Schema.Int,
  full_name: FullName,
  default_branch: maybe(Schema.String),
  html_url: maybe(Schema.String),
  clone_url: maybe(Schema.String),
  private: maybe(Schema.Boolean)
})

const Commit = Schema.Struct({
  id: CommitId,
  message: Schema.String,
  added: maybe(Schema.Array(Schema.String)),
  removed: maybe(Schema.Array(Schema.String)),
  modified: maybe(Schema.Array(Schema.String))
})

export const Push = Schema.Struct({
  ref: Schema.String,
  before: CommitId,
  after: CommitId,
  commits: maybe(Schema.Array(Commit)),
  total_commits: maybe(Schema.Int),
  repository: Repository,
  sender: maybe(User)
})

export const Create = Schema.Struct({
  sha: CommitId,
  ref: Schema.String,
  ref_type: Schema.Literals(["tag", "branch"]),
  repository: Repository,
  sender: maybe(User)
})

export const Delete = Schema.Struct({
  ref: Schema.String,
  ref_type: Schema.Literals(["tag", "branch"]),
  repository: Repository,
  sender: maybe(User)
})

export const Release = Schema.Struct({
  action: Schema.Literals(["published", "updated", "deleted"]),
  release: Schema.Struct({
    id: Schema.Int,
    tag_name: Schema.String,
    name: maybe(Schema.String),
    draft: maybe(Schema.Boolean),
    prerelease: maybe(Schema.Boolean)
  }),
  repository: Repository,
  sender: maybe(User)
})

export const Package = Schema.Struct({
  action: Schema.Literals(["created", "deleted"]),
  package: Schema.Struct({
    id: Schema.Int,
    owner: User,
    // Only set when the package is linked to a repository that the pusher may see.
    repository: maybe(Repository),
    type: Schema.String,
    name: Schema.String,
    version: Schema.String,
    html_url: maybe(Schema.String)
  }),
  sender: maybe(User)
})

export const WorkflowRun = Schema.Struct({
  action: Schema.Literals(["requested", "in_progress", "completed"]),
  workflow_run: Schema.Struct({
    id: Schema.Int,
    path: Schema.String,
    display_title: maybe(Schema.String),
    event: maybe(Schema.String),
    run_number: maybe(Schema.Int),
    run_attempt: maybe(Schema.Int),
    head_sha: CommitId,
    head_branch: maybe(Schema.String),
    status: Schema.String,
    conclusion: maybe(Schema.String),
    html_url: maybe(Schema.String),
    started_at: maybe(Schema.String),
    completed_at: maybe(Schema.String)
  }),
  repository: Repository,
  sender: maybe(User)
})

export const ModuleCallback = Schema.Struct({
  repository: Schema.Struct({ full_name: FullName }),
  ref: Schema.String,
  artifact: maybe(Schema.String),
  fingerprint: maybe(Schema.String)
})

const printable = (maxLength: number) =>
  // eslint-disable-next-line no-control-regex -- control characters are what is refused
  Schema.String.check(Schema.isMaxLength(maxLength), Schema.isPattern(/^[^\u0000-\u001f\u007f]+$/))

export const DiskImageCallback = Schema.Struct({
  platform_name: printable(128),
  git_sha: Schema.String.check(Schema.isPattern(/^[0-9a-f]{7,64}$/)),
  sha256: Schema.String.check(Schema.isPattern(/^(?:sha256:)?[0-9a-f]{64}$/)),
  size_bytes: Schema.Int.check(Schema.isGreaterThan(0)),
  oci_ref: printable(1024),
  arch: maybe(printable(32)),
  family: maybe(printable(64)),
  firmware_ref: maybe(printable(1024)),
  built_at: maybe(printable(64)),
  cosign_identity: maybe(printable(1024)),
  sbom_url: maybe(printable(2048))
})
