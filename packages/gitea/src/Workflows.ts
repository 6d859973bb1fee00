/**
 * Starts workflows.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { GiteaError } from "./GiteaError.ts"
import type { Call, GiteaHttp } from "./GiteaHttp.ts"
import { maybe } from "./internal/wire.ts"
import type { RepositoryName } from "./Repositories.ts"
import * as ServerVersion from "./ServerVersion.ts"

/**
 * What to start: the file name of the workflow, and a branch or full reference (`refs/tags/v1`; a bare tag or a commit
 * is not found). Inputs that the workflow does not declare are dropped by the server without a word.
 *
 * @category models
 * @since 0.1.0
 */
export interface DispatchOptions {
  readonly workflow: string
  readonly ref: string
  readonly inputs?: Readonly<Record<string, string>> | undefined
}

/**
 * The run that was started. `RunUnknown` where the server does not tell (Gitea 1.24 and 1.25): the workflow was
 * started, and has to be looked for among the runs.
 *
 * @category models
 * @since 0.1.0
 */
export type Dispatched =
  | { readonly _tag: "RunKnown"; readonly runId: number; readonly htmlUrl: string | undefined }
  | { readonly _tag: "RunUnknown" }

/**
 * The calls that concern workflows. A dispatch is never sent twice.
 *
 * @category models
 * @since 0.1.0
 */
export interface Workflows {
  readonly dispatch: (repository: RepositoryName, options: DispatchOptions) => Effect.Effect<Dispatched, GiteaError>
}

const GiteaRun = Schema.Struct({ workflow_run_id: Schema.Int, html_url: maybe(Schema.String) })
const ForgejoRun = Schema.Struct({ id: Schema.Int })

const callOf = ({ name, owner }: RepositoryName, { inputs, ref, workflow }: DispatchOptions) =>
  ({
    method: "POST",
    path: ["repos", owner, name, "actions", "workflows", workflow, "dispatches"],
    json: { ref, inputs: inputs ?? {} }
  }) as const satisfies Call

/**
 * The resource over a connection.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (http: GiteaHttp): Workflows => ({
  dispatch: Effect.fnUntraced(function*(repository, options): Effect.fn.Return<Dispatched, GiteaError> {
    const call = callOf(repository, options)
    if (options.ref === "") {
      const reason = { _tag: "InvalidInput", field: "ref", problem: "expected a branch or a full reference" } as const
      return yield* new GiteaError({ method: call.method, path: `/${call.path.join("/")}`, reason })
    }
    const version = yield* http.needs("workflow dispatch")
    if (!ServerVersion.supports(version, "the run of a workflow dispatch")) {
      yield* http.send(call)
      return { _tag: "RunUnknown" }
    }
    if (version.product === "forgejo") {
      const run = yield* http.json({ ...call, json: { ...call.json, return_run_info: true } }, ForgejoRun)
      return { _tag: "RunKnown", runId: run.id, htmlUrl: undefined }
    }
    const run = yield* http.json({ ...call, query: { return_run_details: true } }, GiteaRun)
    return { _tag: "RunKnown", runId: run.workflow_run_id, htmlUrl: run.html_url ?? undefined }
  })
})
