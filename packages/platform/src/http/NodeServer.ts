/**
 * A handler of Web requests behind node:http, for hosts that have no server of their own.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"

/**
 * Where to listen: loopback and a free port, unless said otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly host?: string
  readonly port?: number
  /** How long headers and a whole request may take, in milliseconds. Default 10 s and 60 s. */
  readonly headersTimeoutMillis?: number
  readonly requestTimeoutMillis?: number
}

/**
 * The address cannot be listened on.
 *
 * @category errors
 * @since 0.1.0
 */
export class CannotListen extends Schema.TaggedError<CannotListen>("@lamina/platform/http/CannotListen")(
  "CannotListen",
  { address: Schema.String, detail: Schema.String }
) {
  override get message(): string {
    return `cannot listen on ${this.address}: ${this.detail}`
  }
}

/**
 * Listens until the scope is closed and gives the URL, such as `http://127.0.0.1:41233`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = (
  handler: (request: Request) => Promise<Response>,
  options: Options = {}
): Effect.Effect<string, CannotListen, Scope.Scope> => {
  const host = options.host ?? "127.0.0.1"
  return Effect.map(
    Effect.acquireRelease(open(handler, host, options), close),
    (server) => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      return `http://${host.includes(":") ? `[${host}]` : host}:${port}`
    }
  )
}

const open = (
  handler: (request: Request) => Promise<Response>,
  host: string,
  options: Options
): Effect.Effect<Server, CannotListen> =>
  Effect.callback((resume) => {
    const server = createServer({
      headersTimeout: options.headersTimeoutMillis ?? 10_000,
      requestTimeout: options.requestTimeoutMillis ?? 60_000
    }, (incoming, outgoing) => {
      handler(requestOf(incoming)).then((response) => respond(response, incoming, outgoing)).catch(() => outgoing.destroy())
    })
    server.once("error", (error) =>
      resume(Effect.fail(new CannotListen({ address: `${host}:${options.port ?? 0}`, detail: error.message }))))
    server.listen(options.port ?? 0, host, () => resume(Effect.succeed(server)))
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

// A header that comes twice is joined, as the Fetch standard says: a doubled signature is then no signature.
const requestOf = (incoming: IncomingMessage): Request => {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  const method = incoming.method ?? "GET"
  const hasBody = method !== "GET" && method !== "HEAD"
  // Who is called says the server, not the Host header, which the caller writes.
  return new Request(new URL(pathOf(incoming), "http://platform.invalid"), {
    method,
    headers,
    ...(hasBody ? { body: bodyOf(incoming), duplex: "half" } : {})
  })
}

// "//evil.example/path" would name a host.
const pathOf = (incoming: IncomingMessage): string => `/${(incoming.url ?? "/").replace(/^\/+/, "")}`

const bodyOf = (incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const iterator: AsyncIterator<Uint8Array<ArrayBuffer>> = incoming.iterator({ destroyOnReturn: false })
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    }
  })
}

const respond = async (response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  // Whoever still sends what nobody reads is cut off once it has its answer.
  if (!incoming.complete) outgoing.setHeader("connection", "close")
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null) outgoing.end()
  else await pipeline(response.body, outgoing)
  if (!incoming.complete) incoming.destroy()
}
