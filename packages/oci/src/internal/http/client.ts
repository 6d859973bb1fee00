/** Requests to a registry: authentication, redirects and retries around single exchanges. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { Dispatcher } from "undici"
import { isTransient, RateLimited, Unauthorized, UnexpectedResponse, UnsafeRedirect } from "../../RegistryError.ts"
import type { Reason, RegistryError } from "../../RegistryError.ts"
import { type Failing, orFail } from "../failure.ts"
import * as authentication from "./authentication.ts"
import * as replies from "./reply.ts"
import type { Settings } from "./settings.ts"
import * as target from "./target.ts"
import { exchange, type Reply, type Sent } from "./transport.ts"

/** A request with what it needs on its way. */
export interface Call {
  readonly method: Sent["method"]
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: Sent["body"]
  /** What a token for it has to grant. */
  readonly scopes: ReadonlyArray<string>
  /** Whether it may be sent again after it failed on its way, when nobody knows how far it came. Default `true`. */
  readonly repeatable?: boolean | undefined
  /** A request that nothing depends on: short, tried once, and never a reason to authenticate. */
  readonly bestEffort?: boolean | undefined
}

/** Sends requests. */
export interface Client {
  readonly settings: Settings
  /** A URL below `/v2/` of the registry; names are checked before they come here. */
  readonly url: (path: string, query?: Readonly<Record<string, string>>) => URL
  /** Sends and hands over the answer, whatever it says, after authentication, redirects and retries. */
  readonly send: (call: Call, fail: Failing) => Effect.Effect<Reply, RegistryError, Scope.Scope>
  /** Sends, and fails with the registry's error unless the status is one of those expected; 404 means `missing`. */
  readonly expect: (
    call: Call,
    fail: Failing,
    missing: Reason,
    ...statuses: ReadonlyArray<number>
  ) => Effect.Effect<Reply, RegistryError, Scope.Scope>
}

const maximumRedirects = 5
const retriedStatuses: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])
const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** `own` reaches the registry's origin, `foreign` everybody whom the registry names. */
export const make = (
  settings: Settings,
  dispatchers: { readonly own: Dispatcher; readonly foreign: Dispatcher }
): Client => {
  const { patience, registry, retry } = settings
  const isOwn = (url: URL): boolean => url.origin === registry.origin
  const dispatcherFor = (url: URL): Dispatcher => {
    const named = settings.trustedRealms.has(url.host)
    return isOwn(url) || named ? dispatchers.own : dispatchers.foreign
  }

  const authenticate = authentication.make(
    settings,
    (sent, fail) => exchange(dispatcherFor(sent.url), sent, patience, fail)
  )

  /** One request to one URL, with credentials only for the registry's own origin. */
  const sendTo = Effect.fnUntraced(function*(call: Call, url: URL, fail: Failing) {
    const sendWith = (authorization: authentication.Authorization | undefined) => {
      const headers = {
        "accept-encoding": "identity",
        "user-agent": settings.userAgent,
        ...call.headers,
        ...(authorization === undefined ? {} : { authorization: Redacted.value(authorization) })
      }
      const wait = call.bestEffort === true ? { ...patience, headersMillis: 5000 } : patience
      return exchange(dispatcherFor(url), { method: call.method, url, headers, body: call.body }, wait, fail)
    }
    if (!isOwn(url)) return yield* sendWith(undefined)

    const shown = yield* authenticate.forRequest(call.scopes, fail)
    const first = yield* sendWith(shown)
    if (first.status !== 401 || call.bestEffort === true) return first
    const answer = yield* authenticate.answer(first, shown, call.scopes, fail)
    if (!isReplayable(call)) {
      return yield* fail(new Unauthorized({ status: 401, detail: "access ended while a stream was being sent" }))
    }
    yield* first.discard
    return yield* sendWith(answer)
  })

  const follow = Effect.fnUntraced(function*(call: Call, fail: Failing) {
    let url = call.url
    let reply = yield* sendTo(call, url, fail)
    for (let redirects = 0; redirectStatuses.has(reply.status); redirects++) {
      const location = reply.header("location")
      const next = location === undefined ? null : URL.parse(location, url)
      if (next === null) return reply
      const refuse = (rule: string) =>
        fail(new UnsafeRedirect({ from: target.shown(url), to: target.shown(next), rule }))
      if (redirects >= maximumRedirects) return yield* refuse(`more than ${maximumRedirects} redirects`)
      yield* orFail(target.check(registry, next, settings), fail)
      if (call.method !== "GET" && call.method !== "HEAD") {
        if (reply.status !== 307 && reply.status !== 308) return reply
        if (!isOwn(next) || !isReplayable(call)) return yield* refuse(`a ${call.method} is not sent elsewhere`)
      }
      yield* reply.discard
      url = next
      reply = yield* sendTo(call, url, fail)
    }
    return reply
  })

  const pause = Effect.fnUntraced(function*(attempt: number, asked: number | undefined) {
    const backoff = Math.min(retry.maximumMillis, retry.initialMillis * 2 ** attempt)
    yield* Effect.sleep(Math.max(asked ?? 0, backoff * (0.5 + (yield* Random.next) / 2)))
  })

  const send = (call: Call, fail: Failing): Effect.Effect<Reply, RegistryError, Scope.Scope> => {
    const times = call.bestEffort === true || !isReplayable(call) ? 0 : retry.times
    const attempt = (count: number): Effect.Effect<Reply, RegistryError, Scope.Scope> =>
      follow(call, fail).pipe(
        Effect.matchEffect({
          onFailure: (error) =>
            count < times && call.repeatable !== false && isTransient(error)
              ? Effect.andThen(pause(count, undefined), Effect.suspend(() => attempt(count + 1)))
              : Effect.fail(error),
          onSuccess: (reply) => retriedStatuses.has(reply.status) ? again(reply, count) : Effect.succeed(reply)
        })
      )
    const again = Effect.fnUntraced(function*(reply: Reply, count: number) {
      const asked = replies.retryAfterMillis(reply, yield* Clock.currentTimeMillis)
      if (asked !== undefined && asked > retry.maximumRetryAfterMillis) {
        return yield* fail(new RateLimited({ retryAfterMillis: asked }))
      }
      if (count >= times || (call.repeatable === false && reply.status !== 429)) return reply
      yield* reply.discard
      yield* pause(count, asked)
      return yield* attempt(count + 1)
    })
    return attempt(0)
  }

  const expect: Client["expect"] = Effect.fnUntraced(function*(call, fail, missing, ...statuses) {
    const reply = yield* send(call, fail)
    if (statuses.includes(reply.status)) return reply
    if (reply.status < 400) {
      const detail = `expected HTTP ${statuses.join(" or ")}`
      return yield* fail(new UnexpectedResponse({ status: reply.status, detail }))
    }
    return yield* yield* replies.toError(reply, fail, missing, yield* Clock.currentTimeMillis)
  })

  const url: Client["url"] = (path, query) => {
    const result = new URL(`/v2/${path}`, registry)
    for (const [name, value] of Object.entries(query ?? {})) result.searchParams.set(name, value)
    return result
  }

  return { settings, url, send, expect }
}

const isReplayable = ({ body }: Call): boolean => body === undefined || body instanceof Uint8Array
