import { layer } from "@effect/vitest"
import { StorageContract, StorageModel } from "@lamina/core/testing"
import { PostgresStorage } from "@lamina/storage-postgres"
import { TestDatabase } from "@lamina/storage-postgres/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const storageOfContract = Layer.unwrap(
  Effect.map(TestDatabase.fresh, (url) => PostgresStorage.layer({ url, collections: StorageContract.collections }))
)

layer(TestDatabase.layerServer)("PostgresStorage", (it) => {
  it.layer(storageOfContract)("the storage contract", (it) => {
    for (const { name, run } of StorageContract.cases) it.effect(name, () => run)

    it.effect.prop("does what a naive model does", [StorageModel.Script], ([script]) => StorageModel.check(script), {
      arbitrary: { runs: 40, size: 20 }
    })
  })
})
