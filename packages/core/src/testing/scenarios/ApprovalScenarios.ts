/**
 * Scenarios of what people decide, and what policies leave to them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Approvals from "../../approvals/Approvals.ts"
import * as Accounts from "../../catalog/Accounts.ts"
import { automation } from "../../events/Actor.ts"
import * as Promotion from "../../versions/Promotion.ts"
import { type ContractCase, equal } from "../ContractCase.ts"
import { ada, approvalRequired, asAda, bob, getVersion, refused, register, release, scenario, World } from "./World.ts"

/**
 * The scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  scenario(
    "nothing goes live without an approval, and the request for it outlives the refusal",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const version = yield* release(module, "0.1.0", "blessed")
      const promote = Promotion.promote({ ...(yield* asAda), versionId: version.id, to: "live" })
      const first = yield* approvalRequired(promote)
      const again = yield* approvalRequired(promote)
      yield* equal("the request of the second try", again.requestId, first.requestId)
      const request = yield* Approvals.getRequest({ accountId, requestId: first.requestId })
      yield* equal("its state", request.state, "pending")
      yield* equal("what it is bound to", request.subjectDigest, version.indexDigest)
      yield* equal("the version", (yield* getVersion(version.id)).lifecycleState, "blessed")
    })
  ),

  scenario(
    "who asks does not approve, nobody approves twice, and services approve nothing",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      yield* Approvals.createPolicy({
        ...options,
        rule: {
          name: "two people",
          action: "module_promote_to_live",
          moduleName: "*",
          decision: "require_approval",
          quorum: 2,
          lifetimeMillis: 60_000
        }
      })
      const version = yield* release(module, "0.1.0", "blessed")
      const promote = Promotion.promote({ ...options, versionId: version.id, to: "live" })
      const { requestId } = yield* approvalRequired(promote)
      const approve = (actor: typeof ada) => Approvals.approve({ ...options, actor, requestId })
      yield* refused("approval by the requester", approve(ada), "MayNotVote")
      yield* refused("approval by a service", approve({ kind: "service", id: "ci" }), "MayNotVote")
      yield* equal("after one of two", (yield* approve(bob)).state, "pending")
      yield* refused("the same person again", approve(bob), "AlreadyVoted")
      yield* approvalRequired(promote)
      yield* equal("after two of two", (yield* approve({ kind: "person", id: "cleo" })).state, "approved")
      yield* equal("the promotion", (yield* promote).lifecycleState, "live")
    })
  ),

  scenario(
    "an approval is used up by its step, and void when what was decided on changes",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const options = yield* asAda
      const first = yield* release(module, "0.1.0", "blessed")
      const second = yield* release(module, "0.2.0", "blessed")
      const promoteFirst = Promotion.promote({ ...options, versionId: first.id, to: "live" })
      const promoteSecond = Promotion.promote({ ...options, versionId: second.id, to: "live" })
      const ofFirst = yield* approvalRequired(promoteFirst)
      const ofSecond = yield* approvalRequired(promoteSecond)
      yield* Approvals.approve({ ...options, actor: bob, requestId: ofFirst.requestId })
      yield* Approvals.approve({ ...options, actor: bob, requestId: ofSecond.requestId })
      yield* promoteFirst
      const used = yield* Approvals.getRequest({ accountId, requestId: ofFirst.requestId })
      yield* equal("the used one", used.state, "consumed")
      // Bob approved 0.2.0 in the place of nothing; now it would take the place of 0.1.0.
      const anew = yield* approvalRequired(promoteSecond)
      yield* equal("another request", anew.requestId === ofSecond.requestId, false)
      const void_ = yield* Approvals.getRequest({ accountId, requestId: ofSecond.requestId })
      yield* equal("the void one", void_.state, "cancelled")
    })
  ),

  scenario(
    "an approval expires, and so does a request that nobody decides",
    Effect.gen(function*() {
      const { accountId, advance } = yield* World
      const module = yield* register("my-redis")
      const options = yield* asAda
      const version = yield* release(module, "0.1.0", "blessed")
      const promote = Promotion.promote({ ...options, versionId: version.id, to: "live" })
      const late = yield* approvalRequired(promote)
      yield* advance(4 * 60 * 60 * 1000)
      const approve = (requestId: string) => Approvals.approve({ ...options, actor: bob, requestId })
      yield* refused("a late approval", approve(late.requestId), "NotPending")
      const expired = yield* Approvals.getRequest({ accountId, requestId: late.requestId })
      yield* equal("the late one", expired.state, "expired")
      const second = yield* approvalRequired(promote)
      yield* approve(second.requestId)
      yield* advance(4 * 60 * 60 * 1000)
      const third = yield* approvalRequired(promote)
      yield* equal("a third request", third.requestId === second.requestId, false)
    })
  ),

  scenario(
    "a rejection closes the request and a policy that blocks leaves nothing to approve",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const options = yield* asAda
      const version = yield* release(module, "0.1.0", "blessed")
      const promote = Promotion.promote({ ...options, versionId: version.id, to: "live" })
      const { requestId } = yield* approvalRequired(promote)
      const rejected = yield* Approvals.reject({ ...options, actor: bob, requestId, reason: "not on a Friday" })
      yield* equal("the request", rejected.state, "rejected")
      yield* refused("approving it", Approvals.approve({ ...options, actor: bob, requestId }), "NotPending")
      const freeze = yield* Approvals.createPolicy({
        ...options,
        rule: {
          name: "freeze",
          action: "module_*",
          moduleName: "my-*",
          decision: "block",
          quorum: 1,
          lifetimeMillis: 60_000
        }
      })
      const error = yield* refused("promoting", promote, "NotAllowed")
      const refusals = error._tag === "PromotionError" && error.reason._tag === "NotAllowed"
        ? error.reason.refusals
        : []
      yield* equal("why", refusals, [{ _tag: "Blocked", action: "module_promote_to_live", policy: "freeze" }])
      const pending = yield* Approvals.listRequests({ accountId, state: "pending" })
      yield* equal("pending requests", pending.length, 0)
      yield* Approvals.deletePolicy({ ...options, policyId: freeze.id })
      yield* approvalRequired(promote)
    })
  ),

  scenario(
    "automation does not change the rules that bind it",
    Effect.gen(function*() {
      const options = yield* asAda
      const bot = { ...options, actor: automation("rollout") }
      const before = yield* Approvals.listPolicies(options)
      const rule = {
        name: "everything goes",
        action: "module_*",
        moduleName: "*",
        decision: "auto_approve",
        quorum: 1,
        lifetimeMillis: 60_000
      } as const
      yield* refused("a new policy", Approvals.createPolicy({ ...bot, rule }), "OperatorNeeded")
      const strict = before.find(({ decision }) => decision === "require_approval")?.id ?? ""
      yield* refused("one policy less", Approvals.deletePolicy({ ...bot, policyId: strict }), "OperatorNeeded")
      const { promotionRules } = yield* Accounts.getAccount(options)
      const laxer = Accounts.setPromotionRules({ ...bot, promotionRules: { ...promotionRules, requireSbom: false } })
      yield* refused("laxer rules", laxer, "OperatorNeeded")
      yield* equal("policies", yield* Approvals.listPolicies(options), before)
    })
  )
]
