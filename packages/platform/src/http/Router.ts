/**
 * Routes over the Web's `Request` and `Response`, so that any server that knows these can host the platform.
 *
 * @since 0.1.0
 */

/**
 * What stood in the place of `:name` in a route's path, decoded.
 *
 * @category models
 * @since 0.1.0
 */
export type PathParameters = Readonly<Record<string, string>>

/**
 * A route: method, path with `:name` for one segment, and what answers.
 *
 * @category models
 * @since 0.1.0
 */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  readonly path: string
  readonly handle: (request: Request, parameters: PathParameters) => Promise<Response>
}

/**
 * The route for a method and a path; `methodNotAllowed` names the methods that the path has.
 *
 * @category models
 * @since 0.1.0
 */
export type Match =
  | { readonly kind: "found"; readonly route: Route; readonly parameters: PathParameters }
  | { readonly kind: "methodNotAllowed"; readonly allow: ReadonlyArray<string> }
  | { readonly kind: "notFound" }

/**
 * Finds the route; the first one that fits wins.
 *
 * @category combinators
 * @since 0.1.0
 */
export const match = (routes: ReadonlyArray<Route>, method: string, pathname: string): Match => {
  const segments = segmentsOf(pathname)
  if (segments === undefined) return { kind: "notFound" }
  const allow: Array<string> = []
  for (const route of routes) {
    const parameters = bind(route.path.split("/").slice(1), segments)
    if (parameters === undefined) continue
    if (route.method === method) return { kind: "found", route, parameters }
    allow.push(route.method)
  }
  return allow.length > 0 ? { kind: "methodNotAllowed", allow } : { kind: "notFound" }
}

const segmentsOf = (pathname: string): ReadonlyArray<string> | undefined => {
  const segments = pathname.split("/").slice(1).map(decodeSegment)
  return segments.every((segment) => segment !== undefined) ? segments : undefined
}

// A segment that is no valid percent-encoding of UTF-8 names nothing; decodeURIComponent throws for it.
const decodeSegment = (segment: string): string | undefined => {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

const bind = (pattern: ReadonlyArray<string>, segments: ReadonlyArray<string>): PathParameters | undefined => {
  if (pattern.length !== segments.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [index, part] of pattern.entries()) {
    const segment = segments[index] ?? ""
    if (part.startsWith(":") ? segment === "" : part !== segment) return undefined
    if (part.startsWith(":")) parameters[part.slice(1)] = segment
  }
  return parameters
}
