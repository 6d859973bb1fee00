/**
 * Webhooks: read under limits, authenticated, put into the inbox, answered; the work is done later.
 *
 * @since 0.1.0
 */
import { WebhookInbox } from "@lamina/core"
import { WebhookRequest } from "@lamina/gitea"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type { RunPromise } from "./PlatformHandler.ts"
import * as Reply from "./Reply.ts"
import type { Route } from "./Router.ts"

/**
 * The routes of both families of callbacks. Where the path names no endpoint, `defaultEndpointId` does.
 *
 * @category routes
 * @since 0.1.0
 */
export const make = (
  run: RunPromise,
  options: { readonly defaultEndpointId?: string | undefined }
): ReadonlyArray<Route> =>
  [
    "/api/v1/system/webhooks/gitea/module",
    "/api/v1/system/webhooks/gitea/module/:endpoint",
    "/api/v1/system/webhooks/disk_image_built",
    "/api/v1/system/webhooks/disk_image_built/:endpoint",
    "/api/v1/system/webhooks/disk_image/built/:endpoint"
  ].map((path): Route => ({
    method: "POST",
    path,
    handle: (request, parameters) =>
      run(receive(request, parameters["endpoint"] ?? options.defaultEndpointId ?? unknown))
  }))

// Goes the way of every other unknown endpoint: the same work, the same answer.
const unknown = "00000000-0000-7000-8000-000000000000"

const receive = Effect.fn("webhook")(function*(request: Request, endpointId: string) {
  const { body } = yield* WebhookRequest.read(request)
  const receivedAt = yield* Clock.currentTimeMillis
  const { deliveryId } = yield* WebhookInbox.receive({
    endpointId,
    incoming: { headers: Object.fromEntries(request.headers), body, receivedAt }
  })
  // A repetition gets the very same answer, so that a sender learns nothing from sending twice.
  return Reply.bare(202, { id: deliveryId })
}, (effect) =>
  effect.pipe(
    Effect.catchTags({
      WebhookRefused: ({ status }) => Effect.succeed(Reply.bare(status, { error: "refused" })),
      // One answer for every reason that has to do with keys, signatures and endpoints.
      WebhookError: () => Effect.succeed(Reply.bare(401, { error: "unauthorized" }))
    }),
    // The inbox is down. Gitea does not try again, so that this has to be seen.
    Effect.catch((error) =>
      Effect.as(Effect.logError(`webhook not stored: ${error.message}`), Reply.bare(503, { error: "unavailable" }))
    )
  ))
