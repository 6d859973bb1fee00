/**
 * What uses a version or a module: the reasons not to take it away.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Module from "../catalog/Module.ts"
import type * as ModuleVersion from "../catalog/ModuleVersion.ts"
import * as RunningModule from "../fleet/RunningModule.ts"
import * as Reading from "../internal/reading.ts"
import type { Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as Template from "../templates/Template.ts"
import * as TemplateAssignment from "../templates/TemplateAssignment.ts"

/**
 * How a template uses a module.
 *
 * @category models
 * @since 0.1.0
 */
export interface TemplateUse {
  readonly assignment: TemplateAssignment.TemplateAssignment
  readonly templateName: string
}

/**
 * The templates to which a module is assigned.
 *
 * @category queries
 * @since 0.1.0
 */
export const templatesOf = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Pick<Module.Module, "id" | "accountId">
): Effect.fn.Return<ReadonlyArray<TemplateUse>, StorageError> {
  const assignments = yield* Reading.everyPage((options) =>
    transaction.list(TemplateAssignment.collection, module.accountId, "byModule", [module.id], options)
  )
  const uses: Array<TemplateUse> = []
  for (const assignment of assignments) {
    const template = yield* transaction.get(Template.collection, module.accountId, assignment.templateId)
    uses.push({ assignment, templateName: Option.isSome(template) ? template.value.name : assignment.templateId })
  }
  return uses
})

/**
 * What refers to exactly this version: assignments that name it, and instances that run one of its artifacts.
 *
 * @category queries
 * @since 0.1.0
 */
export const referencesTo = Effect.fnUntraced(function*(
  transaction: Transaction,
  version: ModuleVersion.ModuleVersion,
  templates: ReadonlyArray<TemplateUse>
): Effect.fn.Return<ReadonlyArray<string>, StorageError> {
  const assigned = templates
    .filter(({ assignment: { channel } }) => typeof channel !== "string" && channel.version === version.versionString)
    .map(({ templateName }) => `template ${templateName} names it`)
  const running: Array<string> = []
  for (const artifact of version.artifacts) {
    const instances = yield* transaction.list(
      RunningModule.collection,
      version.accountId,
      "byDigest",
      [artifact.composefsDigest],
      { limit: 10 }
    )
    running.push(...instances.map((instance) => `instance ${instance.instanceId} runs it`))
  }
  return [...assigned, ...running]
})

/**
 * The templates that follow a module's live channel.
 *
 * @category queries
 * @since 0.1.0
 */
export const liveFollowers = (templates: ReadonlyArray<TemplateUse>): ReadonlyArray<string> =>
  templates
    .filter(({ assignment }) => assignment.channel === "live")
    .map(({ templateName }) => `template ${templateName} follows live`)
