/**
 * Requests for approval: bound to what they are about, so that nothing else can be done with them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { Actor, isSame } from "../events/Actor.ts"
import * as Collection from "../storage/Collection.ts"
import { Action, Verdict } from "./Policy.ts"

/**
 * The states of a request: `approved` may be used once and is then `consumed`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ApprovalState = Schema.Literals(["pending", "approved", "rejected", "consumed", "expired", "cancelled"])

/**
 * The states of a request.
 *
 * @category models
 * @since 0.1.0
 */
export type ApprovalState = typeof ApprovalState.Type

/**
 * What one person said.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Vote = Schema.Struct({
  by: Actor,
  decision: Schema.Literals(["approve", "reject"]),
  reason: Schema.optional(Schema.String),
  /** Milliseconds since the epoch. */
  at: Schema.Int
})

/**
 * What one person said.
 *
 * @category models
 * @since 0.1.0
 */
export type Vote = typeof Vote.Type

/**
 * A request for approval.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ApprovalRequest = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  action: Action,
  /** Id of the version. */
  subjectId: Schema.String,
  subjectName: Schema.String,
  /** The version's index digest. */
  subjectDigest: Schema.String,
  /** What people decide on, to be read by them. */
  decidedOn: Schema.Json,
  /** SHA-256 of `decidedOn` in canonical JSON: when any of it changes, the approval is void. */
  decidedOnHash: Schema.String,
  verdict: Verdict,
  quorum: Schema.Int,
  requestedBy: Actor,
  /** Milliseconds since the epoch. */
  requestedAt: Schema.Int,
  expiresAt: Schema.Int,
  state: ApprovalState,
  /** Why it ended, where that is not plain from the state. */
  endedBecause: Schema.optional(Schema.String),
  votes: Schema.Array(Vote)
})

/**
 * A request for approval.
 *
 * @category models
 * @since 0.1.0
 */
export type ApprovalRequest = typeof ApprovalRequest.Type

/**
 * Where requests are kept. Storage itself refuses a second pending request for the same step.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("approval_request", ApprovalRequest, {
  byState: { fields: ["state"] },
  bySubject: { fields: ["subjectId", "state"] },
  byStep: { fields: ["subjectId", "action", "state"] },
  onePending: { fields: ["subjectId", "action"], unique: true, where: { field: "state", equals: "pending" } }
})

/**
 * Whether an actor may vote on a request: persons only, and never who requested it.
 *
 * @category predicates
 * @since 0.1.0
 */
export const mayVote = (request: Pick<ApprovalRequest, "requestedBy">, actor: Actor): boolean =>
  actor.kind === "person" && !isSame(request.requestedBy, actor)

/**
 * How many distinct people who may vote have approved.
 *
 * @category counting
 * @since 0.1.0
 */
export const approvals = (request: Pick<ApprovalRequest, "requestedBy" | "votes">): number =>
  new Set(
    request.votes
      .filter((vote) => vote.decision === "approve" && mayVote(request, vote.by))
      .map((vote) => vote.by.id)
  ).size

/**
 * Whether a request allows what is about to be done now: approved by enough people, not expired, and about exactly this.
 *
 * @category predicates
 * @since 0.1.0
 */
export const allows = (
  request: ApprovalRequest,
  wanted: { readonly decidedOnHash: string; readonly subjectDigest: string; readonly quorum: number },
  now: number
): boolean =>
  request.state === "approved" &&
  now < request.expiresAt &&
  request.decidedOnHash === wanted.decidedOnHash &&
  request.subjectDigest === wanted.subjectDigest &&
  approvals(request) >= Math.max(request.quorum, wanted.quorum)
