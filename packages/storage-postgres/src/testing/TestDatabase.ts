/**
 * Databases for tests: each fresh, and gone when its scope closes.
 *
 * @since 0.1.0
 */
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Config from "effect/Config"
import * as Context from "effect/Context"
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Redacted from "effect/Redacted"
import * as EmbeddedPostgres from "../EmbeddedPostgres.ts"
import type { EmbeddedPostgresError } from "../EmbeddedPostgresError.ts"

/**
 * A server on which tests may make databases: the one that the environment variable `LAMINA_PG_URL` names (by the URL
 * of a user who may create databases), or else an embedded one.
 *
 * @category services
 * @since 0.1.0
 */
export class TestServer extends Context.Service<TestServer, {
  readonly url: Redacted.Redacted
}>()("@lamina/storage-postgres/testing/TestServer") {}

/**
 * The server that `LAMINA_PG_URL` names, or else an embedded one that runs as long as the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerServer: Layer.Layer<TestServer, EmbeddedPostgresError> = Layer.effect(
  TestServer,
  Effect.gen(function*() {
    const url = yield* Effect.orDie(Config.option(Config.Redacted("LAMINA_PG_URL")))
    return Option.isSome(url) ? { url: url.value } : yield* EmbeddedPostgres.start()
  })
)

/**
 * The URL of an empty database that is dropped when the scope closes. A failure to make it is a defect.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fresh = Effect.gen(function*() {
  const { url } = yield* TestServer
  const mark = yield* Effect.provide(
    Effect.flatMap(SecureRandom.SecureRandom, (random) => random.uuidV4()),
    SecureRandom.layerWebCrypto
  )
  const name = `lamina_test_${mark.replaceAll("-", "")}`
  const admin = yield* Effect.provide(PgClient.make({ url, maxConnections: 1 }), Reactivity.layer)
  yield* Effect.acquireRelease(
    admin.unsafe(`create database ${name}`),
    () => Effect.orDie(admin.unsafe(`drop database ${name} with (force)`))
  )
  const own = new URL(Redacted.value(url))
  own.pathname = `/${name}`
  return Redacted.make(own.href)
}).pipe(Effect.orDie)
