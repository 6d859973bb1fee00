import { describe, it } from "@effect/vitest"
import { properties } from "./properties.ts"

/** Enough to find what was broken a moment ago; `node packages/composefs/fuzz/Properties.ts` tries many more. */
const runs = Number(process.env["LAMINA_PROPERTY_RUNS"] ?? 150)

describe("Round trips of any tree", () => {
  for (const { check, name } of properties) it(name, () => check(runs), 60_000 + 100 * runs)
})
