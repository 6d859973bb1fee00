import { assert, describe, it } from "@effect/vitest"
import { GiteaClient, WebhookEvent, WebhookRequest, WebhookSignature } from "@lamina/gitea"
import { FakeGitea, LoopbackServer } from "@lamina/gitea/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { bytes, key, now, ring } from "./support.ts"

const redis = { owner: "acme", name: "redis" }
const secret = "It's a Secret to Everybody"
const keys = ring(key("hook", secret))
const everything = ["push", "create", "delete", "release", "package", "workflow_run"]

/** A server with one repository, and a receiver that keeps what it was sent. */
const setUp = (options: FakeGitea.FakeGiteaOptions = {}) => {
  const received: Array<Request> = []
  const fake = FakeGitea.make({
    deliver: (request) => {
      received.push(request.clone())
      return Promise.resolve(new Response(null, { status: 202 }))
    },
    ...options
  })
  fake.addRepository(redis)
  return { fake, received }
}

const clientOf = (fake: FakeGitea.FakeGitea) => GiteaClient.make({ baseUrl: fake.url, transport: fake.transport })

const hook = (contentType: "json" | "form" = "json") => ({
  url: "https://platform.test/hook",
  secret: Redacted.make(secret),
  events: everything,
  contentType
})

/** What a receiver makes of a request: verified, then parsed. */
const receive = Effect.fnUntraced(function*(request: Request) {
  const { body, headers } = yield* WebhookRequest.read(request)
  const verified = yield* Effect.fromResult(
    WebhookSignature.verify({ kind: "gitea-event", headers, body, keys, now })
  )
  const eventType = WebhookEvent.eventTypeOf(headers)
  return yield* Effect.fromResult(
    WebhookEvent.parse({ kind: verified.kind, payload: verified.payload, eventType })
  )
})

/** A receiver's handler: 202 for what is verified and understood, 401 for the rest. */
const receiver202 = (see: (event: WebhookEvent.WebhookEvent) => void) => (request: Request): Promise<Response> =>
  Effect.runPromise(Effect.match(receive(request), {
    onSuccess: (event) => {
      see(event)
      return new Response(null, { status: 202 })
    },
    onFailure: () => new Response(null, { status: 401 })
  }))

describe("the webhooks of the fake", () => {
  for (const version of ["1.23.8", "1.26.3", "15.0.3+gitea-1.22.0"]) {
    for (const contentType of ["json", "form"] as const) {
      it.effect(`of ${version} as ${contentType} are verified and understood`, () =>
        Effect.gen(function*() {
          const { fake, received } = setUp({ version })
          const gitea = yield* clientOf(fake)
          yield* gitea.hooks.create(redis, hook(contentType))
          yield* Effect.promise(() =>
            fake.commit(redis, { files: { "manifest.yaml": "a: <b> & 'ü'" }, message: "<b> & ü 100%" })
          )
          yield* Effect.promise(() => fake.pushTag(redis, "v0.1.0"))
          yield* Effect.promise(() => fake.publishRelease(redis, "v0.1.0"))
          yield* Effect.promise(() => fake.deleteTag(redis, "v0.1.0"))
          const events = yield* Effect.forEach(received, receive)
          assert.deepStrictEqual(events.map(({ _tag }) => _tag), [
            "BranchPush",
            "TagPush",
            "Create",
            "Release",
            "TagPush",
            "Delete"
          ])
          assert.deepStrictEqual(events.map(WebhookEvent.announcedTag), [
            undefined,
            "v0.1.0",
            "v0.1.0",
            "v0.1.0",
            undefined,
            undefined
          ])
        }))
    }
  }

  it.effect("escape markup in JSON before 1.26 and not after, so that only the sent bytes can be verified", () =>
    Effect.gen(function*() {
      for (const [version, expected] of [["1.25.0", "\\u003cb\\u003e"], ["1.26.0", "<b>"]] as const) {
        const { fake } = setUp({ version })
        yield* (yield* clientOf(fake)).hooks.create(redis, hook())
        const { deliveries } = yield* Effect.promise(() => fake.commit(redis, { files: {}, message: "<b>" }))
        assert.include(deliveries[0]?.payload, expected)
      }
    }))

  it.effect("carry hollow signatures without a secret, which no receiver accepts", () =>
    Effect.gen(function*() {
      const { fake, received } = setUp()
      const body = {
        type: "gitea",
        active: true,
        events: ["push"],
        config: { url: "https://platform.test/hook", content_type: "json" }
      }
      const gitea = yield* clientOf(fake)
      yield* gitea.http.send({ method: "POST", path: ["repos", "acme", "redis", "hooks"], json: body })
      yield* Effect.promise(() => fake.commit(redis, { files: {} }))
      const [request] = received
      assert.strictEqual(request?.headers.get("x-gitea-signature"), "")
      assert.strictEqual(request?.headers.get("x-hub-signature-256"), "sha256=")
      const result = WebhookSignature.verify({
        kind: "gitea-event",
        headers: request?.headers ?? {},
        body: bytes("{}"),
        keys,
        now
      })
      assert.strictEqual(Result.isFailure(result) && result.failure.reason._tag, "MalformedSignature")
    }))

  it.effect("of packages have no event name on old Gitea and on Forgejo, only a type", () =>
    Effect.gen(function*() {
      for (const [version, name] of [["1.23.8", ""], ["15.0.3+gitea-1.22.0", ""], ["1.26.3", "package"]] as const) {
        const { fake, received } = setUp({ version })
        yield* (yield* clientOf(fake)).hooks.create({ organization: "acme" }, hook())
        yield* Effect.promise(() => fake.publishPackage({ owner: "acme", name: "redis", version: "v0.1.0" }))
        const [request] = received
        assert.strictEqual(request?.headers.get("x-gitea-event"), name)
        assert.strictEqual(request?.headers.get("x-gitea-event-type"), "package")
        if (request !== undefined) assert.strictEqual((yield* receive(request))._tag, "Package")
      }
    }))

  it.effect("of packages reach a repository's hook only when the package is linked", () =>
    Effect.gen(function*() {
      const { fake, received } = setUp()
      const gitea = yield* clientOf(fake)
      yield* gitea.hooks.create(redis, hook())
      const image = { owner: "acme", name: "redis", version: "v0.1.0" }
      yield* Effect.promise(() => fake.publishPackage(image))
      assert.lengthOf(received, 0)
      yield* gitea.packages.link({ owner: "acme", type: "container", name: "redis", repository: "redis" })
      yield* Effect.promise(() => fake.publishPackage({ ...image, version: "v0.2.0" }))
      assert.lengthOf(received, 1)
    }))

  it.effect("of runs name the tag in the path and come from Gitea only", () =>
    Effect.gen(function*() {
      const { fake, received } = setUp()
      yield* (yield* clientOf(fake)).hooks.create(redis, { ...hook(), events: ["workflow_run"] })
      yield* Effect.promise(() => fake.commit(redis, { files: {} }))
      yield* Effect.promise(() => fake.pushTag(redis, "v0.1.0"))
      const { runId } = yield* Effect.promise(() =>
        fake.startRun(redis, { workflow: "build.yaml", ref: "refs/tags/v0.1.0" })
      )
      yield* Effect.promise(() => fake.advanceRun(redis, runId, "in_progress"))
      yield* Effect.promise(() => fake.advanceRun(redis, runId, "success"))
      const events = yield* Effect.forEach(received, receive)
      const seen = events.map((event) =>
        event._tag === "WorkflowRun" ? [event.action, event.reference?.ref, event.conclusion] : event._tag
      )
      assert.deepStrictEqual(seen, [
        ["requested", "refs/tags/v0.1.0", undefined],
        ["in_progress", "refs/tags/v0.1.0", undefined],
        ["completed", "refs/tags/v0.1.0", "success"]
      ])
    }))

  it.effect("replayed have a new id and the same signed bytes", () =>
    Effect.gen(function*() {
      const { fake, received } = setUp()
      yield* (yield* clientOf(fake)).hooks.create(redis, hook())
      const { deliveries } = yield* Effect.promise(() => fake.commit(redis, { files: {} }))
      const [first] = deliveries
      if (first === undefined) throw new Error("nothing was delivered")
      const second = yield* Effect.promise(() => fake.redeliver(first))
      assert.notStrictEqual(second.uuid, first.uuid)
      assert.strictEqual(received[1]?.headers.get("x-gitea-delivery"), second.uuid)
      assert.strictEqual(second.headers["x-gitea-signature"], first.headers["x-gitea-signature"])
      assert.lengthOf(fake.deliveries, 2)
    }))

  it.effect("are sent once, whatever the answer, and not at all by a hook that is not active", () =>
    Effect.gen(function*() {
      let attempts = 0
      const { fake } = setUp({
        deliver: () => {
          attempts++
          return attempts === 1
            ? Promise.reject(new Error("refused"))
            : Promise.resolve(new Response(null, { status: 500 }))
        }
      })
      const gitea = yield* clientOf(fake)
      yield* gitea.hooks.create(redis, { ...hook(), events: ["push"] })
      const first = yield* Effect.promise(() => fake.commit(redis, { files: {}, message: "1" }))
      const second = yield* Effect.promise(() => fake.commit(redis, { files: {}, message: "2" }))
      assert.deepStrictEqual([...first.deliveries, ...second.deliveries].map(({ status }) => status), [undefined, 500])
      assert.strictEqual(attempts, 2)

      const { fake: silent } = setUp()
      const body = { type: "gitea", config: { url: "https://platform.test/", content_type: "json", secret: "s" } }
      const path = ["repos", "acme", "redis", "hooks"]
      yield* (yield* clientOf(silent)).http.send({ method: "POST", path, json: body })
      assert.lengthOf((yield* Effect.promise(() => silent.commit(redis, { files: {} }))).deliveries, 0)
    }))
})

describe("the fake behind node:http", () => {
  for (const contentType of ["json", "form"] as const) {
    it.live(`sends its webhooks as ${contentType} over a real connection, and the bytes still verify`, () =>
      Effect.gen(function*() {
        const tags: Array<string | undefined> = []
        const receiver = yield* LoopbackServer.listen(
          receiver202((event) => tags.push(WebhookEvent.announcedTag(event)))
        )
        const fake = FakeGitea.make({ version: "15.0.3+gitea-1.22.0" })
        fake.addRepository(redis)
        const address = yield* LoopbackServer.listen(fake.handle)
        const gitea = yield* GiteaClient.make({ baseUrl: address })
        yield* gitea.hooks.create(redis, { ...hook(contentType), url: `${receiver}/hook` })
        yield* Effect.promise(() => fake.commit(redis, { files: {}, message: "ü <&> %2B +" }))
        const { deliveries } = yield* Effect.promise(() => fake.pushTag(redis, "v0.1.0"))
        assert.deepStrictEqual(deliveries.map(({ status }) => status), [202, 202])
        assert.deepStrictEqual(tags, [undefined, "v0.1.0", "v0.1.0"])
        yield* gitea.hooks.create(redis, {
          ...hook(contentType),
          secret: Redacted.make("another secret"),
          url: `${receiver}/hook`
        })
        const second = yield* Effect.promise(() => fake.pushTag(redis, "v0.2.0"))
        assert.deepStrictEqual(second.deliveries.map(({ status }) => status).sort(), [202, 202, 401, 401])
      }))
  }
})
