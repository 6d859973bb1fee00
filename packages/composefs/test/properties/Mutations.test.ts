import { describe, it } from "@effect/vitest"
import { Cases } from "../../fuzz/cases.ts"

/** A slice of what `node packages/composefs/fuzz/Mutations.ts` runs; with its seed, a case can be run alone there. */
const seed = 3
const runs = 10_000

describe("Readers of images, dumps and layers", () => {
  it("bear with whatever is in them: an error of their own, or a tree that can be written", () => {
    const cases = new Cases(seed)
    for (let number = 0; number < runs; number++) {
      try {
        cases.run(number)
      } catch (error) {
        throw new Error(`case ${number} of seed ${seed}`, { cause: error })
      }
    }
  })
})
