/**
 * Managing templates and what is assigned to them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Module from "../catalog/Module.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import * as Command from "../events/Command.ts"
import { type CommandError, invalidInput, notFound } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import * as Instance from "../fleet/Instance.ts"
import * as Reading from "../internal/reading.ts"
import { type ListOptions, Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as Template from "./Template.ts"
import * as TemplateAssignment from "./TemplateAssignment.ts"
import { TemplateError, TemplateInUse, TemplateNameTaken, VersionQuarantined } from "./TemplateError.ts"

/**
 * What a command about templates may fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = TemplateError | CommandError | StorageError

/**
 * Makes an empty template.
 *
 * @category commands
 * @since 0.1.0
 */
export const createTemplate = Effect.fn("Templates.createTemplate")(function*(
  input: Command.Options & { readonly name: string; readonly description?: string | undefined }
): Effect.fn.Return<Template.Template, Failure, Storage> {
  const name = input.name.trim()
  if (name.length === 0 || name.length > 200) {
    return yield* invalidInput("name", "1 to 200 characters", JSON.stringify(input.name.slice(0, 220)))
  }
  const description = input.description ?? ""
  return yield* Command.run(
    { name: "template.create", options: input, request: { name, description }, result: Template.Template },
    Effect.fnUntraced(function*(change) {
      const other = yield* change.transaction.find(Template.collection, change.accountId, "byName", [name])
      if (Option.isSome(other)) {
        return yield* new TemplateError({ reason: new TemplateNameTaken({ name, templateId: other.value.id }) })
      }
      const template = yield* change.transaction.insert(Template.collection, {
        id: yield* Id.next,
        accountId: change.accountId,
        rev: 1,
        name,
        description,
        createdAt: change.now
      })
      yield* change.record({
        type: "template.created",
        aggregateKind: "template",
        aggregate: template,
        after: { name, description }
      })
      return template
    })
  )
})

/**
 * Deletes a template and its assignments. Refuses while an instance follows it.
 *
 * @category commands
 * @since 0.1.0
 */
export const deleteTemplate = Effect.fn("Templates.deleteTemplate")((
  input: Command.Options & { readonly templateId: string; readonly expectedRev?: number | undefined }
): Effect.Effect<Template.Template, Failure, Storage> =>
  Command.run(
    {
      name: "template.delete",
      options: input,
      request: { templateId: input.templateId, expectedRev: input.expectedRev },
      result: Template.Template
    },
    Effect.fnUntraced(function*(change) {
      const { transaction, accountId } = change
      const template = yield* requireTemplate(transaction, accountId, input.templateId)
      yield* Command.expectRev("template", template, input.expectedRev)
      const followers = yield* transaction.list(Instance.collection, accountId, "byTemplate", [template.id])
      if (followers.length > 0) {
        const instances = followers.map((instance) => `instance ${instance.name}`)
        return yield* new TemplateError({ reason: new TemplateInUse({ name: template.name, instances }) })
      }
      const assignments = yield* assignmentsOf(transaction, template)
      for (const assignment of assignments) yield* transaction.remove(TemplateAssignment.collection, assignment)
      yield* transaction.remove(Template.collection, template)
      yield* change.record({
        type: "template.deleted",
        aggregateKind: "template",
        aggregate: template,
        before: Command.toJson({ template, assignments })
      })
      return template
    })
  )
)

/**
 * What an assignment is given. Without a channel the module follows `live`.
 *
 * @category models
 * @since 0.1.0
 */
export type AssignInput =
  & Command.Options
  & { readonly templateId: string }
  & ({ readonly moduleId: string } | { readonly moduleName: string })
  & {
    readonly channel?: TemplateAssignment.FollowedChannel | undefined
    readonly enabled?: boolean | undefined
    /** Where it stands in the list; at the end, when absent. */
    readonly position?: number | undefined
  }

/**
 * Assigns a module to a template, or changes the channel of its assignment. A version that is named has to exist and
 * not be in quarantine.
 *
 * @category commands
 * @since 0.1.0
 */
export const assignModule = Effect.fn("Templates.assignModule")((
  input: AssignInput
): Effect.Effect<TemplateAssignment.TemplateAssignment, Failure, Storage> => {
  const { accountId, actor: _actor, idempotencyKey: _key, correlationId: _correlation, ...request } = input
  return Command.run(
    { name: "template.assign", options: input, request, result: TemplateAssignment.TemplateAssignment },
    Effect.fnUntraced(function*(change) {
      const { transaction } = change
      const template = yield* requireTemplate(transaction, accountId, input.templateId)
      const module = yield* findModule(transaction, accountId, input)
      const channel = input.channel ?? "live"
      if (typeof channel !== "string") yield* requireUsable(transaction, module, channel.version)
      const assignments = yield* assignmentsOf(transaction, template)
      const existing = assignments.find(({ moduleId }) => moduleId === module.id)
      const assignment = existing === undefined
        ? yield* transaction.insert(TemplateAssignment.collection, {
          id: yield* Id.next,
          accountId,
          rev: 1,
          templateId: template.id,
          moduleId: module.id,
          channel,
          enabled: input.enabled ?? true,
          position: input.position ?? (assignments.at(-1)?.position ?? 0) + 1,
          createdAt: change.now
        })
        : yield* transaction.update(TemplateAssignment.collection, {
          ...existing,
          channel: input.channel ?? existing.channel,
          enabled: input.enabled ?? existing.enabled,
          position: input.position ?? existing.position
        })
      yield* change.record({
        type: existing === undefined ? "template.module_assigned" : "template.assignment_changed",
        aggregateKind: "template",
        aggregate: template,
        before: Command.toJson(existing ?? null),
        after: Command.toJson(assignment),
        detail: { module: module.name }
      })
      return assignment
    })
  )
})

const findModule = Effect.fnUntraced(function*(
  transaction: Transaction,
  accountId: string,
  input: { readonly moduleId: string } | { readonly moduleName: string }
) {
  if ("moduleId" in input) {
    return yield* Reading.required(transaction, Module.collection, accountId, "module", input.moduleId)
  }
  const found = yield* transaction.find(Module.collection, accountId, "byName", [input.moduleName])
  if (Option.isNone(found)) return yield* notFound(accountId, "module", input.moduleName)
  return found.value
})

const requireUsable = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Module.Module,
  versionString: string
) {
  const version = yield* transaction.find(ModuleVersion.collection, module.accountId, "byVersionString", [
    module.id,
    versionString
  ])
  if (Option.isNone(version)) return yield* notFound(module.accountId, `version of ${module.name}`, versionString)
  if (version.value.quarantine !== undefined) {
    return yield* new TemplateError({ reason: new VersionQuarantined({ module: module.name, versionString }) })
  }
})

/**
 * Takes a module out of a template. Taking out what is not in it does nothing.
 *
 * @category commands
 * @since 0.1.0
 */
export const unassignModule = Effect.fn("Templates.unassignModule")((
  input: Command.Options & { readonly templateId: string; readonly moduleId: string }
): Effect.Effect<{ readonly removed: boolean }, Failure, Storage> =>
  Command.run(
    {
      name: "template.unassign",
      options: input,
      request: { templateId: input.templateId, moduleId: input.moduleId },
      result: Schema.Struct({ removed: Schema.Boolean })
    },
    Effect.fnUntraced(function*(change) {
      const { transaction, accountId } = change
      const template = yield* requireTemplate(transaction, accountId, input.templateId)
      const assignment = yield* transaction.find(TemplateAssignment.collection, accountId, "byTemplateAndModule", [
        template.id,
        input.moduleId
      ])
      if (Option.isNone(assignment)) return { removed: false }
      yield* transaction.remove(TemplateAssignment.collection, assignment.value)
      yield* change.record({
        type: "template.module_unassigned",
        aggregateKind: "template",
        aggregate: template,
        before: Command.toJson(assignment.value)
      })
      return { removed: true }
    })
  )
)

/**
 * A template by its id.
 *
 * @category queries
 * @since 0.1.0
 */
export const getTemplate = Effect.fn("Templates.getTemplate")(function*(
  input: { readonly accountId: string; readonly templateId: string }
) {
  return yield* Reading.one(Template.collection, input.accountId, "template", input.templateId)
})

/**
 * A page of an account's templates.
 *
 * @category queries
 * @since 0.1.0
 */
export const listTemplates = Effect.fn("Templates.listTemplates")(function*(
  input: { readonly accountId: string } & ListOptions
) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) => transaction.scan(Template.collection, input.accountId, input))
})

/**
 * The assignments of a template, in their order.
 *
 * @category queries
 * @since 0.1.0
 */
export const listAssignments = Effect.fn("Templates.listAssignments")(function*(
  input: { readonly accountId: string; readonly templateId: string }
): Effect.fn.Return<ReadonlyArray<TemplateAssignment.TemplateAssignment>, CommandError | StorageError, Storage> {
  const storage = yield* Storage
  return yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
    const template = yield* requireTemplate(transaction, input.accountId, input.templateId)
    return yield* assignmentsOf(transaction, template)
  }))
})

/**
 * The assignments of a template in their order, within a transaction.
 *
 * @category queries
 * @since 0.1.0
 */
export const assignmentsOf = Effect.fnUntraced(function*(
  transaction: Transaction,
  template: Template.Template
): Effect.fn.Return<ReadonlyArray<TemplateAssignment.TemplateAssignment>, StorageError> {
  const assignments = yield* Reading.everyPage((options) =>
    transaction.list(TemplateAssignment.collection, template.accountId, "byTemplate", [template.id], options)
  )
  return [...assignments].sort((left, right) => left.position - right.position || (left.id < right.id ? -1 : 1))
})

const requireTemplate = (transaction: Transaction, accountId: string, templateId: string) =>
  Reading.required(transaction, Template.collection, accountId, "template", templateId)
