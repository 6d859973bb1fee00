/**
 * The layers of a machine, planned: pure, deterministic, and the same for the same modules in any order.
 *
 * ```ts
 * import { Composition } from "@lamina/core/composition/index"
 *
 * const plan = Composition.plan(assignments, "amd64")
 * if (plan.isBlocked) console.log(Composition.render(plan))
 * else mount(plan.lowerdir)
 * ```
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import { canonicalJson } from "../internal/contentHash.ts"
import { digestOf } from "../specs/internal/Sha256.ts"
import * as ModuleSpecs from "../specs/ModuleSpecs.ts"
import * as Ownership from "../specs/Ownership.ts"
import type { CompositionConflict } from "./CompositionConflict.ts"
import * as Conflicts from "./internal/Conflicts.ts"
import { drawPlan } from "./internal/Mermaid.ts"
import { renderPlan } from "./internal/Rendering.ts"
import type { LayerService } from "./LayerService.ts"
import * as Priority from "./Priority.ts"
import type { Dependencies, NamedModule } from "./Requirement.ts"

/**
 * `subscription` is an ordinary module; `config` and `instance` are children which adjust their parent.
 *
 * @category models
 * @since 0.1.0
 */
export type Variety = "subscription" | "config" | "instance"

/**
 * What was published of a version for one architecture. `files` are the absolute paths of everything in the image that
 * is not a directory.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerArtifact {
  readonly architecture: string
  /** Digest of the OCI manifest of this architecture. */
  readonly manifestDigest: string
  /** SHA-256 of the composefs image: what a node reports as running. */
  readonly composefsDigest: string
  /** fs-verity digest of that image: what a node's kernel enforces. */
  readonly fsverityRootHash: string
  readonly files: ReadonlyArray<string>
}

/**
 * A module of a template with the version that was chosen for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Assignment extends NamedModule, Priority.Prioritized {
  readonly versionString: string
  readonly variety: Variety
  readonly parentModule?: string
  /** Slug of the category. */
  readonly category: string
  readonly specs: ModuleSpecs.ModuleSpecs
  readonly dependencies: Dependencies
  readonly rebootRequired: boolean
  /** What the version runs; none when absent. */
  readonly services?: ReadonlyArray<LayerService>
  readonly artifacts: ReadonlyArray<LayerArtifact>
}

/**
 * One layer: an assignment with its artifact for the architecture.
 *
 * @category models
 * @since 0.1.0
 */
export interface Layer extends Omit<Assignment, "artifacts">, LayerArtifact {
  readonly effectivePriority: number
}

/**
 * A capability and who provides it, from the bottom layer up. More than one is a conflict.
 *
 * @category models
 * @since 0.1.0
 */
export interface Capability {
  readonly capability: string
  readonly providers: ReadonlyArray<string>
}

/**
 * A planned composition.
 *
 * @category models
 * @since 0.1.0
 */
export interface CompositionPlan {
  readonly architecture: string
  /** Bottom to top. */
  readonly layers: ReadonlyArray<Layer>
  /** `composefsDigest` of every layer in the order of overlayfs' `lowerdir=`: the top one first. */
  readonly lowerdir: ReadonlyArray<string>
  readonly ownership: Ownership.OwnershipReport
  readonly capabilities: ReadonlyArray<Capability>
  /** Modules which come or go only with a reboot. */
  readonly rebootRequiredBy: ReadonlyArray<string>
  /** Errors first. */
  readonly conflicts: ReadonlyArray<CompositionConflict>
  /** Whether a conflict is an error, so that the plan must not reach a machine. */
  readonly isBlocked: boolean
  /** `sha256:…` of what a machine mounts: the architecture, and the layers' versions and digests in their order. */
  readonly planHash: string
}

const layerOf = ({ artifacts, ...assignment }: Assignment, architecture: string): Layer | undefined => {
  const artifact = artifacts.find((one) => one.architecture === architecture)
  if (artifact === undefined) return undefined
  return { ...assignment, ...artifact, effectivePriority: Priority.effectivePriority(assignment) }
}

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

/** An order of assignments that depends on nothing but themselves, duplicates included. */
const inOrder = (assignments: ReadonlyArray<Assignment>): ReadonlyArray<Assignment> =>
  [...assignments].sort((left, right) =>
    Priority.compare(left, right) ||
    byText(left.versionString, right.versionString) ||
    byText(canonicalJson(left), canonicalJson(right))
  )

const withoutDuplicates = (assignments: ReadonlyArray<Assignment>): ReadonlyArray<Assignment> => {
  const names = new Set<string>()
  return assignments.filter(({ moduleName }) => !names.has(moduleName) && names.add(moduleName))
}

/** Specs that are no patterns claim nothing, so that the rest of the report still stands; a conflict names them. */
const ownershipOf = (layers: ReadonlyArray<Layer>): Ownership.OwnershipReport =>
  Result.getOrElse(
    Ownership.report(
      layers.map((layer) =>
        Result.isSuccess(ModuleSpecs.validate(layer.specs)) ? layer : { ...layer, specs: ModuleSpecs.empty }
      )
    ),
    () => ({ paths: [], conflicts: [], orphans: [] })
  )

const capabilitiesOf = (layers: ReadonlyArray<Layer>): ReadonlyArray<Capability> => {
  const providers = new Map<string, Array<string>>()
  for (const { dependencies, moduleName } of layers) {
    for (const capability of new Set(dependencies.provides)) {
      providers.set(capability, [...providers.get(capability) ?? [], moduleName])
    }
  }
  return [...providers].sort(([left], [right]) => left < right ? -1 : 1)
    .map(([capability, names]) => ({ capability, providers: names }))
}

const hashOf = (architecture: string, layers: ReadonlyArray<Layer>): string =>
  digestOf(JSON.stringify([
    "lamina plan 1",
    architecture,
    layers.map(({ composefsDigest, fsverityRootHash, manifestDigest, moduleName, versionString }) => [
      moduleName,
      versionString,
      manifestDigest,
      composefsDigest,
      fsverityRootHash
    ])
  ]))

/**
 * Plans the composition of the assignments for an architecture. Nothing is refused: what is wrong stands in
 * `conflicts`, and `isBlocked` says whether it is grave.
 *
 * @category constructors
 * @since 0.1.0
 */
export const plan = (assignments: ReadonlyArray<Assignment>, architecture: string): CompositionPlan => {
  const ordered = inOrder(assignments)
  const unique = withoutDuplicates(ordered)
  const layers = unique.flatMap((assignment) => layerOf(assignment, architecture) ?? [])
  const ownership = ownershipOf(layers)
  const capabilities = capabilitiesOf(layers)
  const conflicts = Conflicts.find({ assignments: ordered, architecture, layers, ownership, capabilities })
  return {
    architecture,
    layers,
    lowerdir: layers.map(({ composefsDigest }) => composefsDigest).reverse(),
    ownership,
    capabilities,
    rebootRequiredBy: layers.flatMap(({ moduleName, rebootRequired }) => rebootRequired ? [moduleName] : []),
    conflicts,
    isBlocked: conflicts.some(({ severity }) => severity === "error"),
    planHash: hashOf(architecture, layers)
  }
}

/**
 * Prints the layer stack from the top, the owners, capabilities and conflicts, for a person at a terminal.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (composition: CompositionPlan): string => renderPlan(composition)

/**
 * Draws the layers bottom to top by category, with children, requirements and conflicts, as a Mermaid flowchart. Paste it
 * into a "mermaid" block of Markdown. No name of a module, category or file can be more than a label.
 *
 * @category formatting
 * @since 0.1.0
 */
export const toMermaid = (composition: CompositionPlan): string => drawPlan(composition)
