/**
 * What can be wrong with an approval or a policy.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Actor, render } from "../events/Actor.ts"
import { ApprovalState } from "./ApprovalRequest.ts"

/**
 * The request is not waiting for votes any more.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotPending extends Schema.TaggedError<NotPending>("@lamina/core/approvals/NotPending")("NotPending", {
  requestId: Schema.String,
  state: ApprovalState
}) {
  override get message(): string {
    return `approval request ${this.requestId} is ${this.state}, expected pending; ask again for the step itself`
  }
}

/**
 * This actor does not decide on this request.
 *
 * @category errors
 * @since 0.1.0
 */
export class MayNotVote extends Schema.TaggedError<MayNotVote>("@lamina/core/approvals/MayNotVote")("MayNotVote", {
  requestId: Schema.String,
  actor: Actor,
  requestedBy: Actor
}) {
  override get message(): string {
    return `${render(this.actor)} may not decide on request ${this.requestId} of ${render(this.requestedBy)}: ` +
      "it takes a person other than the one who asked"
  }
}

/**
 * The actor has voted already.
 *
 * @category errors
 * @since 0.1.0
 */
export class AlreadyVoted extends Schema.TaggedError<AlreadyVoted>("@lamina/core/approvals/AlreadyVoted")(
  "AlreadyVoted",
  { requestId: Schema.String, actor: Actor }
) {
  override get message(): string {
    return `${render(this.actor)} has voted on request ${this.requestId} already; another person has to`
  }
}

/**
 * Another policy has this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class PolicyNameTaken extends Schema.TaggedError<PolicyNameTaken>("@lamina/core/approvals/PolicyNameTaken")(
  "PolicyNameTaken",
  { name: Schema.String, policyId: Schema.String }
) {
  override get message(): string {
    return `policy ${this.policyId} is named ${
      JSON.stringify(this.name)
    } already; change that one or choose another name`
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([NotPending, MayNotVote, AlreadyVoted, PolicyNameTaken])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Something about an approval or a policy was refused; nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class ApprovalError extends Schema.TaggedError<ApprovalError>("@lamina/core/approvals/ApprovalError")(
  "ApprovalError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
}
