/**
 * Seeds: what a module's record takes from a manifest when it is registered, and compares with it later.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { TrustPolicy } from "../ingest/SignatureVerifier.ts"
import { canonicalJson } from "../internal/contentHash.ts"
import { CatalogError, ManifestRefused } from "./CatalogError.ts"
import type * as Module from "./Module.ts"

/**
 * What a manifest says of a module.
 *
 * @category models
 * @since 0.1.0
 */
export interface ManifestSeed {
  readonly name: string
  /** Slug of the category. */
  readonly category: string
  readonly variety: Module.Variety
  readonly description: string
  readonly parentModule: string | undefined
  readonly priority: number
  readonly rebootRequired: boolean
  readonly specs: Module.Specs
  readonly dependencies: Module.Dependencies
  readonly trustPolicy: TrustPolicy
  readonly manifestText: string
}

/**
 * The fields of the record that come from a seed.
 *
 * @category models
 * @since 0.1.0
 */
export type SeededFields = Pick<
  Module.Module,
  "variety" | "description" | "priority" | "rebootRequired" | "specs" | "dependencies" | "manifestText"
>

/**
 * The fields of the record that come from a seed.
 *
 * @category conversions
 * @since 0.1.0
 */
export const seeded = (seed: ManifestSeed): SeededFields => ({
  variety: seed.variety,
  description: seed.description,
  priority: seed.priority,
  rebootRequired: seed.rebootRequired,
  specs: seed.specs,
  dependencies: seed.dependencies,
  manifestText: seed.manifestText
})

/**
 * A field in which a manifest differs from the record.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Difference = Schema.Struct({
  field: Schema.String,
  recorded: Schema.Json,
  manifest: Schema.Json
})

/**
 * A field in which a manifest differs from the record.
 *
 * @category models
 * @since 0.1.0
 */
export type Difference = typeof Difference.Type

/**
 * Where a manifest differs from the record. Whom to trust is not compared: a manifest has no say in it.
 *
 * @category comparing
 * @since 0.1.0
 */
export const compare = (
  module: Module.Module,
  category: string,
  seed: ManifestSeed
): ReadonlyArray<Difference> =>
  [
    difference("category", category, seed.category),
    difference("variety", module.variety, seed.variety),
    difference("description", module.description, seed.description),
    difference("priority", module.priority, seed.priority),
    difference("rebootRequired", module.rebootRequired, seed.rebootRequired),
    difference("mask", module.specs.mask, seed.specs.mask),
    difference("fileSpec", module.specs.fileSpec, seed.specs.fileSpec),
    difference("protectedSpec", module.specs.protectedSpec, seed.specs.protectedSpec),
    difference("dependencySpec", module.specs.dependencySpec, seed.specs.dependencySpec),
    difference("packageSpec", module.specs.packageSpec, seed.specs.packageSpec),
    difference("requires", module.dependencies.requires, seed.dependencies.requires),
    difference("recommends", module.dependencies.recommends, seed.dependencies.recommends),
    difference("conflicts", module.dependencies.conflicts, seed.dependencies.conflicts),
    difference("provides", module.dependencies.provides, seed.dependencies.provides)
  ].flat()

const difference = (field: string, recorded: unknown, manifest: unknown): ReadonlyArray<Difference> => {
  const [left, right] = [canonicalJson(recorded), canonicalJson(manifest)]
  return left === right ? [] : [{ field, recorded: JSON.parse(left), manifest: JSON.parse(right) }]
}

/**
 * Reads a manifest, or returns every error in it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (_manifestText: string): Result.Result<ManifestSeed, CatalogError> =>
  Result.fail(new CatalogError({ reason: new ManifestRefused({ issues: ["manifests are not read yet"] }) }))
