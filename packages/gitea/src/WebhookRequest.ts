/**
 * Reads the body of a webhook request under a byte limit and a deadline, before anything else is done with it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
import { type ByteSource, collect, fromIterator, fromReadable } from "./internal/byteSource.ts"
import * as WebhookHeaders from "./WebhookHeaders.ts"
import { WebhookRefused, type WebhookRefusedReason } from "./WebhookRefused.ts"

/**
 * A request whose body was read: the exact bytes that the sender signed.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebhookRequest {
  readonly headers: WebhookHeaders.WebhookHeaders
  readonly body: Uint8Array
}

/**
 * `limitBytes` bounds the body (default {@link defaultLimitBytes}), `deadline` the time until its last byte (default
 * {@link defaultDeadline}).
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadOptions {
  readonly limitBytes?: number | undefined
  readonly deadline?: Duration.Input | undefined
}

/**
 * 1 MiB: a native event with its commits cut by Gitea stays far below.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultLimitBytes = 1024 * 1024

/**
 * 256 KiB: the limit for the callbacks of CI builds.
 *
 * @category constants
 * @since 0.1.0
 */
export const callbackLimitBytes = 256 * 1024

/**
 * Ten seconds. Gitea gives a whole delivery five.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultDeadline: Duration.Duration = Duration.seconds(10)

/**
 * Reads a Web `Request`. A body that is too large is cancelled at the limit and never held in memory.
 *
 * @category reading
 * @since 0.1.0
 */
export const read = (request: Request, options: ReadOptions = {}): Effect.Effect<WebhookRequest, WebhookRefused> =>
  readFrom(request.headers, () => fromReadable(request.body), options)

/**
 * Reads a request of node:http. After a refusal the socket is left open, so that the answer can be sent; send it with
 * `connection: close` and destroy the request then.
 *
 * @category reading
 * @since 0.1.0
 */
export const readNode = (
  incoming: IncomingMessage,
  options: ReadOptions = {}
): Effect.Effect<WebhookRequest, WebhookRefused> =>
  // `headers` drops the second of some headers that come twice; the distinct ones keep both.
  readFrom(incoming.headersDistinct, () => fromIterator(incoming.iterator({ destroyOnReturn: false })), options)

const readFrom = Effect.fnUntraced(function*(
  headers: WebhookHeaders.WebhookHeaders,
  open: () => ByteSource,
  options: ReadOptions
) {
  const limitBytes = options.limitBytes ?? defaultLimitBytes
  const deadline = options.deadline ?? defaultDeadline
  yield* checkHeaders(headers, limitBytes)
  const { bytes, complete } = yield* collect(open, limitBytes).pipe(
    Effect.catch(() => refuse({ _tag: "BodyUnreadable", problem: "the sender broke off" })),
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => refuse({ _tag: "BodyTooSlow", deadlineMillis: Duration.toMillis(deadline) })
    })
  )
  if (!complete) return yield* refuse({ _tag: "BodyTooLarge", limitBytes })
  return { headers, body: bytes }
})

const refuse = (reason: typeof WebhookRefusedReason.Type): Effect.Effect<never, WebhookRefused> =>
  Effect.fail(new WebhookRefused({ reason }))

const checkHeaders = Effect.fnUntraced(function*(headers: WebhookHeaders.WebhookHeaders, limitBytes: number) {
  const encoding = WebhookHeaders.get(headers, "content-encoding")
  if (encoding !== undefined && encoding.trim().toLowerCase() !== "identity") {
    return yield* refuse({ _tag: "UnsupportedEncoding", encoding: encoding.slice(0, 64) })
  }
  const length = WebhookHeaders.get(headers, "content-length")
  if (length === undefined) return
  if (!/^[0-9]{1,15}$/.test(length)) return yield* refuse({ _tag: "BodyUnreadable", problem: "broken content-length" })
  if (Number(length) > limitBytes) return yield* refuse({ _tag: "BodyTooLarge", limitBytes })
})
