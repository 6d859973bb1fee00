/**
 * A registry server that goes wrong as it is told, and remembers what it was asked.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as nodeServer from "../internal/server/nodeServer.ts"
import type { Registry } from "../Registry.ts"
import type { RegistryError } from "../RegistryError.ts"
import * as RegistryServer from "../RegistryServer.ts"
import * as Fault from "./Fault.ts"

/**
 * A request that came in; names of headers are in lower case.
 *
 * @category models
 * @since 0.1.0
 */
export interface LoggedRequest {
  readonly method: string
  /** The path with its query. */
  readonly path: string
  readonly headers: ReadonlyMap<string, string>
}

/**
 * A server on the loopback address, and what it has been asked so far.
 *
 * @category models
 * @since 0.1.0
 */
export interface Faulty extends RegistryServer.Listening {
  readonly requests: ReadonlyArray<LoggedRequest>
}

/**
 * Serves a registry with faults until the scope closes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listen = Effect.fnUntraced(function*(
  registry: Registry,
  options?: RegistryServer.Options & {
    readonly faults?: ReadonlyArray<Fault.Fault> | undefined
    /** Around the registry and inside of the faults, such as `Distribution28.imitate`. */
    readonly profile?: ((handler: Fault.Handler) => Fault.Handler) | undefined
  }
): Effect.fn.Return<Faulty, RegistryError, Scope.Scope> {
  const handler = yield* RegistryServer.handler(registry, options)
  const imitated = options?.profile?.(handler) ?? handler
  return yield* listenHandler(Fault.inject(imitated, options?.faults ?? []))
})

/**
 * Serves any handler until the scope closes: a storage host, a token server, an attacker.
 *
 * @category constructors
 * @since 0.1.0
 */
export const listenHandler = Effect.fnUntraced(function*(
  handler: Fault.Handler
): Effect.fn.Return<Faulty, RegistryError, Scope.Scope> {
  const requests: Array<LoggedRequest> = []
  const logging: Fault.Handler = (request) => {
    const { pathname, search } = new URL(request.url)
    requests.push({ method: request.method, path: `${pathname}${search}`, headers: new Map(request.headers) })
    return handler(request)
  }
  const listening = yield* nodeServer.serve(logging, { host: "127.0.0.1", port: 0, idleMillis: 60_000 })
  return { ...listening, requests }
})
