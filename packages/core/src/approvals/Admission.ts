/**
 * Admission: what the policies and the approvals at hand say to a step that is about to be taken.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { Actor } from "../events/Actor.ts"
import * as Command from "../events/Command.ts"
import * as Id from "../events/Id.ts"
import { hashOf } from "../internal/contentHash.ts"
import * as Reading from "../internal/reading.ts"
import type { Row } from "../storage/Collection.ts"
import type { Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as ApprovalRequest from "./ApprovalRequest.ts"
import * as Policy from "./Policy.ts"

/**
 * A step as policies and people see it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Step {
  readonly action: Policy.Action
  readonly moduleName: string
  readonly subjectId: string
  readonly subjectName: string
  readonly subjectDigest: string
  /** Everything that a decision rests on; when any of it changes, earlier approvals are void. */
  readonly decidedOn: unknown
}

/**
 * How a step stands with the policies. `approval` is the request which allows it and is to be used up by it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Standing {
  readonly step: Step
  readonly decidedOnHash: string
  readonly verdict: Policy.Verdict
  readonly admitted: boolean
  readonly approval: ApprovalRequest.ApprovalRequest | undefined
}

/**
 * Asks the policies, and where they require an approval looks for one that allows exactly this step. Changes nothing.
 *
 * @category deciding
 * @since 0.1.0
 */
export const assess = Effect.fnUntraced(function*(
  transaction: Transaction,
  accountId: string,
  actor: Actor,
  now: number,
  step: Step
): Effect.fn.Return<Standing, StorageError> {
  const policies = yield* Reading.everyPage((options) => transaction.scan(Policy.collection, accountId, options))
  const verdict = Policy.decide(policies, { action: step.action, moduleName: step.moduleName, actor })
  const decidedOnHash = hashOf({
    action: step.action,
    subjectDigest: step.subjectDigest,
    decidedOn: step.decidedOn,
    policies: verdict.trace.filter((line) => line.matched).map(({ policyId, policyRev }) => [policyId, policyRev])
  })
  const standing = { step, decidedOnHash, verdict, admitted: false, approval: undefined }
  switch (verdict.decision) {
    case "auto_approve":
    case "notify_and_proceed":
      return { ...standing, admitted: true }
    case "block":
      return standing
    case "require_approval": {
      const approved = yield* transaction.list(ApprovalRequest.collection, accountId, "byStep", [
        step.subjectId,
        step.action,
        "approved"
      ])
      const wanted = { decidedOnHash, subjectDigest: step.subjectDigest, quorum: verdict.quorum }
      const approval = approved.find((request) => ApprovalRequest.allows(request, wanted, now))
      return { ...standing, admitted: approval !== undefined, approval }
    }
  }
})

/**
 * Uses up what admitted the step: an approval is consumed, an announcement is made.
 *
 * @category changes
 * @since 0.1.0
 */
export const settle = Effect.fnUntraced(function*(change: Command.Change, standing: Standing, subject: Row) {
  if (standing.approval !== undefined) yield* end(change, standing.approval, "consumed", "used by its step")
  if (standing.verdict.decision === "notify_and_proceed") {
    yield* change.record({
      type: "approval.notified",
      aggregateKind: "module_version",
      aggregate: subject,
      detail: Command.toJson({ action: standing.step.action, decidedBy: standing.verdict.decidedBy })
    })
  }
})

/**
 * The pending request for exactly this step, made if need be. Pending and approved ones about something else, or too
 * old, end first.
 *
 * @category changes
 * @since 0.1.0
 */
export const request = Effect.fnUntraced(function*(change: Command.Change, standing: Standing) {
  const { step } = standing
  for (const earlier of yield* openRequests(change.transaction, change.accountId, step.subjectId)) {
    if (earlier.action !== step.action) continue
    const fits = earlier.decidedOnHash === standing.decidedOnHash
    if (earlier.expiresAt <= change.now) yield* end(change, earlier, "expired", "nobody decided or acted in time")
    else if (!fits) yield* end(change, earlier, "cancelled", "what was to be decided on has changed")
    else if (earlier.state === "pending") return earlier
  }
  return yield* open(change, standing)
})

const open = Effect.fnUntraced(function*(change: Command.Change, standing: Standing) {
  const { step, verdict } = standing
  const opened = yield* change.transaction.insert(ApprovalRequest.collection, {
    id: yield* Id.next,
    accountId: change.accountId,
    rev: 1,
    action: step.action,
    subjectId: step.subjectId,
    subjectName: step.subjectName,
    subjectDigest: step.subjectDigest,
    decidedOn: Command.toJson(step.decidedOn),
    decidedOnHash: standing.decidedOnHash,
    verdict,
    quorum: verdict.quorum,
    requestedBy: change.actor,
    requestedAt: change.now,
    expiresAt: change.now + verdict.lifetimeMillis,
    state: "pending",
    votes: []
  })
  yield* change.record({
    type: "approval.requested",
    aggregateKind: "approval_request",
    aggregate: opened,
    after: { state: opened.state },
    detail: Command.toJson({ action: step.action, subjectId: step.subjectId, subjectName: step.subjectName })
  })
  return opened
})

/**
 * Ends a request.
 *
 * @category changes
 * @since 0.1.0
 */
export const end = Effect.fnUntraced(function*(
  change: Command.Change,
  ending: ApprovalRequest.ApprovalRequest,
  state: "consumed" | "expired" | "cancelled",
  endedBecause: string
) {
  const ended = yield* change.transaction.update(ApprovalRequest.collection, { ...ending, state, endedBecause })
  yield* change.record({
    type: `approval.${state}`,
    aggregateKind: "approval_request",
    aggregate: ended,
    before: { state: ending.state },
    after: { state },
    detail: { endedBecause }
  })
  return ended
})

/**
 * Cancels whatever is pending or approved for a version: it took a step that makes it void.
 *
 * @category changes
 * @since 0.1.0
 */
export const cancelAll = Effect.fnUntraced(function*(change: Command.Change, subjectId: string, because: string) {
  for (const request of yield* openRequests(change.transaction, change.accountId, subjectId)) {
    yield* end(change, request, "cancelled", because)
  }
})

const openRequests = Effect.fnUntraced(function*(transaction: Transaction, accountId: string, subjectId: string) {
  const pending = yield* transaction.list(ApprovalRequest.collection, accountId, "bySubject", [subjectId, "pending"])
  const approved = yield* transaction.list(ApprovalRequest.collection, accountId, "bySubject", [subjectId, "approved"])
  return [...pending, ...approved]
})
