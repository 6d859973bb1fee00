/**
 * A naive model of promotion, to hold the domain against: random commands to three versions of a module must do the same
 * in both, on any adapter of storage. It knows nothing of `VersionLifecycle.table`.
 *
 * ```ts
 * it.effect.prop("does what the model does", [PromotionModel.Script], ([script]) =>
 *   Effect.provide(PromotionModel.check(script), MemoryStorage.layer))
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import * as Approvals from "../approvals/Approvals.ts"
import type * as Module from "../catalog/Module.ts"
import * as ModuleCatalog from "../catalog/ModuleCatalog.ts"
import type { LifecycleState } from "../catalog/ModuleVersion.ts"
import * as Events from "../events/Events.ts"
import type { JobQueue } from "../storage/JobQueue.ts"
import type { Storage } from "../storage/Storage.ts"
import * as Promotion from "../versions/Promotion.ts"
import { equal } from "./ContractCase.ts"
import { ada, asAda, ingest, publish, register, scenario, World } from "./scenarios/World.ts"

/**
 * A command to one of the versions: 0 and 1 are verified, 2 is not. `force` promotes to live whatever is held or newer,
 * `advance` to whatever comes next, so that random scripts get somewhere.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Step = Schema.Struct({
  version: Schema.Literals([0, 0, 0, 1, 1, 1, 2]),
  command: Schema.Literals([
    "advance",
    "advance",
    "advance",
    "advance",
    "advance",
    "advance",
    "staging",
    "blessed",
    "live",
    "force",
    "rollback",
    "demote",
    "archive",
    "restore",
    "quarantine",
    "release",
    "pin",
    "unpin",
    "rollback",
    "letGo"
  ])
})

/**
 * A command to one of the versions.
 *
 * @category models
 * @since 0.1.0
 */
export type Step = typeof Step.Type

/**
 * Commands, one after another.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Script = Schema.Array(Step)

interface ModelVersion {
  state: LifecycleState
  quarantined: boolean
  pinned: boolean
}

interface Model {
  readonly versions: ReadonlyArray<ModelVersion>
  live: number | undefined
  former: ReadonlyArray<number>
  vetoed: ReadonlyArray<number> | undefined
}

const versionStrings = ["1.0.0", "2.0.0", "3.0.0"]
const isVerified = (version: number): boolean => version !== 2

/**
 * Runs a script against the domain and against the model; fails where they differ.
 *
 * @category checking
 * @since 0.1.0
 */
export const check = (script: ReadonlyArray<Step>): Effect.Effect<void, unknown, Storage | JobQueue> =>
  scenario(
    "the model",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      yield* Approvals.createPolicy({
        ...(yield* asAda),
        rule: {
          name: "everything goes",
          action: "module_*",
          moduleName: "*",
          decision: "auto_approve",
          quorum: 1,
          lifetimeMillis: 1000
        }
      })
      yield* dropStrictPolicy
      const ids: Array<string> = []
      const digests: Array<string> = []
      for (const [index, versionString] of versionStrings.entries()) {
        const published = yield* publish(module, versionString, isVerified(index) ? {} : { signedBy: "nobody" })
        ids.push((yield* ingest(module, `v${versionString}`)).version.id)
        digests.push(published.indexDigest)
      }
      const model: Model = {
        versions: ids.map(() => ({ state: "draft", quarantined: false, pinned: false })),
        live: undefined,
        former: [],
        vetoed: undefined
      }
      for (const [index, wish] of script.entries()) {
        const step = resolve(model, wish)
        const what = `step ${index}, ${step.command} of ${step.version}`
        const expected = act(model, step)
        const exit = yield* Effect.exit(give(module, ids, step))
        yield* equal(`${what}: done`, Exit.isSuccess(exit), expected)
        yield* compare(what, module, ids, digests, model)
      }
      yield* replay(ids, model)
    })
  ).run

const dropStrictPolicy = Effect.gen(function*() {
  const options = yield* asAda
  const policies = yield* Approvals.listPolicies(options)
  for (const { id, decision } of policies) {
    if (decision !== "auto_approve") yield* Approvals.deletePolicy({ ...options, policyId: id })
  }
})

type ConcreteStep = Step & { readonly command: Exclude<Step["command"], "advance"> }

const resolve = (model: Model, { version, command }: Step): ConcreteStep => {
  if (command !== "advance") return { version, command }
  switch (model.versions[version]?.state) {
    case "staging":
      return { version, command: "blessed" }
    case "blessed":
      return { version, command: "force" }
    case "archived":
      return { version, command: "restore" }
    default:
      return { version, command: "staging" }
  }
}

const give = Effect.fnUntraced(function*(module: Module.Module, ids: ReadonlyArray<string>, step: ConcreteStep) {
  const { accountId } = yield* World
  const input = { accountId, actor: ada, versionId: ids[step.version] ?? "", reason: "the model said so" }
  switch (step.command) {
    case "staging":
    case "blessed":
    case "live":
      return yield* Promotion.promote({ ...input, to: step.command })
    case "force":
      return yield* Promotion.promote({ ...input, to: "live", releaseHold: true, allowDowngrade: true })
    case "demote":
      return yield* Promotion.demote(input)
    case "archive":
      return yield* Promotion.archive(input)
    case "restore":
      return yield* Promotion.restore(input)
    case "quarantine":
      return yield* Promotion.quarantine(input)
    case "release":
      return yield* Promotion.releaseQuarantine(input)
    case "pin":
      return yield* Promotion.pin(input)
    case "unpin":
      return yield* Promotion.unpin(input)
    case "rollback":
      return yield* Promotion.rollback({ ...input, moduleId: module.id })
    case "letGo":
      return yield* Promotion.releaseHold({ ...input, moduleId: module.id })
  }
})

/** What the model does; whether it does anything. */
const act = (model: Model, { command, version: index }: ConcreteStep): boolean => {
  const version = model.versions[index]
  if (version === undefined) return false
  const mayAdvance = isVerified(index) && !version.quarantined
  switch (command) {
    case "staging":
      return move(version, "draft", "staging", mayAdvance)
    case "blessed":
      return move(version, "staging", "blessed", mayAdvance)
    case "live": {
      const hasNewer = model.live !== undefined && model.live > index
      const allowed = mayAdvance && version.state === "blessed" && model.vetoed === undefined && !hasNewer
      return allowed && goLive(model, index, undefined)
    }
    case "force":
      return mayAdvance && version.state === "blessed" && goLive(model, index, undefined)
    case "demote": {
      if (version.state !== "live") {
        if (move(version, "staging", "draft", true)) return true
        if (!move(version, "blessed", "staging", true)) return false
        model.former = model.former.filter((former) => former !== index)
        return true
      }
      version.state = "blessed"
      model.former = remember(index, model.former)
      model.live = undefined
      return true
    }
    case "archive":
      if (version.pinned || version.state === "live" || version.state === "archived") return false
      version.state = "archived"
      return true
    case "restore":
      return move(version, "archived", "blessed", mayAdvance)
    case "quarantine":
    case "release":
      version.quarantined = command === "quarantine"
      return true
    case "pin":
    case "unpin":
      version.pinned = command === "pin"
      return true
    case "rollback":
      return rollBack(model)
    case "letGo": {
      const held = model.vetoed !== undefined
      model.vetoed = undefined
      return held
    }
  }
}

const move = (version: ModelVersion, from: LifecycleState, to: LifecycleState, allowed: boolean): boolean => {
  if (!allowed || version.state !== from) return false
  version.state = to
  return true
}

const goLive = (model: Model, index: number, vetoed: ReadonlyArray<number> | undefined): boolean => {
  for (const version of model.versions) if (version.state === "live") version.state = "blessed"
  if (model.live !== undefined) model.former = remember(model.live, model.former)
  model.former = model.former.filter((former) => former !== index)
  const version = model.versions[index]
  if (version !== undefined) version.state = "live"
  model.live = index
  model.vetoed = vetoed
  return true
}

const rollBack = (model: Model): boolean => {
  const { live } = model
  if (live === undefined) return false
  const target = model.former.find((index) => {
    const version = model.versions[index]
    return version?.state === "blessed" && !version.quarantined && model.vetoed?.includes(index) !== true
  })
  return target !== undefined && goLive(model, target, remember(live, model.vetoed ?? []))
}

const remember = (index: number, list: ReadonlyArray<number>): ReadonlyArray<number> => [
  index,
  ...list.filter((other) => other !== index)
]

const compare = Effect.fnUntraced(function*(
  what: string,
  module: Module.Module,
  ids: ReadonlyArray<string>,
  digests: ReadonlyArray<string>,
  model: Model
) {
  const { accountId } = yield* World
  const versions = yield* ModuleCatalog.listVersions({ accountId, moduleId: module.id })
  yield* equal(
    `${what}: states`,
    versions.map((
      { lifecycleState, quarantine, pin }
    ) => [lifecycleState, quarantine !== undefined, pin !== undefined]),
    model.versions.map(({ state, quarantined, pinned }) => [state, quarantined, pinned])
  )
  yield* equal(`${what}: digests`, versions.map(({ indexDigest }) => indexDigest), [...digests])
  const now = yield* ModuleCatalog.getModule({ accountId, moduleId: module.id })
  const index = (id: string) => ids.indexOf(id)
  yield* equal(`${what}: pointer`, now.liveVersionId === undefined ? undefined : index(now.liveVersionId), model.live)
  yield* equal(`${what}: former`, now.previousLiveVersionIds.map(index), [...model.former])
  yield* equal(`${what}: vetoed`, now.hold?.vetoedVersionIds.map(index), model.vetoed && [...model.vetoed])
})

/** The events alone give the states in which the versions are. */
const replay = Effect.fnUntraced(function*(ids: ReadonlyArray<string>, model: Model) {
  const { accountId } = yield* World
  for (const [index, id] of ids.entries()) {
    const events = yield* Events.list({
      accountId,
      aggregate: { kind: "module_version", id },
      limit: 1000
    })
    const states = events.flatMap(({ after }) => {
      const decoded = Schema.decodeUnknownResult(ReplayedState)(after)
      return decoded._tag === "Success" ? [decoded.success] : []
    })
    const { state, quarantined, pinned } = model.versions[index] ?? { state: "", quarantined: false, pinned: false }
    yield* equal(`version ${index} as its events tell`, states.at(-1), { lifecycleState: state, quarantined, pinned })
  }
})

const ReplayedState = Schema.Struct({
  lifecycleState: Schema.String,
  quarantined: Schema.Boolean,
  pinned: Schema.Boolean
})
