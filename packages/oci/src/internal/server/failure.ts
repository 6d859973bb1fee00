/** How the server says no: the error codes of the distribution specification. */
import * as Schema from "effect/Schema"
import type { Reason } from "../../RegistryError.ts"
import { RegistryError } from "../../RegistryError.ts"

/** An answer that ends a request early. */
export class HttpFailure extends Schema.TaggedError<HttpFailure>("@lamina/oci/internal/HttpFailure")("HttpFailure", {
  status: Schema.Int,
  code: Schema.String,
  detail: Schema.String,
  headers: Schema.optionalKey(Schema.Record(Schema.String, Schema.String))
}) {
  override get message(): string {
    return this.detail
  }
}

/** What a client is told about a failed request. */
export const toResponse = (error: RegistryError | HttpFailure): Response => {
  const failure = error instanceof RegistryError ? describe(error) : error
  return Response.json({ errors: [{ code: failure.code, message: failure.message }] }, {
    status: failure.status,
    headers: failure.headers ?? {}
  })
}

const describe = (error: RegistryError): HttpFailure => {
  const { code, headers, status } = classify(error.reason)
  // What went wrong behind the server is not for its clients: only what they asked for, and why not.
  const detail = status >= 500 ? "the registry cannot answer at the moment" : error.reason.message
  return new HttpFailure({ status, code, detail, headers: headers ?? {} })
}

interface Classified {
  readonly status: number
  readonly code: string
  readonly headers?: Readonly<Record<string, string>>
}

const unknownCodes = {
  blob: "BLOB_UNKNOWN",
  manifest: "MANIFEST_UNKNOWN",
  tag: "MANIFEST_UNKNOWN",
  repository: "NAME_UNKNOWN",
  upload: "BLOB_UPLOAD_UNKNOWN"
} as const

const malformedCodes: Readonly<Record<string, string>> = {
  "repository name": "NAME_INVALID",
  digest: "DIGEST_INVALID",
  tag: "TAG_INVALID",
  manifest: "MANIFEST_INVALID",
  "upload offset": "BLOB_UPLOAD_INVALID"
}

const classify = (reason: Reason): Classified => {
  switch (reason._tag) {
    case "NotFound":
      return { status: 404, code: unknownCodes[reason.kind] }
    case "DigestMismatch":
      return { status: 400, code: "DIGEST_INVALID" }
    case "SizeMismatch":
      return { status: 400, code: "SIZE_INVALID" }
    case "LimitExceeded":
      return { status: 413, code: reason.what.includes("manifest") ? "MANIFEST_INVALID" : "SIZE_INVALID" }
    case "Malformed":
      return { status: 400, code: malformedCodes[reason.what] ?? "UNSUPPORTED" }
    case "Unauthorized":
      return { status: 403, code: "DENIED" }
    case "RateLimited": {
      const seconds = Math.ceil((reason.retryAfterMillis ?? 1000) / 1000)
      return { status: 429, code: "TOOMANYREQUESTS", headers: { "retry-after": String(seconds) } }
    }
    case "Unsupported":
      return { status: 405, code: "UNSUPPORTED" }
    case "Unavailable":
      return { status: 503, code: "UNKNOWN" }
    case "UnsafeRedirect":
    case "UnexpectedResponse":
      return { status: 502, code: "UNKNOWN" }
  }
}
