import { assert, describe, it } from "@effect/vitest"
import { GiteaClient, GiteaHttp } from "@lamina/gitea"
import { FakeGitea, LoopbackServer } from "@lamina/gitea/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"

const redis = { owner: "acme", name: "redis" }
const token = "a-token-of-the-platform"
const baseUrl = "https://gitea.test"

const setUp = Effect.fnUntraced(function*(options: Partial<GiteaHttp.GiteaHttpOptions> = {}) {
  const fake = FakeGitea.make({ token })
  fake.addRepository(redis)
  const gitea = yield* GiteaClient.make({
    baseUrl: fake.url,
    token: Redacted.make(token),
    transport: fake.transport,
    ...options
  })
  return { fake, gitea }
})

/** A server that gives the same answer to everything. */
const answering = (answer: () => Response) =>
  GiteaHttp.make({ baseUrl, token: Redacted.make(token), transport: () => Promise.resolve(answer()), retries: 0 })

const call = { method: "GET", path: ["version"] } as const

const passTime = <A, E>(effect: Effect.Effect<A, E>) =>
  Effect.gen(function*() {
    const fiber = yield* Effect.forkChild(effect)
    yield* TestClock.adjust("2 minutes")
    return yield* Fiber.join(fiber)
  })

describe("a connection", () => {
  it.effect("needs an address that keeps the token secret", () =>
    Effect.gen(function*() {
      const refused = [
        "gitea.test",
        "ftp://gitea.test",
        "http://gitea.test",
        "https://u:p@gitea.test",
        "https://x/?a=b",
        ""
      ]
      for (const address of refused) {
        const error = yield* Effect.flip(GiteaHttp.make({ baseUrl: address }))
        assert.strictEqual(error.reason._tag, "InvalidInput", address)
      }
      const accepted = ["https://gitea.test", "https://gitea.test/sub/", "http://127.0.0.1:3000", "http://[::1]:3000"]
      for (const address of accepted) yield* GiteaHttp.make({ baseUrl: address })
      yield* GiteaHttp.make({ baseUrl: "http://gitea.test", allowInsecureHttp: true })
      for (const wrong of ["", "a b", "a\r\nb", "ü"]) {
        const error = yield* Effect.flip(GiteaHttp.make({ baseUrl, token: Redacted.make(wrong) }))
        assert.strictEqual(error.reason._tag, "InvalidInput")
      }
    }))

  it.effect("sends the token, and to no other place than below its address", () =>
    Effect.gen(function*() {
      const sent: Array<[string, GiteaHttp.TransportRequest]> = []
      const http = yield* GiteaHttp.make({
        baseUrl: "https://gitea.test/sub//",
        token: Redacted.make(token),
        transport: (url, request) => {
          sent.push([url, request])
          return Promise.resolve(new Response(null, { status: 302, headers: { location: "https://evil.test/?key=1" } }))
        }
      })
      const error = yield* Effect.flip(http.send({ ...call, query: { q: "a b&c", none: undefined } }))
      assert.deepStrictEqual(error.reason, { _tag: "Redirected", status: 302, location: "https://evil.test/" })
      assert.lengthOf(sent, 1)
      assert.strictEqual(sent[0]?.[0], "https://gitea.test/sub/api/v1/version?q=a+b%26c")
      assert.strictEqual(sent[0]?.[1].headers["authorization"], `token ${token}`)
      assert.strictEqual(sent[0]?.[1].redirect, "manual")
    }))

  it.effect("does not show its token in errors, even when the server repeats it", () =>
    Effect.gen(function*() {
      const http = yield* answering(() =>
        Response.json({ message: `no such ${token}\n\u001b[31m${"x".repeat(1000)}` }, { status: 403 })
      )
      const error = yield* Effect.flip(http.send(call))
      const shown = `${error.message} ${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`
      assert.notInclude(shown, token)
      assert.notInclude(error.message, "\u001b")
      assert.isBelow(error.message.length, 500)
    }))
})

describe("an answer that is no success", () => {
  it.effect("keeps to one line, whatever it was asked for", () =>
    Effect.gen(function*() {
      const http = yield* GiteaHttp.make({ baseUrl: "https://git.example.org" })
      const error = yield* Effect.flip(http.send({ method: "GET", path: ["repos", "acme\r\nERROR all is lost\u2028"] }))
      assert.strictEqual(error.reason._tag, "InvalidInput")
      assert.notMatch(error.message, /[\r\n\u2028]/)
    }))

  it.effect("has a reason by its status", () =>
    Effect.gen(function*() {
      const expected: ReadonlyArray<readonly [number, string, boolean]> = [
        [400, "Rejected", false],
        [401, "Unauthorized", false],
        [403, "Forbidden", false],
        [404, "NotFound", false],
        [409, "Conflict", false],
        [422, "Rejected", false],
        [429, "RateLimited", true],
        [500, "ServerFailure", false],
        [502, "ServerFailure", true],
        [503, "ServerFailure", true]
      ]
      for (const [status, tag, retryable] of expected) {
        for (const body of ["{\"message\":\"why\"}", "<html>", ""]) {
          const http = yield* answering(() => new Response(body, { status }))
          const error = yield* Effect.flip(http.send(call))
          assert.deepStrictEqual([error.reason._tag, error.retryable], [tag, retryable])
          assert.notInclude(error.message, "<html>")
        }
      }
    }))

  it.effect("is named where a success is not what was expected", () =>
    Effect.gen(function*() {
      const Version = Schema.Struct({ version: Schema.String })
      for (const [body, at] of [["<html>", ""], ["{}", "version"], ["{\"version\":1}", "version"], ["", ""]]) {
        const http = yield* answering(() => new Response(body))
        const error = yield* Effect.flip(http.json(call, Version))
        assert.strictEqual(error.reason._tag === "MalformedResponse" && error.reason.at, at)
      }
      const large = yield* answering(() => new Response(new Uint8Array(1001)))
      const error = yield* Effect.flip(large.send({ ...call, limitBytes: 1000 }))
      assert.strictEqual(error.reason._tag, "ResponseTooLarge")
    }))
})

describe("faults", () => {
  it.effect("that pass are survived by safe calls", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      fake.faults.add({ fault: { _tag: "Status", status: 503 }, times: 2 })
      fake.faults.add({ fault: { _tag: "Cut", afterBytes: 5 } })
      assert.strictEqual((yield* passTime(gitea.repositories.get(redis))).name, "redis")
      assert.strictEqual(fake.requests.length, 4)
    }))

  it.effect("that last are given up on after the retries", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp({ retries: 2 })
      fake.faults.add({ fault: { _tag: "Status", status: 502 }, times: 99 })
      const error = yield* passTime(Effect.flip(gitea.repositories.get(redis)))
      assert.strictEqual(error.reason._tag, "ServerFailure")
      assert.strictEqual(fake.requests.length, 3)
    }))

  it.effect("never make a call that changes something go out twice", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      fake.faults.add({ method: "PUT", fault: { _tag: "Status", status: 503 } })
      const put = gitea.actionSecrets.put(redis, "A", Redacted.make("v"))
      assert.strictEqual((yield* passTime(Effect.flip(put))).reason._tag, "ServerFailure")
      fake.faults.add({ method: "PUT", fault: { _tag: "Cut", afterBytes: 0 } })
      assert.strictEqual((yield* passTime(Effect.flip(put))).reason._tag, "Unreachable")
      assert.strictEqual(fake.requests.length, 2)
    }))

  it.effect("that are no accident are not tried again", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      fake.faults.add({ fault: { _tag: "Corrupt" } })
      const error = yield* passTime(Effect.flip(gitea.repositories.get(redis)))
      assert.strictEqual(error.reason._tag, "MalformedResponse")
      assert.strictEqual(fake.requests.length, 1)
    }))

  it.effect("of a server that hangs end at the timeout, and the request is aborted", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp({ timeout: "3 seconds", retries: 1 })
      fake.faults.add({ fault: { _tag: "Hang" }, times: 2 })
      const error = yield* passTime(Effect.flip(gitea.repositories.get(redis)))
      assert.deepStrictEqual(error.reason, { _tag: "TimedOut", afterMillis: 3000 })
    }))

  it.effect("in a list that never ends or repeats itself do not go on for ever", () =>
    Effect.gen(function*() {
      let pages = 0
      const http = yield* answering(() => {
        pages++
        return Response.json([{ id: 1 }])
      })
      const list = http.pages(call, {
        schema: Schema.Array(Schema.Struct({ id: Schema.Int })),
        items: (page) => page,
        key: (item) => item.id
      })
      const error = yield* Effect.flip(Stream.runCollect(list))
      assert.strictEqual(error.reason._tag, "MalformedResponse")
      assert.isAtMost(pages, 2000)
      assert.lengthOf(yield* Stream.runCollect(Stream.take(list, 1)), 1)
    }))
})

describe("a list that changes while it is read", () => {
  it.effect("gives an item that moved to the next page once, and a short page does not end it", () =>
    Effect.gen(function*() {
      const pages = [[1, 2, 3], [3, 4], [5], []]
      const http = yield* GiteaHttp.make({
        baseUrl,
        transport: (url) => {
          const page = Number(new URL(url).searchParams.get("page"))
          return Promise.resolve(Response.json(pages[page - 1]?.map((id) => ({ id }))))
        }
      })
      const items = yield* Stream.runCollect(http.pages(call, {
        schema: Schema.Array(Schema.Struct({ id: Schema.Int })),
        items: (page) => page,
        key: (item) => item.id
      }))
      assert.deepStrictEqual(items.map(({ id }) => id), [1, 2, 3, 4, 5])
    }))
})

describe("an answer that contradicts itself", () => {
  const gitea = (answer: () => Response) =>
    GiteaClient.make({
      baseUrl,
      retries: 0,
      transport: (url) => Promise.resolve(url.endsWith("/version") ? Response.json({ version: "1.26.3" }) : answer())
    })

  it.effect("is refused: a file of another size than announced, or without its content", () =>
    Effect.gen(function*() {
      const file = { type: "file", path: "a", sha: "0", size: 3, encoding: "base64", content: "YWJj" }
      const read = (over: object) =>
        Effect.flatMap(gitea(() => Response.json({ ...file, ...over })), ({ contents }) =>
          contents.get(redis, { path: "a" }))
      assert.lengthOf((yield* read({})).bytes, 3)
      assert.lengthOf((yield* read({ content: "YW\nJj\n" })).bytes, 3)
      for (const over of [{ size: 4 }, { content: "YWJ" }, { content: "YW-j" }, { content: null }, { encoding: "x" }]) {
        const error = yield* Effect.flip(read(over))
        assert.strictEqual(error.reason._tag === "MalformedResponse" && error.reason.at, "content")
      }
    }))

  it.effect("is refused: a log from its beginning where a later part was asked for", () =>
    Effect.gen(function*() {
      const { runs } = yield* gitea(() => new Response("the whole log"))
      assert.strictEqual((yield* runs.log(redis, 1)).nextOffset, 13)
      const error = yield* Effect.flip(runs.log(redis, 1, { offset: 4 }))
      assert.strictEqual(error.reason._tag, "MalformedResponse")
      assert.include(error.message, "from byte 4")
    }))
})

describe("over a real connection", () => {
  const connected = Effect.fnUntraced(function*() {
    const fake = FakeGitea.make({ token })
    fake.addRepository(redis)
    const address = yield* LoopbackServer.listen(fake.handle)
    const gitea = yield* GiteaClient.make({ baseUrl: address, token: Redacted.make(token), retries: 0 })
    return { fake, gitea }
  })

  it.live("reads, writes and is told why not", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* connected()
      assert.strictEqual((yield* gitea.repositories.get(redis)).fullName, "acme/redis")
      assert.strictEqual(yield* gitea.actionSecrets.put(redis, "A", Redacted.make("1")), "created")
      assert.strictEqual(fake.secret(redis, "A"), "1")
      const hook = { url: "https://platform.test/", secret: Redacted.make("s"), events: ["push"] }
      const { id } = yield* gitea.hooks.create(redis, hook)
      yield* gitea.hooks.delete(redis, id)
      const error = yield* Effect.flip(gitea.repositories.get({ owner: "acme", name: "none" }))
      assert.include(error.message, "couldn't be found")
    }))

  it.live("is not led elsewhere by a redirect and notices a cut", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* connected()
      fake.faults.add({ fault: { _tag: "Redirect", location: "http://127.0.0.1:1/" } })
      assert.strictEqual((yield* Effect.flip(gitea.repositories.get(redis))).reason._tag, "Redirected")
      fake.faults.add({ fault: { _tag: "Cut", afterBytes: 10 } })
      assert.strictEqual((yield* Effect.flip(gitea.repositories.get(redis))).reason._tag, "Unreachable")
    }))

  it.live("tells that nobody is there", () =>
    Effect.gen(function*() {
      const address = yield* Effect.scoped(LoopbackServer.listen(() => Promise.resolve(new Response())))
      const gitea = yield* GiteaClient.make({ baseUrl: address, retries: 0 })
      const error = yield* Effect.flip(gitea.version)
      assert.deepStrictEqual(error.reason, { _tag: "Unreachable", description: "ECONNREFUSED" })
    }))
})
