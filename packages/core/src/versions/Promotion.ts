/**
 * Promotion: moving versions of a module towards users, and back.
 *
 * Every command gathers its facts, asks the state machine and writes in one transaction. Of two that race, the later one
 * decides anew on what the earlier one left.
 *
 * @example
 * ```ts
 * import { Actor, Promotion } from "@lamina/core"
 *
 * const promote = Promotion.promote({
 *   accountId: "0190…",
 *   actor: Actor.person("ada"),
 *   versionId: "0191…",
 *   to: "staging"
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Policy from "../approvals/Policy.ts"
import * as Module from "../catalog/Module.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import type { Actor } from "../events/Actor.ts"
import * as Command from "../events/Command.ts"
import { type CommandError, notFound } from "../events/CommandError.ts"
import * as Reading from "../internal/reading.ts"
import { Storage } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { NothingToRollBackTo, PromotionError } from "./PromotionError.ts"
import * as PromotionFacts from "./PromotionFacts.ts"
import * as Refusal from "./Refusal.ts"
import * as VersionLifecycle from "./VersionLifecycle.ts"
import * as VersionStep from "./VersionStep.ts"

/**
 * What every command about one version is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface VersionInput extends Command.Options {
  readonly versionId: string
  readonly reason?: string | undefined
  readonly expectedRev?: number | undefined
}

/**
 * What a promotion is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface PromoteInput extends VersionInput {
  readonly to: "staging" | "blessed" | "live"
  /** Lifts the hold of a rollback in passing; only persons can. */
  readonly releaseHold?: boolean | undefined
  /** Lets a version go live that is older than the live one. */
  readonly allowDowngrade?: boolean | undefined
}

/**
 * What a command about a version may fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = PromotionError | CommandError | StorageError

/**
 * Moves a version one state towards `live`. The version that was live becomes `blessed` in the same transaction.
 *
 * Fails with `ApprovalRequired` when nothing but an approval is missing; the request for it is kept.
 *
 * @category commands
 * @since 0.1.0
 */
export const promote = Effect.fn("Promotion.promote")((input: PromoteInput) =>
  step("module_version.promote", input, () => ({
    _tag: "Promote",
    to: input.to,
    releaseHold: input.releaseHold ?? false,
    allowDowngrade: input.allowDowngrade ?? false
  }))
)

/**
 * Moves a version one state back: `live` to `blessed` (nothing is live then), `blessed` to `staging`, `staging` to
 * `draft`. Approvals that were given for it are void.
 *
 * @category commands
 * @since 0.1.0
 */
export const demote = Effect.fn("Promotion.demote")((input: VersionInput) =>
  step("module_version.demote", input, (version) => ({
    _tag: version.lifecycleState === "live" ? "Unpublish" : "Demote"
  }))
)

/**
 * Takes a version out of use. It can be restored.
 *
 * @category commands
 * @since 0.1.0
 */
export const archive = Effect.fn("Promotion.archive")((input: VersionInput) =>
  step("module_version.archive", input, () => ({ _tag: "Archive" }))
)

/**
 * Brings an archived version back as `blessed`. It has to be reverified shortly before.
 *
 * @category commands
 * @since 0.1.0
 */
export const restore = Effect.fn("Promotion.restore")((input: VersionInput) =>
  step("module_version.restore", input, () => ({ _tag: "Restore" }))
)

/**
 * Vetoes every step forward and every new use of a version. What runs keeps running.
 *
 * @category commands
 * @since 0.1.0
 */
export const quarantine = Effect.fn("Promotion.quarantine")((input: VersionInput) =>
  step("module_version.quarantine", input, () => ({ _tag: "Quarantine" }))
)

/**
 * Ends a quarantine.
 *
 * @category commands
 * @since 0.1.0
 */
export const releaseQuarantine = Effect.fn("Promotion.releaseQuarantine")((input: VersionInput) =>
  step("module_version.release_quarantine", input, () => ({ _tag: "ReleaseQuarantine" }))
)

/**
 * Marks a version to be kept.
 *
 * @category commands
 * @since 0.1.0
 */
export const pin = Effect.fn("Promotion.pin")((input: VersionInput) =>
  step("module_version.pin", input, () => ({ _tag: "Pin" }))
)

/**
 * Takes the mark away.
 *
 * @category commands
 * @since 0.1.0
 */
export const unpin = Effect.fn("Promotion.unpin")((input: VersionInput) =>
  step("module_version.unpin", input, () => ({ _tag: "Unpin" }))
)

const step = (
  name: string,
  input: VersionInput,
  commandFor: (version: ModuleVersion.ModuleVersion) => VersionLifecycle.Command
): Effect.Effect<ModuleVersion.ModuleVersion, Failure, Storage> => {
  const { accountId, actor, idempotencyKey: _key, correlationId: _correlation, ...request } = input
  return Command.runKeeping(
    { name, options: input, request, result: ModuleVersion.ModuleVersion },
    Effect.fnUntraced(function*(change) {
      const version = yield* Reading.required(
        change.transaction,
        ModuleVersion.collection,
        accountId,
        "module version",
        input.versionId
      )
      yield* Command.expectRev("module version", version, input.expectedRev)
      const command = commandFor(version)
      const asking = { accountId, actor, now: change.now, command }
      const gathered = yield* PromotionFacts.gather(change.transaction, version.id, asking)
      return yield* VersionStep.take(change, gathered, command, input.reason)
    })
  )
}

/**
 * What a rollback is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface RollbackInput extends Command.Options {
  readonly moduleId: string
  /** The latest former live version that will do, when absent. */
  readonly toVersionId?: string | undefined
  readonly reason: string
  /** The revision of the module that the caller saw. */
  readonly expectedRev?: number | undefined
}

/**
 * Makes a former live version live again and holds the module, so that nothing automatic undoes it. The version that was
 * live is vetoed for as long as the hold lasts.
 *
 * @category commands
 * @since 0.1.0
 */
export const rollback = Effect.fn("Promotion.rollback")((
  input: RollbackInput
): Effect.Effect<ModuleVersion.ModuleVersion, Failure, Storage> =>
  Command.runKeeping(
    {
      name: "module.rollback",
      options: input,
      request: {
        moduleId: input.moduleId,
        toVersionId: input.toVersionId,
        reason: input.reason,
        expectedRev: input.expectedRev
      },
      result: ModuleVersion.ModuleVersion
    },
    Effect.fnUntraced(function*(change) {
      const module = yield* requireModule(change, input.moduleId)
      yield* Command.expectRev("module", module, input.expectedRev)
      const live = yield* PromotionFacts.liveVersion(change.transaction, module)
      if (live === undefined) {
        return yield* new PromotionError({ reason: new NothingToRollBackTo({ module: module.name, considered: [] }) })
      }
      const command: VersionLifecycle.Command = { _tag: "RollBack" }
      const asking = { accountId: input.accountId, actor: input.actor, now: change.now, command }
      const candidates = input.toVersionId === undefined ? module.previousLiveVersionIds : [input.toVersionId]

      const considered: Array<string> = []
      for (const candidate of candidates) {
        const gathered = yield* PromotionFacts.gather(change.transaction, candidate, asking)
        if (gathered.module.id !== module.id) {
          return yield* notFound(input.accountId, `module version of ${module.name}`, candidate)
        }
        const refusals = refusalsOf(gathered, command)
        if (input.toVersionId !== undefined || refusals.every(({ _tag }) => _tag === "ApprovalMissing")) {
          return yield* VersionStep.take(change, gathered, command, input.reason)
        }
        considered.push(`${gathered.version.versionString}: ${refusals.map(Refusal.render).join(", ")}`)
      }
      return yield* new PromotionError({
        reason: new NothingToRollBackTo({ module: module.name, live: live.versionString, considered })
      })
    })
  )
)

const refusalsOf = (
  gathered: PromotionFacts.Gathered,
  command: VersionLifecycle.Command
): ReadonlyArray<Refusal.Refusal> => {
  const decided = VersionLifecycle.transition(PromotionFacts.stateOf(gathered.version), command, gathered.facts)
  return Result.isFailure(decided) ? decided.failure : []
}

export { hold, releaseHold } from "../internal/moduleHold.ts"

const requireModule = (change: Command.Change, moduleId: string) =>
  Reading.required(change.transaction, Module.collection, change.accountId, "module", moduleId)

/**
 * Records what a vulnerability scan of a version said; the latest counts.
 *
 * @category commands
 * @since 0.1.0
 */
export const recordScan = Effect.fn("Promotion.recordScan")((
  input: VersionInput & { readonly passed: boolean; readonly detail: string }
) =>
  Command.run(
    {
      name: "module_version.record_scan",
      options: input,
      request: { versionId: input.versionId, passed: input.passed, detail: input.detail },
      result: ModuleVersion.ModuleVersion
    },
    Effect.fnUntraced(function*(change) {
      const version = yield* Reading.required(
        change.transaction,
        ModuleVersion.collection,
        change.accountId,
        "module version",
        input.versionId
      )
      yield* Command.expectRev("module version", version, input.expectedRev)
      const scan = { passed: input.passed, detail: input.detail, by: input.actor, at: change.now }
      const updated = yield* change.transaction.update(ModuleVersion.collection, { ...version, scan })
      yield* change.record({
        type: "module_version.scanned",
        aggregateKind: "module_version",
        aggregate: updated,
        before: Command.toJson({ scan: version.scan }),
        after: Command.toJson({ scan })
      })
      return updated
    })
  )
)

/**
 * What a step would lead to, without taking it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Explanation {
  readonly command: VersionLifecycle.Command
  readonly allowed: boolean
  readonly refusals: ReadonlyArray<Refusal.Refusal>
  /** What the policies say, with their trace; absent for steps that no policy is asked about. */
  readonly verdict: Policy.Verdict | undefined
}

/**
 * Says whether a version may take a step now, and everything against it, by the very function that takes the step.
 *
 * @category queries
 * @since 0.1.0
 */
export const explain = Effect.fn("Promotion.explain")(function*(input: {
  readonly accountId: string
  readonly versionId: string
  readonly actor: Actor
  readonly command: VersionLifecycle.Command
}) {
  const storage = yield* Storage
  const now = yield* Clock.currentTimeMillis
  const gathered = yield* storage.transaction((transaction) =>
    PromotionFacts.gather(transaction, input.versionId, { ...input, now })
  )
  const refusals = refusalsOf(gathered, input.command)
  const explanation: Explanation = {
    command: input.command,
    allowed: refusals.length === 0,
    refusals,
    verdict: gathered.standing?.verdict
  }
  return explanation
})
