// What two plans say of paths, in one walk over both reports.
import type { PathOwnership } from "../../specs/Ownership.ts"
import type { CompositionPlan } from "../Composition.ts"
import type { PathCause, PathChange, PathChangeKind, PathState } from "../PlanDiff.ts"

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

const visibleOf = ({ owner, shippedBy }: PathOwnership): string => shippedBy.at(-1) ?? owner

const stateOf = (path: PathOwnership): PathState => ({
  owner: path.owner,
  visible: visibleOf(path),
  ...(path.claim === undefined ? {} : { claim: path.claim })
})

/** What may be behind a change: the layers of both plans, and what differs about one that both have. */
class Causes {
  readonly #before: ReadonlyMap<string, number>
  readonly #after: ReadonlyMap<string, number>
  readonly #parents: ReadonlyArray<ReadonlyMap<string, string>>
  readonly #changedSpecs: ReadonlySet<string>

  constructor(from: CompositionPlan, to: CompositionPlan) {
    const positions = ({ layers }: CompositionPlan) =>
      new Map(layers.map(({ moduleName }, position) => [moduleName, position]))
    const specs = new Map(from.layers.map((layer) => [layer.moduleName, specsOf(layer)]))
    this.#before = positions(from)
    this.#after = positions(to)
    this.#parents = [parentsIn(from), parentsIn(to)]
    this.#changedSpecs = new Set(
      to.layers.flatMap((layer) => {
        const before = specs.get(layer.moduleName)
        return before === undefined || before === specsOf(layer) ? [] : [layer.moduleName]
      })
    )
  }

  /** First what the layers at stake say; where they say nothing, all which ship the path, and their parents. */
  of(from: PathOwnership, to: PathOwnership): ReadonlyArray<PathCause> {
    const atStake = [from.owner, to.owner, visibleOf(from), visibleOf(to)]
    const causes = this.#among(atStake, from, to)
    if (causes.length > 0) return causes
    const concerned = [...atStake, ...from.shippedBy, ...to.shippedBy]
    return this.#among([...concerned, ...concerned.flatMap((name) => this.#parentsOf(name))], from, to)
  }

  /** On either side: a child may have got another parent. */
  #parentsOf(name: string): ReadonlyArray<string> {
    return this.#parents.flatMap((parents) => parents.get(name) ?? [])
  }

  #among(names: ReadonlyArray<string>, from: PathOwnership, to: PathOwnership): ReadonlyArray<PathCause> {
    const sorted = [...new Set(names)].sort(byText)
    return sorted.flatMap((moduleName) => {
      const what = this.#causeIn(moduleName, from, to) ??
        (this.#passed(moduleName, sorted) ? "order_changed" : undefined)
      return what === undefined ? [] : [{ moduleName, what }]
    })
  }

  #causeIn(name: string, from: PathOwnership, to: PathOwnership): PathCause["what"] | undefined {
    if (!this.#before.has(name)) return this.#after.has(name) ? "layer_added" : undefined
    if (!this.#after.has(name)) return "layer_removed"
    const [shipped, ships] = [from.shippedBy.includes(name), to.shippedBy.includes(name)]
    if (shipped !== ships) return ships ? "file_added" : "file_removed"
    return this.#changedSpecs.has(name) ? "specs_changed" : undefined
  }

  #passed(name: string, others: ReadonlyArray<string>): boolean {
    const [before, after] = [this.#before.get(name), this.#after.get(name)]
    return others.some((other) => {
      const [otherBefore, otherAfter] = [this.#before.get(other), this.#after.get(other)]
      return before !== undefined && after !== undefined && otherBefore !== undefined && otherAfter !== undefined &&
        Math.sign(before - otherBefore) !== Math.sign(after - otherAfter)
    })
  }
}

const parentsIn = ({ layers }: CompositionPlan): ReadonlyMap<string, string> =>
  new Map(
    layers.flatMap(({ moduleName, parentModule }) =>
      parentModule === undefined ? [] : [[moduleName, parentModule] as const]
    )
  )

const specsOf = ({ parentModule, specs, variety }: CompositionPlan["layers"][number]): string =>
  JSON.stringify([specs.mask, specs.fileSpec, specs.protectedSpec, specs.dependencySpec, variety, parentModule])

const kindOf = (from: PathOwnership, to: PathOwnership): PathChangeKind | undefined =>
  from.owner !== to.owner ? "owner_changed" : visibleOf(from) !== visibleOf(to) ? "visible_changed" : undefined

/** A path that one side lacks; why follows from who ships it there. */
const absent: Omit<PathOwnership, "path" | "owner"> = { shippedBy: [], shadowedBy: [] }

const oneSided = (causes: Causes, path: PathOwnership, kind: "appeared" | "disappeared"): PathChange => {
  const nothing = { ...absent, path: path.path, owner: path.owner }
  return kind === "appeared"
    ? { path: path.path, kind, to: stateOf(path), causes: causes.of(nothing, path) }
    : { path: path.path, kind, from: stateOf(path), causes: causes.of(path, nothing) }
}

/** Every path in which the reports differ; both are in code-unit order, and so is this. */
export const find = (from: CompositionPlan, to: CompositionPlan): ReadonlyArray<PathChange> => {
  const causes = new Causes(from, to)
  const changes: Array<PathChange> = []
  const [before, after] = [from.ownership.paths, to.ownership.paths]
  let left = 0
  let right = 0
  for (;;) {
    const [one, other] = [before[left], after[right]]
    if (one === undefined && other === undefined) return changes
    if (other === undefined || (one !== undefined && one.path < other.path)) {
      if (one !== undefined) changes.push(oneSided(causes, one, "disappeared"))
      left++
    } else if (one === undefined || other.path < one.path) {
      changes.push(oneSided(causes, other, "appeared"))
      right++
    } else {
      const kind = kindOf(one, other)
      if (kind !== undefined) {
        changes.push({ path: one.path, kind, from: stateOf(one), to: stateOf(other), causes: causes.of(one, other) })
      }
      left++
      right++
    }
  }
}
