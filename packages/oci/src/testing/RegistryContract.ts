/**
 * What every `Registry` must do, as cases that any test runner can run.
 *
 * A case is a name and an effect over a registry and the name of a repository of its own; it fails with
 * `ContractViolation` (or the registry's error) when the registry does something else.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type { Registry } from "../Registry.ts"
import * as blobs from "./internal/blobCases.ts"
import * as manifests from "./internal/manifestCases.ts"

/**
 * What a registry may lack; a case that needs it is to be skipped there.
 *
 * `tag-deletion`: removing one tag. `sha512-manifests`: manifests known by a sha512 digest. `missing-parts`: refuses a
 * manifest whose parts are not there. `catalog`: lists its repositories.
 *
 * @category models
 * @since 0.1.0
 */
export type Capability = "tag-deletion" | "sha512-manifests" | "missing-parts" | "catalog"

/**
 * One thing that a registry must do.
 *
 * @category models
 * @since 0.1.0
 */
export interface Case {
  readonly name: string
  readonly needs?: ReadonlyArray<Capability> | undefined
  /** Runs in a repository that nobody else uses; names that begin with it are the case's own too. */
  readonly run: (registry: Registry, repository: string) => Effect.Effect<void, unknown, Scope.Scope>
}

/**
 * Every case.
 *
 * @category constants
 * @since 0.1.0
 */
export const cases: ReadonlyArray<Case> = [...blobs.cases, ...manifests.cases]
