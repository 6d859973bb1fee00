import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { page, problem, type Route, route, type RoutedRequest, withRepository } from "./router.ts"
import type { HookState, State } from "./state.ts"

const CreateBody = Schema.Struct({
  type: Schema.Literals(["gitea", "forgejo"]),
  active: Schema.optionalKey(Schema.Boolean),
  events: Schema.optionalKey(Schema.Array(Schema.String)),
  branch_filter: Schema.optionalKey(Schema.String),
  authorization_header: Schema.optionalKey(Schema.String),
  config: Schema.Struct({
    url: Schema.String,
    content_type: Schema.Literals(["json", "form"]),
    secret: Schema.optionalKey(Schema.String)
  })
})

const decodeBody = Schema.decodeUnknownResult(CreateBody)

const hookOf = (state: State, body: typeof CreateBody.Type): HookState => ({
  id: state.nextId(),
  // Both defaults are Gitea's: a hook that does not fire, and pushes only.
  active: body.active ?? false,
  events: body.events ?? ["push"],
  url: body.config.url,
  contentType: body.config.content_type,
  secret: body.config.secret ?? "",
  branchFilter: body.branch_filter ?? "",
  authorizationHeader: body.authorization_header ?? ""
})

const bodyOf = (hook: HookState) => ({
  id: hook.id,
  type: "gitea",
  active: hook.active,
  events: hook.events,
  branch_filter: hook.branchFilter,
  // In clear, as the servers do through 1.27.0-rc0.
  authorization_header: hook.authorizationHeader,
  config: { url: hook.url, content_type: hook.contentType }
})

const create = ({ body, state }: RoutedRequest, add: (hook: HookState) => void): Response =>
  Result.match(decodeBody(body), {
    onFailure: () => problem(state, 422, "[Config]: Required"),
    onSuccess: (valid) => {
      const hook = hookOf(state, valid)
      add(hook)
      return Response.json(bodyOf(hook), { status: 201 })
    }
  })

const list = (request: RoutedRequest, hooks: ReadonlyArray<HookState>): Response => {
  const { headers, items } = page(request, hooks)
  return Response.json(items.map(bodyOf), { headers })
}

const remove = <A>({ parameters, state }: RoutedRequest, hooks: Array<A>, hookIn: (item: A) => HookState): Response => {
  const index = hooks.findIndex((item) => hookIn(item).id === Number(parameters["id"]))
  if (index < 0) return problem(state, 404, "The target couldn't be found.")
  hooks.splice(index, 1)
  return new Response(null, { status: 204 })
}

const ofOrganization = ({ parameters, state }: RoutedRequest): ReadonlyArray<HookState> =>
  state.organizationHooks
    .filter(({ organization }) => organization === parameters["organization"])
    .map(({ hook }) => hook)

export const hookRoutes: ReadonlyArray<Route> = [
  route("GET", "/repos/:owner/:name/hooks", withRepository((request, { hooks }) => list(request, hooks))),
  route(
    "POST",
    "/repos/:owner/:name/hooks",
    withRepository((request, { hooks }) => create(request, (hook) => void hooks.push(hook)))
  ),
  route(
    "DELETE",
    "/repos/:owner/:name/hooks/:id",
    withRepository((request, { hooks }) => remove(request, hooks, (hook) => hook))
  ),
  route("GET", "/orgs/:organization/hooks", (request) => list(request, ofOrganization(request))),
  route("POST", "/orgs/:organization/hooks", (request) => {
    const organization = request.parameters["organization"] ?? ""
    return create(request, (hook) => void request.state.organizationHooks.push({ organization, hook }))
  }),
  route(
    "DELETE",
    "/orgs/:organization/hooks/:id",
    (request) => remove(request, request.state.organizationHooks, ({ hook }) => hook)
  )
]
