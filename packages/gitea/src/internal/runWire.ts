import * as Schema from "effect/Schema"
import type { Job, Run, RunStatus } from "../Runs.ts"
import { maybe } from "./wire.ts"

/** A run as Gitea (GitHub's names) and as Forgejo (its own) write it. */
export const RunBody = Schema.Struct({
  id: Schema.Int,
  status: Schema.String,
  conclusion: maybe(Schema.String),
  event: maybe(Schema.String),
  html_url: maybe(Schema.String),
  display_title: maybe(Schema.String),
  title: maybe(Schema.String),
  path: maybe(Schema.String),
  workflow_id: maybe(Schema.String),
  head_sha: maybe(Schema.String),
  commit_sha: maybe(Schema.String),
  head_branch: maybe(Schema.String)
})

export const JobBody = Schema.Struct({
  id: Schema.Int,
  run_id: maybe(Schema.Int),
  name: Schema.String,
  status: Schema.String,
  conclusion: maybe(Schema.String)
})

export const runOf = (body: typeof RunBody.Type): Run => ({
  id: body.id,
  title: body.display_title ?? body.title ?? undefined,
  path: body.path ?? body.workflow_id ?? undefined,
  event: body.event ?? undefined,
  headSha: body.head_sha ?? body.commit_sha ?? "",
  headBranch: body.head_branch ?? undefined,
  htmlUrl: body.html_url ?? undefined,
  ...progressOf(body.status, body.conclusion ?? undefined)
})

export const jobOf = (body: typeof JobBody.Type, runId: number): Job => ({
  id: body.id,
  runId: body.run_id ?? runId,
  name: body.name,
  ...progressOf(body.status, body.conclusion ?? undefined)
})

interface Progress {
  readonly status: RunStatus
  readonly conclusion: string | undefined
}

// Forgejo has one word where Gitea has two: its status is the conclusion once a run has ended.
const progressOf = (status: string, conclusion: string | undefined): Progress => {
  switch (status) {
    case "queued":
    case "waiting":
    case "in_progress":
    case "completed":
      return { status, conclusion }
    case "running":
      return { status: "in_progress", conclusion }
    case "blocked":
      return { status: "waiting", conclusion }
    case "success":
    case "failure":
    case "cancelled":
    case "skipped":
      return { status: "completed", conclusion: status }
    default:
      return { status: "unknown", conclusion }
  }
}
