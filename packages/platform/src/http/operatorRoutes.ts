/**
 * What operators call: modules, versions, approvals, templates, instances, webhook attempts.
 *
 * @since 0.1.0
 */
import {
  Approvals,
  Fleet,
  ModuleCatalog,
  ModuleIngest,
  Promotion,
  TemplateComposition,
  WebhookInbox
} from "@lamina/core"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { Services } from "../Platform.ts"
import type { Authenticate, Operator, RunPromise } from "./PlatformHandler.ts"
import * as Reply from "./Reply.ts"
import * as RequestBody from "./RequestBody.ts"
import type { PathParameters, Route } from "./Router.ts"

const prefix = "/api/v1/system"

type Operation = (call: {
  readonly operator: Operator
  readonly request: Request
  readonly parameters: PathParameters
}) => Effect.Effect<unknown, unknown, Services>

/**
 * The routes of operators. Whoever `authenticate` does not know gets 401.
 *
 * @category routes
 * @since 0.1.0
 */
export const make = (run: RunPromise, authenticate: Authenticate): ReadonlyArray<Route> =>
  operations.map(([method, path, operation]): Route => ({
    method,
    path: `${prefix}${path}`,
    handle: async (request, parameters) => {
      const operator = await authenticate(request)
      if (operator === undefined) return Reply.failed(401, "NotAuthenticated", "authentication is required")
      return run(Reply.answer(operation({ operator, request, parameters })))
    }
  }))

// An operator's key for a command that may be sent twice; RFC draft "Idempotency-Key".
const commandOf = (operator: Operator, request: Request) => {
  const idempotencyKey = request.headers.get("idempotency-key")
  return { ...operator, ...(idempotencyKey === null ? {} : { idempotencyKey }) }
}

const optionalRev = { expectedRev: Schema.optionalKey(Schema.Int) }

const PromotionBody = Schema.Struct({
  to: Schema.Literals(["staging", "blessed", "live"]),
  reason: Schema.optionalKey(Schema.String),
  releaseHold: Schema.optionalKey(Schema.Boolean),
  allowDowngrade: Schema.optionalKey(Schema.Boolean),
  ...optionalRev
})

const Vote = Schema.Struct({ reason: Schema.optionalKey(Schema.String), ...optionalRev })

const Registration = Schema.Struct({
  manifestText: Schema.String,
  category: Schema.optionalKey(Schema.String),
  ociRepository: Schema.optionalKey(Schema.String),
  forgeRepository: Schema.optionalKey(Schema.String),
  requiredArchitectures: Schema.optionalKey(Schema.Array(Schema.String))
})

const Rollback = Schema.Struct({
  toVersionId: Schema.optionalKey(Schema.String),
  reason: Schema.String,
  ...optionalRev
})

const Ingest = Schema.Struct({ tag: Schema.String, deep: Schema.optionalKey(Schema.Boolean) })

const pageOf = (request: Request) => {
  const { searchParams } = new URL(request.url)
  const limit = Number(searchParams.get("limit") ?? "100")
  return {
    after: searchParams.get("after") ?? undefined,
    limit: Number.isInteger(limit) && limit > 0 ? Math.min(limit, 1000) : 100
  }
}

const operations: ReadonlyArray<readonly [Route["method"], string, Operation]> = [
  [
    "GET",
    "/modules",
    ({ operator: { accountId }, request }) => ModuleCatalog.listModules({ accountId, ...pageOf(request) })
  ],
  [
    "POST",
    "/modules",
    ({ operator, request }) =>
      Effect.flatMap(
        RequestBody.json(request, Registration),
        (input) => ModuleCatalog.registerModule({ ...commandOf(operator, request), ...input })
      )
  ],
  [
    "GET",
    "/modules/:id",
    ({ operator: { accountId }, parameters }) => ModuleCatalog.getModule({ accountId, moduleId: idOf(parameters) })
  ],
  [
    "GET",
    "/modules/:id/versions",
    ({ operator: { accountId }, parameters, request }) =>
      ModuleCatalog.listVersions({ accountId, moduleId: idOf(parameters), ...pageOf(request) })
  ],
  [
    "POST",
    "/modules/:id/ingest",
    ({ operator, parameters, request }) =>
      Effect.flatMap(
        RequestBody.json(request, Ingest),
        (input) => ModuleIngest.ingest({ ...commandOf(operator, request), moduleId: idOf(parameters), ...input })
      )
  ],
  [
    "POST",
    "/modules/:id/rollback",
    ({ operator, parameters, request }) =>
      Effect.flatMap(
        RequestBody.json(request, Rollback),
        (input) => Promotion.rollback({ ...commandOf(operator, request), moduleId: idOf(parameters), ...input })
      )
  ],
  [
    "GET",
    "/module_versions/:id",
    ({ operator: { accountId }, parameters }) => ModuleCatalog.getVersion({ accountId, versionId: idOf(parameters) })
  ],
  [
    "POST",
    "/module_versions/:id/promote",
    ({ operator, parameters, request }) =>
      Effect.flatMap(
        RequestBody.json(request, PromotionBody),
        (input) => Promotion.promote({ ...commandOf(operator, request), versionId: idOf(parameters), ...input })
      )
  ],
  [
    "POST",
    "/module_versions/:id/reverify",
    ({ operator, parameters, request }) =>
      ModuleIngest.reverify({ ...commandOf(operator, request), versionId: idOf(parameters) })
  ],
  [
    "GET",
    "/approval_requests",
    ({ operator: { accountId }, request }) =>
      Approvals.listRequests({ accountId, state: "pending", ...pageOf(request) })
  ],
  [
    "POST",
    "/approval_requests/:id/approve",
    ({ operator, parameters, request }) =>
      Effect.flatMap(
        RequestBody.json(request, Vote),
        (input) => Approvals.approve({ ...commandOf(operator, request), requestId: idOf(parameters), ...input })
      )
  ],
  [
    "POST",
    "/approval_requests/:id/reject",
    ({ operator, parameters, request }) =>
      Effect.flatMap(
        RequestBody.json(request, Vote),
        (input) => Approvals.reject({ ...commandOf(operator, request), requestId: idOf(parameters), ...input })
      )
  ],
  [
    "GET",
    "/node_templates/:id/composition",
    ({ operator: { accountId }, parameters, request }) =>
      TemplateComposition.compose({
        accountId,
        templateId: idOf(parameters),
        architecture: new URL(request.url).searchParams.get("architecture") ?? "amd64"
      })
  ],
  [
    "GET",
    "/node_instances/:id/drift",
    ({ operator: { accountId }, parameters }) => Fleet.drift({ accountId, instanceId: idOf(parameters) })
  ],
  [
    "GET",
    "/webhook_endpoints/:id/recent",
    ({ operator: { accountId }, parameters, request }) =>
      WebhookInbox.recent({ accountId, endpointId: idOf(parameters), limit: pageOf(request).limit })
  ]
]

const idOf = (parameters: PathParameters): string => parameters["id"] ?? ""
