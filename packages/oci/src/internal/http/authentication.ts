/** Answers to challenges: Basic, and Bearer with access tokens that are kept until shortly before they expire. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type { Credentials } from "../../Credentials.ts"
import { Malformed, Unauthorized, UnexpectedResponse } from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { type Failing, orFail } from "../failure.ts"
import * as keyedMutex from "../keyedMutex.ts"
import * as challenge from "./challenge.ts"
import * as realm from "./realm.ts"
import * as replies from "./reply.ts"
import * as scope from "./scope.ts"
import type { Settings } from "./settings.ts"
import type { Reply, Sent } from "./transport.ts"

/** What goes into the `Authorization` header. */
export type Authorization = Redacted.Redacted

/** Decides what a request to the registry's origin shows. */
export interface Authentication {
  /** What is known to be needed already, before a challenge. */
  readonly forRequest: (
    scopes: ReadonlyArray<string>,
    fail: Failing
  ) => Effect.Effect<Authorization | undefined, RegistryError>
  /** The answer to a 401, given what the request had shown; fails when there is none. */
  readonly answer: (
    refused: Reply,
    shown: Authorization | undefined,
    scopes: ReadonlyArray<string>,
    fail: Failing
  ) => Effect.Effect<Authorization, RegistryError>
}

interface TokenServer {
  readonly realm: string
  readonly service: string | undefined
}

interface Token {
  readonly server: TokenServer
  readonly grants: scope.Grants
  readonly authorization: Authorization
  readonly expires: number
}

const TokenResponse = Schema.Struct({
  token: Schema.optionalKey(Schema.NullOr(Schema.String)),
  access_token: Schema.optionalKey(Schema.NullOr(Schema.String)),
  expires_in: Schema.optionalKey(Schema.NullOr(Schema.Finite))
})

const maximumTokenBytes = 128 * 1024
const maximumTokens = 256

/** `exchange` sends one request without redirects; token servers get nothing else. */
export const make = (
  settings: Settings,
  exchange: (sent: Sent, fail: Failing) => Effect.Effect<Reply, RegistryError, Scope.Scope>
): Authentication => {
  const { credentials } = settings
  let tokens: ReadonlyArray<Token> = []
  let scheme: { readonly _tag: "Basic" } | ({ readonly _tag: "Bearer" } & TokenServer) | undefined
  const single = keyedMutex.make()

  const cached = (server: TokenServer, wanted: scope.Grants, now: number): Authorization | undefined =>
    tokens.find((token) =>
      token.server.realm === server.realm && token.server.service === server.service && token.expires > now &&
      scope.covers(token.grants, wanted)
    )?.authorization

  const tokenFor = (
    server: TokenServer,
    wanted: scope.Grants,
    fail: Failing
  ): Effect.Effect<Authorization, RegistryError> =>
    single.withLock(JSON.stringify([server.realm, server.service, scope.render(wanted)]))(
      Effect.gen(function*() {
        const known = cached(server, wanted, yield* Clock.currentTimeMillis)
        if (known !== undefined) return known
        const { authorization, seconds } = yield* fetchToken(server, wanted, fail)
        const now = yield* Clock.currentTimeMillis
        // The Docker token specification: a lifetime of less than a minute is to be read as a minute. Renewed early,
        // so that a token does not expire on its way.
        const lifetime = Math.max(60, seconds ?? 60) * 1000
        const token = {
          server,
          grants: wanted,
          authorization,
          expires: now + Math.max(lifetime * 0.9, lifetime - 5000)
        }
        tokens = [token, ...tokens.filter(({ expires }) => expires > now)].slice(0, maximumTokens)
        return authorization
      })
    )

  const fetchToken = Effect.fnUntraced(function*(server: TokenServer, wanted: scope.Grants, fail: Failing) {
    const { trusted, url } = yield* orFail(realm.examine(server.realm, settings), fail)
    const sent = tokenRequest(url, server, wanted, trusted ? credentials : undefined, settings.userAgent)
    const reply = yield* exchange(sent, fail)
    if (reply.status !== 200) return yield* tokenRefused(reply, trusted || credentials === undefined, fail)
    const body = yield* replies.json(TokenResponse, reply, maximumTokenBytes, "answer of the token server", fail)
    const token = body.token ?? body.access_token
    // A header can hold no more than visible ASCII.
    if (token === undefined || token === null || !/^[\x21-\x7e]+$/.test(token)) {
      return yield* fail(new Malformed({ what: "answer of the token server", detail: "it contains no usable token" }))
    }
    return { authorization: Redacted.make(`Bearer ${token}`), seconds: body.expires_in }
  }, Effect.scoped)

  const forRequest: Authentication["forRequest"] = Effect.fnUntraced(function*(scopes, fail) {
    if (credentials?._tag === "Bearer") return bearer(credentials)
    if (scheme === undefined) return undefined
    if (scheme._tag === "Basic") return basic(credentials)
    return yield* tokenFor(scheme, scope.merge(scopes), fail)
  })

  const answer: Authentication["answer"] = Effect.fnUntraced(function*(refused, shown, scopes, fail) {
    const challenges = challenge.parse(refused.header("www-authenticate") ?? "")
    const bearerChallenge = challenges.find(({ parameters, scheme }) => scheme === "bearer" && parameters.has("realm"))
    const deny = (detail: string) => fail(new Unauthorized({ status: 401, detail }))
    if (credentials?._tag === "Bearer") return yield* deny("the registry does not accept the access token")
    if (bearerChallenge !== undefined) {
      const server = {
        realm: bearerChallenge.parameters.get("realm") ?? "",
        service: bearerChallenge.parameters.get("service")
      }
      scheme = { _tag: "Bearer", ...server }
      tokens = tokens.filter(({ authorization }) => authorization !== shown)
      // The challenged scope comes first, because some token servers read only one.
      return yield* tokenFor(server, scope.merge([bearerChallenge.parameters.get("scope") ?? "", ...scopes]), fail)
    }
    if (!challenges.some(({ scheme }) => scheme === "basic")) {
      const offered = challenges.map(({ scheme }) => scheme).join(", ") || "no way"
      return yield* deny(replies.printable(`the registry offers ${offered} to authenticate, expected Bearer or Basic`))
    }
    const header = basic(credentials)
    if (header === undefined) return yield* deny("the registry asks for a user name and password, and there are none")
    if (shown !== undefined && Redacted.value(shown) === Redacted.value(header)) {
      return yield* deny("the registry does not accept the user name and password")
    }
    scheme = { _tag: "Basic" }
    return header
  })

  return { forRequest, answer }
}

const bearer = ({ token }: { readonly token: Redacted.Redacted }): Authorization =>
  Redacted.make(`Bearer ${Redacted.value(token)}`)

const basic = (credentials: Credentials | undefined): Authorization | undefined =>
  credentials?._tag === "Basic"
    ? Redacted.make(
      `Basic ${Buffer.from(`${credentials.username}:${Redacted.value(credentials.password)}`).toString("base64")}`
    )
    : undefined

/** GET with Basic credentials or none (Docker token specification), or POST of a refresh token (its OAuth 2 twin). */
const tokenRequest = (
  url: URL,
  server: TokenServer,
  wanted: scope.Grants,
  credentials: Credentials | undefined,
  userAgent: string
): Sent => {
  const headers = { accept: "application/json", "accept-encoding": "identity", "user-agent": userAgent }
  const scopes = scope.render(wanted)
  if (credentials?._tag === "RefreshToken") {
    const form = new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: Redacted.value(credentials.token),
      client_id: "lamina",
      scope: scopes.join(" ")
    })
    if (server.service !== undefined) form.set("service", server.service)
    return {
      method: "POST",
      url,
      headers: { ...headers, "content-type": "application/x-www-form-urlencoded" },
      body: Buffer.from(form.toString())
    }
  }
  const query = new URL(url)
  if (server.service !== undefined) query.searchParams.set("service", server.service)
  for (const one of scopes) query.searchParams.append("scope", one)
  const authorization = Option.fromNullishOr(basic(credentials))
  return {
    method: "GET",
    url: query,
    headers: Option.isSome(authorization)
      ? { ...headers, authorization: Redacted.value(authorization.value) }
      : headers
  }
}

const tokenRefused = Effect.fnUntraced(function*(reply: Reply, credentialsSent: boolean, fail: Failing) {
  const { detail } = yield* replies.complaint(reply, fail)
  const { status } = reply
  if (status !== 401 && status !== 403) {
    return yield* fail(new UnexpectedResponse({ status, detail: `the token server answered: ${detail}` }))
  }
  const hint = credentialsSent
    ? ""
    : `; ${reply.url.host} got no credentials, because it is not in trustedRealms`
  return yield* fail(new Unauthorized({ status, detail: `the token server answered: ${detail}${hint}` }))
})
