import { assert, describe, it } from "@effect/vitest"
import { Storage, StorageError, WebhookEndpoints, WebhookInbox, WebhookWorker } from "@lamina/core"
import { WebhookKey, WebhookSigner } from "@lamina/gitea"
import { PlatformHandler } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import { exchange, fetched, host, listen, now } from "./support/hosts.ts"

const callback = { repository: { full_name: "acme/redis" }, ref: "refs/tags/v0.1.0" }
const modulePath = "/api/v1/system/webhooks/gitea/module"

const world = Effect.gen(function*() {
  const { asAda, handler, run, use } = yield* host()
  const { endpoint, secret } = yield* use(WebhookEndpoints.createEndpoint({ ...asAda, name: "ci" }))
  const key = yield* Effect.fromResult(WebhookKey.make({ id: "ci", secret }))
  const url = yield* listen(handler)
  return { asAda, run, use, endpoint, key, url, address: `${url}${modulePath}/${endpoint.id}` }
})

const signed = (key: WebhookKey.WebhookKey, document: unknown = callback, id = "msg_1"): RequestInit => {
  const body = new TextEncoder().encode(JSON.stringify(document))
  return {
    method: "POST",
    body,
    headers: {
      "content-type": "application/json",
      ...WebhookSigner.moduleCallback({ key, body }),
      ...WebhookSigner.standardWebhooks({ key, id, timestampSeconds: now / 1000, body })
    }
  }
}

const idOf = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({ id: Schema.String })))

describe("a webhook", () => {
  it.effect("is answered 202 once it is in the inbox, and is worked off later", () =>
    Effect.gen(function*() {
      const { address, asAda, endpoint, key, use } = yield* world
      const { status, text } = yield* fetched(address, signed(key))
      assert.strictEqual(status, 202)
      const { deliveries } = yield* use(WebhookInbox.recent({ ...asAda, endpointId: endpoint.id }))
      assert.deepStrictEqual(deliveries.map(({ id, state }) => [id, state]), [[idOf(text).id, "received"]])
      assert.deepStrictEqual(deliveries.map(({ content }) => content), [
        { kind: "moduleTag", repositoryFullName: "acme/redis", tag: "v0.1.0" }
      ])
      const worked = yield* use(WebhookWorker.processOnce())
      assert.deepStrictEqual(worked.map(({ deliveryId, outcome }) => [deliveryId, outcome]), [[
        idOf(text).id,
        "givenUp"
      ]])
    }))

  it.effect("that is sent again gets the same answer, and is in the inbox once", () =>
    Effect.gen(function*() {
      const { address, asAda, endpoint, key, use } = yield* world
      const first = yield* fetched(address, signed(key))
      const second = yield* fetched(address, signed(key))
      assert.deepStrictEqual([second.status, second.text], [first.status, first.text])
      const { deliveries } = yield* use(WebhookInbox.recent({ ...asAda, endpointId: endpoint.id }))
      assert.strictEqual(deliveries.length, 1)
    }))

  it.effect("for the path without an endpoint goes to the default one", () =>
    Effect.gen(function*() {
      const { asAda, endpoint, key, run, use } = yield* world
      const handler = PlatformHandler.make(run, { defaultEndpointId: endpoint.id })
      const response = yield* Effect.promise(() => handler(new Request(`http://a${modulePath}`, signed(key))))
      assert.strictEqual(response.status, 202)
      const { deliveries } = yield* use(WebhookInbox.recent({ ...asAda, endpointId: endpoint.id }))
      assert.strictEqual(deliveries.length, 1)
    }))

  it.effect("is taken under each of the paths", () =>
    Effect.gen(function*() {
      const { endpoint, key, url } = yield* world
      const diskImage = {
        platform_name: "edge",
        git_sha: "a".repeat(40),
        sha256: "b".repeat(64),
        size_bytes: 1,
        oci_ref: "registry.example/acme/edge"
      }
      const body = new TextEncoder().encode(JSON.stringify(diskImage))
      for (
        const path of [
          modulePath,
          "/api/v1/system/webhooks/disk_image_built",
          "/api/v1/system/webhooks/disk_image/built"
        ]
      ) {
        const headers = WebhookSigner.diskImageCallback({ key, body })
        const { status } = yield* fetched(`${url}${path}/${endpoint.id}`, { method: "POST", body, headers })
        assert.strictEqual(status, 202, path)
      }
    }))
})

describe("the answer 401", () => {
  it.effect("is the same to the byte, whatever is wrong", () =>
    Effect.gen(function*() {
      const { address, asAda, endpoint, key, url, use } = yield* world
      const { endpoint: revoked } = yield* use(WebhookEndpoints.createEndpoint({ ...asAda, name: "old" }))
      yield* use(WebhookEndpoints.revokeEndpoint({ ...asAda, endpointId: revoked.id }))
      const body = JSON.stringify(callback)
      const post = (path: string, headers: Readonly<Record<string, string>>, text = body) =>
        exchange(
          url,
          [
            `POST ${path} HTTP/1.1`,
            "host: platform.test",
            "connection: close",
            `content-length: ${Buffer.byteLength(text)}`,
            ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
            "",
            text
          ].join("\r\n")
        )
      const bytes = new TextEncoder().encode(body)
      const good = WebhookSigner.moduleCallback({ key, body: bytes })
      const old = WebhookSigner.standardWebhooks({ key, id: "msg_2", timestampSeconds: now / 1000 - 3600, body: bytes })
      const path = new URL(address).pathname
      const malformed = WebhookSigner.moduleCallback({ key, body: new TextEncoder().encode("{") })
      const answers = [
        yield* post(`${modulePath}/01900000-0000-7000-8000-000000000000`, good),
        yield* post(`${modulePath}/no-uuid%00`, good),
        yield* post(modulePath, good),
        yield* post(`${modulePath}/${revoked.id}`, good),
        yield* post(path, {}),
        yield* post(path, { "x-gitea-signature": "0".repeat(64) }),
        yield* post(path, { "x-gitea-signature": "" }),
        yield* post(path, old),
        yield* post(path, malformed, "{")
      ]
      yield* use(WebhookEndpoints.rotateSecret({ ...asAda, endpointId: endpoint.id, overlapMillis: 0 }))
      answers.push(yield* post(path, good))
      const withoutDate = answers.map((answer) => answer.replace(/\r\nDate: [^\r]*/i, ""))
      for (const answer of withoutDate) assert.strictEqual(answer, withoutDate[0])
      assert.match(withoutDate[0] ?? "", /^HTTP\/1\.1 401 /)
      assert.include(withoutDate[0] ?? "", "{\"error\":\"unauthorized\"}")
    }))

  it.effect("stays the same after thousands of them", () =>
    Effect.gen(function*() {
      const { handler } = yield* host()
      for (let count = 0; count < 2000; count++) {
        const response = yield* Effect.promise(() => handler(new Request(`http://a${modulePath}`, { method: "POST" })))
        assert.strictEqual(yield* Effect.promise(() => response.text()), "{\"error\":\"unauthorized\"}")
      }
    }))

  it.effect("comes with a reason for the operator", () =>
    Effect.gen(function*() {
      const { address, asAda, endpoint, use } = yield* world
      yield* fetched(address, { method: "POST", body: "{}", headers: { "x-gitea-signature": "0".repeat(64) } })
      const { refused, refusedTotal } = yield* use(WebhookInbox.recent({ ...asAda, endpointId: endpoint.id }))
      assert.deepStrictEqual([refused[0]?.reason, refusedTotal], ["SignatureMismatch", 1])
    }))
})

describe("a body is refused", () => {
  it.effect("with 413 when it is too large, announced or not", () =>
    Effect.gen(function*() {
      const { address, key } = yield* world
      const large = signed(key, { ...callback, filling: "a".repeat(1024 * 1024) })
      const announced = yield* fetched(address, large)
      assert.deepStrictEqual([announced.status, announced.text], [413, "{\"error\":\"refused\"}"])
      const head = `POST ${new URL(address).pathname} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n`
      const chunk = `10000\r\n${"a".repeat(0x10000)}\r\n`
      assert.match(yield* exchange(address, head, ...Array.from({ length: 20 }, () => chunk)), /^HTTP\/1\.1 413 /)
    }))

  it.effect("with 415 when it is compressed", () =>
    Effect.gen(function*() {
      const { address } = yield* world
      const { status } = yield* fetched(address, {
        method: "POST",
        body: "{}",
        headers: { "content-encoding": "gzip" }
      })
      assert.strictEqual(status, 415)
    }))

  it.effect("with 408 when it takes too long", () =>
    Effect.gen(function*() {
      const { address } = yield* world
      const head = `POST ${new URL(address).pathname} HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nslowly`
      const answer = yield* Effect.forkChild(exchange(address, head))
      // Real bytes travel while the clock of the test jumps, until the request has met its deadline.
      while (answer.pollUnsafe() === undefined) {
        yield* TestClock.adjust("11 seconds")
        yield* Effect.promise(() => new Promise((resolve) => setTimeout(resolve, 5)))
      }
      assert.match(yield* Fiber.join(answer), /^HTTP\/1\.1 408 /)
    }))

  it.effect("with 405 when it is not posted", () =>
    Effect.gen(function*() {
      const { address } = yield* world
      const { headers, status } = yield* fetched(address)
      assert.deepStrictEqual([status, headers.get("allow")], [405, "POST"])
    }))
})

describe("an inbox that is down", () => {
  it.effect("is answered 503, and nothing of the reason", () =>
    Effect.gen(function*() {
      const { endpoint, key, run } = yield* world
      const reason = new StorageError.Unavailable({ detail: "connect ECONNREFUSED db.internal:5432" })
      const down = Storage.Storage.of({ transaction: () => Effect.fail(new StorageError.StorageError({ reason })) })
      const handler = PlatformHandler.make((effect) => run(Effect.provideService(effect, Storage.Storage, down)))
      const response = yield* Effect.promise(() =>
        handler(new Request(`http://a${modulePath}/${endpoint.id}`, signed(key)))
      )
      assert.strictEqual(response.status, 503)
      assert.strictEqual(yield* Effect.promise(() => response.text()), "{\"error\":\"unavailable\"}")
    }))
})
