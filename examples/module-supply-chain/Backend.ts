import { Collections } from "@lamina/core"
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

/** The database that `--database` names, as core's storage. */
export const storage = (options: Options, state: State) => {
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

/** The registry that `--registry` names; by default Lamina's own server over OCI layouts, on loopback. */
export const registry = Effect.fnUntraced(function*(options: Options, state: State) {
  if (options.registry !== undefined) {
    const username = process.env["LAMINA_REGISTRY_USER"]
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
