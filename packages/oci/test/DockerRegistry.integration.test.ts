import { layer } from "@effect/vitest"
import { HttpRegistry } from "@lamina/oci"
import { RegistryContract } from "@lamina/oci/testing"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { describe } from "vitest"
import { dockerRegistry, isInstalled } from "./support/dockerRegistry.ts"

class Server extends Context.Service<Server, { readonly url: string; readonly host: string }>()("test/Server") {}

/** What docker-registry 2.8 does not do. */
const lacks: ReadonlyArray<RegistryContract.Capability> = ["tag-deletion", "sha512-manifests"]

describe.skipIf(!isInstalled("docker-registry"))("HttpRegistry over docker-registry", () => {
  layer(Layer.effect(Server, dockerRegistry()), { excludeTestServices: true })((it) => {
    RegistryContract.cases.forEach((contractCase, index) => {
      const supported = !contractCase.needs?.some((need) => lacks.includes(need))
      const test = supported ? it.effect : it.effect.skip
      test(contractCase.name, () =>
        Effect.gen(function*() {
          const registry = yield* HttpRegistry.make({ url: (yield* Server).url })
          yield* contractCase.run(registry, `contract/case-${index}`)
        }))
    })
  })
})
