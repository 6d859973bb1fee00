import { assert, describe, it } from "@effect/vitest"
import { Actor } from "@lamina/core"
import { MemoryRegistry } from "@lamina/oci"
import { createPlatform } from "@lamina/platform"
import * as EmbeddedPostgres from "@lamina/storage-postgres/EmbeddedPostgres"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"

const ada = Actor.person("ada")

describe("a platform over PostgreSQL", () => {
  it.live("keeps what it was told, for the next platform over the same database", () =>
    Effect.gen(function*() {
      const { url } = yield* EmbeddedPostgres.start()
      const registry = yield* MemoryRegistry.make()
      const create = () =>
        createPlatform({
          storage: { kind: "postgres", url: Redacted.value(url) },
          registry,
          secretKey: "0123456789abcdef0123456789abcdef"
        })
      yield* Effect.promise(async () => {
        const first = await create()
        const { id: accountId } = await first.accounts.create({ actor: ada, name: "acme" })
        const { endpoint } = await first.webhooks.createEndpoint({ accountId, actor: ada, name: "ci" })
        await first.close()

        await using second = await create()
        assert.strictEqual((await second.accounts.get({ accountId })).name, "acme")
        const { keys } = await second.webhooks.getEndpoint({ accountId, endpointId: endpoint.id })
        assert.match(keys[0]?.sealed ?? "", /^v1\./)
        const handler = second.handler({ authenticate: () => ({ accountId, actor: ada }) })
        for (const path of ["modules/%00", "modules?after=%00", "modules/none"]) {
          const response = await handler(new Request(`http://a/api/v1/system/${path}`))
          assert.isBelow(response.status, 500, path)
        }
      })
    }))
})
