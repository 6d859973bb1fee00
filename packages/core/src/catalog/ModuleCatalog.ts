/**
 * The catalog of modules: registering, changing, reading and deleting them.
 *
 * @example
 * ```ts
 * import { Actor, ModuleCatalog } from "@lamina/core"
 *
 * const register = ModuleCatalog.registerModule({
 *   accountId: "0190…",
 *   actor: Actor.person("ada"),
 *   manifestText: "schema_version: 1\nname: my-redis\ncategory: userland\n",
 *   ociRepository: "registry.example.org/modules/my-redis"
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Command from "../events/Command.ts"
import { type CommandError, invalidInput, notFound } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import { TrustPolicy } from "../ingest/SignatureVerifier.ts"
import { requirePatterns, requirePriority, requireSpecs } from "../internal/moduleInput.ts"
import { requireOperator } from "../internal/operator.ts"
import * as Reading from "../internal/reading.ts"
import { type ListOptions, Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { CatalogError, NameTaken, OtherModule } from "./CatalogError.ts"
import * as Category from "./Category.ts"
import * as ManifestSeed from "./ManifestSeed.ts"
import * as Module from "./Module.ts"
import * as ModuleVersion from "./ModuleVersion.ts"

/**
 * What a registration is given: a manifest, and what no manifest decides.
 *
 * @category models
 * @since 0.1.0
 */
export interface RegisterInput extends Command.Options {
  readonly manifestText: string
  /** Slug of the category; the manifest's, when absent. */
  readonly category?: string | undefined
  /** Within the category, 0 to 999, higher lies nearer the top; 0 when absent. */
  readonly priority?: number | undefined
  /** Where its versions are published, without tag or digest. */
  readonly ociRepository?: string | undefined
  /** `owner/name` at the forge, by which webhooks find the module. */
  readonly forgeRepository?: string | undefined
  /** Whom to trust; the manifest's regular expressions for issuer and identity, when absent. */
  readonly trustPolicy?: TrustPolicy | undefined
  /** Architectures without which a version is not taken in; none in particular, when absent. */
  readonly requiredArchitectures?: ReadonlyArray<string> | undefined
}

/**
 * What a command of the catalog may fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = CatalogError | CommandError | StorageError

/**
 * Registers a module from its manifest. This is the only time that a manifest says whom to trust, and only because the
 * operator who registers it has it in hand.
 *
 * @category commands
 * @since 0.1.0
 */
export const registerModule = Effect.fn("ModuleCatalog.registerModule")(function*(
  input: RegisterInput
): Effect.fn.Return<Module.Module, Failure, Storage> {
  yield* requireOperator(input.actor, "registering a module")
  const seed = yield* Effect.fromResult(ManifestSeed.read(input.manifestText))
  const slug = input.category ?? seed.category
  if (slug === undefined) {
    return yield* invalidInput("category", "a category, since the manifest names none", "nothing")
  }
  const priority = yield* requirePriority(input.priority ?? 0)
  yield* requirePatterns(input.trustPolicy)
  const { accountId: _account, actor: _actor, idempotencyKey: _key, correlationId: _correlation, ...request } = input
  return yield* Command.run(
    { name: "module.register", options: input, request, result: Module.Module },
    Effect.fnUntraced(function*(change) {
      yield* requireFreeName(change, "byName", seed.name)
      if (input.forgeRepository !== undefined) {
        yield* requireFreeName(change, "byForgeRepository", input.forgeRepository)
      }
      const category = yield* requireCategory(change, slug)
      const parent = yield* findParent(change, seed)
      const module = yield* change.transaction.insert(Module.collection, {
        id: yield* Id.next,
        accountId: change.accountId,
        rev: 1,
        name: seed.name,
        ...ManifestSeed.seeded(seed),
        categoryId: category.id,
        priority,
        parentModuleId: parent?.id,
        enabled: true,
        trustPolicy: input.trustPolicy ?? seed.trustPolicy,
        forgeRepository: input.forgeRepository,
        ociRepository: input.ociRepository,
        requiredArchitectures: input.requiredArchitectures ?? [],
        previousLiveVersionIds: [],
        createdAt: change.now
      })
      yield* recordModule(change, "module.registered", undefined, module)
      return module
    })
  )
})

const requireFreeName = Effect.fnUntraced(function*(
  change: Command.Change,
  index: "byName" | "byForgeRepository",
  name: string
) {
  const other = yield* change.transaction.find(Module.collection, change.accountId, index, [name])
  if (Option.isSome(other)) {
    const kind = index === "byName" ? "module" : "forge repository"
    return yield* new CatalogError({ reason: new NameTaken({ kind, name, id: other.value.id }) })
  }
})

const requireCategory = Effect.fnUntraced(function*(change: Command.Change, slug: string) {
  const category = yield* change.transaction.find(Category.collection, change.accountId, "bySlug", [slug])
  if (Option.isNone(category)) return yield* notFound(change.accountId, "category", slug)
  return category.value
})

const findParent = Effect.fnUntraced(function*(change: Command.Change, { parentModule }: ManifestSeed.ManifestSeed) {
  return parentModule === undefined
    ? undefined
    : yield* requireByName(change.transaction, change.accountId, parentModule)
})

const requireByName = Effect.fnUntraced(function*(transaction: Transaction, accountId: string, name: string) {
  const module = yield* transaction.find(Module.collection, accountId, "byName", [name])
  if (Option.isNone(module)) return yield* notFound(accountId, "module", name)
  return module.value
})

const recordModule = (
  change: Command.Change,
  type: string,
  before: Module.Module | undefined,
  after: Module.Module,
  detail?: unknown
) =>
  change.record({
    type,
    aggregateKind: "module",
    aggregate: after,
    before: before === undefined ? null : Command.toJson(before),
    after: Command.toJson(after),
    detail: Command.toJson(detail ?? null)
  })

/**
 * What a re-import is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReimportInput extends Command.Options {
  readonly moduleId: string
  readonly manifestText: string
  /** Whether the manifest replaces what the record says. Whom to trust it never says. */
  readonly reseed?: boolean | undefined
  readonly expectedRev?: number | undefined
}

/**
 * What came of a re-import: the record, and where the manifest differs from what it was before.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ReimportOutcome = Schema.Struct({
  module: Module.Module,
  differences: Schema.Array(ManifestSeed.Difference),
  reseeded: Schema.Boolean
})

/**
 * What came of a re-import.
 *
 * @category models
 * @since 0.1.0
 */
export type ReimportOutcome = typeof ReimportOutcome.Type

/**
 * Compares a manifest with the record, which it changes only with `reseed`.
 *
 * @category commands
 * @since 0.1.0
 */
export const reimportManifest = Effect.fn("ModuleCatalog.reimportManifest")(function*(
  input: ReimportInput
): Effect.fn.Return<ReimportOutcome, Failure, Storage> {
  const reseed = input.reseed ?? false
  if (reseed) yield* requireOperator(input.actor, "reseeding a module")
  const seed = yield* Effect.fromResult(ManifestSeed.read(input.manifestText))
  return yield* Command.run(
    {
      name: "module.reimport",
      options: input,
      request: { moduleId: input.moduleId, manifestText: input.manifestText, reseed, expectedRev: input.expectedRev },
      result: ReimportOutcome
    },
    Effect.fnUntraced(function*(change): Effect.fn.Return<ReimportOutcome, Failure> {
      const module = yield* requireModule(change, input.moduleId)
      yield* Command.expectRev("module", module, input.expectedRev)
      if (module.name !== seed.name) {
        return yield* new CatalogError({ reason: new OtherModule({ expected: module.name, actual: seed.name }) })
      }
      const relatives = yield* ManifestSeed.relativesOf(change.transaction, module)
      const differences = ManifestSeed.compare(module, relatives, seed)
      if (!reseed || differences.length === 0) return { module, differences, reseeded: false }

      const category = seed.category === undefined ? relatives.category : yield* requireCategory(change, seed.category)
      const parent = yield* findParent(change, seed)
      if (parent?.id === module.id) return yield* invalidInput("parent_module", "another module", module.name)
      const updated = yield* change.transaction.update(Module.collection, {
        ...module,
        ...ManifestSeed.seeded(seed),
        categoryId: category.id,
        parentModuleId: parent?.id
      })
      yield* recordModule(change, "module.reseeded", module, updated, { differences })
      return { module: updated, differences, reseeded: true }
    })
  )
})

const requireModule = (change: Command.Change, moduleId: string) =>
  Reading.required(change.transaction, Module.collection, change.accountId, "module", moduleId)

/**
 * What of a module's record an operator changes directly. Absent fields stay as they are.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ModuleChanges = Schema.Struct({
  description: Schema.optional(Schema.String),
  priority: Schema.optional(Module.Module.fields.priority),
  enabled: Schema.optional(Schema.Boolean),
  ociRepository: Schema.optional(Schema.String),
  forgeRepository: Schema.optional(Schema.String),
  requiredArchitectures: Schema.optional(Schema.Array(Schema.String)),
  trustPolicy: Schema.optional(TrustPolicy),
  specs: Schema.optional(Module.Specs),
  dependencies: Schema.optional(Module.Dependencies)
})

/**
 * What of a module's record an operator changes directly.
 *
 * @category models
 * @since 0.1.0
 */
export type ModuleChanges = typeof ModuleChanges.Type

/**
 * Changes a module's record.
 *
 * @category commands
 * @since 0.1.0
 */
export const updateModule = Effect.fn("ModuleCatalog.updateModule")(function*(
  input: Command.Options & {
    readonly moduleId: string
    readonly changes: ModuleChanges
    readonly expectedRev?: number | undefined
  }
): Effect.fn.Return<Module.Module, Failure, Storage> {
  yield* requireOperator(input.actor, "changing a module")
  const changes = yield* Effect.mapError(
    Schema.decodeEffect(ModuleChanges)(input.changes),
    (error) => invalidInput("changes", "changes of a module", error.message)
  )
  yield* requirePatterns(changes.trustPolicy)
  yield* requireSpecs(changes)
  return yield* Command.run(
    {
      name: "module.update",
      options: input,
      request: { moduleId: input.moduleId, changes, expectedRev: input.expectedRev },
      result: Module.Module
    },
    Effect.fnUntraced(function*(change) {
      const module = yield* requireModule(change, input.moduleId)
      yield* Command.expectRev("module", module, input.expectedRev)
      const { forgeRepository } = changes
      if (forgeRepository !== undefined && forgeRepository !== module.forgeRepository) {
        yield* requireFreeName(change, "byForgeRepository", forgeRepository)
      }
      const updated = yield* change.transaction.update(Module.collection, { ...module, ...given(changes) })
      yield* recordModule(change, "module.updated", module, updated)
      return updated
    })
  )
})

/** Without the fields that are present but undefined, which would otherwise erase. */
const given = (changes: ModuleChanges): Partial<Module.Module> =>
  Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined))

/**
 * A module by its id or its name.
 *
 * @category queries
 * @since 0.1.0
 */
export const getModule = Effect.fn("ModuleCatalog.getModule")(function*(
  input: { readonly accountId: string } & ({ readonly moduleId: string } | { readonly moduleName: string })
) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) =>
    "moduleId" in input
      ? Reading.required(transaction, Module.collection, input.accountId, "module", input.moduleId)
      : requireByName(transaction, input.accountId, input.moduleName)
  )
})

/**
 * A page of an account's modules, in the order in which they were registered.
 *
 * @category queries
 * @since 0.1.0
 */
export const listModules = Effect.fn("ModuleCatalog.listModules")(function*(
  input: { readonly accountId: string } & ListOptions
) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) => transaction.scan(Module.collection, input.accountId, input))
})

/**
 * A version by its id.
 *
 * @category queries
 * @since 0.1.0
 */
export const getVersion = Effect.fn("ModuleCatalog.getVersion")(function*(
  input: { readonly accountId: string; readonly versionId: string }
) {
  return yield* Reading.one(ModuleVersion.collection, input.accountId, "module version", input.versionId)
})

/**
 * A page of a module's versions, in the order in which they were taken in.
 *
 * @category queries
 * @since 0.1.0
 */
export const listVersions = Effect.fn("ModuleCatalog.listVersions")(function*(
  input: { readonly accountId: string; readonly moduleId: string } & ListOptions
) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) =>
    transaction.list(ModuleVersion.collection, input.accountId, "byModule", [input.moduleId], input)
  )
})
