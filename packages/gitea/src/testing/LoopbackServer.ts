/**
 * Puts a `Request → Response` handler behind node:http on a loopback port.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"

/**
 * Listens until the scope is closed and gives the address, such as `http://127.0.0.1:41233`.
 *
 * An answer whose body breaks off takes the connection with it, as a cut would.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = (
  handle: (request: Request) => Promise<Response>
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.map(Effect.acquireRelease(open(handle), close), (server) => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    return `http://127.0.0.1:${port}`
  })

const open = (handle: (request: Request) => Promise<Response>): Effect.Effect<Server> =>
  Effect.callback((resume) => {
    const server = createServer((incoming, outgoing) => {
      handle(requestOf(incoming)).then((response) => respond(response, outgoing)).catch(() => outgoing.destroy())
    })
    server.listen(0, "127.0.0.1", () => resume(Effect.succeed(server)))
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

const requestOf = (incoming: IncomingMessage): Request => {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const hasBody = incoming.method !== "GET" && incoming.method !== "HEAD"
  return new Request(new URL(incoming.url ?? "/", `http://${incoming.headers.host ?? "127.0.0.1"}`), {
    method: incoming.method ?? "GET",
    headers,
    ...(hasBody ? { body: bodyOf(incoming), duplex: "half" } : {})
  })
}

const bodyOf = (incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const iterator: AsyncIterator<Uint8Array<ArrayBuffer>> = incoming.iterator()
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    cancel: () => void incoming.destroy()
  })
}

const respond = async (response: Response, outgoing: ServerResponse): Promise<void> => {
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null) outgoing.end()
  else await pipeline(response.body, outgoing)
}
