import { describe } from "@effect/vitest"
import { MemoryRegistry } from "@lamina/oci"
import { runContract } from "./contract.ts"

describe("MemoryRegistry", () => {
  runContract(MemoryRegistry.make())
})
