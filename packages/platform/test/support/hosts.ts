import { Accounts, Actor } from "@lamina/core"
import { MemoryRegistry } from "@lamina/oci"
import { NodeServer, Platform, PlatformHandler } from "@lamina/platform"
import { PrivateSigstore } from "@lamina/signing/testing"
import * as MemoryStorage from "@lamina/storage-memory/MemoryStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import { connect } from "node:net"

const secretKey = "0123456789abcdef0123456789abcdef"

export const now = 1_780_000_000_000

const ada = Actor.person("ada")

/** A platform in memory with one account, behind a handler, and behind a port of loopback. */
export const host = Effect.fnUntraced(function*(options: PlatformHandler.Options = {}) {
  yield* TestClock.setTime(now)
  const registry = yield* MemoryRegistry.make()
  const sigstore = yield* PrivateSigstore.make()
  const services = yield* Layer.build(Platform.layer({
    storage: MemoryStorage.layer,
    registry,
    trustRoot: sigstore.trustRoot,
    secrets: { key: Redacted.make(secretKey) }
  }))
  const run: PlatformHandler.RunPromise = Effect.runPromiseWith(
    yield* Effect.provideContext(Effect.context<Platform.Services>(), services)
  )
  const handler = PlatformHandler.make(run, options)
  const use = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.provideContext(effect, services)
  const account = yield* use(Accounts.createAccount({ actor: ada, name: "acme" }))
  return { registry, sigstore, run, handler, use, asAda: { accountId: account.id, actor: ada } }
})

/** Listens on loopback for a handler. */
export const listen = (handler: (request: Request) => Promise<Response>, options?: NodeServer.Options) =>
  NodeServer.listen(handler, options)

/** Status and text of an answer. */
export const fetched = Effect.fnUntraced(function*(url: string, init?: RequestInit) {
  const response = yield* Effect.promise(() => fetch(url, init))
  return { status: response.status, headers: response.headers, text: yield* Effect.promise(() => response.text()) }
})

/** Status and JSON of what a handler answers. */
export const asked = Effect.fnUntraced(function*(
  handler: (request: Request) => Promise<Response>,
  method: string,
  path: string,
  options: { readonly body?: unknown; readonly headers?: Readonly<Record<string, string>> } = {}
) {
  const response = yield* Effect.promise(() =>
    handler(
      new Request(`http://platform.test${path}`, {
        method,
        headers: { ...(options.body === undefined ? {} : { "content-type": "application/json" }), ...options.headers },
        ...(options.body === undefined ? {} : { body: JSON.stringify(options.body) })
      })
    )
  )
  const json: unknown = yield* Effect.promise(() => response.json())
  return { status: response.status, headers: response.headers, json }
})

/** Sends bytes as they are and gives everything that comes back until the other side closes. */
export const exchange = (url: string, ...parts: ReadonlyArray<string | Uint8Array>): Effect.Effect<string> =>
  Effect.callback((resume) => {
    const { hostname, port } = new URL(url)
    const socket = connect(Number(port), hostname)
    const chunks: Array<Buffer> = []
    const finish = () => resume(Effect.succeed(Buffer.concat(chunks).toString("latin1")))
    socket.on("data", (chunk) => chunks.push(Buffer.from(chunk)))
    socket.once("close", finish)
    socket.on("error", () => undefined)
    for (const part of parts) socket.write(part)
    return Effect.sync(() => socket.destroy())
  })
