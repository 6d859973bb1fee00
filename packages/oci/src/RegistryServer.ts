/**
 * A registry server: the distribution specification (end-1 to end-14 and the catalog) over any `Registry`.
 *
 * Served over memory or an image layout it is an embedded registry; over `HttpRegistry` it is a proxy. Blobs stream,
 * with a limit; uploads survive a cut connection and can be resumed.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { createHash, timingSafeEqual } from "node:crypto"
import * as blobs from "./internal/server/blobs.ts"
import type { Answer, Exchange } from "./internal/server/exchange.ts"
import { HttpFailure, toResponse } from "./internal/server/failure.ts"
import * as manifests from "./internal/server/manifests.ts"
import * as nodeServer from "./internal/server/nodeServer.ts"
import * as route from "./internal/server/route.ts"
import * as sessions from "./internal/server/sessions.ts"
import * as uploads from "./internal/server/uploads.ts"
import type { Registry } from "./Registry.ts"
import type { RegistryError } from "./RegistryError.ts"

/**
 * What a request wants to do. `ping` is `GET /v2/`, which clients use to log in.
 *
 * @category models
 * @since 0.1.0
 */
export interface Access {
  readonly action: "ping" | "catalog" | "pull" | "push" | "delete"
  readonly repository?: string | undefined
}

/**
 * The user name and password of a request.
 *
 * @category models
 * @since 0.1.0
 */
export interface BasicCredentials {
  readonly username: string
  readonly password: Redacted.Redacted
}

/**
 * Decides about a request: go on, ask for credentials (401), or deny (403).
 *
 * @category models
 * @since 0.1.0
 */
export type Authorize = (
  credentials: BasicCredentials | undefined,
  access: Access
) => Effect.Effect<"allow" | "authenticate" | "deny">

/**
 * How a registry is served.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Without it everybody may do everything. */
  readonly authorize?: Authorize | undefined
  /** The largest blob in bytes. Default 64 GiB. */
  readonly maximumBlobBytes?: number | undefined
  /** How many uploads may be open. Default 1000. */
  readonly maximumUploads?: number | undefined
  /** After how many milliseconds without a request an upload may be given up. Default one hour. */
  readonly uploadIdleMillis?: number | undefined
}

/**
 * A function from requests to answers, as the web platform has it.
 *
 * @category models
 * @since 0.1.0
 */
export type Handler = (request: Request) => Promise<Response>

/**
 * Where a server listens: its URL, and `host:port` as references spell it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Listening {
  readonly url: string
  readonly host: string
}

/**
 * Makes a handler of a registry. Uploads that are still open when the scope closes are given up.
 *
 * @category constructors
 * @since 0.1.0
 */
export const handler = Effect.fnUntraced(function*(
  registry: Registry,
  options?: Options
): Effect.fn.Return<Handler, never, Scope.Scope> {
  const context = yield* Effect.context<never>()
  const openUploads = yield* sessions.make(registry, {
    maximum: options?.maximumUploads ?? 1000,
    idleMillis: options?.uploadIdleMillis ?? 60 * 60 * 1000
  })
  const maximumBlobBytes = options?.maximumBlobBytes ?? 64 * 1024 ** 3
  const run = Effect.runPromiseWith(context)

  return (request) => {
    const url = new URL(request.url)
    const exchange: Exchange = { registry, sessions: openUploads, context, maximumBlobBytes, request, url }
    return run(
      authorized(exchange, options?.authorize).pipe(
        Effect.catch((error) => Effect.succeed(toResponse(error))),
        Effect.map(withCommonHeaders)
      ),
      { signal: request.signal }
    )
  }
})

const withCommonHeaders = (response: Response): Response => {
  response.headers.set("docker-distribution-api-version", "registry/2.0")
  response.headers.set("x-content-type-options", "nosniff")
  return response
}

const authorized = Effect.fnUntraced(function*(exchange: Exchange, authorize: Authorize | undefined): Effect.fn.Return<
  Response,
  Effect.Error<Answer>
> {
  const target = route.parse(exchange.url.pathname)
  if (target === undefined) {
    return yield* new HttpFailure({ status: 404, code: "UNSUPPORTED", detail: "there is nothing at this path" })
  }
  if (authorize !== undefined) {
    const credentials = basicCredentials(exchange.request.headers.get("authorization"))
    for (const access of accesses(target, exchange)) {
      const decision = yield* authorize(credentials, access)
      if (decision !== "allow") return yield* refusal(decision)
    }
  }
  return yield* dispatch(exchange, target)
})

const refusal = (decision: "authenticate" | "deny"): HttpFailure =>
  decision === "deny"
    ? new HttpFailure({ status: 403, code: "DENIED", detail: "access denied" })
    : new HttpFailure({
      status: 401,
      code: "UNAUTHORIZED",
      detail: "authentication required",
      headers: { "www-authenticate": "Basic realm=\"registry\", charset=\"UTF-8\"" }
    })

const accesses = (target: route.Route, { request, url }: Exchange): ReadonlyArray<Access> => {
  if (target._tag === "Base") return [{ action: "ping" }]
  if (target._tag === "Catalog") return [{ action: "catalog" }]
  const { repository } = target
  // Giving up one's own upload is part of pushing.
  const isUpload = target._tag === "Uploads" || target._tag === "Upload"
  if (request.method === "DELETE" && !isUpload) return [{ action: "delete", repository }]
  if (!isUpload && ["GET", "HEAD"].includes(request.method)) return [{ action: "pull", repository }]
  const from = url.searchParams.get("from")
  const push: Access = { action: "push", repository }
  return from === null ? [push] : [push, { action: "pull", repository: from }]
}

const basicCredentials = (header: string | null): BasicCredentials | undefined => {
  const [, encoded] = /^basic +([a-z0-9+/=]+)$/i.exec(header ?? "") ?? []
  if (encoded === undefined) return undefined
  const text = Buffer.from(encoded, "base64").toString("utf8")
  const colon = text.indexOf(":")
  if (colon === -1) return undefined
  return { username: text.slice(0, colon), password: Redacted.make(text.slice(colon + 1)) }
}

const dispatch = (exchange: Exchange, target: route.Route): Answer => {
  const methods = answers(exchange, target)
  const answer = methods[exchange.request.method]
  return answer === undefined
    ? Effect.fail(
      new HttpFailure({
        status: 405,
        code: "UNSUPPORTED",
        detail: `${exchange.request.method} is not possible here`,
        headers: { allow: Object.keys(methods).join(", ") }
      })
    )
    : answer()
}

const answers = (exchange: Exchange, target: route.Route): Readonly<Record<string, () => Answer>> => {
  switch (target._tag) {
    case "Base": {
      const answer = () => Effect.sync(() => Response.json({}))
      return { GET: answer, HEAD: answer }
    }
    case "Catalog":
      return { GET: () => manifests.catalog(exchange) }
    case "Tags":
      return { GET: () => manifests.tags(exchange, target.repository) }
    case "Referrers":
      return { GET: () => manifests.referrers(exchange, target.repository, target.digest) }
    case "Manifest": {
      const get = () => manifests.get(exchange, target.repository, target.reference)
      return {
        GET: get,
        HEAD: get,
        PUT: () => manifests.put(exchange, target.repository, target.reference),
        DELETE: () => manifests.remove(exchange, target.repository, target.reference)
      }
    }
    case "Blob": {
      const get = () => blobs.get(exchange, target.repository, target.digest)
      return { GET: get, HEAD: get, DELETE: () => blobs.remove(exchange, target.repository, target.digest) }
    }
    case "Uploads":
      return { POST: () => uploads.start(exchange, target.repository) }
    case "Upload":
      return {
        GET: () => uploads.status(exchange, target.repository, target.id),
        PATCH: () => uploads.append(exchange, target.repository, target.id),
        PUT: () => uploads.complete(exchange, target.repository, target.id),
        DELETE: () => uploads.cancel(exchange, target.repository, target.id)
      }
  }
}

/**
 * An `Authorize` that knows one account; `anonymousPull` lets everybody read. Compares in constant time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const basicAuth = (account: {
  readonly username: string
  readonly password: Redacted.Redacted
  readonly anonymousPull?: boolean | undefined
}): Authorize =>
(credentials, access) =>
  Effect.sync(() => {
    if (account.anonymousPull === true && access.action === "pull") return "allow"
    if (credentials === undefined) return "authenticate"
    const sameName = sameText(credentials.username, account.username)
    const samePassword = sameText(Redacted.value(credentials.password), Redacted.value(account.password))
    return sameName && samePassword ? "allow" : "authenticate"
  })

const sameText = (left: string, right: string): boolean => timingSafeEqual(sha256(left), sha256(right))

const sha256 = (text: string): Uint8Array => createHash("sha256").update(text).digest()

/**
 * Serves a registry on `node:http` until the scope closes: on the loopback address and a free port, unless said
 * otherwise. There is no TLS; to be reached from elsewhere it belongs behind a proxy that has it.
 *
 * @example
 * ```ts
 * import { MemoryRegistry, RegistryServer } from "@lamina/oci"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const registry = yield* MemoryRegistry.make()
 *   const { url } = yield* RegistryServer.listen(registry)
 *   return yield* Effect.promise(() => fetch(`${url}/v2/`).then((response) => response.status))
 * })
 *
 * console.log(await Effect.runPromise(Effect.scoped(program))) // => 200
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = Effect.fnUntraced(function*(
  registry: Registry,
  options?: Options & {
    /** Default `127.0.0.1`. */
    readonly host?: string | undefined
    /** Default a free one. */
    readonly port?: number | undefined
    /** After how many milliseconds without a byte a connection is cut. Default one minute. */
    readonly idleMillis?: number | undefined
  }
): Effect.fn.Return<Listening, RegistryError, Scope.Scope> {
  return yield* nodeServer.serve(yield* handler(registry, options), {
    host: options?.host ?? "127.0.0.1",
    port: options?.port ?? 0,
    idleMillis: options?.idleMillis ?? 60_000
  })
})
