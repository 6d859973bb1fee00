import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { GiteaErrorReason } from "../GiteaError.ts"
import { parseJson } from "./json.ts"

const Message = Schema.Struct({ message: Schema.String })
const maxMessageBytes = 64 * 1024
const maxDetailLength = 300

/** What a status that is no success means. */
export const reasonOfStatus = (
  status: number,
  location: string | null,
  body: Uint8Array,
  token: Redacted.Redacted<string> | undefined
): typeof GiteaErrorReason.Type => {
  const detail = detailOf(body, token)
  if (status >= 300 && status < 400) return { _tag: "Redirected", status, location: locationOf(location) }
  switch (status) {
    case 401:
      return { _tag: "Unauthorized", detail }
    case 403:
      return { _tag: "Forbidden", detail }
    case 404:
      return { _tag: "NotFound", detail }
    case 409:
      return { _tag: "Conflict", detail }
    case 429:
      return { _tag: "RateLimited", detail }
    default:
      return status >= 500 ? { _tag: "ServerFailure", status, detail } : { _tag: "Rejected", status, detail }
  }
}

// A query may carry a signature of its own.
const locationOf = (location: string | null): string => (location ?? "nowhere").split(/[?#]/, 1)[0]?.slice(0, 200) ?? ""

// An answer may be empty, or a page of some proxy; of those only the status is told.
const detailOf = (body: Uint8Array, token: Redacted.Redacted<string> | undefined): string => {
  const message = parseJson(body, { maxBytes: maxMessageBytes, maxDepth: 16 }).pipe(
    Result.flatMap(Schema.decodeUnknownResult(Message)),
    Result.match({ onSuccess: ({ message }) => message, onFailure: () => "" })
  )
  const shown = token === undefined ? message : message.replaceAll(Redacted.value(token), "<redacted>")
  // eslint-disable-next-line no-control-regex -- control characters do not belong in a log
  return shown.replaceAll(/[\u0000-\u001f\u007f]+/g, " ").trim().slice(0, maxDetailLength) ||
    "the server gave no message"
}
