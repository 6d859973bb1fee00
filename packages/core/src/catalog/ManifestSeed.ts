/**
 * Seeds: what a module's record takes from a manifest when it is registered, and compares with it later.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as LayerService from "../composition/LayerService.ts"
import type { CommandError } from "../events/CommandError.ts"
import type { TrustPolicy } from "../ingest/SignatureVerifier.ts"
import { canonicalJson } from "../internal/contentHash.ts"
import * as Reading from "../internal/reading.ts"
import * as Manifest from "../manifest/Manifest.ts"
import type { ManifestTrust } from "../manifest/ModuleManifest.ts"
import * as RowCodec from "../storage/RowCodec.ts"
import type { Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { CatalogError } from "./CatalogError.ts"
import * as Category from "./Category.ts"
import * as Module from "./Module.ts"

/**
 * What a manifest says of a module.
 *
 * @category models
 * @since 0.1.0
 */
export interface ManifestSeed {
  readonly name: string
  /** Slug of the category, when the author has an opinion. */
  readonly category: string | undefined
  readonly variety: Module.Variety
  readonly description: string
  readonly parentModule: string | undefined
  readonly rebootRequired: boolean
  readonly specs: Module.Specs
  readonly dependencies: Module.Dependencies
  readonly trustPolicy: TrustPolicy
  readonly manifestText: string
}

/**
 * Reads a manifest, or returns every error in it.
 *
 * @category decoding
 * @since 0.1.0
 */
export const read = (manifestText: string): Result.Result<ManifestSeed, CatalogError> => {
  const parsed = Manifest.parse(manifestText)
  if (Result.isFailure(parsed)) return Result.fail(new CatalogError({ reason: parsed.failure }))
  const { manifest, trust, source } = parsed.success
  return Result.succeed({
    name: manifest.name,
    category: manifest.category,
    variety: manifest.variety,
    description: manifest.description ?? "",
    parentModule: manifest.parentModule,
    rebootRequired: manifest.rebootRequired,
    specs: manifest.specs,
    dependencies: manifest.dependencies,
    trustPolicy: trustPolicyOf(trust),
    manifestText: source
  })
}

/**
 * The services of a manifest; none when it cannot be read, which the comparison with the record says.
 *
 * @category decoding
 * @since 0.1.0
 */
export const servicesOf = (manifestText: string): ReadonlyArray<LayerService.LayerService> =>
  Result.match(Manifest.parse(manifestText), {
    onFailure: () => [],
    onSuccess: ({ manifest }) => manifest.services.map(LayerService.fromManifest)
  })

/** Both halves or nobody: an issuer without an identity would trust everybody whom it knows. */
const trustPolicyOf = ({ cosignIdentityRegexp, cosignIssuerRegexp }: ManifestTrust): TrustPolicy => ({
  signers: cosignIdentityRegexp === undefined || cosignIssuerRegexp === undefined ? [] : [{
    kind: "keyless",
    issuer: { pattern: cosignIssuerRegexp },
    identity: { pattern: cosignIdentityRegexp }
  }]
})

/**
 * The fields of the record that come from a seed.
 *
 * @category models
 * @since 0.1.0
 */
export type SeededFields = Pick<
  Module.Module,
  "variety" | "description" | "rebootRequired" | "specs" | "dependencies" | "manifestText"
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
 * What a module's record says of others by id and a manifest by name: the slug of its category, and its parent. A parent
 * that was deleted has no name.
 *
 * @category models
 * @since 0.1.0
 */
export interface Relatives {
  readonly category: Category.Category
  readonly parentModule: string | undefined
}

/**
 * Looks up what a module is related to.
 *
 * @category queries
 * @since 0.1.0
 */
export const relativesOf = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Module.Module
): Effect.fn.Return<Relatives, CommandError | StorageError> {
  const { accountId, categoryId, parentModuleId } = module
  const category = yield* Reading.required(transaction, Category.collection, accountId, "category", categoryId)
  const parent = parentModuleId === undefined
    ? Option.none<Module.Module>()
    : yield* transaction.get(Module.collection, accountId, parentModuleId)
  return { category, parentModule: Option.getOrUndefined(parent)?.name }
})

/**
 * Where a manifest differs from the record. Whom to trust is not compared: a manifest has no say in it.
 *
 * @category comparing
 * @since 0.1.0
 */
export const compare = (
  module: Module.Module,
  relatives: Relatives,
  seed: ManifestSeed
): ReadonlyArray<Difference> =>
  [
    seed.category === undefined ? [] : difference("category", relatives.category.slug, seed.category),
    difference("variety", module.variety, seed.variety),
    difference("parentModule", relatives.parentModule, seed.parentModule),
    difference("description", module.description, seed.description),
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
 * Where the manifest inside of an artifact differs from the record; one that cannot be read differs as a whole.
 *
 * @category comparing
 * @since 0.1.0
 */
export const compareText = (
  module: Module.Module,
  relatives: Relatives,
  manifestText: string
): ReadonlyArray<Difference> =>
  Result.match(read(manifestText), {
    // The message quotes the manifest at length, perhaps more than once.
    onFailure: (error) => [{
      field: "manifest",
      recorded: null,
      manifest: RowCodec.storableErrorText(error.message)
    }],
    onSuccess: (seed) => compare(module, relatives, seed)
  })
