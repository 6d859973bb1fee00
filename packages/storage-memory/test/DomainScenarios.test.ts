import { describe, it } from "@effect/vitest"
import { DomainScenarios, PromotionModel } from "@lamina/core/testing"
import { MemoryStorage } from "@lamina/storage-memory"
import * as Effect from "effect/Effect"

describe("the domain in memory", () => {
  for (const { name, run } of DomainScenarios.cases) {
    it.effect(name, () => Effect.provide(run, MemoryStorage.layer))
  }

  it.effect.prop(
    "promotes as a naive model does",
    [PromotionModel.Script],
    ([script]) => Effect.provide(PromotionModel.check(script), MemoryStorage.layer),
    { arbitrary: { runs: 150, size: 40 } }
  )
})
