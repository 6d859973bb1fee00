import { describe, it } from "@effect/vitest"
import { DomainScenarios } from "@lamina/core/testing"
import { MemoryStorage } from "@lamina/storage-memory"
import * as Effect from "effect/Effect"

describe("the domain in memory", () => {
  for (const { name, run } of DomainScenarios.cases) {
    it.effect(name, () => Effect.provide(run, MemoryStorage.layer))
  }
})
