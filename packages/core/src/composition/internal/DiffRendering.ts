// A difference of plans for a person at a terminal.
import type { CapabilityChange, LayerChange, PathCause, PathChange, PlanDiff, ServiceChange } from "../PlanDiff.ts"
import { group, type PathGroup } from "./PathGroups.ts"
import { printable, section, short, table } from "./Terminal.ts"

const shownPaths = 40
const shownConflicts = 50

const sign = ({ from, to }: { readonly from?: unknown; readonly to?: unknown }): string =>
  from === undefined ? "+" : to === undefined ? "-" : "~"

const arrow = (from: string, to: string): string => from === to ? from : `${from} → ${to}`

const passed = ({ nowAbove, nowBelow }: LayerChange): ReadonlyArray<string> => [
  ...(nowAbove.length === 0 ? [] : [`now above ${nowAbove.join(", ")}`]),
  ...(nowBelow.length === 0 ? [] : [`now below ${nowBelow.join(", ")}`])
]

/** Aspects which the columns beside show already. */
const shownElsewhere = new Set(["version", "image", "priority", "order"])

/** An image may be another one though the digest in the column beside is the same. */
const hiddenImage = (aspects: LayerChange["aspects"], before: string, after: string): ReadonlyArray<string> =>
  aspects.includes("image") && before === after ? ["other manifest or fs-verity digest"] : []

const layerRow = (change: LayerChange): ReadonlyArray<string> => {
  const { aspects, from, moduleName, to } = change
  const [before, after] = [from ?? to, to ?? from]
  if (before === undefined || after === undefined) return []
  const images = [short(before.composefsDigest), short(after.composefsDigest)] as const
  return [
    sign(change),
    moduleName,
    arrow(before.versionString, after.versionString),
    arrow(...images),
    arrow(String(before.effectivePriority), String(after.effectivePriority)),
    [
      ...passed(change),
      ...hiddenImage(aspects, ...images),
      ...aspects.filter((aspect) => !shownElsewhere.has(aspect)).map((aspect) => aspect.replaceAll("_", " "))
    ].join(", ")
  ]
}

const verbs: { readonly [What in PathCause["what"]]: string } = {
  layer_added: "comes",
  layer_removed: "goes",
  file_added: "ships it now",
  file_removed: "ships it no more",
  specs_changed: "has other specs",
  order_changed: "has another place"
}

const why = (causes: ReadonlyArray<PathCause>): string =>
  causes.map(({ moduleName, what }) => `${moduleName} ${verbs[what]}`).join(", ")

const shadow = (side: PathChange["from"]): string =>
  side === undefined || side.visible === side.owner ? "" : `, the file of ${side.visible} is seen`

const whose = ({ from, to }: PathChange): string => {
  const before = from === undefined ? "" : `${from.owner}${shadow(from)}`
  const after = to === undefined ? "" : `${to.owner}${shadow(to)}`
  return from === undefined ? after : to === undefined ? before : `${before} → ${after}`
}

const pathRow = ({ count, directory, sample }: PathGroup): ReadonlyArray<string> => [
  sign(sample),
  count === 1 ? sample.path : `${count} files in ${directory}`,
  whose(sample),
  why(sample.causes)
]

const capabilityRow = (change: CapabilityChange): ReadonlyArray<string> => [
  sign(change),
  change.capability,
  arrow((change.from ?? change.to ?? []).join(", "), (change.to ?? change.from ?? []).join(", "))
]

/** Values are not shown: an environment may hold what is nobody's business. */
const serviceRow = (change: ServiceChange): ReadonlyArray<string> => [
  sign(change),
  `${change.moduleName}/${change.service}`,
  change.fields.join(", ")
]

const headline = ({ architecture, isBlocked, planHash, reboots }: PlanDiff): string =>
  [
    `${arrow(architecture.from, architecture.to)}, plan ${arrow(short(planHash.from), short(planHash.to))}`,
    ...(reboots.length === 0 ? [] : ["needs a REBOOT"]),
    ...(isBlocked.to ? [isBlocked.from ? "still BLOCKED" : "now BLOCKED"] : isBlocked.from ? ["no longer blocked"] : [])
  ].join(", ")

export const renderDiff = (diff: PlanDiff): string => {
  const { appeared, solved } = diff.conflicts
  const groups = group(diff.paths, shownPaths)
  return [
    headline(diff),
    ...(diff.isEmpty ? ["", "nothing changes"] : []),
    ...section("layers", table(diff.layers.map(layerRow))),
    ...section("reboots", table(diff.reboots.map(({ because, moduleName }) => [moduleName, because]))),
    ...section("services", table(diff.services.map(serviceRow))),
    ...section("capabilities", table(diff.capabilities.map(capabilityRow))),
    ...section(`paths (${diff.paths.length})`, table(groups.map(pathRow)), shownPaths),
    ...section("new conflicts", appeared.map(({ message, severity }) => `  ${severity}: ${message}`), shownConflicts),
    ...section("solved conflicts", solved.map(({ message, severity }) => `  ${severity}: ${message}`), shownConflicts),
    ""
  ].map(printable).join("\n")
}
