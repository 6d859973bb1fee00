/**
 * The steps by which a selection is decided.
 *
 * @since 0.1.0
 */
import type { Glob } from "./Glob.ts"
import type { PatternList } from "./ModuleSpecs.ts"

/**
 * One step of the decision. `moduleName` is set where the rule comes from a neighbour.
 *
 * @category models
 * @since 0.1.0
 */
export interface SpecRule {
  readonly action: "include" | "exclude"
  readonly glob: Glob
  readonly list: PatternList
  readonly moduleName?: string
}
