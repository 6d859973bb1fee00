// What two plans say of layers, and of what follows from layers: capabilities, services, reboots, conflicts.
import type { CompositionPlan, Layer } from "../Composition.ts"
import type { CompositionConflict } from "../CompositionConflict.ts"
import { differences, type LayerService } from "../LayerService.ts"
import type {
  CapabilityChange,
  Change,
  LayerAspect,
  LayerChange,
  PlanDiff,
  RebootNeed,
  ServiceChange
} from "../PlanDiff.ts"

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

const change = <A>(from: A | undefined, to: A | undefined): Change<A> => ({
  ...(from === undefined ? {} : { from }),
  ...(to === undefined ? {} : { to })
})

/** The keys of both maps in order, with what either has under each. */
const paired = <A>(
  from: ReadonlyMap<string, A>,
  to: ReadonlyMap<string, A>
): ReadonlyArray<readonly [string, A | undefined, A | undefined]> =>
  [...new Set([...from.keys(), ...to.keys()])].sort(byText).map((key) => [key, from.get(key), to.get(key)])

const layersByName = ({ layers }: CompositionPlan): ReadonlyMap<string, Layer> =>
  new Map(layers.map((layer) => [layer.moduleName, layer]))

const isSame = (left: unknown, right: unknown): boolean => JSON.stringify(left) === JSON.stringify(right)

const differs: { readonly [Aspect in Exclude<LayerAspect, "order">]: (from: Layer, to: Layer) => boolean } = {
  version: (from, to) => from.versionString !== to.versionString,
  image: (from, to) =>
    from.manifestDigest !== to.manifestDigest || from.composefsDigest !== to.composefsDigest ||
    from.fsverityRootHash !== to.fsverityRootHash,
  priority: (from, to) => from.effectivePriority !== to.effectivePriority,
  category: (from, to) => from.category !== to.category,
  variety: (from, to) => from.variety !== to.variety,
  parent: (from, to) => from.parentModule !== to.parentModule,
  reboot_required: (from, to) => from.rebootRequired !== to.rebootRequired,
  specs: ({ specs: from }, { specs: to }) =>
    !isSame(
      [from.mask, from.fileSpec, from.protectedSpec, from.dependencySpec, from.packageSpec],
      [to.mask, to.fileSpec, to.protectedSpec, to.dependencySpec, to.packageSpec]
    ),
  dependencies: ({ dependencies: from }, { dependencies: to }) =>
    !isSame(
      [from.requires, from.recommends, from.conflicts, from.provides],
      [to.requires, to.recommends, to.conflicts, to.provides]
    )
}

const aspects: ReadonlyArray<Exclude<LayerAspect, "order">> = [
  "version",
  "image",
  "priority",
  "category",
  "variety",
  "parent",
  "reboot_required",
  "specs",
  "dependencies"
]

interface Passed {
  readonly nowAbove: ReadonlyArray<string>
  readonly nowBelow: ReadonlyArray<string>
}

const passedNobody: Passed = { nowAbove: [], nowBelow: [] }

/**
 * Layers lie by their priority, so of two that changed places at least one has another priority. Only such a one has
 * moved; that keeps the whole stack from having moved when one layer went from the bottom to the top.
 */
const passedBy = (from: CompositionPlan, to: CompositionPlan): (layer: Layer) => Passed => {
  const before = new Map(from.layers.map(({ moduleName }, position) => [moduleName, position]))
  const after = new Map(to.layers.map(({ moduleName }, position) => [moduleName, position]))
  const common = [...before.keys()].filter((name) => after.has(name)).sort(byText)
  const isAbove = (positions: ReadonlyMap<string, number>, name: string, other: string): boolean =>
    (positions.get(name) ?? 0) > (positions.get(other) ?? 0)
  return ({ moduleName }) => ({
    nowAbove: common.filter((other) => isAbove(after, moduleName, other) && !isAbove(before, moduleName, other)),
    nowBelow: common.filter((other) => isAbove(before, moduleName, other) && !isAbove(after, moduleName, other))
  })
}

export const layers = (from: CompositionPlan, to: CompositionPlan): ReadonlyArray<LayerChange> => {
  const passed = passedBy(from, to)
  return paired(layersByName(from), layersByName(to)).flatMap(
    ([moduleName, before, after]): ReadonlyArray<LayerChange> => {
      if (before === undefined || after === undefined) {
        return [{ moduleName, ...change(before, after), aspects: [], ...passedNobody }]
      }
      const changed: Array<LayerAspect> = aspects.filter((aspect) => differs[aspect](before, after))
      const by = changed.includes("priority") ? passed(after) : passedNobody
      if (by.nowAbove.length + by.nowBelow.length > 0) changed.push("order")
      return changed.length === 0 ? [] : [{ moduleName, from: before, to: after, aspects: changed, ...by }]
    }
  )
}

const remount: ReadonlyArray<LayerAspect> = ["version", "image", "order"]

const rebootNeed = ({ aspects: changed, from, moduleName, to }: LayerChange): ReadonlyArray<RebootNeed> => {
  if (from?.rebootRequired !== true && to?.rebootRequired !== true) return []
  if (from === undefined) return [{ moduleName, because: "added" }]
  if (to === undefined) return [{ moduleName, because: "removed" }]
  return changed.some((aspect) => remount.includes(aspect)) ? [{ moduleName, because: "changed" }] : []
}

export const reboots = (changes: ReadonlyArray<LayerChange>): ReadonlyArray<RebootNeed> => changes.flatMap(rebootNeed)

export const capabilities = (from: CompositionPlan, to: CompositionPlan): ReadonlyArray<CapabilityChange> => {
  const byName = (plan: CompositionPlan) =>
    new Map(plan.capabilities.map(({ capability, providers }) => [capability, providers]))
  return paired(byName(from), byName(to)).flatMap(([capability, before, after]) =>
    isSame(before, after) ? [] : [{ capability, ...change(before, after) }]
  )
}

interface PlacedService {
  readonly moduleName: string
  readonly service: LayerService
}

const servicesOf = ({ layers }: CompositionPlan): ReadonlyMap<string, PlacedService> =>
  new Map(
    layers.flatMap(({ moduleName, services = [] }) =>
      services.map((service) => [`${moduleName}\u0000${service.name}`, { moduleName, service }] as const)
    )
  )

export const services = (from: CompositionPlan, to: CompositionPlan): ReadonlyArray<ServiceChange> =>
  paired(servicesOf(from), servicesOf(to)).flatMap(([, before, after]) => {
    const { moduleName, service } = before ?? after ?? { moduleName: "", service: { name: "" } }
    const fields = before === undefined || after === undefined ? [] : differences(before.service, after.service)
    if (before !== undefined && after !== undefined && fields.length === 0) return []
    return [{ moduleName, service: service.name, ...change(before?.service, after?.service), fields }]
  })

const conflictKey = ({ _tag, message, modules, severity }: CompositionConflict): string =>
  JSON.stringify([_tag, severity, modules, message])

/** Those of one plan that the other has not. */
const without = (plan: CompositionPlan, other: CompositionPlan): ReadonlyArray<CompositionConflict> => {
  const known = new Set(other.conflicts.map(conflictKey))
  return plan.conflicts.filter((conflict) => !known.has(conflictKey(conflict)))
}

export const conflicts = (from: CompositionPlan, to: CompositionPlan): PlanDiff["conflicts"] => ({
  appeared: without(to, from),
  solved: without(from, to)
})
