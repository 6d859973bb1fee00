/**
 * One call of the Gitea API: encoded path, token, deadline, retries, limits, typed errors, pages.
 *
 * The resources of {@link GiteaClient} are written on it, and a host can reach with it what they do not cover.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Ref from "effect/Ref"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { fetch as undiciFetch } from "undici"
import { GiteaError, type GiteaErrorReason } from "./GiteaError.ts"
import { apiPath, apiUrl, checkBaseUrl, checkToken, type Query } from "./internal/apiUrl.ts"
import { collect, fromReadable, type ReadableBytes } from "./internal/byteSource.ts"
import { parseJson } from "./internal/json.ts"
import { reasonOfStatus } from "./internal/reasonOfStatus.ts"
import { schemaProblem } from "./internal/schemaProblem.ts"
import * as ServerVersion from "./ServerVersion.ts"

/**
 * How requests are sent: `fetch` fits, and so does the fake of `@lamina/gitea/testing`.
 *
 * @category models
 * @since 0.1.0
 */
export type Transport = (url: string, request: TransportRequest) => Promise<TransportResponse>

/**
 * What a transport is asked to send. It must not follow redirects: they would carry the token elsewhere.
 *
 * @category models
 * @since 0.1.0
 */
export interface TransportRequest {
  readonly method: Method
  readonly headers: Record<string, string>
  readonly body?: string
  readonly redirect: "manual"
  readonly signal: AbortSignal
}

/**
 * The part of a `Response` that is used.
 *
 * @category models
 * @since 0.1.0
 */
export interface TransportResponse {
  readonly status: number
  readonly headers: { readonly get: (name: string) => string | null }
  readonly body: ReadableBytes | null
}

/**
 * The methods of the API; only `GET` is sent again after a failure.
 *
 * @category models
 * @since 0.1.0
 */
export type Method = "GET" | "POST" | "PUT" | "DELETE"

/**
 * Where the server is and how to talk to it.
 *
 * `baseUrl` is the address of the server without `/api/v1`; plain http is only taken for loopback addresses unless
 * `allowInsecureHttp` is set, for the token would travel in clear. `timeout` (30 seconds) bounds one attempt, body
 * included; `retries` (3) is the number of further attempts of a safe call.
 *
 * @category models
 * @since 0.1.0
 */
export interface GiteaHttpOptions {
  readonly baseUrl: string
  readonly token?: Redacted.Redacted<string> | undefined
  readonly transport?: Transport | undefined
  readonly timeout?: Duration.Input | undefined
  readonly retries?: number | undefined
  readonly allowInsecureHttp?: boolean | undefined
}

/**
 * A call. Every segment of `path` is encoded, and refused where it could climb; `json` becomes the body.
 *
 * A larger answer than `limitBytes` (8 MiB) fails, or is cut when `cut` is set. `accept` lists further statuses that
 * are no failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface Call {
  readonly method: Method
  readonly path: ReadonlyArray<string | number>
  readonly query?: Query | undefined
  readonly json?: unknown
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly limitBytes?: number | undefined
  readonly cut?: boolean | undefined
  readonly accept?: ReadonlyArray<number> | undefined
}

/**
 * The answer to a call; `complete` is false when it was cut.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reply {
  readonly status: number
  readonly headers: TransportResponse["headers"]
  readonly bytes: Uint8Array
  readonly complete: boolean
}

/**
 * A list that comes in pages: the schema of a page, and where its items and (if the page tells it) their number are.
 *
 * @category models
 * @since 0.1.0
 */
export interface PagedList<Page, Item> {
  readonly schema: Schema.Codec<Page, unknown>
  readonly items: (page: Page) => ReadonlyArray<Item>
  readonly total?: (page: Page) => number | undefined
  readonly key: (item: Item) => string | number
}

/**
 * A connection to one server with one token.
 *
 * @category models
 * @since 0.1.0
 */
export interface GiteaHttp {
  readonly send: (call: Call) => Effect.Effect<Reply, GiteaError>
  readonly json: <A>(call: Call, schema: Schema.Codec<A, unknown>) => Effect.Effect<A, GiteaError>
  /** Follows the pages while the stream is pulled; an item that moved to the next page meanwhile comes once. */
  readonly pages: <Page, Item>(call: Call, list: PagedList<Page, Item>) => Stream.Stream<Item, GiteaError>
  /** The server's version, asked for at most once in ten minutes. */
  readonly version: Effect.Effect<ServerVersion.ServerVersion, GiteaError>
  /** Fails with `Unsupported` when the server is too old, which its 404 would not tell. */
  readonly needs: (feature: ServerVersion.Feature) => Effect.Effect<ServerVersion.ServerVersion, GiteaError>
}

/**
 * The largest JSON answer, in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultLimitBytes = 8 * 1024 * 1024

const pageSize = 50
const maxPages = 2000
const maxDepth = 64
const versionAge = Duration.minutes(10)

/**
 * Makes a connection; fails with `InvalidInput` when the address or the token cannot be used.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(function*(options: GiteaHttpOptions): Effect.fn.Return<GiteaHttp, GiteaError> {
  const invalid = (reason: typeof GiteaErrorReason.Type) => new GiteaError({ method: "GET", path: "/api/v1", reason })
  const base = yield* Effect.mapError(Effect.fromResult(checkBaseUrl(options)), invalid)
  yield* Effect.mapError(Effect.fromResult(checkToken(options.token)), invalid)
  const known = yield* Ref.make(Option.none<KnownVersion>())
  const send = (call: Call) => sendCall(options, base, call)
  const json = <A>(call: Call, schema: Schema.Codec<A, unknown>) =>
    Effect.flatMap(send(call), (reply) => decode(call, reply, schema))
  const version = currentVersion(known, json({ method: "GET", path: ["version"] }, VersionBody))
  return {
    send,
    json,
    pages: (call, list) => pagesOf(send, call, list),
    version,
    needs: (feature) => Effect.flatMap(version, (found) => requireFeature(found, feature))
  }
})

const errorOf = (call: Call, reason: typeof GiteaErrorReason.Type): GiteaError =>
  new GiteaError({ method: call.method, path: `/${call.path.join("/").slice(0, 512)}`, reason })

const sendCall = (options: GiteaHttpOptions, base: string, call: Call): Effect.Effect<Reply, GiteaError> => {
  const fail = (reason: typeof GiteaErrorReason.Type) => errorOf(call, reason)
  const afterMillis = Duration.toMillis(options.timeout ?? "30 seconds")
  const attempt = Effect.fromResult(apiPath(call.path)).pipe(
    Effect.flatMap((path) => exchange(options, apiUrl(base, path, call.query), call)),
    Effect.timeoutOrElse({
      duration: afterMillis,
      orElse: () => Effect.fail({ _tag: "TimedOut", afterMillis } as const)
    }),
    Effect.mapError(fail)
  )
  return call.method === "GET" ? retrying(attempt, options.retries ?? 3) : attempt
}

const retrying = <A>(attempt: Effect.Effect<A, GiteaError>, times: number): Effect.Effect<A, GiteaError> =>
  Effect.retry(attempt, ($) =>
    $(Schedule.min([Schedule.exponential("250 millis"), Schedule.spaced("5 seconds")])).pipe(
      Schedule.jittered,
      Schedule.upTo({ times }),
      Schedule.while(({ input }) => input.retryable)
    ))

// The failure is bare here: the caller adds method and path.
const exchange = Effect.fnUntraced(function*(
  options: GiteaHttpOptions,
  url: string,
  call: Call
): Effect.fn.Return<Reply, typeof GiteaErrorReason.Type> {
  const transport = options.transport ?? undiciFetch
  const response = yield* Effect.tryPromise({
    try: (signal): Promise<TransportResponse> =>
      transport(url, { ...requestOf(options, call), redirect: "manual", signal }),
    catch: (cause) => ({ _tag: "Unreachable", description: describeCause(cause) }) as const
  })
  const limitBytes = call.limitBytes ?? defaultLimitBytes
  const { bytes, complete } = yield* collect(() => fromReadable(response.body), limitBytes).pipe(
    Effect.mapError(() => ({ _tag: "Unreachable", description: "the answer broke off" }) as const)
  )
  const { headers, status } = response
  const isAccepted = (status >= 200 && status < 300) || call.accept?.includes(status) === true
  if (!isAccepted) return yield* Effect.fail(reasonOfStatus(status, headers.get("location"), bytes, options.token))
  if (!complete && call.cut !== true) return yield* Effect.fail({ _tag: "ResponseTooLarge", limitBytes } as const)
  return { status, headers, bytes, complete }
})

const requestOf = ({ token }: GiteaHttpOptions, call: Call) => ({
  method: call.method,
  headers: {
    accept: "application/json",
    "user-agent": "lamina-gitea",
    ...call.headers,
    ...(token === undefined ? {} : { authorization: `token ${Redacted.value(token)}` }),
    ...(call.json === undefined ? {} : { "content-type": "application/json" })
  },
  ...(call.json === undefined ? {} : { body: JSON.stringify(call.json) })
})

const Coded = Schema.Struct({ code: Schema.String })
const Failed = Schema.Struct({ cause: Coded })
const isCoded = Schema.is(Coded)
const isFailed = Schema.is(Failed)

// `fetch failed` says nothing; the code below it (ECONNREFUSED) does. Messages may hold addresses and are left out.
const describeCause = (cause: unknown): string => {
  if (isFailed(cause)) return cause.cause.code
  if (isCoded(cause)) return cause.code
  return cause instanceof Error ? cause.name : "unknown"
}

const decode = <A>(call: Call, reply: Reply, schema: Schema.Codec<A, unknown>): Effect.Effect<A, GiteaError> => {
  const limits = { maxBytes: call.limitBytes ?? defaultLimitBytes, maxDepth }
  return Effect.fromResult(
    parseJson(reply.bytes, limits).pipe(
      Result.mapError((problem) => ({ path: "", problem })),
      Result.flatMap((document) => Result.mapError(Schema.decodeUnknownResult(schema)(document), schemaProblem)),
      Result.mapError(({ path, problem }) => errorOf(call, { _tag: "MalformedResponse", at: path, problem }))
    )
  )
}

const pagesOf = <Page, Item>(
  send: GiteaHttp["send"],
  call: Call,
  list: PagedList<Page, Item>
): Stream.Stream<Item, GiteaError> =>
  Stream.suspend(() => {
    const known = new Set<string | number>()
    return Stream.paginate(
      { page: 1, seen: 0 },
      Effect.fnUntraced(function*({ page, seen }) {
        const reply = yield* send({ ...call, query: { ...call.query, page, limit: pageSize } })
        const body = yield* decode(call, reply, list.schema)
        const items = list.items(body)
        const next = { page: page + 1, seen: seen + items.length }
        const total = totalOf(reply, list.total?.(body))
        // A short page does not end a list: the server may cap the page size below what was asked for.
        const isLast = items.length === 0 || (total !== undefined && next.seen >= total)
        if (!isLast && next.page > maxPages) {
          const problem = `the list does not end within ${maxPages} pages`
          return yield* errorOf(call, { _tag: "MalformedResponse", at: "", problem })
        }
        const fresh = items.filter((item) => !known.has(list.key(item)))
        for (const item of fresh) known.add(list.key(item))
        return [fresh, isLast ? Option.none() : Option.some(next)] as const
      })
    )
  })

const totalOf = (reply: Reply, told: number | undefined): number | undefined => {
  const header = reply.headers.get("x-total-count")
  return told ?? (header !== null && /^[0-9]{1,12}$/.test(header) ? Number(header) : undefined)
}

interface KnownVersion {
  readonly version: ServerVersion.ServerVersion
  readonly askedAt: number
}

const VersionBody = Schema.Struct({ version: Schema.String })

const currentVersion = Effect.fnUntraced(function*(
  known: Ref.Ref<Option.Option<KnownVersion>>,
  ask: Effect.Effect<typeof VersionBody.Type, GiteaError>
) {
  const now = yield* Clock.currentTimeMillis
  const last = yield* Ref.get(known)
  if (Option.isSome(last) && now - last.value.askedAt < Duration.toMillis(versionAge)) return last.value.version
  const body = yield* ask
  const version = yield* Effect.mapError(
    Effect.fromResult(ServerVersion.parse(body.version)),
    (problem) => errorOf({ method: "GET", path: ["version"] }, { _tag: "MalformedResponse", at: "version", problem })
  )
  yield* Ref.set(known, Option.some({ version, askedAt: now }))
  return version
})

const requireFeature = (
  version: ServerVersion.ServerVersion,
  feature: ServerVersion.Feature
): Effect.Effect<ServerVersion.ServerVersion, GiteaError> => {
  if (ServerVersion.supports(version, feature)) return Effect.succeed(version)
  const server = `${version.product} ${version.text}`
  const reason = { _tag: "Unsupported", feature, server, needs: ServerVersion.needs(feature) } as const
  return Effect.fail(errorOf({ method: "GET", path: ["version"] }, reason))
}
