import { layer } from "@effect/vitest"
import { Collections } from "@lamina/core"
import { DomainScenarios, PromotionModel } from "@lamina/core/testing"
import { PostgresStorage } from "@lamina/storage-postgres"
import { TestDatabase } from "@lamina/storage-postgres/testing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

const freshStorage = Layer.unwrap(
  Effect.map(TestDatabase.fresh, (url) => PostgresStorage.layer({ url, collections: Collections.all }))
)

layer(TestDatabase.layerServer)("the domain on PostgreSQL", (it) => {
  for (const { name, run } of DomainScenarios.cases) {
    it.effect(name, () => Effect.provide(run, freshStorage))
  }

  it.effect.prop(
    "promotes as a naive model does",
    [PromotionModel.Script],
    ([script]) => Effect.provide(PromotionModel.check(script), freshStorage),
    { arbitrary: { runs: 10, size: 20 } }
  )
})
