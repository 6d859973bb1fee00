/**
 * Answers: JSON envelopes in snake_case, and which HTTP status an error means.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Predicate from "effect/Predicate"
import * as RequestBody from "./RequestBody.ts"

const headers = {
  "content-type": "application/json; charset=utf-8",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff"
}

/**
 * `{"success": true, "data": …}`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ok = (data: unknown, status = 200): Response =>
  new Response(JSON.stringify({ success: true, data: toSnakeCase(data) }), { status, headers })

/**
 * `{"success": false, "error": …, "code": …}`; `code` is the tag of the error's reason.
 *
 * @category constructors
 * @since 0.1.0
 */
export const failed = (status: number, code: string, error: string, details?: unknown): Response =>
  new Response(
    JSON.stringify({
      success: false,
      error,
      code,
      ...(details === undefined ? {} : { details: toSnakeCase(details) })
    }),
    { status, headers }
  )

/**
 * JSON as it is, without an envelope: webhook answers.
 *
 * @category constructors
 * @since 0.1.0
 */
export const bare = (status: number, body: object): Response => new Response(JSON.stringify(body), { status, headers })

// Errors of core, as whose message says what a caller did and can do; 422 unless the reason has a status of its own.
const domainErrors: ReadonlySet<string> = new Set([
  "ApprovalError",
  "CatalogError",
  "CommandError",
  "FleetError",
  "IngestError",
  "PromotionError",
  "TemplateError",
  "WebhookError"
])

const statuses: ReadonlyMap<string, number> = new Map([
  ["NotFound", 404],
  ["Stale", 409],
  ["IdempotencyConflict", 409],
  ["NameTaken", 409],
  ["TemplateNameTaken", 409],
  ["InstanceNameTaken", 409],
  ["EndpointNameTaken", 409],
  ["PolicyNameTaken", 409],
  ["StillNeeded", 409],
  ["TemplateInUse", 409],
  ["VersionConflict", 409],
  ["NotPending", 409],
  ["AlreadyVoted", 409],
  ["ApprovalRequired", 409],
  ["CompositionBlocked", 409],
  ["EndpointRevoked", 409],
  ["NotAuthenticated", 401],
  ["MayNotVote", 403],
  ["OperatorNeeded", 403],
  ["PersonNeeded", 403],
  ["SourceFailed", 502],
  ["VerifierFailed", 502]
])

/**
 * The answer of an operation: its value under 200, or what its error means. What nobody foresaw is logged.
 *
 * @category constructors
 * @since 0.1.0
 */
export const answer = <R>(operation: Effect.Effect<unknown, unknown, R>): Effect.Effect<Response, never, R> =>
  operation.pipe(
    Effect.map((data) => ok(data)),
    Effect.catchCause((cause) => {
      const response = fromError(Cause.squash(cause))
      return response.status < 500
        ? Effect.succeed(response)
        : Effect.as(Effect.logError("a request failed", cause), response)
    })
  )

/**
 * The answer to an error: of the body, of the domain, of the storage. Any other is 500 and tells nothing of its inside.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromError = (error: unknown): Response => {
  if (error instanceof RequestBody.UnusableBody) return failed(error.status, error._tag, error.detail)
  if (!(error instanceof Error)) return unexpected()
  const reason: unknown = Reflect.get(error, "reason")
  const code = tagOf(reason)
  if (code === undefined) return unexpected()
  if (tagOf(error) === "StorageError") return fromStorage(code)
  if (!domainErrors.has(tagOf(error) ?? "")) return unexpected()
  return failed(statuses.get(code) ?? 422, code, error.message, detailsOf(reason))
}

// What a database says of itself is for its operator, not for whoever calls.
const fromStorage = (code: string): Response => {
  switch (code) {
    case "Unavailable":
      return failed(503, code, "the storage is not available; try again later")
    case "StaleRevision":
    case "UniqueViolation":
      return failed(409, code, "somebody else changed the same thing at the same time; read it again")
    default:
      return unexpected()
  }
}

const unexpected = (): Response => failed(500, "InternalError", "an unexpected error; it is in the server's log")

const tagOf = (value: unknown): string | undefined => {
  const tag: unknown = Predicate.isObject(value) ? Reflect.get(value, "_tag") : undefined
  return typeof tag === "string" ? tag : undefined
}

// The fields of a reason are what the caller can act upon; `accountId` is the caller's own and says nothing new.
const detailsOf = (reason: unknown): unknown => {
  if (!Predicate.isObject(reason)) return undefined
  const fields = Object.entries(JSON.parse(JSON.stringify(reason)) ?? {}).filter(([key]) =>
    key !== "_tag" && key !== "accountId"
  )
  return fields.length === 0 ? undefined : Object.fromEntries(fields)
}

/**
 * The same value with every key in snake_case. Keys that are data (module names, digests) have no capitals and stay.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toSnakeCase = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(toSnakeCase)
  if (!Predicate.isObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [snakeCase(key), toSnakeCase(member)]))
}

const snakeCase = (key: string): string =>
  /^[a-z][A-Za-z0-9]*$/.test(key) ? key.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`) : key
