import { assert, describe, it } from "@effect/vitest"
import { Priority } from "@lamina/core/composition/index"
import * as fc from "fast-check"

const module = fc.record({
  moduleName: fc.constantFrom("a", "b", "c"),
  categoryPosition: fc.integer({ min: 0, max: 3 }),
  priority: fc.integer({ min: 0, max: 999 })
})

describe("Priority", () => {
  it("is a thousand times the category's position, plus the module's priority", () => {
    assert.strictEqual(Priority.effectivePriority({ categoryPosition: 90, priority: 7 }), 90_007)
  })

  it("orders modules totally: by priority, then by name", () => {
    fc.assert(fc.property(module, module, module, (a, b, c) => {
      assert.strictEqual(Math.sign(Priority.compare(a, b)), -Math.sign(Priority.compare(b, a)) + 0)
      if (Priority.compare(a, b) <= 0 && Priority.compare(b, c) <= 0) assert.isAtMost(Priority.compare(a, c), 0)
      if (Priority.compare(a, b) === 0) assert.deepStrictEqual(a.moduleName, b.moduleName)
    }))
  })

  it("keeps a category's modules together", () => {
    fc.assert(fc.property(module, module, (a, b) => {
      if (a.categoryPosition < b.categoryPosition) assert.isBelow(Priority.compare(a, b), 0)
    }))
  })

  it.each([[0, true], [999, true], [1000, false], [-1, false], [1.5, false], [Number.NaN, false]])(
    "%s is a priority: %s",
    (priority, expected) => assert.strictEqual(Priority.isPriority(priority), expected)
  )
})
