/**
 * Deleting a module together with its versions.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Admission from "../approvals/Admission.ts"
import * as Requirement from "../composition/Requirement.ts"
import * as Command from "../events/Command.ts"
import type { CommandError } from "../events/CommandError.ts"
import * as IngestRejection from "../ingest/IngestRejection.ts"
import * as Reading from "../internal/reading.ts"
import type { Storage, Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as TemplateAssignment from "../templates/TemplateAssignment.ts"
import * as VersionUse from "../versions/VersionUse.ts"
import { CatalogError, StillNeeded } from "./CatalogError.ts"
import * as Module from "./Module.ts"
import * as ModuleFiles from "./ModuleFiles.ts"
import * as ModuleVersion from "./ModuleVersion.ts"

/**
 * What came of a deletion: the module as it was, how many versions went with it, and what broke.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DeletionOutcome = Schema.Struct({
  module: Module.Module,
  versions: Schema.Int,
  /** What needed the module, one sentence each; empty unless `force` was used. */
  broke: Schema.Array(Schema.String)
})

/**
 * What came of a deletion.
 *
 * @category models
 * @since 0.1.0
 */
export type DeletionOutcome = typeof DeletionOutcome.Type

/**
 * Deletes a module, its versions and their file lists. Refuses while a template, a child or another module needs it,
 * unless `force`; then its assignments go too, and the outcome lists what broke. Registry and events keep theirs.
 *
 * @category commands
 * @since 0.1.0
 */
export const deleteModule = Effect.fn("ModuleDeletion.deleteModule")((
  input: Command.Options & {
    readonly moduleId: string
    readonly force?: boolean | undefined
    readonly expectedRev?: number | undefined
  }
): Effect.Effect<DeletionOutcome, CatalogError | CommandError | StorageError, Storage> =>
  Command.run(
    {
      name: "module.delete",
      options: input,
      request: { moduleId: input.moduleId, force: input.force ?? false, expectedRev: input.expectedRev },
      result: DeletionOutcome
    },
    Effect.fnUntraced(function*(change): Effect.fn.Return<
      DeletionOutcome,
      CatalogError | CommandError | StorageError
    > {
      const { transaction, accountId } = change
      const module = yield* Reading.required(transaction, Module.collection, accountId, "module", input.moduleId)
      yield* Command.expectRev("module", module, input.expectedRev)
      const templates = yield* VersionUse.templatesOf(transaction, module)
      const neededBy = [
        ...templates.map(({ templateName }) => `template ${templateName}`),
        ...(yield* modulesThatNeed(transaction, module))
      ]
      if (neededBy.length > 0 && input.force !== true) {
        return yield* new CatalogError({ reason: new StillNeeded({ kind: "module", name: module.name, neededBy }) })
      }
      for (const { assignment } of templates) yield* transaction.remove(TemplateAssignment.collection, assignment)
      const versions = yield* removeVersions(change, module)
      yield* removeRejections(change, module)
      yield* transaction.remove(Module.collection, module)
      yield* change.record({
        type: "module.deleted",
        aggregateKind: "module",
        aggregate: module,
        before: Command.toJson(module),
        detail: { versions, broke: neededBy }
      })
      return { module, versions, broke: neededBy }
    })
  )
)

const modulesThatNeed = Effect.fnUntraced(function*(transaction: Transaction, module: Module.Module) {
  const modules = yield* Reading.everyPage((options) => transaction.scan(Module.collection, module.accountId, options))
  return modules.flatMap((other) => {
    if (other.id === module.id) return []
    if (other.parentModuleId === module.id) return [`module ${other.name}, which is its child`]
    const named = { moduleName: module.name, forgeRepository: module.forgeRepository }
    const requires = other.dependencies.requires.some((requirement) =>
      !requirement.optional && Requirement.isFor(requirement, named)
    )
    return requires ? [`module ${other.name}, which requires it`] : []
  })
})

const removeVersions = Effect.fnUntraced(function*(change: Command.Change, module: Module.Module) {
  const { transaction, accountId } = change
  const versions = yield* Reading.everyPage((options) =>
    transaction.list(ModuleVersion.collection, accountId, "byModule", [module.id], options)
  )
  for (const version of versions) {
    yield* Admission.cancelAll(change, version.id, "the module was deleted")
    for (const { architecture } of version.artifacts) {
      const files = yield* Reading.everyPage((options) =>
        transaction.list(ModuleFiles.collection, accountId, "byArtifact", [version.id, architecture], options)
      )
      for (const part of files) yield* transaction.remove(ModuleFiles.collection, part)
    }
    yield* transaction.remove(ModuleVersion.collection, version)
  }
  return versions.length
})

const removeRejections = Effect.fnUntraced(function*(change: Command.Change, module: Module.Module) {
  const { transaction, accountId } = change
  const rejections = yield* Reading.everyPage((options) =>
    transaction.list(IngestRejection.collection, accountId, "byModule", [module.id], options)
  )
  for (const rejection of rejections) yield* transaction.remove(IngestRejection.collection, rejection)
})
