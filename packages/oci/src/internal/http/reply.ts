/** What an answer means: bodies under a limit, and errors. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Blob from "../../Blob.ts"
import {
  LimitExceeded,
  Malformed,
  NotFound,
  RateLimited,
  Unauthorized,
  UnexpectedResponse,
  Unsupported
} from "../../RegistryError.ts"
import type { Reason, RegistryError } from "../../RegistryError.ts"
import type { Failing } from "../failure.ts"
import type { Reply } from "./transport.ts"

const maximumErrorBytes = 64 * 1024

/** Reads a body of at most `limit` bytes. */
export const bytes = (
  reply: Reply,
  limit: number,
  what: string,
  fail: Failing
): Effect.Effect<Uint8Array, RegistryError> => {
  const tooLarge = fail(new LimitExceeded({ what: `the ${what} in bytes`, limit }))
  return (contentLength(reply) ?? 0) > limit
    ? Effect.fail(tooLarge)
    : Effect.catchReason(Blob.collect(reply.body, limit, fail), "RegistryError", "LimitExceeded", () => tooLarge)
}

/** Reads a JSON body of at most `limit` bytes by its schema. */
export const json = <S extends Schema.ConstraintDecoder<unknown>>(
  schema: S,
  reply: Reply,
  limit: number,
  what: string,
  fail: Failing
): Effect.Effect<S["Type"], RegistryError> =>
  Effect.flatMap(bytes(reply, limit, what, fail), (body) =>
    Effect.fromResult(Result.mapError(
      Schema.decodeResult(Schema.fromJsonString(schema))(Buffer.from(body).toString("utf8")),
      (error) => fail(new Malformed({ what, detail: printable(error.message) }))
    )))

/** The `Content-Length`, where it is a number. */
export const contentLength = (reply: Reply): number | undefined => {
  const text = reply.header("content-length")
  return text !== undefined && /^[0-9]{1,15}$/.test(text) ? Number(text) : undefined
}

/** How long `Retry-After` asks to wait, in milliseconds; it holds seconds or a date. */
export const retryAfterMillis = (reply: Reply, now: number): number | undefined => {
  const text = reply.header("retry-after")
  if (text === undefined) return undefined
  if (/^[0-9]{1,9}$/.test(text)) return Number(text) * 1000
  const date = Date.parse(text)
  return Number.isNaN(date) ? undefined : Math.max(0, date - now)
}

/** Text from a stranger: no control characters, not too long. */
// oxlint-disable-next-line no-control-regex -- control characters are what this removes
export const printable = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, " ").slice(0, 500)

const ErrorBody = Schema.fromJsonString(Schema.Struct({
  errors: Schema.Array(Schema.Struct({
    code: Schema.optionalKey(Schema.String),
    message: Schema.optionalKey(Schema.NullOr(Schema.String))
  }))
}))

/** What a failed answer says about itself. Bodies may be HTML, text, or nothing. */
export interface Complaint {
  readonly code?: string | undefined
  readonly detail: string
}

/** Reads the error of an answer. */
export const complaint = Effect.fnUntraced(function*(reply: Reply, fail: Failing): Effect.fn.Return<Complaint> {
  const body = yield* Effect.result(bytes(reply, maximumErrorBytes, "error message", fail))
  if (Result.isFailure(body)) return { detail: "without a readable error message" }
  const text = Buffer.from(body.success).toString("utf8")
  const decoded = Schema.decodeResult(ErrorBody)(text)
  const first = Result.isSuccess(decoded) ? decoded.success.errors[0] : undefined
  if (first === undefined) return { detail: printable(text).slice(0, 200) || "without an error message" }
  return { code: printable(first.code ?? "").slice(0, 60), detail: printable(first.message ?? "") || "no message" }
})

/** The error that a failed answer stands for; `missing` is what a 404 means. */
export const toError = Effect.fnUntraced(function*(
  reply: Reply,
  fail: Failing,
  missing: Reason,
  now: number
): Effect.fn.Return<RegistryError> {
  return fail(reasonOf(reply, yield* complaint(reply, fail), missing, now))
})

const reasonOf = (reply: Reply, { code, detail }: Complaint, missing: Reason, now: number): Reason => {
  const { status } = reply
  if (code === "MANIFEST_BLOB_UNKNOWN") return new NotFound({ kind: "blob", name: `of the manifest (${detail})` })
  if (status === 404) return missing
  if (status === 401 || status === 403) return new Unauthorized({ status, detail })
  if (status === 405 || code === "UNSUPPORTED") return new Unsupported({ operation: `this (${detail})` })
  if (status === 429) {
    const wait = retryAfterMillis(reply, now)
    return new RateLimited(wait === undefined ? {} : { retryAfterMillis: wait })
  }
  return new UnexpectedResponse({ status, detail, ...(code === undefined || code === "" ? {} : { code }) })
}
