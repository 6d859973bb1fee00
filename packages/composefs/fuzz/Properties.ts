/**
 * Tries every property of round trips on many random trees: `node packages/composefs/fuzz/Properties.ts --runs 10000`.
 * A failure shows the smallest tree it found, and the seed with which it comes again.
 */
import { parseArgs } from "node:util"
import { properties } from "../test/properties/properties.ts"

const { values } = parseArgs({
  options: { runs: { type: "string", default: "10000" }, seed: { type: "string" } }
})
const runs = Number(values.runs)
const seed = values.seed === undefined ? Date.now() | 0 : Number(values.seed)

console.log(`seed ${seed}`)
for (const { check, name } of properties) {
  check(runs, seed)
  console.log(`${runs} × ${name}`)
}
