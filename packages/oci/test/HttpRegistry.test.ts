import { describe } from "@effect/vitest"
import { HttpRegistry, MemoryRegistry, RegistryServer } from "@lamina/oci"
import * as Effect from "effect/Effect"
import { runContract } from "./contract.ts"

describe("HttpRegistry over RegistryServer over MemoryRegistry", () => {
  runContract(Effect.gen(function*() {
    const server = yield* RegistryServer.listen(yield* MemoryRegistry.make())
    return yield* HttpRegistry.make({ url: server.url })
  }))
})
