import { it } from "@effect/vitest"
import type { Registry } from "@lamina/oci"
import { RegistryContract } from "@lamina/oci/testing"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

/** Runs the published contract suite; `acquire` runs once per case, so a shared registry has to be shared by it. */
export const runContract = (
  acquire: Effect.Effect<Registry.Registry, unknown, Scope.Scope>,
  options?: { readonly lacks?: ReadonlyArray<RegistryContract.Capability>; readonly prefix?: string }
): void => {
  RegistryContract.cases.forEach((contractCase, index) => {
    const lacking = contractCase.needs?.find((need) => options?.lacks?.includes(need))
    const name = lacking === undefined ? contractCase.name : `${contractCase.name} (lacks ${lacking})`
    const test = lacking === undefined ? it.live : it.live.skip
    test(
      name,
      () =>
        Effect.flatMap(
          acquire,
          (registry) => contractCase.run(registry, `${options?.prefix ?? "contract"}/case-${index}`)
        )
    )
  })
}
