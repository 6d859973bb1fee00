/**
 * What can be against a step of a version.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Refusal from "./Refusal.ts"

/**
 * The step is not allowed, for every one of these refusals.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotAllowed extends Schema.TaggedError<NotAllowed>("@lamina/core/versions/NotAllowed")("NotAllowed", {
  versionId: Schema.String,
  subject: Schema.String,
  step: Schema.String,
  refusals: Schema.NonEmptyArray(Refusal.Refusal)
}) {
  override get message(): string {
    return `${this.step} of ${this.subject} is refused:\n${this.refusals.map(Refusal.render).join("\n")}`
  }
}

/**
 * Nothing is against the step but an approval that is missing. The request for it was made, or was there already.
 *
 * @category errors
 * @since 0.1.0
 */
export class ApprovalRequired extends Schema.TaggedError<ApprovalRequired>("@lamina/core/versions/ApprovalRequired")(
  "ApprovalRequired",
  {
    versionId: Schema.String,
    subject: Schema.String,
    action: Schema.String,
    requestId: Schema.String,
    quorum: Schema.Int,
    /** Milliseconds since the epoch. */
    expiresAt: Schema.Int
  }
) {
  override get message(): string {
    const people = this.quorum === 1
      ? "a person other than the requester"
      : `${this.quorum} people other than the requester`
    return `${this.action} of ${this.subject} needs an approval: let ${people} approve request ${this.requestId} ` +
      "and give the command again"
  }
}

/**
 * No earlier version can be gone back to.
 *
 * @category errors
 * @since 0.1.0
 */
export class NothingToRollBackTo
  extends Schema.TaggedError<NothingToRollBackTo>("@lamina/core/versions/NothingToRollBackTo")("NothingToRollBackTo", {
    module: Schema.String,
    live: Schema.optionalKey(Schema.String),
    /** Why each earlier version does not do. */
    considered: Schema.Array(Schema.String)
  })
{
  override get message(): string {
    if (this.live === undefined) return `module ${this.module} has no live version to roll back from`
    const considered = this.considered.length === 0 ? "it had none before" : this.considered.join("; ")
    return `module ${this.module} has nothing to go back to from ${this.live}: ${considered}`
  }
}

/**
 * The module is not held.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotHeld extends Schema.TaggedError<NotHeld>("@lamina/core/versions/NotHeld")("NotHeld", {
  module: Schema.String
}) {
  override get message(): string {
    return `module ${this.module} is not held`
  }
}

/**
 * Automation does not do this.
 *
 * @category errors
 * @since 0.1.0
 */
export class PersonNeeded extends Schema.TaggedError<PersonNeeded>("@lamina/core/versions/PersonNeeded")(
  "PersonNeeded",
  { step: Schema.String, actor: Schema.String }
) {
  override get message(): string {
    return `${this.step} takes a person, not ${this.actor}`
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([NotAllowed, ApprovalRequired, NothingToRollBackTo, NotHeld, PersonNeeded])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A step of a version was refused. No version was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class PromotionError extends Schema.TaggedError<PromotionError>("@lamina/core/versions/PromotionError")(
  "PromotionError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
}
