/**
 * Whether what a module requires is far enough for it: there, at `staging` or beyond, and not in a circle.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Module from "../catalog/Module.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import * as Requirement from "../composition/Requirement.ts"
import { findRequired } from "../internal/namedModule.ts"
import * as Reading from "../internal/reading.ts"
import type { Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"

/**
 * Modules that a search for circles looks at, at most; a larger closure is reported as a problem.
 *
 * @category constants
 * @since 0.1.0
 */
export const maximumClosure = 5000

/**
 * Everything that is wrong with what a module requires, one sentence each; empty when it is ready.
 *
 * @category queries
 * @since 0.1.0
 */
export const problemsOf = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Module.Module
): Effect.fn.Return<ReadonlyArray<string>, StorageError> {
  const problems: Array<string> = []
  for (const requirement of needed(module)) {
    const problem = yield* problemOf(transaction, module.accountId, requirement)
    if (problem !== undefined) problems.push(problem)
  }
  const circle = yield* findCircle(transaction, module)
  return circle === undefined ? problems : [...problems, circle]
})

const problemOf = Effect.fnUntraced(function*(
  transaction: Transaction,
  accountId: string,
  requirement: Module.Requirement
): Effect.fn.Return<string | undefined, StorageError> {
  const found = yield* findRequired(transaction, accountId, requirement.name)
  if (Option.isNone(found)) return `${requirement.name} is not in the catalog`
  const ready = yield* readyVersions(transaction, found.value)
  if (ready.some((version) => Requirement.accepts(requirement, version.versionString))) return undefined
  return ready.length === 0
    ? `${requirement.name} has no version at staging or beyond`
    : `${Requirement.render(requirement)} is asked for, at staging or beyond are ` +
      ready.map((version) => version.versionString).join(", ")
})

const needed = (module: Module.Module): ReadonlyArray<Module.Requirement> =>
  module.dependencies.requires.filter((requirement) => !requirement.optional)

const readyVersions = Effect.fnUntraced(function*(transaction: Transaction, module: Module.Module) {
  const ready: Array<ModuleVersion.ModuleVersion> = []
  for (const state of ["staging", "blessed", "live"] as const) {
    ready.push(
      ...(yield* Reading.everyPage((options) =>
        transaction.list(ModuleVersion.collection, module.accountId, "byModuleAndState", [module.id, state], options)
      ))
    )
  }
  return ready.filter((version) => version.quarantine === undefined)
})

/** Walks breadth first from the module along what is required, until it comes back to the module. */
const findCircle = Effect.fnUntraced(function*(
  transaction: Transaction,
  start: Module.Module
): Effect.fn.Return<string | undefined, StorageError> {
  const cameFrom = new Map<string, string>()
  const queue: Array<Module.Module> = [start]
  for (const module of queue) {
    for (const requirement of needed(module)) {
      const found = yield* findRequired(transaction, start.accountId, requirement.name)
      if (Option.isNone(found)) continue
      if (found.value.id === start.id) return `requires itself: ${pathTo(cameFrom, module.name, start.name)}`
      if (found.value.name !== start.name && !cameFrom.has(found.value.name)) {
        cameFrom.set(found.value.name, module.name)
        queue.push(found.value)
      }
    }
    if (queue.length > maximumClosure) return `requires more than ${maximumClosure} modules`
  }
  return undefined
})

const pathTo = (cameFrom: ReadonlyMap<string, string>, last: string, start: string): string => {
  const path = [start, last]
  let name = last
  while (name !== start) {
    name = cameFrom.get(name) ?? start
    path.push(name)
  }
  return path.reverse().join(" → ")
}
