import { describe, it } from "@effect/vitest"
import { StorageContract, StorageModel } from "@lamina/core/testing"
import { MemoryStorage } from "@lamina/storage-memory"
import * as Effect from "effect/Effect"

describe("the storage contract", () => {
  for (const { name, run } of StorageContract.cases) {
    it.effect(name, () => Effect.provide(run, MemoryStorage.layer))
  }
})

describe("MemoryStorage", () => {
  it.effect.prop(
    "does what a naive model does",
    [StorageModel.Script],
    ([script]) => Effect.provide(StorageModel.check(script), MemoryStorage.layer),
    { arbitrary: { runs: 300, size: 30 } }
  )
})
