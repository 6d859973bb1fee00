/** The `Link` to the next page of a list (RFC 8288). */
import * as Result from "effect/Result"
import { UnsafeRedirect } from "../../RegistryError.ts"
import * as target from "./target.ts"
import type { Reply } from "./transport.ts"

const maximumLength = 8192

/** The next page, which must be of the same list: same origin, same path, another query. */
export const nextPage = (reply: Reply, list: URL): Result.Result<URL | undefined, UnsafeRedirect> => {
  const header = (reply.header("link") ?? "").slice(0, maximumLength)
  const open = header.indexOf("<")
  const close = header.indexOf(">", open)
  if (open === -1 || close === -1) return Result.succeed(undefined)
  const parameters = header.slice(close + 1).split(",", 1)[0] ?? ""
  if (!/;[ \t]*rel[ \t]*=[ \t]*"?next"?[ \t]*(?:;|$)/i.test(parameters)) return Result.succeed(undefined)
  const next = URL.parse(header.slice(open + 1, close), reply.url)
  const refuse = (to: string, rule: string) => Result.fail(new UnsafeRedirect({ from: target.shown(list), to, rule }))
  if (next === null) return refuse("?", "the Link to the next page is not a URL")
  if (next.origin !== list.origin || next.pathname !== list.pathname || next.username !== "" || next.password !== "") {
    return refuse(target.shown(next), "the Link to the next page leads to another list")
  }
  return next.href === reply.url.href
    ? refuse(target.shown(next), "the Link to the next page leads to the same page")
    : Result.succeed(next)
}
