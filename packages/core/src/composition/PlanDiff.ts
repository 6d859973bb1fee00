/**
 * What changes on a machine when one plan takes the place of another: layers, files and their owners, capabilities,
 * services, reboots, conflicts. Pure; the same two plans give the same difference, and the other way round its reverse.
 *
 * ```ts
 * import { Composition, PlanDiff } from "@lamina/core/composition/index"
 *
 * const diff = PlanDiff.between(Composition.plan(before, "amd64"), Composition.plan(after, "amd64"))
 * if (diff.reboots.length > 0) console.log(PlanDiff.render(diff))
 * ```
 *
 * @since 0.1.0
 */
import type { Claim } from "../specs/Ownership.ts"
import type { CompositionPlan, Layer } from "./Composition.ts"
import type { CompositionConflict } from "./CompositionConflict.ts"
import { renderDiff } from "./internal/DiffRendering.ts"
import * as LayerChanges from "./internal/LayerChanges.ts"
import * as PathChanges from "./internal/PathChanges.ts"
import { reverseDiff } from "./internal/Reversal.ts"
import type { Field, LayerService } from "./LayerService.ts"

/**
 * What stands on either side; one side is absent where something comes or goes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Change<A> {
  readonly from?: A
  readonly to?: A
}

/**
 * What of a layer can change. `image` are its digests: the same version with another one is another build. `order` is
 * its place among the layers that both plans have.
 *
 * @category models
 * @since 0.1.0
 */
export type LayerAspect =
  | "version"
  | "image"
  | "order"
  | "priority"
  | "category"
  | "variety"
  | "parent"
  | "reboot_required"
  | "specs"
  | "dependencies"

/**
 * A layer that comes, goes, or differs. `nowAbove` and `nowBelow` are the layers of both plans that it passed; a layer
 * that stays where it is and is passed by others is not moved.
 *
 * @category models
 * @since 0.1.0
 */
export interface LayerChange extends Change<Layer> {
  readonly moduleName: string
  /** Empty for a layer that comes or goes. */
  readonly aspects: ReadonlyArray<LayerAspect>
  readonly nowAbove: ReadonlyArray<string>
  readonly nowBelow: ReadonlyArray<string>
}

/**
 * A path on one side. `visible` is the layer whose file a program sees there: the topmost that ships it. Where that is
 * not the owner, the owner's file is shadowed, or the owner ships none.
 *
 * @category models
 * @since 0.1.0
 */
export interface PathState {
  readonly owner: string
  readonly visible: string
  readonly claim?: Claim
}

/**
 * Why a path has another owner, or another layer's file.
 *
 * @category models
 * @since 0.1.0
 */
export interface PathCause {
  readonly moduleName: string
  readonly what:
    | "layer_added"
    | "layer_removed"
    | "file_added"
    | "file_removed"
    | "specs_changed"
    | "order_changed"
}

/**
 * - `appeared`, `disappeared`: a file that only one side has.
 * - `owner_changed`: another module owns it.
 * - `visible_changed`: the owner is the same, and another layer's file is seen.
 *
 * @category models
 * @since 0.1.0
 */
export type PathChangeKind = "appeared" | "disappeared" | "owner_changed" | "visible_changed"

/**
 * A path that changes. That a file has other bytes is not seen here: its layer's `image` changes then.
 *
 * @category models
 * @since 0.1.0
 */
export interface PathChange extends Change<PathState> {
  readonly path: string
  readonly kind: PathChangeKind
  readonly causes: ReadonlyArray<PathCause>
}

/**
 * A capability that is gained, lost, or provided by others; the providers on either side, from the bottom layer up.
 *
 * @category models
 * @since 0.1.0
 */
export interface CapabilityChange extends Change<ReadonlyArray<string>> {
  readonly capability: string
}

/**
 * A service that comes, goes, or is run otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface ServiceChange extends Change<LayerService> {
  readonly moduleName: string
  readonly service: string
  /** Empty for a service that comes or goes. */
  readonly fields: ReadonlyArray<Field>
}

/**
 * A module which needs a reboot, on one side or on both, and comes, goes, or has another image or place.
 *
 * @category models
 * @since 0.1.0
 */
export interface RebootNeed {
  readonly moduleName: string
  readonly because: "added" | "removed" | "changed"
}

/**
 * The difference. Modules, paths, capabilities and services are in code-unit order of their names.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlanDiff {
  readonly planHash: { readonly from: string; readonly to: string }
  readonly architecture: { readonly from: string; readonly to: string }
  readonly isBlocked: { readonly from: boolean; readonly to: boolean }
  readonly layers: ReadonlyArray<LayerChange>
  readonly paths: ReadonlyArray<PathChange>
  readonly capabilities: ReadonlyArray<CapabilityChange>
  readonly services: ReadonlyArray<ServiceChange>
  readonly reboots: ReadonlyArray<RebootNeed>
  /** Conflicts of the second plan only, and of the first only, each in its plan's order. */
  readonly conflicts: {
    readonly appeared: ReadonlyArray<CompositionConflict>
    readonly solved: ReadonlyArray<CompositionConflict>
  }
  /** Whether nothing differs. */
  readonly isEmpty: boolean
}

/**
 * Compares two plans.
 *
 * @category comparing
 * @since 0.1.0
 */
export const between = (from: CompositionPlan, to: CompositionPlan): PlanDiff => {
  const layers = LayerChanges.layers(from, to)
  const diff = {
    planHash: { from: from.planHash, to: to.planHash },
    architecture: { from: from.architecture, to: to.architecture },
    isBlocked: { from: from.isBlocked, to: to.isBlocked },
    layers,
    paths: PathChanges.find(from, to),
    capabilities: LayerChanges.capabilities(from, to),
    services: LayerChanges.services(from, to),
    reboots: LayerChanges.reboots(layers),
    conflicts: LayerChanges.conflicts(from, to)
  }
  return { ...diff, isEmpty: isEmpty(diff) }
}

const isEmpty = (diff: Omit<PlanDiff, "isEmpty">): boolean =>
  diff.architecture.from === diff.architecture.to &&
  [
    diff.layers,
    diff.paths,
    diff.capabilities,
    diff.services,
    diff.conflicts.appeared,
    diff.conflicts.solved
  ].every((changes) => changes.length === 0)

/**
 * The difference the other way round: what {@link between} gives for the plans exchanged.
 *
 * @category combinators
 * @since 0.1.0
 */
export const reverse = (diff: PlanDiff): PlanDiff => reverseDiff(diff)

/**
 * Prints what changes, for a person at a terminal. Thousands of paths are told by their directories.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (diff: PlanDiff): string => renderDiff(diff)
