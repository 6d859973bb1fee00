/**
 * From the modules that are wanted to the modules that are needed.
 *
 * One version per module: the one its channel says where the module is wanted by itself, else the best that every
 * dependent accepts: the newest that is live, else the newest that is blessed, else the newest in staging. A selection is a
 * closure in which each version is the best one, given all others. There is no search through combinations: that the best
 * version needs what is not there, or conflicts with something, is a problem to be told, and no reason to fall back to a
 * worse one unasked. So a result is explained by a chain of names, and the same catalogue gives the same one in any order.
 * A recommended module that cannot come, or would bring a problem with it, is left out with a warning.
 *
 * @since 0.1.0
 */
import type * as Channel from "./Channel.ts"
import * as Problems from "./internal/Problems.ts"
import * as Selection from "./internal/Selection.ts"
import type { Dependencies, NamedModule } from "./Requirement.ts"

/**
 * A version that may be chosen.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResolvableVersion extends Channel.ChannelVersion {
  readonly dependencies: Dependencies
}

/**
 * A module of the catalogue. Names are unique.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResolvableModule extends NamedModule {
  readonly versions: ReadonlyArray<ResolvableVersion>
}

/**
 * What is wanted, and what there is. Recommended modules are taken along unless `recommended` is `false`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  readonly roots: ReadonlyArray<{ readonly moduleName: string; readonly channel?: Channel.Channel }>
  readonly catalogue: ReadonlyArray<ResolvableModule>
  readonly recommended?: boolean
}

/**
 * A chosen version; `requiredBy` is the module that led to it first, absent where it is wanted by itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resolved {
  readonly moduleName: string
  readonly versionString: string
  readonly requiredBy?: string
}

/**
 * Why a wish cannot be met. `chain` are the names from the module that is wanted to the one that asks, then what it
 * asks for. It is a `warning` where only a recommendation leads there.
 *
 * @category models
 * @since 0.1.0
 */
export type Problem =
  & {
    readonly severity: "error" | "warning"
    readonly chain: ReadonlyArray<string>
    readonly message: string
  }
  & (
    | { readonly _tag: "Missing" }
    | { readonly _tag: "NoVersion"; readonly moduleName: string; readonly channel: Channel.Channel }
    | { readonly _tag: "RangeUnmet"; readonly moduleName: string; readonly available: ReadonlyArray<string> }
    | {
      readonly _tag: "BelowStaging"
      readonly moduleName: string
      readonly versionString: string
      readonly lifecycleState: Channel.LifecycleState
    }
    | { readonly _tag: "Cycle"; readonly loop: ReadonlyArray<string> }
    | { readonly _tag: "Conflict"; readonly between: readonly [string, string] }
    | { readonly _tag: "CapabilityClash"; readonly capability: string; readonly providers: ReadonlyArray<string> }
  )

/**
 * `selected` has every module after those it requires; with an error among `problems` it is only a best effort.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resolution {
  readonly selected: ReadonlyArray<Resolved>
  readonly problems: ReadonlyArray<Problem>
}

/**
 * Computes the closure of the roots, and everything that is wrong with it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const resolve = (request: Request): Resolution => {
  const leftOut = new Set<string>()
  const reasons: Array<Problem> = []
  const wanted = Selection.start(request)
  for (;;) {
    const selection = Selection.select({ ...wanted, leftOut })
    const found = Problems.find(selection)
    const spoiling = found.flatMap(({ problem, wish }) =>
      wish === undefined || problem.severity === "error" || leftOut.has(wish) ? [] : [{ problem, wish }]
    )
    if (spoiling.length === 0) {
      const problems = [...found.map(({ problem }) => problem), ...reasons]
      return { selected: resolved(selection), problems: Problems.inOrder(problems) }
    }
    for (const { problem, wish } of spoiling) {
      leftOut.add(wish)
      reasons.push({ ...problem, message: `${problem.message}; ${wish} is only recommended and is left out` })
    }
  }
}

const resolved = (selection: Selection.Selection): ReadonlyArray<Resolved> =>
  Selection.dependenciesFirst(selection).flatMap((moduleName) => {
    const version = selection.chosen.get(moduleName)
    const requiredBy = selection.reachedBy.get(moduleName)?.from
    if (version === undefined) return []
    const { versionString } = version
    return [{ moduleName, versionString, ...(requiredBy === undefined ? {} : { requiredBy }) }]
  })
