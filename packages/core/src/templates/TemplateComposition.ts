/**
 * Composing a template: from its assignments over the versions that their channels choose to the layers of a machine.
 *
 * @example
 * ```ts
 * import { TemplateComposition } from "@lamina/core"
 *
 * const compose = TemplateComposition.compose({ accountId: "0190…", templateId: "0192…", architecture: "amd64" })
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Category from "../catalog/Category.ts"
import * as ManifestSeed from "../catalog/ManifestSeed.ts"
import * as Module from "../catalog/Module.ts"
import * as ModuleFiles from "../catalog/ModuleFiles.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import type * as Channel from "../composition/Channel.ts"
import * as Composition from "../composition/Composition.ts"
import * as Resolver from "../composition/Resolver.ts"
import type { CommandError } from "../events/CommandError.ts"
import { findRequired } from "../internal/namedModule.ts"
import * as Reading from "../internal/reading.ts"
import { Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as Template from "./Template.ts"
import * as Templates from "./Templates.ts"

/**
 * A version that was chosen. `requiredBy` is the module that led to it, absent where it is assigned itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface ChosenVersion {
  readonly module: Module.Module
  readonly version: ModuleVersion.ModuleVersion
  readonly requiredBy: string | undefined
}

/**
 * A composed template.
 *
 * @category models
 * @since 0.1.0
 */
export interface ComposedTemplate {
  readonly template: Template.Template
  readonly plan: Composition.CompositionPlan
  readonly chosen: ReadonlyArray<ChosenVersion>
  /** What is wrong with the choice of versions; what is wrong with the layers stands in `plan.conflicts`. */
  readonly problems: ReadonlyArray<Resolver.Problem>
  /** Assigned modules that are left out because the assignment or the module is disabled. */
  readonly disabled: ReadonlyArray<string>
  /** Whether a problem or a conflict is an error, so that the plan must not reach a machine. */
  readonly isBlocked: boolean
}

/**
 * Composes a template for an architecture. What the assigned modules require comes along, and what they recommend.
 *
 * @category composing
 * @since 0.1.0
 */
export const compose = Effect.fn("TemplateComposition.compose")(function*(
  input: { readonly accountId: string; readonly templateId: string; readonly architecture: string }
): Effect.fn.Return<ComposedTemplate, CommandError | StorageError, Storage> {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) => composeWithin(transaction, input))
})

/**
 * Composes a template within a transaction.
 *
 * @category composing
 * @since 0.1.0
 */
export const composeWithin = Effect.fnUntraced(function*(
  transaction: Transaction,
  input: { readonly accountId: string; readonly templateId: string; readonly architecture: string }
): Effect.fn.Return<ComposedTemplate, CommandError | StorageError> {
  const { accountId, architecture } = input
  const template = yield* Reading.required(transaction, Template.collection, accountId, "template", input.templateId)
  const { roots, disabled } = yield* loadRoots(transaction, template)
  const catalogue = yield* loadCatalogue(transaction, accountId, roots)
  const resolution = Resolver.resolve({
    roots: roots.map(({ module, channel }) => ({ moduleName: module.name, channel })),
    catalogue: [...catalogue.values()].map(asResolvable)
  })
  const chosen = resolution.selected.flatMap((selected): ReadonlyArray<ChosenVersion> => {
    const entry = catalogue.get(selected.moduleName)
    const version = entry?.versions.find(({ versionString }) => versionString === selected.versionString)
    return entry === undefined || version === undefined
      ? []
      : [{ module: entry.module, version, requiredBy: selected.requiredBy }]
  })
  const assignments = yield* loadAssignments(transaction, accountId, chosen, architecture)
  const plan = Composition.plan(assignments, architecture)
  return {
    template,
    plan,
    chosen,
    problems: resolution.problems,
    disabled,
    isBlocked: plan.isBlocked || resolution.problems.some(({ severity }) => severity === "error")
  }
})

interface Root {
  readonly module: Module.Module
  readonly channel: Channel.Channel
}

const loadRoots = Effect.fnUntraced(function*(transaction: Transaction, template: Template.Template) {
  const roots: Array<Root> = []
  const disabled: Array<string> = []
  for (const assignment of yield* Templates.assignmentsOf(transaction, template)) {
    const found = yield* transaction.get(Module.collection, template.accountId, assignment.moduleId)
    if (Option.isNone(found)) continue
    if (assignment.enabled && found.value.enabled) roots.push({ module: found.value, channel: assignment.channel })
    else disabled.push(found.value.name)
  }
  return { roots, disabled }
})

interface CatalogueEntry {
  readonly module: Module.Module
  readonly versions: ReadonlyArray<ModuleVersion.ModuleVersion>
}

/** The part of the catalog that the roots lead to, by module name. What they name and is not there is left out. */
const loadCatalogue = Effect.fnUntraced(function*(
  transaction: Transaction,
  accountId: string,
  roots: ReadonlyArray<Root>
) {
  const catalogue = new Map<string, CatalogueEntry>()
  const exact = new Map(
    roots.flatMap(({ module, channel }) => typeof channel === "string" ? [] : [[module.name, channel.version] as const])
  )
  const queue = roots.map(({ module }) => module)
  for (const module of queue) {
    if (catalogue.has(module.name)) continue
    const versions = yield* loadVersions(transaction, module, exact.get(module.name))
    catalogue.set(module.name, { module, versions })
    for (const { name } of [...module.dependencies.requires, ...module.dependencies.recommends]) {
      const next = yield* findRequired(transaction, accountId, name)
      if (Option.isSome(next) && next.value.enabled) queue.push(next.value)
    }
  }
  return catalogue
})

const loadVersions = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Module.Module,
  exact: string | undefined
) {
  const versions: Array<ModuleVersion.ModuleVersion> = []
  for (const state of ["draft", "staging", "blessed", "live"] as const) {
    versions.push(
      ...(yield* Reading.everyPage((options) =>
        transaction.list(ModuleVersion.collection, module.accountId, "byModuleAndState", [module.id, state], options)
      ))
    )
  }
  if (exact !== undefined && !versions.some(({ versionString }) => versionString === exact)) {
    const archived = yield* transaction.find(ModuleVersion.collection, module.accountId, "byVersionString", [
      module.id,
      exact
    ])
    versions.push(...Option.toArray(archived))
  }
  // A draft that nobody verified is chosen for no machine, not even by name.
  return versions.filter((version) => version.lifecycleState !== "draft" || version.cosignVerified)
})

const asResolvable = ({ module, versions }: CatalogueEntry): Resolver.ResolvableModule => ({
  moduleName: module.name,
  forgeRepository: module.forgeRepository,
  versions: versions.map((version) => ({
    versionString: version.versionString,
    lifecycleState: version.lifecycleState,
    quarantined: version.quarantine !== undefined,
    dependencies: module.dependencies
  }))
})

const loadAssignments = Effect.fnUntraced(function*(
  transaction: Transaction,
  accountId: string,
  chosen: ReadonlyArray<ChosenVersion>,
  architecture: string
) {
  const assignments: Array<Composition.Assignment> = []
  for (const { module, version } of chosen) {
    const category = yield* Reading.required(transaction, Category.collection, accountId, "category", module.categoryId)
    const parentModule = module.parentModuleId === undefined
      ? undefined
      : yield* parentName(transaction, accountId, module.parentModuleId)
    const files = yield* loadFiles(transaction, version, architecture)
    assignments.push({
      moduleName: module.name,
      forgeRepository: module.forgeRepository,
      versionString: version.versionString,
      variety: module.variety,
      ...(parentModule === undefined ? {} : { parentModule }),
      category: category.slug,
      categoryPosition: category.position,
      priority: module.priority,
      specs: module.specs,
      dependencies: module.dependencies,
      rebootRequired: module.rebootRequired,
      services: version.services ?? ManifestSeed.servicesOf(version.manifestText),
      artifacts: version.artifacts.map((artifact) => ({
        architecture: artifact.architecture,
        manifestDigest: artifact.manifestDigest,
        composefsDigest: artifact.composefsDigest,
        fsverityRootHash: artifact.fsverityRootHash,
        files: artifact.architecture === architecture ? files : []
      }))
    })
  }
  return assignments
})

/** A parent that was deleted stays a parent, by its id: without its window the child may ship nothing. */
const parentName = Effect.fnUntraced(function*(transaction: Transaction, accountId: string, parentModuleId: string) {
  const parent = yield* transaction.get(Module.collection, accountId, parentModuleId)
  return Option.match(parent, { onNone: () => parentModuleId, onSome: ({ name }) => name })
})

const loadFiles = Effect.fnUntraced(function*(
  transaction: Transaction,
  version: ModuleVersion.ModuleVersion,
  architecture: string
) {
  const parts = yield* Reading.everyPage((options) =>
    transaction.list(ModuleFiles.collection, version.accountId, "byArtifact", [version.id, architecture], options)
  )
  return [...parts].sort((left, right) => left.part - right.part).flatMap(({ paths }) => paths)
})
