/** Web-standard handlers on `node:http`. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { ReadableStream as NodeReadableStream } from "node:stream/web"
import * as Reference from "../../Reference.ts"
import { RegistryError, Unavailable } from "../../RegistryError.ts"

/** A function from requests to answers, as the web platform has it. */
export type WebHandler = (request: Request) => Promise<Response>

/** Serves until the scope closes; open connections are cut then. */
export const serve = Effect.fnUntraced(function*(
  handler: WebHandler,
  options: { readonly host: string; readonly port: number; readonly idleMillis: number }
): Effect.fn.Return<{ readonly url: string; readonly host: string }, RegistryError, Scope.Scope> {
  const server = yield* Effect.acquireRelease(bind(handler, options), close)
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : options.port
  const host = `${options.host.includes(":") ? `[${options.host}]` : options.host}:${port}`
  return { url: `http://${host}`, host }
})

const bind = (
  handler: WebHandler,
  options: { readonly host: string; readonly port: number; readonly idleMillis: number }
) =>
  Effect.callback<Server, RegistryError>((resume) => {
    // Blobs may take as long as they need, but not stand still.
    const server = createServer({ requestTimeout: 0, headersTimeout: 30_000 }, (incoming, outgoing) => {
      respond(handler, incoming, outgoing).catch(() => outgoing.destroy())
    })
    server.timeout = options.idleMillis
    server.once("error", (cause) =>
      resume(Effect.fail(
        new RegistryError({
          operation: "listen",
          subject: `${options.host}:${options.port}`,
          reason: new Unavailable({ detail: `cannot listen: ${cause.message}`, cause })
        })
      )))
    server.listen(options.port, options.host, () => resume(Effect.succeed(server)))
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback<void>((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

const respond = async (handler: WebHandler, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  const request = toRequest(incoming)
  const response = request === undefined ? new Response(null, { status: 400 }) : await handler(request)
  // `pipeline` refuses to begin with a stream that is closed, and would leave what the body holds open.
  if (incoming.socket.destroyed) return response.body?.cancel()
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null || incoming.method === "HEAD") {
    await response.body?.cancel()
    outgoing.end()
    return
  }
  const body = Readable.fromWeb(response.body as NodeReadableStream<Uint8Array>)
  // An answer that waits behind another one on its connection does not hear of its end.
  const gone = new AbortController()
  const onClose = () => gone.abort()
  incoming.socket.once("close", onClose)
  await pipeline(body, outgoing, { signal: gone.signal }).finally(() => incoming.socket.off("close", onClose))
}

const toRequest = (incoming: IncomingMessage): Request | undefined => {
  const host = incoming.headers.host ?? "localhost"
  const path = incoming.url ?? "/"
  // A host with a path in it would stand before the path that a proxy has let through.
  if (!Reference.isRegistry(host) || !path.startsWith("/")) return undefined
  const url = URL.parse(`http://${host}${path}`)
  const method = incoming.method ?? "GET"
  // What `Request` refuses to be.
  if (url === null || ["CONNECT", "TRACE", "TRACK"].includes(method)) return undefined
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers })
  const init: RequestInit & { readonly duplex: "half" } = { method, headers, body: bodyOf(incoming), duplex: "half" }
  return new Request(url, init)
}

/**
 * The body, read only when asked for: Node discards a body that nobody touched, and keeps the connection usable, but
 * destroys the connection with a stream that was opened and given up.
 */
const bodyOf = (incoming: IncomingMessage): ReadableStream<Uint8Array> => {
  let chunks: AsyncIterator<Uint8Array> | undefined
  return new ReadableStream<Uint8Array>({
    pull: (controller) => {
      chunks ??= incoming.iterator({ destroyOnReturn: false })
      return chunks.next().then(({ done, value }) => done === true ? controller.close() : controller.enqueue(value))
    },
    cancel: () => {
      incoming.resume()
    }
  }, { highWaterMark: 0 })
}
