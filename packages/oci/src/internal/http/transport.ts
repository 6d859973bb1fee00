/** One HTTP exchange over undici: no redirects, no retries, no credentials of its own. */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { Readable } from "node:stream"
import { type Dispatcher, errors, request } from "undici"
import { Malformed, RegistryError, Unavailable } from "../../RegistryError.ts"
import type { Failing } from "../failure.ts"
import { shown } from "./target.ts"

/** A body that can be sent only once. */
export interface OnceBody {
  readonly stream: Stream.Stream<Uint8Array, RegistryError>
  readonly length: number
}

/** A request. */
export interface Sent {
  readonly method: "GET" | "HEAD" | "PUT" | "POST" | "PATCH" | "DELETE"
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | OnceBody | undefined
}

/** An answer whose body has not been read yet. */
export interface Reply {
  readonly status: number
  readonly url: URL
  readonly header: (name: string) => string | undefined
  readonly body: Stream.Stream<Uint8Array, RegistryError>
  /** Gives the body up; a short one is read to its end so that the connection can be used again. */
  readonly discard: Effect.Effect<void>
}

/** How long to wait for what, in milliseconds, and how slow a body may come. */
export interface Patience {
  readonly headersMillis: number
  readonly idleMillis: number
  readonly minimumBytes: number
  readonly windowMillis: number
}

/** Sends a request and waits for the head of the answer. The connection is let go with the scope. */
export const exchange = Effect.fnUntraced(function*(
  dispatcher: Dispatcher,
  sent: Sent,
  patience: Patience,
  fail: Failing
): Effect.fn.Return<Reply, RegistryError, Scope.Scope> {
  const body = sent.body === undefined || sent.body instanceof Uint8Array
    ? sent.body
    : Readable.from(Stream.toAsyncIterable(sent.body.stream), { objectMode: false })
  const response = yield* Effect.acquireRelease(
    Effect.tryPromise({
      try: (signal) =>
        request(sent.url, {
          dispatcher,
          method: sent.method,
          headers: { ...sent.headers, ...lengthOf(sent) },
          body: body ?? null,
          signal,
          headersTimeout: patience.headersMillis,
          bodyTimeout: patience.idleMillis
        }),
      catch: (cause) => networkError(cause, sent.url, fail)
    }),
    ({ body }) => Effect.sync(() => body.on("error", ignore).destroy()),
    { interruptible: true }
  )
  const header = (name: string): string | undefined => {
    const value = response.headers[name]
    return Array.isArray(value) ? value.join(", ") : value
  }
  const encoding = header("content-encoding")
  if (encoding !== undefined && encoding.toLowerCase() !== "identity") {
    return yield* fail(
      new Malformed({ what: "response", detail: `it is encoded as ${encoding.slice(0, 40)}, which nobody asked for` })
    )
  }
  return {
    status: response.statusCode,
    url: sent.url,
    header,
    body: bodyStream(response.body, patience, (cause) => networkError(cause, sent.url, fail)),
    // Bounded in time too: a body that drips would hold back whoever does not even want it.
    discard: Effect.promise(() =>
      response.body.dump({ limit: 64 * 1024, signal: AbortSignal.timeout(discardMillis) }).catch(ignore)
    )
  }
})

const discardMillis = 2000

const ignore = () => undefined

const lengthOf = ({ body, method }: Sent): Record<string, string> => {
  if (body !== undefined) {
    return { "content-length": String(body instanceof Uint8Array ? body.byteLength : body.length) }
  }
  return method === "POST" || method === "PUT" || method === "PATCH" ? { "content-length": "0" } : {}
}

/** The chunks of a body; it fails when they come so slowly that somebody must be holding them back. */
const bodyStream = (
  body: AsyncIterable<Uint8Array>,
  patience: Patience,
  toError: (cause: unknown) => RegistryError
): Stream.Stream<Uint8Array, RegistryError> =>
  Stream.fromPull(Effect.sync(() => {
    const chunks = body[Symbol.asyncIterator]()
    let waited = 0
    let received = 0
    return Effect.gen(function*() {
      // Only the time spent waiting for the peer counts, not that of a consumer which takes its time.
      const before = yield* Clock.currentTimeMillis
      const result = yield* Effect.tryPromise({ try: () => chunks.next(), catch: toError })
      if (result.done === true) return yield* Cause.done()
      waited += (yield* Clock.currentTimeMillis) - before
      received += result.value.byteLength
      if (waited > patience.windowMillis) {
        if (received < patience.minimumBytes) {
          return yield* toError(new Error(`only ${received} bytes in ${waited} ms`))
        }
        waited = 0
        received = 0
      }
      return [result.value] as const
    })
  }))

const networkError = (cause: unknown, url: URL, fail: Failing): RegistryError => {
  // A body that we send may fail by itself; that is its error, not the network's.
  if (cause instanceof RegistryError) return cause
  const detail = cause instanceof errors.UndiciError || cause instanceof Error ? cause.message : String(cause)
  return fail(new Unavailable({ detail: `${shown(url)}: ${detail.slice(0, 300) || "connection failed"}` }))
}
