/**
 * What a machine's agent calls, with its token: the desired state, and the report of what runs.
 *
 * @since 0.1.0
 */
import { Fleet, Heartbeat, type Instance } from "@lamina/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type { Services } from "../Platform.ts"
import type { RunPromise } from "./PlatformHandler.ts"
import * as Reply from "./Reply.ts"
import * as RequestBody from "./RequestBody.ts"
import type { Route } from "./Router.ts"

/**
 * The routes of node agents.
 *
 * @category routes
 * @since 0.1.0
 */
export const make = (run: RunPromise): ReadonlyArray<Route> => [
  {
    method: "GET",
    path: "/api/v1/system/node_api/desired_state",
    handle: (request) => answer(run, request, ({ accountId, id }) => Fleet.desiredState({ accountId, instanceId: id }))
  },
  {
    method: "POST",
    path: "/api/v1/system/node_api/status/heartbeat",
    handle: (request) =>
      answer(run, request, ({ accountId, id }) =>
        Effect.flatMap(
          RequestBody.json(request, Heartbeat.Report),
          (report) => Fleet.heartbeat({ accountId, instanceId: id, report })
        ))
  }
]

const answer = (
  run: RunPromise,
  request: Request,
  operation: (instance: Instance.Instance) => Effect.Effect<unknown, unknown, Services>
): Promise<Response> => run(Reply.answer(Effect.flatMap(Fleet.authenticate(bearerToken(request)), operation)))

const bearerToken = (request: Request): Redacted.Redacted<string> =>
  Redacted.make(/^Bearer ([\x21-\x7e]{1,512})$/i.exec(request.headers.get("authorization") ?? "")?.[1] ?? "")
