/**
 * The platform as a handler of Web requests: webhooks, node agents, and, when the host says who is who, operators.
 *
 * @since 0.1.0
 */
import type { Actor } from "@lamina/core"
import * as Effect from "effect/Effect"
import type { Services } from "../Platform.ts"
import * as nodeRoutes from "./nodeRoutes.ts"
import * as operatorRoutes from "./operatorRoutes.ts"
import * as Reply from "./Reply.ts"
import * as Router from "./Router.ts"
import * as webhookRoutes from "./webhookRoutes.ts"

/**
 * Runs an effect with the platform's services.
 *
 * @category models
 * @since 0.1.0
 */
export type RunPromise = <A, E>(effect: Effect.Effect<A, E, Services>) => Promise<A>

/**
 * An operator who was authenticated by the host, and the account that the request is for.
 *
 * @category models
 * @since 0.1.0
 */
export interface Operator {
  readonly accountId: string
  readonly actor: Actor.Actor
}

/**
 * Says who makes a request; `undefined` for nobody. The host owns sessions, tokens and permissions.
 *
 * @category models
 * @since 0.1.0
 */
export type Authenticate = (request: Request) => Promise<Operator | undefined> | Operator | undefined

/**
 * Without `authenticate` there are no operator routes at all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly authenticate?: Authenticate | undefined
  /** The endpoint of webhooks whose path names none. */
  readonly defaultEndpointId?: string | undefined
}

/**
 * Makes the handler. It answers every request and never rejects.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (run: RunPromise, options: Options = {}): (request: Request) => Promise<Response> => {
  const routes = [
    ...webhookRoutes.make(run, options),
    ...nodeRoutes.make(run),
    ...(options.authenticate === undefined ? [] : operatorRoutes.make(run, options.authenticate))
  ]
  return async (request) => {
    const match = Router.match(routes, request.method, new URL(request.url).pathname)
    switch (match.kind) {
      case "notFound":
        return Reply.failed(404, "NotFound", "there is no such path")
      case "methodNotAllowed": {
        const response = Reply.failed(
          405,
          "MethodNotAllowed",
          `expected ${match.allow.join(" or ")}, got ${request.method}`
        )
        response.headers.set("allow", match.allow.join(", "))
        return response
      }
      case "found":
        return match.route.handle(request, match.parameters).catch((error: unknown) => failed(run, error))
    }
  }
}

// A defect, an `authenticate` that fails, or a platform that is closed; the latter cannot log any more.
const failed = (run: RunPromise, error: unknown): Promise<Response> => {
  const response = Reply.failed(500, "InternalError", "an unexpected error; it is in the server's log")
  return run(Effect.as(Effect.logError("a request failed", error), response)).catch(() => response)
}
