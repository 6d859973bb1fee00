import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Buffer } from "node:buffer"
import * as ServerVersion from "../../ServerVersion.ts"
import * as Payload from "./payloads.ts"
import {
  page,
  problem,
  type RepositoryHandler,
  type Route,
  route,
  type RoutedRequest,
  withRepository
} from "./router.ts"
import { fullName, type RepositoryState, type RunState, type State } from "./state.ts"

const DispatchBody = Schema.Struct({
  ref: Schema.String,
  inputs: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.String))),
  return_run_info: Schema.optionalKey(Schema.Boolean)
})

const decodeDispatch = Schema.decodeUnknownResult(DispatchBody)

/** Adds a run that waits for a runner. */
export const addRun = (
  state: State,
  repository: RepositoryState,
  run: Pick<RunState, "workflow" | "ref" | "sha" | "event"> & { readonly inputs?: Readonly<Record<string, string>> }
): RunState => {
  const entry: RunState = {
    inputs: {},
    ...run,
    id: state.nextId(),
    number: repository.runs.length + 1,
    status: "queued",
    conclusion: undefined,
    job: { id: state.nextId(), log: "" }
  }
  repository.runs.push(entry)
  return entry
}

// A full reference or a bare branch; a bare tag and a commit are not found, as on the real server.
const findRef = (repository: RepositoryState, ref: string) => {
  if (ref.startsWith("refs/tags/")) return { ref, sha: repository.tags.get(ref.slice("refs/tags/".length)) }
  const branch = ref.startsWith("refs/heads/") ? ref.slice("refs/heads/".length) : ref
  return { ref: `refs/heads/${branch}`, sha: repository.branches.get(branch) }
}

const dispatchWorkflow: RepositoryHandler = ({ body, parameters, query, state }, repository) => {
  const workflow = parameters["workflow"] ?? ""
  const valid = Result.getOrUndefined(decodeDispatch(body))
  if (valid === undefined || valid.ref === "") return problem(state, 422, "[Ref]: Required")
  const { ref, sha } = findRef(repository, valid.ref)
  if (!repository.workflows.has(workflow) || sha === undefined) {
    return problem(state, 404, `workflow ${workflow} or ref ${valid.ref} doesn't exist`)
  }
  const run = addRun(state, repository, {
    workflow,
    ref,
    sha,
    event: "workflow_dispatch",
    inputs: valid.inputs ?? {}
  })
  if (!ServerVersion.supports(state.version, "the run of a workflow dispatch")) {
    return new Response(null, { status: 204 })
  }
  if (state.version.product === "forgejo") {
    return valid.return_run_info === true
      ? Response.json({ id: run.id, run_number: run.number, jobs: ["build"] }, { status: 201 })
      : new Response(null, { status: 204 })
  }
  if (query.get("return_run_details") !== "true") return new Response(null, { status: 204 })
  const address = `${state.url}/${fullName(repository)}/actions/runs/${run.id}`
  return Response.json({ workflow_run_id: run.id, run_url: address, html_url: address })
}

const forgejoRun = (state: State, run: RunState) => ({
  id: run.id,
  title: `${run.workflow} of ${run.ref}`,
  workflow_id: run.workflow,
  index_in_repo: run.number,
  prettyref: run.ref.replace(/^refs\/(?:heads|tags)\//, ""),
  commit_sha: run.sha,
  event: run.event,
  status: run.status === "completed" ? run.conclusion : run.status === "in_progress" ? "running" : "waiting",
  html_url: `${state.url}/actions/runs/${run.number}`
})

const runBody = (state: State, repository: RepositoryState, run: RunState) =>
  state.version.product === "forgejo" ? forgejoRun(state, run) : Payload.run(state, repository, run)

const listRuns: RepositoryHandler = (request, repository) => {
  const { query, state } = request
  const wanted = (name: string, value: string | undefined) => query.get(name) === null || query.get(name) === value
  const found = repository.runs.filter((run) =>
    wanted("event", run.event) &&
    wanted("head_sha", run.sha) &&
    // No tag is ever found by this: such a run has no branch.
    wanted("branch", run.ref.startsWith("refs/heads/") ? run.ref.slice("refs/heads/".length) : undefined) &&
    (wanted("status", run.status) || wanted("status", run.conclusion))
  ).toReversed()
  const { headers, items } = page(request, found)
  const body = { total_count: found.length, workflow_runs: items.map((run) => runBody(state, repository, run)) }
  return Response.json(body, { headers })
}

const findRun = ({ parameters }: RoutedRequest, repository: RepositoryState): RunState | undefined =>
  repository.runs.find(({ id }) => id === Number(parameters["run"]))

const getRun: RepositoryHandler = (request, repository) => {
  const run = findRun(request, repository)
  return run === undefined
    ? problem(request.state, 404, "The target couldn't be found.")
    : Response.json(runBody(request.state, repository, run))
}

const listJobs: RepositoryHandler = (request, repository) => {
  const run = findRun(request, repository)
  return run === undefined
    ? problem(request.state, 404, "The target couldn't be found.")
    : Response.json({ total_count: 1, jobs: page(request, [Payload.job(run)]).items })
}

const getLog: RepositoryHandler = ({ headers, parameters, state }, repository) => {
  const run = repository.runs.find(({ job }) => job.id === Number(parameters["job"]))
  if (run === undefined) return problem(state, 404, "The target couldn't be found.")
  if (run.status === "queued") return problem(state, 404, "job not started")
  const bytes = Buffer.from(run.job.log)
  const range = /^bytes=([0-9]+)-$/.exec(headers.get("range") ?? "")
  if (range === null) return new Response(bytes, { headers: { "content-type": "text/plain; charset=utf-8" } })
  const start = Number(range[1])
  if (start >= bytes.length) return new Response(null, { status: 416 })
  return new Response(bytes.subarray(start), {
    status: 206,
    headers: { "content-type": "text/plain", "content-range": `bytes ${start}-${bytes.length - 1}/${bytes.length}` }
  })
}

const since = (feature: ServerVersion.Feature, handle: RepositoryHandler): RepositoryHandler => (request, repository) =>
  ServerVersion.supports(request.state.version, feature)
    ? handle(request, repository)
    : problem(request.state, 404, "Not Found")

const actions = (method: string, path: string, feature: ServerVersion.Feature, handle: RepositoryHandler): Route =>
  route(method, `/repos/:owner/:name/actions/${path}`, withRepository(since(feature, handle)))

export const runRoutes: ReadonlyArray<Route> = [
  actions("POST", "workflows/:workflow/dispatches", "workflow dispatch", dispatchWorkflow),
  actions("GET", "runs", "workflow runs", listRuns),
  actions("GET", "runs/:run", "workflow runs", getRun),
  actions("GET", "runs/:run/jobs", "workflow jobs", listJobs),
  actions("GET", "jobs/:job/logs", "job logs", getLog)
]
