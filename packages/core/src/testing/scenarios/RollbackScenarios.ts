/**
 * Scenarios of rollbacks and of holds, which keep what was undone from coming back by itself.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Approvals from "../../approvals/Approvals.ts"
import * as ModuleCatalog from "../../catalog/ModuleCatalog.ts"
import { automation } from "../../events/Actor.ts"
import * as ModuleIngest from "../../ingest/ModuleIngest.ts"
import * as Promotion from "../../versions/Promotion.ts"
import { type ContractCase, equal } from "../ContractCase.ts"
import {
  approvalRequired,
  asAda,
  bob,
  getModule,
  goLive,
  liveVersions,
  refused,
  register,
  release,
  scenario,
  World
} from "./World.ts"

/**
 * The scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  scenario(
    "a rollback restores the former version and holds the module until a person lets go",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const first = yield* release(module, "0.1.0", "live")
      const second = yield* release(module, "0.2.0", "live")
      const restored = yield* Promotion.rollback({ ...options, moduleId: module.id, reason: "it crashes" })
      yield* equal("restored", restored.id, first.id)
      const held = yield* getModule(module.id)
      yield* equal("pointer", held.liveVersionId, first.id)
      yield* equal("vetoed", held.hold?.vetoedVersionIds, [second.id])

      const third = yield* release(module, "0.3.0", "blessed")
      const byAutomation = { ...options, actor: automation("rollout"), versionId: third.id, to: "live" } as const
      yield* refused("automation", Promotion.promote({ ...byAutomation, releaseHold: true }), "NotAllowed")
      yield* refused(
        "automation letting go",
        Promotion.releaseHold({ ...options, actor: automation("rollout"), moduleId: module.id }),
        "PersonNeeded"
      )
      yield* refused(
        "rolling back to the version that was vetoed",
        Promotion.rollback({ ...options, moduleId: module.id, toVersionId: second.id, reason: "try again" }),
        "NotAllowed"
      )
      yield* Promotion.releaseHold({ ...options, moduleId: module.id, reason: "mended" })
      yield* goLive(third.id)
      yield* equal("live", yield* liveVersions(module.id), ["0.3.0"])
      yield* equal("hold", (yield* getModule(module.id)).hold, undefined)
    })
  ),

  scenario(
    "rolling back needs somewhere to go",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const rollback = Promotion.rollback({ ...options, moduleId: module.id, reason: "panic" })
      yield* refused("nothing is live", rollback, "NothingToRollBackTo")
      yield* release(module, "0.1.0", "live")
      yield* refused("nothing was before", rollback, "NothingToRollBackTo")
      const other = yield* release(yield* register("other"), "1.0.0", "blessed")
      yield* refused(
        "a version of another module",
        Promotion.rollback({ ...options, moduleId: module.id, toVersionId: other.id, reason: "panic" }),
        "NotFound"
      )
    })
  ),

  scenario(
    "a rollback goes only to what was live: a version that nobody approved does not get there by one",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const live = yield* release(module, "0.1.0", "live")
      const blessed = yield* release(module, "0.2.0", "blessed")
      const rollback = { ...options, moduleId: module.id, toVersionId: blessed.id, reason: "forwards" }
      yield* refused("rolling forwards", Promotion.rollback(rollback), "NotAllowed")
      yield* equal("live", yield* liveVersions(module.id), ["0.1.0"])
      const checked = yield* Promotion.explain({ ...options, versionId: blessed.id, command: { _tag: "RollBack" } })
      yield* equal("the check", checked.refusals.map(({ _tag }) => _tag), ["NeverLive"])
      yield* goLive(blessed.id)
      yield* Promotion.rollback({ ...options, moduleId: module.id, toVersionId: live.id, reason: "it crashes" })
      yield* equal("live after it was", yield* liveVersions(module.id), ["0.1.0"])
    })
  ),

  scenario(
    "a former live version that was demoted needs an approval again",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const first = yield* release(module, "0.1.0", "live")
      yield* release(module, "0.2.0", "live")
      yield* Promotion.demote({ ...options, versionId: first.id, reason: "not good enough" })
      yield* Promotion.promote({ ...options, versionId: first.id, to: "blessed" })
      const rollback = Promotion.rollback({ ...options, moduleId: module.id, toVersionId: first.id, reason: "back" })
      yield* refused("rolling back to it", rollback, "NotAllowed")
      yield* equal("live", yield* liveVersions(module.id), ["0.2.0"])
    })
  ),

  scenario(
    "automation may hold a module for longer, and never for less",
    Effect.gen(function*() {
      const { advance } = yield* World
      const module = yield* register("my-redis")
      const options = yield* asAda
      const now = yield* Clock.currentTimeMillis
      yield* Promotion.hold({ ...options, moduleId: module.id, reason: "an incident", until: now + 10_000 })
      const bot = { ...options, actor: automation("rollout"), moduleId: module.id, reason: "watching" }
      const untilAfter = (input: Parameters<typeof Promotion.hold>[0]) =>
        Effect.map(Promotion.hold(input), ({ hold }) => hold?.until === undefined ? "for ever" : hold.until - now)
      yield* equal("after a shorter one", yield* untilAfter({ ...bot, until: now + 1 }), 10_000)
      yield* equal("after a longer one", yield* untilAfter({ ...bot, until: now + 20_000 }), 20_000)
      yield* equal("after one without end", yield* untilAfter(bot), "for ever")
      yield* equal("after that", yield* untilAfter({ ...bot, until: now + 30_000 }), "for ever")
      yield* equal("a person's", yield* untilAfter({ ...bot, actor: options.actor, until: now + 5000 }), 5000)
      yield* advance(5000)
      yield* equal("when none is left", yield* untilAfter({ ...bot, until: now + 6000 }), 6000)
    })
  ),

  scenario(
    "a version that was verified under a trust policy goes no further when the signer is trusted no more",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const version = yield* release(module, "0.1.0", "blessed")
      const promote = Promotion.promote({ ...options, versionId: version.id, to: "live" })
      const { requestId } = yield* approvalRequired(promote)
      yield* Approvals.approve({ ...options, actor: bob, requestId })
      const policy = module.trustPolicy
      const change = (signers: typeof policy.signers) =>
        ModuleCatalog.updateModule({ ...options, moduleId: module.id, changes: { trustPolicy: { signers } } })
      yield* change([{ kind: "key", publicKeyPem: "another" }])
      yield* refused("promoting", promote, "NotAllowed")
      const again = { ...options, versionId: version.id }
      yield* equal("reverified", (yield* ModuleIngest.reverify(again)).cosignVerified, false)
      yield* change([...policy.signers, { kind: "key", publicKeyPem: "another" }])
      yield* equal("reverified under both", (yield* ModuleIngest.reverify(again)).cosignVerified, true)
      yield* change([...policy.signers])
      yield* refused("after one of both was removed", promote, "NotAllowed")
      yield* ModuleIngest.reverify(again)
      yield* change([...policy.signers, { kind: "key", publicKeyPem: "another" }])
      yield* equal("when others are trusted as well", (yield* promote).lifecycleState, "live")
    })
  )
]
