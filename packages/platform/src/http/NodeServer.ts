/**
 * A handler of Web requests behind node:http, for hosts that have no server of their own.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import { once } from "node:events"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import { pipeline } from "node:stream/promises"
import { setTimeout as delay } from "node:timers/promises"

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
      answer(handler, incoming).then((response) => respond(response, incoming, outgoing)).catch(() =>
        outgoing.destroy()
      )
    })
    server.on(
      "error",
      (error) =>
        resume(Effect.fail(new CannotListen({ address: `${host}:${options.port ?? 0}`, detail: error.message })))
    )
    server.listen(options.port ?? 0, host, () => resume(Effect.succeed(server)))
  })

const close = (server: Server): Effect.Effect<void> =>
  Effect.callback((resume) => {
    server.close(() => resume(Effect.void))
    server.closeAllConnections()
  })

// Not every request of HTTP is one of Fetch: it knows no TRACE, and no URL such as "/\\[".
const answer = async (
  handler: (request: Request) => Promise<Response>,
  incoming: IncomingMessage
): Promise<Response> => {
  const request = requestOf(incoming)
  return request === undefined ? new Response(null, { status: 400 }) : handler(request)
}

const requestOf = (incoming: IncomingMessage): Request | undefined => {
  const method = incoming.method ?? "GET"
  const hasBody = method !== "GET" && method !== "HEAD"
  try {
    // Who is called says the server, not the Host header, which the caller writes.
    return new Request(new URL(pathOf(incoming), "http://platform.invalid"), {
      method,
      headers: headersOf(incoming),
      ...(hasBody ? { body: bodyOf(incoming), duplex: "half" } : {})
    })
  } catch {
    return undefined
  }
}

// A header that comes twice is joined, as the Fetch standard says: a doubled signature is then no signature.
const headersOf = (incoming: IncomingMessage): Headers => {
  const headers = new Headers()
  for (const [name, values] of Object.entries(incoming.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value)
  }
  return headers
}

// "//evil.example/path" would name a host, and so would backslashes.
const pathOf = (incoming: IncomingMessage): string => `/${(incoming.url ?? "/").replace(/^[/\\]+/, "")}`

const bodyOf = (incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> => {
  const iterator: AsyncIterator<Uint8Array<ArrayBuffer>> = incoming.iterator({ destroyOnReturn: false })
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await iterator.next()
      if (done === true) controller.close()
      else controller.enqueue(value)
    },
    // A read that waits for a slow sender would have to end first, so nobody waits for this.
    cancel: () => {
      iterator.return?.().catch(() => undefined)
    }
  }, { highWaterMark: 0 })
}

const respond = async (response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  if (!incoming.complete) return refuseRest(response, incoming, outgoing)
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body === null) outgoing.end()
  else await pipeline(response.body, outgoing)
}

const lingerMillis = 1000

// Whoever still sends what nobody reads gets its answer and is cut off. Cut at once, its system could throw away the
// answer that it has not read yet; so the rest is swallowed for a moment first.
const refuseRest = async (response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
  const body = Buffer.from(await response.arrayBuffer())
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    connection: "close",
    "content-length": body.byteLength
  })
  outgoing.write(body)
  incoming.resume()
  await Promise.race([once(incoming, "close"), delay(lingerMillis, undefined, { ref: false })])
  outgoing.end()
  incoming.destroy()
}
