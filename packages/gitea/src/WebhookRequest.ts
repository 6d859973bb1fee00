/**
 * Reads the body of a webhook request under a byte limit and a deadline, before anything else is done with it.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { IncomingMessage } from "node:http"
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
  readFrom(request.headers, () => webSource(request.body), options)

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
  readFrom(distinctHeaders(incoming), () => nodeSource(incoming), options)

// node:http drops the second of some headers that come twice; the raw list keeps both.
const distinctHeaders = (incoming: IncomingMessage): WebhookHeaders.WebhookHeaders => incoming.headersDistinct

interface BodySource {
  readonly next: () => Promise<{ readonly done?: boolean | undefined; readonly value?: Uint8Array | undefined }>
  readonly abandon: () => void
}

const readFrom = Effect.fnUntraced(function*(
  headers: WebhookHeaders.WebhookHeaders,
  open: () => BodySource,
  options: ReadOptions
) {
  const limitBytes = options.limitBytes ?? defaultLimitBytes
  const deadline = options.deadline ?? defaultDeadline
  yield* checkHeaders(headers, limitBytes)
  const body = yield* Effect.acquireUseRelease(
    Effect.sync(open),
    (source) => collect(source, limitBytes),
    (source) => Effect.sync(source.abandon)
  ).pipe(
    Effect.timeoutOrElse({
      duration: deadline,
      orElse: () => refuse({ _tag: "BodyTooSlow", deadlineMillis: Duration.toMillis(deadline) })
    })
  )
  return { headers, body }
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

const collect = Effect.fnUntraced(function*(source: BodySource, limitBytes: number) {
  const chunks: Array<Uint8Array> = []
  let size = 0
  while (true) {
    const { done, value } = yield* Effect.tryPromise({
      try: () => source.next(),
      catch: () =>
        new WebhookRefused({ reason: { _tag: "BodyUnreadable", problem: "the sender broke off or sent no bytes" } })
    })
    if (done === true) return concatenate(chunks, size)
    if (value === undefined) continue
    size += value.byteLength
    if (size > limitBytes) return yield* refuse({ _tag: "BodyTooLarge", limitBytes })
    chunks.push(value)
  }
})

const concatenate = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const body = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    body.set(chunk, offset)
    offset += chunk.byteLength
  }
  return body
}

const ignore = () => undefined

const empty: BodySource = { next: () => Promise.resolve({ done: true }), abandon: ignore }

const webSource = (body: ReadableStream<Uint8Array> | null): BodySource => {
  if (body === null) return empty
  const reader = body.getReader()
  return {
    next: () => reader.read(),
    // Not awaited: a stream that does not answer must not hold up the refusal.
    abandon: () => void reader.cancel().catch(ignore)
  }
}

const nodeSource = (incoming: IncomingMessage): BodySource => {
  const iterator = incoming.iterator({ destroyOnReturn: false })
  return {
    next: () => iterator.next(),
    abandon: () => void iterator.return?.().catch(ignore)
  }
}
