/** Uploads in progress between requests. */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { randomUUID } from "node:crypto"
import type { Algorithm } from "../../Digest.ts"
import type { Registry, Upload } from "../../Registry.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { HttpFailure } from "./failure.ts"

/** An upload, how far it is, and whether a request is at work on it. */
export interface Session {
  readonly id: string
  readonly repository: string
  readonly upload: Upload
  readonly scope: Scope.Closeable
  offset: number
  busy: boolean
  lastUsed: number
}

/** The uploads of one server. */
export interface Sessions {
  readonly start: (
    repository: string,
    algorithm: Algorithm
  ) => Effect.Effect<Session, RegistryError | HttpFailure>
  /** Runs an effect as the only one on a session; 404 when there is none, 409 when another request is at it. */
  readonly withSession: <A, E>(
    repository: string,
    id: string,
    use: (session: Session) => Effect.Effect<A, E>
  ) => Effect.Effect<A, E | HttpFailure>
  readonly close: (session: Session) => Effect.Effect<void>
}

/** Keeps sessions until they end, are idle for too long, or the surrounding scope closes. */
export const make = Effect.fnUntraced(function*(
  registry: Registry,
  options: { readonly maximum: number; readonly idleMillis: number }
): Effect.fn.Return<Sessions, never, Scope.Scope> {
  const sessions = new Map<string, Session>()

  const close = (session: Session) =>
    Effect.suspend(() => {
      sessions.delete(session.id)
      return Scope.close(session.scope, Exit.void)
    })

  yield* Effect.addFinalizer(() => Effect.forEach([...sessions.values()], close, { discard: true }))

  const closeIdle = (now: number) =>
    Effect.forEach(
      [...sessions.values()].filter(({ busy, lastUsed }) => !busy && now - lastUsed > options.idleMillis),
      close,
      { discard: true }
    )

  const start: Sessions["start"] = Effect.fnUntraced(function*(repository, algorithm) {
    const now = yield* Clock.currentTimeMillis
    yield* closeIdle(now)
    if (sessions.size >= options.maximum) {
      return yield* new HttpFailure({
        status: 429,
        code: "TOOMANYREQUESTS",
        detail: `more than ${options.maximum} uploads are open`,
        headers: { "retry-after": "10" }
      })
    }
    const scope = yield* Scope.make()
    const upload = yield* registry.startUpload(repository, { algorithm }).pipe(
      Scope.provide(scope),
      Effect.onError(() => Scope.close(scope, Exit.void))
    )
    const session: Session = { id: randomUUID(), repository, upload, scope, offset: 0, busy: false, lastUsed: now }
    sessions.set(session.id, session)
    return session
  })

  const withSession: Sessions["withSession"] = (repository, id, use) =>
    Effect.acquireUseRelease(
      Effect.suspend(() => {
        const session = sessions.get(id)
        if (session === undefined || session.repository !== repository) return Effect.fail(unknown)
        if (session.busy) return Effect.fail(busy)
        session.busy = true
        return Effect.succeed(session)
      }),
      use,
      (session) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          session.busy = false
          session.lastUsed = now
        })
    )

  return { start, withSession, close }
})

const unknown = new HttpFailure({ status: 404, code: "BLOB_UPLOAD_UNKNOWN", detail: "the upload does not exist" })
const busy = new HttpFailure({
  status: 409,
  code: "BLOB_UPLOAD_INVALID",
  detail: "another request is writing to this upload"
})
