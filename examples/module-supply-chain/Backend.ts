import { Collections, type JobQueue, type Storage } from "@lamina/core"
import { HttpRegistry, LayoutRegistry, RegistryServer } from "@lamina/oci"
import * as MemoryStorage from "@lamina/storage-memory/MemoryStorage"
import * as EmbeddedPostgres from "@lamina/storage-postgres/EmbeddedPostgres"
import * as PostgresStorage from "@lamina/storage-postgres/PostgresStorage"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { join } from "node:path"
import type { Options } from "./Options.ts"
import type { State } from "./State.ts"
import { messageOf, UnusableOption } from "./UnusableOption.ts"

type StorageLayer<E> = Layer.Layer<Storage.Storage | JobQueue.JobQueue, E>

/** The database that `--database` names, as core's storage. */
export const storage = (options: Options, state: State): StorageLayer<UnusableOption> =>
  Layer.catch(
    layerOf(options, state),
    (error) =>
      Layer.effectContext<Storage.Storage | JobQueue.JobQueue, UnusableOption, never>(
        Effect.fail(new UnusableOption({ option: "--database", detail: error.message }))
      )
  )

const layerOf = (options: Options, state: State): StorageLayer<{ readonly message: string }> => {
  switch (options.database) {
    case "memory":
      return MemoryStorage.layer
    case "embedded":
      return Layer.unwrap(
        Effect.map(
          EmbeddedPostgres.start(state.isKept ? { dataDir: join(state.directory, "postgres") } : {}),
          ({ url }) => PostgresStorage.layer({ url, collections: Collections.all })
        )
      )
    default:
      return PostgresStorage.layer({ url: Redacted.make(options.database), collections: Collections.all })
  }
}

// Looked for first: half a minute of building is a long way to a wrong address.
const expectRegistry = (url: string) =>
  Effect.tryPromise({
    try: () => fetch(new URL("/v2/", url), { redirect: "manual", signal: AbortSignal.timeout(10_000) }),
    catch: (cause) =>
      new UnusableOption({
        option: "--registry",
        detail: `${url} does not answer: ${messageOf(cause instanceof Error ? cause.cause ?? cause : cause)}; ` +
          "is the registry running, and is it http or https?"
      })
  }).pipe(
    Effect.filterOrFail(
      ({ status }) => status === 200 || status === 401,
      ({ status }) =>
        new UnusableOption({ option: "--registry", detail: `${url}/v2/ answers ${status}: that is no OCI registry` })
    )
  )

/** The registry that `--registry` names; by default Lamina's own server over OCI layouts, on loopback. */
export const registry = Effect.fnUntraced(function*(options: Options, state: State) {
  if (options.registry !== undefined) {
    const username = process.env["LAMINA_REGISTRY_USER"]
    yield* expectRegistry(options.registry)
    const client = yield* HttpRegistry.make({
      url: options.registry,
      credentials: username === undefined
        ? undefined
        : { _tag: "Basic", username, password: Redacted.make(process.env["LAMINA_REGISTRY_PASSWORD"] ?? "") }
    })
    return { url: options.registry, client, description: options.registry }
  }
  const layouts = LayoutRegistry.make({ root: join(state.directory, "registry") })
  const { url } = yield* RegistryServer.listen(yield* layouts)
  return {
    url,
    client: yield* HttpRegistry.make({ url }),
    description: `${url} (Lamina's own server over OCI layouts)`
  }
})
