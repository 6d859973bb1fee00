// Everything that is wrong with a composition, one function per kind.
import * as Result from "effect/Result"
import * as ModuleSpecs from "../../specs/ModuleSpecs.ts"
import type { OwnershipReport } from "../../specs/Ownership.ts"
import type { Assignment, Capability, Layer } from "../Composition.ts"
import type { CompositionConflict } from "../CompositionConflict.ts"
import * as Priority from "../Priority.ts"
import * as Requirement from "../Requirement.ts"
import { finder } from "./NamedModules.ts"

interface Facts {
  /** Every assignment, duplicates too, bottom to top. */
  readonly assignments: ReadonlyArray<Assignment>
  readonly architecture: string
  readonly layers: ReadonlyArray<Layer>
  readonly ownership: OwnershipReport
  readonly capabilities: ReadonlyArray<Capability>
}

type Finder = (facts: Facts) => ReadonlyArray<CompositionConflict>

const error = (
  _tag: CompositionConflict["_tag"],
  modules: ReadonlyArray<string>,
  message: string
): CompositionConflict => ({ _tag, severity: "error", modules, message })

const duplicates: Finder = ({ assignments }) => {
  const first = new Map<string, Assignment>()
  return assignments.flatMap((assignment) => {
    const { moduleName, versionString } = assignment
    const kept = first.get(moduleName)
    if (kept === undefined) {
      first.set(moduleName, assignment)
      return []
    }
    const message = `${moduleName} is assigned twice, in version ${kept.versionString} and in version ${versionString}`
    return [error("DuplicateModule", [moduleName], message)]
  })
}

const missingArtifacts: Finder = ({ architecture, assignments }) =>
  assignments.flatMap(({ artifacts, moduleName, versionString }) => {
    if (artifacts.some((artifact) => artifact.architecture === architecture)) return []
    const there = artifacts.map((artifact) => artifact.architecture).join(", ") || "none"
    const message = `${moduleName} ${versionString} has no artifact for ${architecture}; there are: ${there}`
    return [error("NoArtifact", [moduleName], message)]
  })

const priorities: Finder = ({ assignments }) =>
  assignments.flatMap(({ moduleName, priority }) =>
    Priority.isPriority(priority)
      ? []
      : [error("PriorityOutOfRange", [moduleName], `${moduleName} has priority ${priority}, expected 0 to 999`)]
  )

const invalidSpecs: Finder = ({ layers }) =>
  layers.flatMap(({ moduleName, specs }) => {
    const validated = ModuleSpecs.validate(specs)
    return Result.isSuccess(validated)
      ? []
      : [
        error(
          "InvalidSpecs",
          [moduleName],
          `the specs of ${moduleName}: ${validated.failure.message.replaceAll("\n", "; ")}`
        )
      ]
  })

const families: Finder = ({ layers }) =>
  layers.flatMap((layer): ReadonlyArray<CompositionConflict> => {
    const { moduleName, parentModule } = layer
    if (parentModule === undefined) return []
    const parent = layers.find((other) => other.moduleName === parentModule)
    const modules = [moduleName, parentModule]
    if (parent === undefined) {
      return [error("ParentMissing", modules, `${moduleName} adjusts ${parentModule}, which is not in the composition`)]
    }
    if (Priority.compare(layer, parent) > 0) return []
    const message = `${moduleName} (${layer.effectivePriority}) lies below its parent ${parentModule} ` +
      `(${parent.effectivePriority}), which hides what both ship`
    return [{ _tag: "ChildBelowParent", severity: "warning", modules, message }]
  })

const instanceCollisions: Finder = ({ layers }) => {
  const byCategory = new Map<string, Array<string>>()
  for (const { category, moduleName, variety } of layers) {
    if (variety === "instance") byCategory.set(category, [...byCategory.get(category) ?? [], moduleName])
  }
  return [...byCategory].flatMap(([category, modules]) =>
    modules.length > 1
      ? [error(
        "InstanceCollision",
        modules,
        `category ${category} has more than one instance module: ${modules.join(", ")}`
      )]
      : []
  )
}

const requirements: Finder = ({ layers }) => {
  const find = finder(layers)
  return layers.flatMap(({ dependencies, moduleName }) =>
    dependencies.requires.filter(({ optional }) => !optional).flatMap((requirement) => {
      const other = find(requirement)
      const wanted = Requirement.render(requirement)
      if (other === undefined) {
        return [
          error("RequirementUnmet", [moduleName], `${moduleName} requires ${wanted}, which is not in the composition`)
        ]
      }
      if (Requirement.accepts(requirement, other.versionString)) return []
      const message =
        `${moduleName} requires ${wanted}, and the composition has ${other.moduleName} ${other.versionString}`
      return [error("RequirementUnmet", [moduleName, other.moduleName], message)]
    })
  )
}

const declaredConflicts: Finder = ({ layers }) => {
  const find = finder(layers)
  return layers.flatMap(({ dependencies, moduleName }) =>
    dependencies.conflicts.flatMap((requirement) => {
      const other = find(requirement)
      if (other === undefined || other.moduleName === moduleName) return []
      if (!Requirement.accepts(requirement, other.versionString)) return []
      const message = `${moduleName} conflicts with ${Requirement.render(requirement)}, and ${other.moduleName} ` +
        `${other.versionString} is in the composition`
      return [error("DeclaredConflict", [moduleName, other.moduleName], message)]
    })
  )
}

const capabilityClashes: Finder = ({ capabilities }) =>
  capabilities.flatMap(({ capability, providers }) =>
    providers.length > 1
      ? [error("CapabilityClash", providers, `${capability} has more than one provider: ${providers.join(", ")}`)]
      : []
  )

const paths: Finder = ({ ownership }) =>
  ownership.conflicts.map((path) => ({
    _tag: "PathConflict",
    severity: path.reason === "hides_owner" ? "warning" : "error",
    modules: [path.moduleName, path.owner],
    message: path.message,
    path
  }))

const finders: ReadonlyArray<Finder> = [
  duplicates,
  missingArtifacts,
  priorities,
  invalidSpecs,
  families,
  instanceCollisions,
  requirements,
  declaredConflicts,
  capabilityClashes,
  paths
]

const severityRank = { error: 0, warning: 1 }

export const find = (facts: Facts): ReadonlyArray<CompositionConflict> =>
  finders.flatMap((finder) => finder(facts))
    .sort((left, right) => severityRank[left.severity] - severityRank[right.severity])
