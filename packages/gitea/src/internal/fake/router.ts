import * as Result from "effect/Result"
import { findRepository, type RepositoryState, type State } from "./state.ts"

/** A request whose path fitted a route; `path` holds the decoded segments behind a final `*`. */
export interface RoutedRequest {
  readonly state: State
  readonly parameters: Readonly<Record<string, string>>
  readonly path: string
  readonly query: URLSearchParams
  readonly body: unknown
  readonly headers: Headers
}

export type Handler = (request: RoutedRequest) => Response

export type RepositoryHandler = (request: RoutedRequest, repository: RepositoryState) => Response

export interface Route {
  readonly method: string
  readonly pattern: ReadonlyArray<string>
  readonly handle: Handler
}

/** `route("GET", "/repos/:owner/:name", …)`; a final `*` takes the rest of the path. */
export const route = (method: string, pattern: string, handle: Handler): Route => ({
  method,
  pattern: pattern.split("/").slice(1),
  handle
})

interface Match {
  readonly parameters: Readonly<Record<string, string>>
  readonly path: string
}

const match = (pattern: ReadonlyArray<string>, segments: ReadonlyArray<string>): Match | undefined => {
  const isOpen = pattern.at(-1) === "*"
  const fixed = isOpen ? pattern.slice(0, -1) : pattern
  if (isOpen ? segments.length <= fixed.length : segments.length !== fixed.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, part] of fixed.entries()) {
    const segment = segments[index] ?? ""
    if (part.startsWith(":")) parameters[part.slice(1)] = segment
    else if (part !== segment) return undefined
  }
  return { parameters, path: segments.slice(fixed.length).join("/") }
}

const prefix = "/api/v1/"

/** Answers a request of the API, with Gitea's own words where it refuses. */
export const dispatch = async (state: State, routes: ReadonlyArray<Route>, request: Request): Promise<Response> => {
  const url = new URL(request.url)
  if (!url.pathname.startsWith(prefix)) return problem(state, 404, "Not Found")
  if (!isAuthorized(state, request)) return problem(state, 401, "token is required")
  const segments = decodeSegments(url.pathname.slice(prefix.length))
  if (segments === undefined) return problem(state, 400, "Bad Request")
  for (const { handle, method, pattern } of routes) {
    const found = method === request.method ? match(pattern, segments) : undefined
    if (found === undefined) continue
    const body = parseBody(await request.text())
    return handle({ state, ...found, query: url.searchParams, body, headers: request.headers })
  }
  return problem(state, 404, "The target couldn't be found.")
}

const isAuthorized = ({ token }: State, request: Request): boolean => {
  if (token === undefined) return true
  const given = request.headers.get("authorization") ?? ""
  return given === `token ${token}` || given === `Bearer ${token}`
}

const parseBody = (text: string): unknown => Result.getOrUndefined(Result.try(() => JSON.parse(text) as unknown))

const decodeSegments = (path: string): ReadonlyArray<string> | undefined =>
  Result.getOrUndefined(Result.try(() => path.split("/").map(decodeURIComponent)))

export const problem = (state: State, status: number, message: string): Response =>
  Response.json({ message, url: `${state.url}/api/swagger` }, { status })

/** Hands the repository of the path (`:owner/:name`) to a handler, or answers 404. */
export const withRepository = (handle: RepositoryHandler): Handler => (request) => {
  const { name, owner } = request.parameters
  const repository = findRepository(request.state, owner ?? "", name ?? "")
  return repository === undefined
    ? problem(request.state, 404, "The target couldn't be found.")
    : handle(request, repository)
}

const defaultPageSize = 30
const maxPageSize = 50

/** One page of a list, with the headers that Gitea sets. */
export const page = <A>(request: RoutedRequest, items: ReadonlyArray<A>) => {
  const number = Math.max(1, Number(request.query.get("page") ?? 1) || 1)
  const asked = Number(request.query.get("limit") ?? defaultPageSize) || defaultPageSize
  const size = Math.min(maxPageSize, Math.max(1, asked))
  return {
    items: items.slice((number - 1) * size, number * size),
    headers: { "x-total-count": String(items.length) }
  }
}
