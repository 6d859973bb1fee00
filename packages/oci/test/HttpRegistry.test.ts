import { describe } from "@effect/vitest"
import { HttpRegistry, LayoutRegistry, MemoryRegistry, RegistryServer } from "@lamina/oci"
import * as Effect from "effect/Effect"
import { runContract } from "./contract.ts"
import { temporaryDirectory } from "./support/dockerRegistry.ts"

describe("HttpRegistry over RegistryServer over MemoryRegistry", () => {
  runContract(Effect.gen(function*() {
    const server = yield* RegistryServer.listen(yield* MemoryRegistry.make())
    return yield* HttpRegistry.make({ url: server.url })
  }))
})

describe("HttpRegistry over a proxy: RegistryServer over HttpRegistry", () => {
  runContract(Effect.gen(function*() {
    const origin = yield* RegistryServer.listen(yield* MemoryRegistry.make())
    const proxy = yield* RegistryServer.listen(yield* HttpRegistry.make({ url: origin.url }))
    return yield* HttpRegistry.make({ url: proxy.url })
  }))
})

describe("HttpRegistry over RegistryServer over LayoutRegistry", () => {
  runContract(Effect.gen(function*() {
    const root = yield* temporaryDirectory
    const server = yield* RegistryServer.listen(yield* LayoutRegistry.make({ root, durable: false }))
    return yield* HttpRegistry.make({ url: server.url })
  }))
})
