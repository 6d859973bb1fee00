/** What all parts of the server need of a request and for an answer. */
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type { BlobContent, PageOptions, Registry } from "../../Registry.ts"
import { RegistryError, Unavailable } from "../../RegistryError.ts"
import { HttpFailure } from "./failure.ts"
import type { Sessions } from "./sessions.ts"

/** A request on its way. */
export interface Exchange {
  readonly registry: Registry
  readonly sessions: Sessions
  readonly context: Context.Context<never>
  readonly maximumBlobBytes: number
  readonly request: Request
  readonly url: URL
}

/** What every part of the server does. */
export type Answer = Effect.Effect<Response, RegistryError | HttpFailure>

/** The bytes that the client sends. */
export const requestBytes = ({ request }: Exchange): Stream.Stream<Uint8Array, RegistryError> => {
  const { body } = request
  if (body === null) return Stream.empty
  return Stream.fromReadableStream<Uint8Array, RegistryError>({
    evaluate: () => body,
    onError: (cause) =>
      new RegistryError({
        operation: request.method,
        subject: new URL(request.url).pathname,
        reason: new Unavailable({ detail: "the client broke off", cause })
      })
  })
}

/** An answer whose body is a blob; what the blob holds open is released when the body ends or is not wanted any more. */
export const streamResponse = Effect.fnUntraced(function*<E>(
  exchange: Exchange,
  open: Effect.Effect<BlobContent, E, Scope.Scope>,
  head: (content: BlobContent) => ResponseInit
) {
  const scope = yield* Scope.make()
  const release = Scope.close(scope, Exit.void)
  const content = yield* open.pipe(Scope.provide(scope), Effect.onError(() => release))
  const body = Stream.toReadableStreamWith(Stream.ensuring(content.stream, release), exchange.context)
  return new Response(body, head(content))
})

/** The `n` and `last` of a list. */
export const pageOptions = Effect.fnUntraced(function*(url: URL): Effect.fn.Return<PageOptions, HttpFailure> {
  const last = url.searchParams.get("last") ?? undefined
  const text = url.searchParams.get("n")
  if (text === null) return { last }
  if (!/^[0-9]{1,9}$/.test(text)) {
    return yield* new HttpFailure({ status: 400, code: "PAGINATION_NUMBER_INVALID", detail: "n is not a number" })
  }
  return { last, limit: Math.min(Number(text), 10_000) }
})

/** The `Link` of a page that has a next one (RFC 8288), relative to the origin. */
export const nextLink = (url: URL, next: string | undefined): Record<string, string> => {
  if (next === undefined) return {}
  const target = new URL(url)
  target.searchParams.set("last", next)
  return { link: `<${target.pathname}${target.search}>; rel="next"` }
}

/** Says whether the client holds the content already. */
export const isCurrent = (request: Request, digest: string): boolean =>
  (request.headers.get("if-none-match") ?? "").split(",").some((tag) => {
    const value = tag.trim().replace(/^W\//, "")
    return value === `"${digest}"` || value === digest
  })
