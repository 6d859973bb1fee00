import { assert, describe, it } from "@effect/vitest"
import { Blob, Credentials, Descriptor, HttpRegistry, MediaType, MemoryRegistry } from "@lamina/oci"
import { type Fault, FaultyRegistry } from "@lamina/oci/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { authorizations, bytesOf, large, largeDescriptor, reasonOf, repository } from "./support/http.ts"

const basic = `Basic ${Buffer.from("alice:s3cret").toString("base64")}`
const credentials = Credentials.basic("alice", Redacted.make("s3cret"))

/** A token server that grants what is asked for, and counts. */
const tokenServer = (answer: (request: Request, count: number) => Response) => {
  let count = 0
  return FaultyRegistry.listenHandler((request) => Promise.resolve(answer(request, ++count)))
}

const granting = (_: Request, count: number) => Response.json({ token: `token-${count}`, expires_in: 300 })

/** A registry that takes Bearer tokens of its token server only. */
const bearerRegistry = Effect.fnUntraced(function*(options: {
  readonly realm: string
  readonly accepts?: (token: string) => boolean
  readonly challenge?: (realm: string, scope: string) => string
}) {
  const memory = yield* MemoryRegistry.make()
  yield* memory.putBlob(repository, largeDescriptor, large)
  const challenge = options.challenge ??
    ((realm, scope) => `Bearer realm="${realm}",service="test",scope="${scope}"`)
  return yield* FaultyRegistry.listen(memory, {
    profile: (next) => (request) => {
      const token = request.headers.get("authorization")?.replace(/^Bearer /, "") ?? ""
      const accepted = options.accepts?.(token) ?? token.startsWith("token-")
      if (accepted) return next(request)
      const actions = ["GET", "HEAD"].includes(request.method) ? "pull" : "pull,push"
      return Promise.resolve(
        new Response(null, {
          status: 401,
          headers: { "www-authenticate": challenge(options.realm, `repository:${repository}:${actions}`) }
        })
      )
    }
  })
})

const host = (url: string) => new URL(url).host

describe("Bearer tokens", () => {
  it.live("are fetched once for many requests at the same time, and kept", () =>
    Effect.gen(function*() {
      const tokens = yield* tokenServer(granting)
      const server = yield* bearerRegistry({ realm: `${tokens.url}/token` })
      const registry = yield* HttpRegistry.make({ url: server.url, credentials, trustedRealms: [host(tokens.url)] })
      yield* registry.headBlob(repository, largeDescriptor.digest)
      const head = registry.headBlob(repository, largeDescriptor.digest)
      yield* Effect.all(Array.from({ length: 10 }, () => head), { concurrency: "unbounded" })
      assert.strictEqual(tokens.requests.length, 1)
      assert.strictEqual(
        tokens.requests[0]?.path,
        `/token?service=test&scope=${encodeURIComponent(`repository:${repository}:pull`)}`
      )
      assert.deepStrictEqual(authorizations(tokens), [basic])
      assert.notInclude(authorizations(server), basic)

      const bytes = bytesOf("pushed")
      yield* registry.putBlob(repository, Descriptor.ofBytes(MediaType.octetStream, bytes), bytes)
      assert.strictEqual(tokens.requests.length, 2, "a token to push, once")
      yield* Blob.getBytes(registry, repository, largeDescriptor)
      assert.strictEqual(tokens.requests.length, 2, "the wider token serves to pull")
    }))

  it.live("are fetched again when the registry does not take them any more, but not for ever", () =>
    Effect.gen(function*() {
      const tokens = yield* tokenServer(granting)
      let valid = "token-1"
      const server = yield* bearerRegistry({ realm: tokens.url, accepts: (token) => token === valid })
      const registry = yield* HttpRegistry.make({ url: server.url, trustedRealms: [host(tokens.url)] })
      yield* registry.headBlob(repository, largeDescriptor.digest)
      valid = "token-2"
      yield* registry.headBlob(repository, largeDescriptor.digest)
      assert.strictEqual(tokens.requests.length, 2)
      valid = "none"
      const reason = yield* reasonOf(registry.headBlob(repository, largeDescriptor.digest))
      assert.strictEqual(reason._tag, "Unauthorized")
      assert.strictEqual(tokens.requests.length, 3)
      assert.deepStrictEqual(authorizations(tokens), [], "anonymous without credentials")
    }))

  it.live("are found behind other challenges, quoted commas and escapes", () =>
    Effect.gen(function*() {
      const tokens = yield* tokenServer(granting)
      const challenges: ReadonlyArray<(realm: string, scope: string) => string> = [
        (realm, scope) => `Negotiate, BEARER Realm="${realm}" , SCOPE="${scope},\\"x\\"", service=test`,
        (realm, scope) => `Negotiate YII=, Basic realm="a, b=\\"c\\"", Bearer scope="${scope}",realm="${realm}"`,
        (realm) => `bearer   realm = "${realm}"`
      ]
      for (const challenge of challenges) {
        const server = yield* bearerRegistry({ realm: tokens.url, challenge })
        const registry = yield* HttpRegistry.make({ url: server.url, trustedRealms: [host(tokens.url)] })
        yield* registry.headBlob(repository, largeDescriptor.digest)
      }
      assert.strictEqual(tokens.requests.length, challenges.length)
    }))

  it.live("are exchanged for a refresh token, which goes into the body", () =>
    Effect.gen(function*() {
      const bodies: Array<string> = []
      const tokens = yield* FaultyRegistry.listenHandler((request) =>
        request.text().then((body) => {
          bodies.push(body)
          return Response.json({ access_token: "token-1" })
        })
      )
      const server = yield* bearerRegistry({ realm: tokens.url })
      const registry = yield* HttpRegistry.make({
        url: server.url,
        credentials: Credentials.refreshToken(Redacted.make("refresh me")),
        trustedRealms: [host(tokens.url)]
      })
      yield* registry.headBlob(repository, largeDescriptor.digest)
      const form = new URLSearchParams(bodies[0])
      assert.strictEqual(tokens.requests[0]?.method, "POST")
      assert.strictEqual(form.get("grant_type"), "refresh_token")
      assert.strictEqual(form.get("refresh_token"), "refresh me")
      assert.strictEqual(form.get("scope"), `repository:${repository}:pull`)
    }))

  it.live("can be given ready-made", () =>
    Effect.gen(function*() {
      const server = yield* bearerRegistry({ realm: "http://127.0.0.1:9/" })
      const token = Credentials.bearer(Redacted.make("token-ready"))
      const registry = yield* HttpRegistry.make({ url: server.url, credentials: token })
      yield* registry.headBlob(repository, largeDescriptor.digest)
      assert.deepStrictEqual(authorizations(server), ["Bearer token-ready"])
    }))
})

describe("a realm that a registry names", () => {
  const realms = [
    "http://169.254.169.254/latest",
    "http://[::ffff:169.254.169.254]/",
    "http://2852039166/",
    "http://127.0.0.1:9/token",
    "http://localhost:9/token",
    "http://alice@127.0.0.1/",
    "javascript:alert(1)",
    "/relative"
  ]

  it.live("is not asked when only the client reaches it", () =>
    Effect.gen(function*() {
      for (const realm of realms) {
        const server = yield* bearerRegistry({ realm })
        const registry = yield* HttpRegistry.make({ url: server.url, credentials })
        const reason = yield* reasonOf(registry.headBlob(repository, largeDescriptor.digest))
        assert.strictEqual(reason._tag, "UnsafeRedirect", realm)
      }
    }))

  it.live("gets no credentials when it is not trusted, and the error says so", () =>
    Effect.gen(function*() {
      const tokens = yield* tokenServer(() => Response.json({ errors: [] }, { status: 401 }))
      const server = yield* bearerRegistry({ realm: tokens.url })
      const registry = yield* HttpRegistry.make({ url: server.url, credentials, allowPrivateTargets: true })
      const error = yield* Effect.flip(registry.headBlob(repository, largeDescriptor.digest))
      assert.match(error.message, /trustedRealms/)
      assert.deepStrictEqual(authorizations(tokens), [])
    }))

  it.live("cannot redirect the credentials, nor answer without end, nor with a token that is a header", () =>
    Effect.gen(function*() {
      const elsewhere = yield* tokenServer(granting)
      const answers: ReadonlyArray<readonly [() => Response, string]> = [
        [() => new Response(null, { status: 302, headers: { location: elsewhere.url } }), "UnexpectedResponse"],
        [() => Response.json({ token: "x".repeat(200_000) }), "LimitExceeded"],
        [() => Response.json({ token: "token-1\r\nX-Evil: 1" }), "Malformed"],
        [() => Response.json({}), "Malformed"],
        [() => new Response("<html>"), "Malformed"]
      ]
      for (const [answer, expected] of answers) {
        const tokens = yield* tokenServer(answer)
        const server = yield* bearerRegistry({ realm: tokens.url })
        const registry = yield* HttpRegistry.make({ url: server.url, credentials, trustedRealms: [host(tokens.url)] })
        const reason = yield* reasonOf(registry.headBlob(repository, largeDescriptor.digest))
        assert.strictEqual(reason._tag, expected)
      }
      assert.deepStrictEqual(elsewhere.requests, [])
    }))
})

describe("Basic credentials", () => {
  const basicChallenge: Fault.Handler = (request) =>
    Promise.resolve(
      request.headers.get("authorization") === basic
        ? new Response(null, { headers: { "content-length": "5" } })
        : new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=\"x\"" } })
    )

  it.live("are shown after a challenge, and from then on", () =>
    Effect.gen(function*() {
      const server = yield* FaultyRegistry.listenHandler(basicChallenge)
      const registry = yield* HttpRegistry.make({ url: server.url, credentials })
      yield* registry.headBlob(repository, largeDescriptor.digest)
      yield* registry.headBlob(repository, largeDescriptor.digest)
      assert.strictEqual(server.requests.length, 3)
      assert.strictEqual(authorizations(server).length, 2)
    }))

  it.live("are not invented, and not repeated when they are wrong", () =>
    Effect.gen(function*() {
      const server = yield* FaultyRegistry.listenHandler(basicChallenge)
      const anonymous = yield* HttpRegistry.make({ url: server.url })
      assert.strictEqual((yield* reasonOf(anonymous.headBlob(repository, largeDescriptor.digest)))._tag, "Unauthorized")
      assert.deepStrictEqual(authorizations(server), [])
      const wrong = yield* HttpRegistry.make({
        url: server.url,
        credentials: Credentials.basic("a", Redacted.make("b"))
      })
      assert.strictEqual((yield* reasonOf(wrong.headBlob(repository, largeDescriptor.digest)))._tag, "Unauthorized")
      assert.strictEqual(authorizations(server).length, 1)
    }))
})
