import { describe, it } from "@effect/vitest"
import { StorageContract } from "@lamina/core/testing"
import { MemoryStorage } from "@lamina/storage-memory"
import * as Effect from "effect/Effect"

describe("the storage contract", () => {
  for (const { name, run } of StorageContract.cases) {
    it.effect(name, () => Effect.provide(run, MemoryStorage.layer))
  }
})
