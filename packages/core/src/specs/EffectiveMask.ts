/**
 * What a module must leave out beside its neighbours: its own mask, plus what they claim.
 *
 * A neighbour's `protectedSpec` counts whether the neighbour lies above or below. Where the module claims the same
 * paths itself, the more specific pattern decides, and of equal ones that of the lower layer. A child's `mask` entry
 * which lies inside its parent's `protectedSpec` is a carve-out: the child may ship that path.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Glob from "./Glob.ts"
import * as Narrowing from "./internal/Narrowing.ts"
import * as Specificity from "./internal/Specificity.ts"
import type { ModuleSpecs, SpecError } from "./ModuleSpecs.ts"
import { parseList } from "./ModuleSpecs.ts"
import type { SpecRule } from "./SpecRule.ts"

/**
 * A module beside others. `parentModule` is set for `config` and `instance` children.
 *
 * @category models
 * @since 0.1.0
 */
export interface MaskedModule {
  readonly moduleName: string
  readonly specs: ModuleSpecs
  readonly parentModule?: string
}

/**
 * Ordered rules; the module's `fileSpec` follows after them.
 *
 * @category models
 * @since 0.1.0
 */
export interface EffectiveMask {
  readonly rules: ReadonlyArray<SpecRule>
  /** The module's patterns that are exempt from its parent's claims. */
  readonly carveOuts: ReadonlyArray<string>
}

interface Claim {
  readonly rule: SpecRule
  readonly specificity: Specificity.Specificity
  readonly rank: number
}

/** One claim for each brace-free pattern; `parts` are the patterns by which its rules say it. */
const claimsOf = (
  globs: ReadonlyArray<Glob.Glob>,
  rank: number,
  rule: Omit<SpecRule, "glob">,
  parts: (glob: Glob.Glob) => ReadonlyArray<Glob.Glob> = (glob) => [glob]
): ReadonlyArray<Claim> =>
  globs.flatMap(Narrowing.split).flatMap((glob) =>
    parts(glob).map((part) => ({
      rule: { ...rule, glob: part },
      specificity: Specificity.ofGlob(glob),
      rank
    }))
  )

/**
 * A carve-out hands a claim of the parent to the child, with its rank and specificity, and is tried before it. So the
 * child gets what the parent would have got, and nothing that a third module claims more strongly.
 */
const carvedClaims = (
  carveOuts: ReadonlyArray<Glob.Glob>,
  parentClaims: ReadonlyArray<Glob.Glob>,
  parentRank: number,
  parts: (glob: Glob.Glob) => ReadonlyArray<Glob.Glob>
): ReadonlyArray<Claim> =>
  carveOuts.flatMap(Narrowing.split).flatMap((carveOut) =>
    parentClaims.flatMap(Narrowing.split).filter((claim) => Glob.contains(claim, carveOut)).flatMap((claim) =>
      parts(carveOut).map((glob): Claim => ({
        rule: { action: "include", list: "mask", glob },
        specificity: Specificity.ofGlob(claim),
        rank: parentRank
      }))
    )
  )

/**
 * Computes the rules for the module at `position` of a composition, whose modules are listed bottom to top.
 *
 * @category constructors
 * @since 0.1.0
 */
export const compute = (
  modules: ReadonlyArray<MaskedModule>,
  position: number
): Result.Result<EffectiveMask, SpecError> =>
  Result.gen(function*() {
    const self = modules[position]
    if (self === undefined) return { rules: [], carveOuts: [] }
    const mask = yield* parseList(self.specs, "mask")
    const shipped = yield* parseList(self.specs, "fileSpec")
    const parent = modules.findIndex(({ moduleName }) => moduleName === self.parentModule)
    const parentSpecs = modules[parent]?.specs
    const parentClaims = parentSpecs === undefined ? [] : yield* parseList(parentSpecs, "protectedSpec")
    const carveOuts = mask.filter((glob) => parentClaims.some((claim) => Glob.contains(claim, glob)))
    const shippedPart = (glob: Glob.Glob) => Narrowing.narrow(glob, shipped)

    const claims: Array<Claim> = [...carvedClaims(carveOuts, parentClaims, parent, shippedPart)]
    for (const [rank, { moduleName, specs }] of modules.entries()) {
      const claimed = yield* parseList(specs, "protectedSpec")
      claims.push(
        ...(rank === position
          ? claimsOf(claimed, rank, { action: "include", list: "protectedSpec" }, shippedPart)
          : claimsOf(claimed, rank, { action: "exclude", list: "protectedSpec", moduleName }))
      )
    }
    claims.sort((left, right) => Specificity.compare(right.specificity, left.specificity) || left.rank - right.rank)
    const rules = claims.filter(({ rule }, index) =>
      rule.action === "exclude" ||
      claims.slice(index + 1).some(({ rule: later }) =>
        later.action === "exclude" && Glob.overlaps(rule.glob, later.glob)
      )
    )
    return {
      rules: [
        ...mask.filter((glob) => !carveOuts.includes(glob)).map((glob): SpecRule => ({
          action: "exclude",
          glob,
          list: "mask"
        })),
        ...rules.map(({ rule }) => rule)
      ],
      carveOuts: carveOuts.map(({ pattern }) => pattern)
    }
  })
