import { assert, describe, it } from "@effect/vitest"
import { Collections, ModuleFiles } from "@lamina/core"
import * as fc from "fast-check"

describe("ModuleFiles.split", () => {
  it("keeps every path in its order, in parts of bounded length", () => {
    const path = fc.integer({ min: 1, max: 200_000 }).map((length) => `/${"x".repeat(length)}`)
    fc.assert(
      fc.property(fc.array(path, { maxLength: 12 }), (paths) => {
        const parts = ModuleFiles.split(paths)
        assert.deepStrictEqual(parts.flat(), paths)
        for (const part of parts) {
          const length = part.reduce((sum, one) => sum + one.length, 0)
          assert.isTrue(part.length === 1 || (part.length > 1 && length <= ModuleFiles.partLength))
        }
      }),
      { numRuns: 50 }
    )
  })
})

describe("Collections.all", () => {
  it("names each collection once", () => {
    const names = Collections.all.map(({ name }) => name)
    assert.strictEqual(new Set(names).size, names.length)
  })
})
