/**
 * Steps: how a version is moved once its facts are known. One place writes versions, pointers and events together.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Admission from "../approvals/Admission.ts"
import * as Module from "../catalog/Module.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import * as Command from "../events/Command.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { ApprovalRequired, NotAllowed, PromotionError } from "./PromotionError.ts"
import { actionOf, type Gathered, stateOf } from "./PromotionFacts.ts"
import type { Refusal } from "./Refusal.ts"
import * as VersionLifecycle from "./VersionLifecycle.ts"

/**
 * How many former live versions a module remembers.
 *
 * @category constants
 * @since 0.1.0
 */
export const rememberedLiveVersions = 10

/**
 * Takes a step or refuses it. A step that lacks nothing but an approval makes the request for it; that is kept.
 *
 * @category changes
 * @since 0.1.0
 */
export const take = Effect.fnUntraced(function*(
  change: Command.Change,
  gathered: Gathered,
  command: VersionLifecycle.Command,
  reason: string | undefined
): Effect.fn.Return<Result.Result<ModuleVersion.ModuleVersion, PromotionError>, StorageError> {
  const decided = VersionLifecycle.transition(stateOf(gathered.version), command, gathered.facts)
  if (Result.isFailure(decided)) {
    return Result.fail(yield* refuse(change, gathered, command, decided.failure))
  }
  // The former live version steps down first: at no moment are there two.
  if (decided.success.next.lifecycleState === "live" && gathered.version.lifecycleState !== "live") {
    yield* supersedeLive(change, gathered)
  }
  if (gathered.standing !== undefined) yield* Admission.settle(change, gathered.standing, gathered.version)
  const moved = yield* move(change, gathered.version, command, decided.success, reason)
  yield* followPointer(change, gathered, moved, command, reason)
  return Result.succeed(moved)
})

/**
 * The error for a refused step; when only an approval is missing, with the request for it.
 *
 * @category changes
 * @since 0.1.0
 */
export const refuse = Effect.fnUntraced(function*(
  change: Command.Change,
  gathered: Gathered,
  command: VersionLifecycle.Command,
  refusals: readonly [Refusal, ...Array<Refusal>]
): Effect.fn.Return<PromotionError, StorageError> {
  const { version, standing } = gathered
  const subject = `${version.moduleName} ${version.versionString}`
  if (standing !== undefined && refusals.every((refusal) => refusal._tag === "ApprovalMissing")) {
    const request = yield* Admission.request(change, standing)
    return new PromotionError({
      reason: new ApprovalRequired({
        versionId: version.id,
        subject,
        action: request.action,
        requestId: request.id,
        quorum: request.quorum,
        expiresAt: request.expiresAt
      })
    })
  }
  return new PromotionError({
    reason: new NotAllowed({ versionId: version.id, subject, step: actionOf(command) ?? command._tag, refusals })
  })
})

const supersedeLive = Effect.fnUntraced(function*(change: Command.Change, gathered: Gathered) {
  if (gathered.live === undefined) return
  const supersede: VersionLifecycle.Command = { _tag: "Supersede" }
  const decided = VersionLifecycle.transition(stateOf(gathered.live), supersede, gathered.facts)
  // The pointer names a version that is not live: the catalog contradicts itself, and guessing would make it worse.
  if (Result.isFailure(decided)) {
    return yield* Effect.die(new Error(`module ${gathered.module.id}: ${gathered.live.id} is not live`))
  }
  yield* move(change, gathered.live, supersede, decided.success, `${gathered.version.versionString} goes live`)
})

const move = Effect.fnUntraced(function*(
  change: Command.Change,
  version: ModuleVersion.ModuleVersion,
  command: VersionLifecycle.Command,
  { next, event }: VersionLifecycle.Transition,
  reason: string | undefined
) {
  const mark = { by: change.actor, reason: reason ?? "", at: change.now }
  const moved = yield* change.transaction.update(ModuleVersion.collection, {
    ...version,
    lifecycleState: next.lifecycleState,
    enteredStateAt: next.lifecycleState === version.lifecycleState ? version.enteredStateAt : change.now,
    quarantine: next.quarantined ? version.quarantine ?? mark : undefined,
    pin: next.pinned ? version.pin ?? mark : undefined
  })
  yield* change.record({
    type: event,
    aggregateKind: "module_version",
    aggregate: moved,
    before: Command.toJson(stateOf(version)),
    after: Command.toJson(stateOf(moved)),
    detail: Command.toJson({
      module: version.moduleName,
      versionString: version.versionString,
      indexDigest: version.indexDigest,
      command,
      reason
    })
  })
  if (isWithdrawal(command)) yield* Admission.cancelAll(change, version.id, event)
  return moved
})

/** After these, an approval that was given for the version is for something else. */
const isWithdrawal = (command: VersionLifecycle.Command): boolean =>
  command._tag === "Demote" || command._tag === "Archive" || command._tag === "Unpublish" ||
  command._tag === "Quarantine"

/** Keeps the module's pointer, memory of former live versions and hold in step with the version that moved. */
const followPointer = Effect.fnUntraced(function*(
  change: Command.Change,
  { module, version, live }: Gathered,
  moved: ModuleVersion.ModuleVersion,
  command: VersionLifecycle.Command,
  reason: string | undefined
) {
  const goesLive = moved.lifecycleState === "live" && version.lifecycleState !== "live"
  const leavesLive = moved.lifecycleState !== "live" && version.lifecycleState === "live"
  if (command._tag === "Demote") return yield* forgetFormerLive(change, module, moved, reason)
  if (!goesLive && !leavesLive) return

  const former = live === undefined ? [] : [live.id]
  const remembered = module.previousLiveVersionIds.filter((id) => id !== moved.id && !former.includes(id))
  const updated = yield* change.transaction.update(Module.collection, {
    ...module,
    liveVersionId: goesLive ? moved.id : undefined,
    previousLiveVersionIds: [...former, ...remembered].slice(0, rememberedLiveVersions),
    hold: holdAfter(change, module, command, former, reason)
  })
  yield* change.record({
    type: "module.live_changed",
    aggregateKind: "module",
    aggregate: updated,
    before: Command.toJson({ liveVersionId: module.liveVersionId, hold: module.hold }),
    after: Command.toJson({ liveVersionId: updated.liveVersionId, hold: updated.hold }),
    detail: Command.toJson({ reason })
  })
})

/** Who demotes a version says that what was approved once is not good enough: no rollback leads there any more. */
const forgetFormerLive = Effect.fnUntraced(function*(
  change: Command.Change,
  module: Module.Module,
  demoted: ModuleVersion.ModuleVersion,
  reason: string | undefined
) {
  const { previousLiveVersionIds } = module
  if (!previousLiveVersionIds.includes(demoted.id)) return
  const updated = yield* change.transaction.update(Module.collection, {
    ...module,
    previousLiveVersionIds: previousLiveVersionIds.filter((id) => id !== demoted.id)
  })
  yield* change.record({
    type: "module.former_live_forgotten",
    aggregateKind: "module",
    aggregate: updated,
    before: Command.toJson({ previousLiveVersionIds }),
    after: Command.toJson({ previousLiveVersionIds: updated.previousLiveVersionIds }),
    detail: Command.toJson({ reason })
  })
})

const holdAfter = (
  change: Command.Change,
  module: Module.Module,
  command: VersionLifecycle.Command,
  former: ReadonlyArray<string>,
  reason: string | undefined
): Module.Hold | undefined => {
  // Whatever went live by promotion passed the guard: there was no hold, or a person released it in passing.
  if (command._tag === "Promote") return undefined
  if (command._tag !== "RollBack") return module.hold
  const vetoedBefore = Module.activeHold(module, change.now)?.vetoedVersionIds ?? []
  return {
    by: change.actor,
    reason: reason ?? "rolled back",
    at: change.now,
    vetoedVersionIds: [...new Set([...former, ...vetoedBefore])]
  }
}
