import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type { GiteaErrorReason } from "../GiteaError.ts"

type Reason = typeof GiteaErrorReason.Type

export type Query = Readonly<Record<string, string | number | boolean | undefined>>

const invalid = (field: string, problem: string): Result.Result<never, Reason> =>
  Result.fail({ _tag: "InvalidInput", field, problem })

const isLoopback = (hostname: string): boolean =>
  hostname === "localhost" || hostname === "[::1]" || /^127(?:\.[0-9]{1,3}){3}$/.test(hostname)

/** The address below which all calls go, without a slash at its end. */
export const checkBaseUrl = (options: {
  readonly baseUrl: string
  readonly allowInsecureHttp?: boolean | undefined
}): Result.Result<string, Reason> => {
  const url = URL.parse(options.baseUrl)
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    return invalid("baseUrl", "expected an address such as https://git.example.org")
  }
  if (url.username !== "" || url.password !== "" || url.search !== "" || url.hash !== "") {
    return invalid("baseUrl", "expected no credentials, query or fragment; give the token as an option of its own")
  }
  if (url.protocol === "http:" && !isLoopback(url.hostname) && options.allowInsecureHttp !== true) {
    return invalid("baseUrl", "plain http would send the token in clear; use https, or set allowInsecureHttp")
  }
  return Result.succeed(`${url.origin}${url.pathname.replace(/\/+$/, "")}/api/v1`)
}

export const checkToken = (token: Redacted.Redacted<string> | undefined): Result.Result<void, Reason> =>
  token === undefined || /^[\u0021-\u007e]{1,4096}$/.test(Redacted.value(token))
    ? Result.succeed(undefined)
    : invalid("token", "expected printable ASCII without blanks, got something else or nothing")

const maxSegmentLength = 1024

const problemOfSegment = (segment: string): string | undefined => {
  if (segment === "") return "it is empty"
  // The URL parser would take these, encoded or not, for steps in the path.
  if (segment === "." || segment === "..") return "it would climb"
  if (segment.length > maxSegmentLength) return `it is longer than ${maxSegmentLength} characters`
  // eslint-disable-next-line no-control-regex -- control characters are what is looked for
  return /[\u0000-\u001f\u007f]|\p{Surrogate}/u.test(segment) ? "it holds a control character" : undefined
}

export const apiPath = (segments: ReadonlyArray<string | number>): Result.Result<string, Reason> => {
  const encoded: Array<string> = []
  for (const segment of segments.map(String)) {
    const problem = problemOfSegment(segment)
    if (problem !== undefined) {
      return invalid("path", `${JSON.stringify(segment.slice(0, 64))} cannot be part of a path: ${problem}`)
    }
    encoded.push(encodeURIComponent(segment))
  }
  return Result.succeed(encoded.join("/"))
}

export const apiUrl = (base: string, path: string, query: Query | undefined): string => {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query ?? {})) {
    if (value !== undefined) parameters.set(name, String(value))
  }
  return `${base}/${path}${parameters.size === 0 ? "" : `?${parameters}`}`
}
