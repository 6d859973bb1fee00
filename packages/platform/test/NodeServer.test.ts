import { assert, describe, it } from "@effect/vitest"
import { NodeServer } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { exchange, fetched, listen } from "./support/hosts.ts"

const describeRequest = async (request: Request): Promise<Response> => {
  const { pathname, search } = new URL(request.url)
  const body = await request.text()
  return Response.json({
    method: request.method,
    path: `${pathname}${search}`,
    header: request.headers.get("x-test"),
    body
  })
}

const get = (target: string, method = "GET", headers = "") =>
  `${method} ${target} HTTP/1.1\r\nhost: evil.example\r\n${headers}connection: close\r\n\r\n`

describe("a server", () => {
  it.effect("passes method, path, headers and body on, and the answer back", () =>
    Effect.gen(function*() {
      const url = yield* listen(describeRequest)
      const { status, text } = yield* fetched(`${url}/a%20b?c=d`, {
        method: "POST",
        headers: { "x-test": "yes" },
        body: "é".repeat(100_000)
      })
      assert.strictEqual(status, 200)
      assert.deepStrictEqual<unknown>(JSON.parse(text), {
        method: "POST",
        path: "/a%20b?c=d",
        header: "yes",
        body: "é".repeat(100_000)
      })
    }))

  it.effect("joins a header that comes twice, so that a doubled signature is none", () =>
    Effect.gen(function*() {
      const url = yield* listen(describeRequest)
      const text = yield* exchange(url, get("/", "GET", "x-test: one\r\nx-test: two\r\n"))
      assert.include(text, "\"header\":\"one, two\"")
    }))

  it.effect("takes no host out of the path", () =>
    Effect.gen(function*() {
      const url = yield* listen(describeRequest)
      for (const target of ["//evil.example/x", "/\\evil.example/x", "/\\\\evil.example/x", "///evil.example/x"]) {
        assert.include(yield* exchange(url, get(target)), "\"path\":\"/evil.example/x\"", target)
      }
    }))

  it.effect("answers requests that Fetch has no form for, and goes on", () =>
    Effect.gen(function*() {
      const url = yield* listen(describeRequest)
      assert.match(yield* exchange(url, get("/", "TRACE")), /^HTTP\/1\.1 400 /)
      assert.notInclude(yield* exchange(url, get("/", "CONNECT")), "200")
      for (const target of ["/\\[", "//[", "/\\:0", "/%", "http://[", "*"]) yield* exchange(url, get(target))
      assert.strictEqual((yield* fetched(url)).status, 200)
    }))

  it.effect("cuts the connection when the handler fails, and goes on", () =>
    Effect.gen(function*() {
      let calls = 0
      const url = yield* listen(() =>
        calls++ === 0 ? Promise.reject(new Error("broken")) : Promise.resolve(new Response("ok"))
      )
      assert.strictEqual(yield* exchange(url, get("/")), "")
      assert.strictEqual((yield* fetched(url)).text, "ok")
    }))

  it.effect("streams an answer", () =>
    Effect.gen(function*() {
      const chunk = new Uint8Array(64 * 1024).fill(97)
      const url = yield* listen(() => {
        let left = 100
        return Promise.resolve(
          new Response(
            new ReadableStream({
              pull: (controller) => {
                if (left-- === 0) controller.close()
                else controller.enqueue(chunk)
              }
            })
          )
        )
      })
      assert.strictEqual((yield* fetched(url)).text.length, 100 * chunk.length)
    }))

  it.effect("answers before the whole body is there, and the sender gets the answer", () =>
    Effect.gen(function*() {
      const url = yield* listen(() => Promise.resolve(new Response("too large", { status: 413 })))
      for (let round = 0; round < 20; round++) {
        const { headers, status, text } = yield* fetched(url, { method: "POST", body: new Uint8Array(4 * 1024 * 1024) })
        assert.deepStrictEqual([status, text, headers.get("connection")], [413, "too large", "close"])
      }
    }))

  it.effect("cuts off who goes on sending", () =>
    Effect.gen(function*() {
      const url = yield* listen(() => Promise.resolve(new Response("no", { status: 401 })))
      const text = yield* exchange(url, "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\nonly this")
      assert.match(text, /^HTTP\/1\.1 401 [^]*\r\n\r\nno$/)
    }))

  it.effect("stops with its scope", () =>
    Effect.gen(function*() {
      const scope = yield* Scope.make()
      const url = yield* Scope.provide(listen(describeRequest), scope)
      assert.strictEqual((yield* fetched(url)).status, 200)
      yield* Scope.close(scope, Exit.void)
      const after = yield* Effect.exit(Effect.tryPromise(() => fetch(url)))
      assert.isTrue(Exit.isFailure(after))
    }))

  it.effect("that cannot listen says so, with the address", () =>
    Effect.gen(function*() {
      const url = new URL(yield* listen(describeRequest))
      const error = yield* Effect.flip(NodeServer.listen(describeRequest, { port: Number(url.port) }))
      assert.strictEqual(error._tag, "CannotListen")
      assert.include(error.message, `127.0.0.1:${url.port}`)
    }))
})
