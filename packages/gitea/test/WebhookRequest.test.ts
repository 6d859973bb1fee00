import { assert, describe, it } from "@effect/vitest"
import { WebhookRequest } from "@lamina/gitea"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { createServer, request as send, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { bytes, text } from "./support.ts"

const url = "http://platform.test/hook"

const post = (body: BodyInit | null, headers: Record<string, string> = {}) =>
  new Request(url, { method: "POST", body, headers, duplex: "half" } as RequestInit)

const reasonOf = (request: Request, options: WebhookRequest.ReadOptions = {}) =>
  Effect.map(Effect.flip(WebhookRequest.read(request, options)), (error) => error.reason._tag)

describe("reading a Web request", () => {
  it.effect("gives the exact bytes, over several chunks and for no body at all", () =>
    Effect.gen(function*() {
      const chunks = new ReadableStream<Uint8Array>({
        start: (controller) => {
          for (const chunk of [bytes("{\"a\":"), new Uint8Array(), bytes("\"ü\"}")]) controller.enqueue(chunk)
          controller.close()
        }
      })
      const { body } = yield* WebhookRequest.read(post(chunks))
      assert.strictEqual(text(body), "{\"a\":\"ü\"}")
      const none = yield* WebhookRequest.read(new Request(url, { method: "POST" }))
      assert.strictEqual(none.body.byteLength, 0)
    }))

  it.effect("takes a body of exactly the limit and refuses one more byte", () =>
    Effect.gen(function*() {
      const { body } = yield* WebhookRequest.read(post(new Uint8Array(64)), { limitBytes: 64 })
      assert.strictEqual(body.byteLength, 64)
      assert.strictEqual(yield* reasonOf(post(new Uint8Array(65)), { limitBytes: 64 }), "BodyTooLarge")
    }))

  it.effect("refuses an announced length before it reads a byte", () =>
    Effect.gen(function*() {
      let pulled = 0
      const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 })
      const request = post(body, { "content-length": "1073741824" })
      assert.strictEqual(yield* reasonOf(request), "BodyTooLarge")
      assert.strictEqual(pulled, 0)
      assert.strictEqual(yield* reasonOf(post("x", { "content-length": "1, 1" })), "BodyUnreadable")
    }))

  it.effect("cuts an endless body at the limit and cancels it", () =>
    Effect.gen(function*() {
      const chunk = new Uint8Array(64 * 1024)
      let sent = 0
      let cancelled = false
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          sent += chunk.byteLength
          if (sent > 1024 ** 3) controller.close()
          else controller.enqueue(chunk)
        },
        cancel: () => {
          cancelled = true
        }
      })
      assert.strictEqual(yield* reasonOf(post(body)), "BodyTooLarge")
      assert.isTrue(cancelled)
      assert.isBelow(sent, WebhookRequest.defaultLimitBytes + 4 * chunk.byteLength)
    }))

  it.effect("copies what comes in, so that tiny pieces do not keep the large buffers that they are cut from", () =>
    Effect.gen(function*() {
      const pieces = 3000
      const large = new Uint8Array(64 * 1024)
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => {
          if (sent++ === pieces) return controller.close()
          // The one buffer again and again: whoever keeps a piece of it will find it changed.
          large.fill(sent)
          controller.enqueue(large.subarray(0, 7))
        }
      }, { highWaterMark: 0 })
      const { body: read } = yield* WebhookRequest.read(post(body))
      const expected = Array.from({ length: 7 * pieces }, (_, index) => (Math.floor(index / 7) + 1) & 0xff)
      assert.deepStrictEqual([...read], expected)
      assert.strictEqual(read.buffer.byteLength, read.byteLength)
    }))

  it.effect("refuses a body that is still coming at the deadline", () =>
    Effect.gen(function*() {
      let cancelled = false
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => controller.enqueue(bytes("{")),
        cancel: () => {
          cancelled = true
        }
      })
      const fiber = yield* Effect.forkChild(reasonOf(post(body), { deadline: "5 seconds" }))
      yield* TestClock.adjust("4 seconds")
      assert.isFalse(cancelled)
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(fiber), "BodyTooSlow")
      assert.isTrue(cancelled)
    }))

  it.effect("refuses compressed bodies and broken streams", () =>
    Effect.gen(function*() {
      assert.strictEqual(yield* reasonOf(post("x", { "content-encoding": "gzip" })), "UnsupportedEncoding")
      const { body } = yield* WebhookRequest.read(post("x", { "content-encoding": "identity" }))
      assert.strictEqual(text(body), "x")
      const broken = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error("reset")) })
      assert.strictEqual(yield* reasonOf(post(broken)), "BodyUnreadable")
    }))
})

const listen = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        resume(Effect.succeed(`http://127.0.0.1:${port}/`))
      })
    }),
    () => Effect.sync(() => server.closeAllConnections())
  )

const exchange = (address: string, write: (request: ReturnType<typeof send>) => void) =>
  Effect.callback<{ status: number; body: string }>((resume) => {
    const request = send(address, { method: "POST" }, (response) => {
      let body = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => body += chunk)
      response.on("end", () => resume(Effect.succeed({ status: response.statusCode ?? 0, body })))
    })
    request.on("error", () => undefined)
    write(request)
  })

const observer = (see: (request: WebhookRequest.WebhookRequest) => void) =>
  createServer((incoming, outgoing) => {
    void Effect.runPromise(WebhookRequest.readNode(incoming)).then((request) => {
      see(request)
      outgoing.end()
    })
  })

describe("reading a request of node:http", () => {
  const server = (deadline: Duration.Input = "1 minute") =>
    createServer((incoming, outgoing) => {
      void Effect.runPromise(
        WebhookRequest.readNode(incoming, { limitBytes: 1024, deadline }).pipe(
          Effect.match({
            onSuccess: ({ body }) => ({ status: 200, text: text(body) }),
            onFailure: (error) => ({ status: error.status, text: error.reason._tag })
          })
        )
      ).then(({ status, text }) => {
        outgoing.writeHead(status, { connection: "close" }).end(text)
      })
    })

  it.live("gives the bytes, and the refusal reaches the sender while it is still sending", () =>
    Effect.gen(function*() {
      const address = yield* listen(server())
      assert.deepStrictEqual(yield* exchange(address, (request) => request.end("{}")), { status: 200, body: "{}" })
      const large = yield* exchange(address, (request) => request.write(Buffer.alloc(2000)))
      assert.deepStrictEqual(large, { status: 413, body: "BodyTooLarge" })
      const impatient = yield* listen(server("200 millis"))
      const slow = yield* exchange(impatient, (request) => request.write("{"))
      assert.deepStrictEqual(slow, { status: 408, body: "BodyTooSlow" })
    }))

  it.live("sees a signature header that came twice as two", () =>
    Effect.gen(function*() {
      const seen: Array<unknown> = []
      const address = yield* listen(observer(({ headers }) => {
        seen.push(headers instanceof Headers ? undefined : headers["x-gitea-signature"])
      }))
      yield* exchange(address, (request) => {
        request.setHeader("x-gitea-signature", ["a", "b"])
        request.end("{}")
      })
      assert.deepStrictEqual(seen, [["a", "b"]])
    }))
})
