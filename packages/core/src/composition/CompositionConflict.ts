/**
 * What is wrong with a composition.
 *
 * @since 0.1.0
 */
import type { PathConflict } from "../specs/Ownership.ts"

/**
 * - `DuplicateModule`: a module is assigned twice; the assignments after the first are left out.
 * - `NoArtifact`: a module has no artifact for the architecture and is left out.
 * - `PriorityOutOfRange`: a priority is not an integer from 0 to 999, so it leaves its category.
 * - `InvalidSpecs`: spec lists with entries that are no patterns; the module's claims are not taken into account.
 * - `ParentMissing`: a child without its parent.
 * - `ChildBelowParent`: a child lies below its parent, which hides it.
 * - `InstanceCollision`: more than one `instance` module of a category.
 * - `RequirementUnmet`: a required module is not in the composition, or in another version.
 * - `DeclaredConflict`: a module is there with which another conflicts.
 * - `CapabilityClash`: more than one module provides a capability.
 * - `PathConflict`: a layer ships a path that is not its own.
 *
 * @category models
 * @since 0.1.0
 */
export type ConflictTag =
  | "DuplicateModule"
  | "NoArtifact"
  | "PriorityOutOfRange"
  | "InvalidSpecs"
  | "ParentMissing"
  | "ChildBelowParent"
  | "InstanceCollision"
  | "RequirementUnmet"
  | "DeclaredConflict"
  | "CapabilityClash"
  | "PathConflict"

/**
 * One thing that is wrong. An `error` keeps the composition from a machine, a `warning` does not.
 *
 * @category models
 * @since 0.1.0
 */
export interface CompositionConflict {
  readonly _tag: ConflictTag
  readonly severity: "error" | "warning"
  /** The modules it is between, the one to look at first. */
  readonly modules: ReadonlyArray<string>
  readonly message: string
  /** Set for `PathConflict`. */
  readonly path?: PathConflict
}
