import type { CompositionPlan, Layer } from "../Composition.ts"
import { printable, section, short, table } from "./Terminal.ts"

const shownConflicts = 50
const shownContested = 50

const layerRow = (layer: Layer, owned: number): ReadonlyArray<string> => [
  String(layer.effectivePriority),
  layer.moduleName,
  layer.versionString,
  short(layer.composefsDigest),
  `owns ${owned} of ${new Set(layer.files).size} files`,
  [
    layer.parentModule === undefined ? "" : `${layer.variety} of ${layer.parentModule}`,
    layer.rebootRequired ? "needs a reboot" : ""
  ].filter((note) => note !== "").join(", ")
]

export const renderPlan = (plan: CompositionPlan): string => {
  const owned = new Map<string, number>()
  for (const { owner } of plan.ownership.paths) owned.set(owner, (owned.get(owner) ?? 0) + 1)
  const count = plan.layers.length === 1 ? "1 layer" : `${plan.layers.length} layers`
  const contested = plan.ownership.paths
    .filter(({ shippedBy }) => shippedBy.length > 1)
    .map(({ owner, path, shippedBy }) => [path, owner, `shipped by ${shippedBy.join(", ")}`])
  return [
    `${plan.architecture}, ${count}, top first, plan ${short(plan.planHash)}${plan.isBlocked ? ", BLOCKED" : ""}`,
    ...table(plan.layers.map((layer) => layerRow(layer, owned.get(layer.moduleName) ?? 0)).reverse()),
    ...section("owners of paths that several layers ship", table(contested), shownContested),
    ...section("capabilities", table(plan.capabilities.map((one) => [one.capability, one.providers.join(", ")]))),
    ...section(
      "claims that nobody fulfils",
      table(plan.ownership.orphans.map(({ list, moduleName, pattern }) => [pattern, `${list} of ${moduleName}`])),
      shownContested
    ),
    ...section("conflicts", plan.conflicts.map(({ message, severity }) => `  ${severity}: ${message}`), shownConflicts),
    ""
  ].map(printable).join("\n")
}
