import { describe } from "@effect/vitest"
import { LayoutRegistry } from "@lamina/oci"
import * as Effect from "effect/Effect"
import { runContract } from "./contract.ts"
import { temporaryDirectory } from "./support/dockerRegistry.ts"

describe("LayoutRegistry", () => {
  runContract(Effect.flatMap(temporaryDirectory, (root) => LayoutRegistry.make({ root, durable: false })))
})
