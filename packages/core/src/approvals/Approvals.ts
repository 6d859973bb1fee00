/**
 * Approvals: people decide on what policies leave to them.
 *
 * A request is made by the step that needs it (see `Promotion.promote`), is decided here, and is used up by the step.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { type Actor, isSame } from "../events/Actor.ts"
import * as Command from "../events/Command.ts"
import { type CommandError, invalidInput } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import { requireOperator } from "../internal/operator.ts"
import * as Reading from "../internal/reading.ts"
import { Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { end } from "./Admission.ts"
import { AlreadyVoted, ApprovalError, MayNotVote, NotPending, PolicyNameTaken } from "./ApprovalError.ts"
import * as ApprovalRequest from "./ApprovalRequest.ts"
import * as Policy from "./Policy.ts"

/**
 * Adds a policy to the account; automation may not.
 *
 * @category commands
 * @since 0.1.0
 */
export const createPolicy = Effect.fn("Approvals.createPolicy")(function*(
  input: Command.Options & { readonly rule: Policy.PolicyRule }
) {
  yield* requireOperator(input.actor, "making a policy")
  const rule = yield* Effect.mapError(
    Schema.decodeEffect(Policy.PolicyRule)(input.rule),
    (error) => invalidInput("rule", "a policy", error.message)
  )
  return yield* Command.run(
    { name: "policy.create", options: input, request: { rule }, result: Policy.Policy },
    Effect.fnUntraced(function*(change) {
      const other = yield* change.transaction.find(Policy.collection, change.accountId, "byName", [rule.name])
      if (Option.isSome(other)) {
        return yield* new ApprovalError({ reason: new PolicyNameTaken({ name: rule.name, policyId: other.value.id }) })
      }
      return yield* insertPolicy(change, rule)
    })
  )
})

/**
 * Adds a policy within a change; also how a new account gets its first ones.
 *
 * @category changes
 * @since 0.1.0
 */
export const insertPolicy = Effect.fnUntraced(function*(change: Command.Change, rule: Policy.PolicyRule) {
  const policy = yield* change.transaction.insert(Policy.collection, {
    ...rule,
    id: yield* Id.next,
    accountId: change.accountId,
    rev: 1,
    createdAt: change.now
  })
  yield* change.record({
    type: "policy.created",
    aggregateKind: "policy",
    aggregate: policy,
    after: Command.toJson(rule)
  })
  return policy
})

/**
 * Removes a policy. What it decided stays decided; what it would have asked of a pending step is no longer asked, and
 * requests made under it are void, because they are bound to the policies of their time. Automation may not.
 *
 * @category commands
 * @since 0.1.0
 */
export const deletePolicy = Effect.fn("Approvals.deletePolicy")(function*(
  input: Command.Options & { readonly policyId: string; readonly expectedRev?: number | undefined }
) {
  yield* requireOperator(input.actor, "removing a policy")
  return yield* Command.run(
    {
      name: "policy.delete",
      options: input,
      request: { policyId: input.policyId, expectedRev: input.expectedRev },
      result: Policy.Policy
    },
    Effect.fnUntraced(function*(change) {
      const policy = yield* Reading.required(
        change.transaction,
        Policy.collection,
        change.accountId,
        "policy",
        input.policyId
      )
      yield* Command.expectRev("policy", policy, input.expectedRev)
      yield* change.transaction.remove(Policy.collection, policy)
      yield* change.record({
        type: "policy.deleted",
        aggregateKind: "policy",
        aggregate: policy,
        before: Command.toJson(policy)
      })
      return policy
    })
  )
})

/**
 * All policies of an account.
 *
 * @category queries
 * @since 0.1.0
 */
export const listPolicies = Effect.fn("Approvals.listPolicies")(function*(input: { readonly accountId: string }) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) => policiesOf(transaction, input.accountId))
})

/**
 * All policies of an account, within a transaction.
 *
 * @category queries
 * @since 0.1.0
 */
export const policiesOf = (
  transaction: Transaction,
  accountId: string
): Effect.Effect<ReadonlyArray<Policy.Policy>, StorageError> =>
  Reading.everyPage((options) => transaction.scan(Policy.collection, accountId, options))

/**
 * What the policies say to an action, with the trace of how they came to it; nothing is requested or changed.
 *
 * @category queries
 * @since 0.1.0
 */
export const explain = Effect.fn("Approvals.explain")(function*(
  input: { readonly accountId: string } & Policy.Question
) {
  return Policy.decide(yield* listPolicies(input), input)
})

/**
 * A request for approval.
 *
 * @category queries
 * @since 0.1.0
 */
export const getRequest = Effect.fn("Approvals.getRequest")(function*(
  input: { readonly accountId: string; readonly requestId: string }
) {
  return yield* Reading.one(ApprovalRequest.collection, input.accountId, "approval request", input.requestId)
})

/**
 * The requests of an account in a state, oldest first. One that expired unnoticed is still listed as it was.
 *
 * @category queries
 * @since 0.1.0
 */
export const listRequests = Effect.fn("Approvals.listRequests")(function*(
  input: {
    readonly accountId: string
    readonly state: ApprovalRequest.ApprovalState
    readonly after?: string | undefined
    readonly limit?: number | undefined
  }
) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) =>
    transaction.list(ApprovalRequest.collection, input.accountId, "byState", [input.state], input)
  )
})

/**
 * What it takes to vote.
 *
 * @category models
 * @since 0.1.0
 */
export interface VoteInput extends Command.Options {
  readonly requestId: string
  readonly reason?: string | undefined
  readonly expectedRev?: number | undefined
}

/**
 * Approves a request. With the quorum it becomes `approved`, and the step that asked may be taken once.
 *
 * @category commands
 * @since 0.1.0
 */
export const approve = Effect.fn("Approvals.approve")((input: VoteInput) => vote(input, "approve"))

/**
 * Rejects a request, which closes it.
 *
 * @category commands
 * @since 0.1.0
 */
export const reject = Effect.fn("Approvals.reject")((input: VoteInput) => vote(input, "reject"))

const vote = (
  input: VoteInput,
  decision: ApprovalRequest.Vote["decision"]
): Effect.Effect<ApprovalRequest.ApprovalRequest, ApprovalError | CommandError | StorageError, Storage> =>
  Command.runKeeping(
    {
      name: `approval.${decision}`,
      options: input,
      request: { requestId: input.requestId, reason: input.reason, expectedRev: input.expectedRev },
      result: ApprovalRequest.ApprovalRequest
    },
    Effect.fnUntraced(function*(change) {
      const request = yield* Reading.required(
        change.transaction,
        ApprovalRequest.collection,
        change.accountId,
        "approval request",
        input.requestId
      )
      yield* Command.expectRev("approval request", request, input.expectedRev)
      if (request.state === "pending" && request.expiresAt <= change.now) {
        // Kept although the vote is refused: that it expired is true whoever finds out.
        const expired = yield* end(change, request, "expired", "nobody decided in time")
        return Result.fail(notPending(expired))
      }
      if (request.state !== "pending") return Result.fail(notPending(request))
      yield* requireVoter(request, change.actor)
      return Result.succeed(yield* addVote(change, request, decision, input.reason))
    })
  )

const notPending = (request: ApprovalRequest.ApprovalRequest): ApprovalError =>
  new ApprovalError({ reason: new NotPending({ requestId: request.id, state: request.state }) })

const requireVoter = Effect.fnUntraced(function*(request: ApprovalRequest.ApprovalRequest, actor: Actor) {
  if (!ApprovalRequest.mayVote(request, actor)) {
    return yield* new ApprovalError({
      reason: new MayNotVote({ requestId: request.id, actor, requestedBy: request.requestedBy })
    })
  }
  if (request.votes.some((earlier) => isSame(earlier.by, actor))) {
    return yield* new ApprovalError({ reason: new AlreadyVoted({ requestId: request.id, actor }) })
  }
})

const addVote = Effect.fnUntraced(function*(
  change: Command.Change,
  request: ApprovalRequest.ApprovalRequest,
  decision: ApprovalRequest.Vote["decision"],
  reason: string | undefined
) {
  const votes = [...request.votes, { by: change.actor, decision, reason, at: change.now }]
  const voted = yield* change.transaction.update(ApprovalRequest.collection, {
    ...request,
    votes,
    state: stateAfter({ ...request, votes }, decision)
  })
  yield* change.record({
    type: `approval.${decision === "approve" ? "vote_cast" : "rejected"}`,
    aggregateKind: "approval_request",
    aggregate: voted,
    before: { state: request.state },
    after: { state: voted.state },
    detail: Command.toJson({ action: request.action, subjectId: request.subjectId, decision, reason })
  })
  return voted
})

const stateAfter = (
  request: ApprovalRequest.ApprovalRequest,
  decision: ApprovalRequest.Vote["decision"]
): ApprovalRequest.ApprovalState => {
  if (decision === "reject") return "rejected"
  return ApprovalRequest.approvals(request) >= request.quorum ? "approved" : "pending"
}
