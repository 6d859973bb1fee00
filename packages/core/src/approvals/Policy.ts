/**
 * Policies: what an account says to an action before it is done. The strictest that matches wins; none is a no.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { type Actor, Actor as ActorSchema } from "../events/Actor.ts"
import { matchesWildcard } from "../internal/wildcard.ts"
import * as Collection from "../storage/Collection.ts"

/**
 * The decisions, from the laxest to the strictest.
 *
 * @category constants
 * @since 0.1.0
 */
export const decisions = ["auto_approve", "notify_and_proceed", "require_approval", "block"] as const

/**
 * What a policy decides.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PolicyDecision = Schema.Literals(decisions)

/**
 * What a policy decides.
 *
 * @category models
 * @since 0.1.0
 */
export type PolicyDecision = typeof PolicyDecision.Type

/**
 * The actions that policies are asked about.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Action = Schema.Literals([
  "module_promote_to_staging",
  "module_promote_to_blessed",
  "module_promote_to_live",
  "module_rollback",
  "module_unpublish",
  "module_restore"
])

/**
 * The actions that policies are asked about.
 *
 * @category models
 * @since 0.1.0
 */
export type Action = typeof Action.Type

/**
 * Text in which `*` stands for any characters.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Wildcard = Schema.String.check(Schema.isPattern(/^[a-z0-9_*-]{1,128}$/))

/**
 * What a policy says, and to what.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PolicyRule = Schema.Struct({
  name: Schema.NonEmptyString.check(Schema.isMaxLength(200)),
  /** Action, or a wildcard over actions such as `module_promote_to_*`. */
  action: Wildcard,
  /** Name of the module, or a wildcard over names. */
  moduleName: Wildcard,
  /** Only when the actor is of this kind; any, when absent. */
  actorKind: Schema.optional(ActorSchema.fields.kind),
  decision: PolicyDecision,
  /** How many distinct people have to approve, where an approval is required. */
  quorum: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 20 })),
  /** How long a request for approval stays valid, in milliseconds. */
  lifetimeMillis: Schema.Int.check(Schema.isBetween({ minimum: 1000, maximum: 90 * 24 * 60 * 60 * 1000 }))
})

/**
 * What a policy says, and to what.
 *
 * @category models
 * @since 0.1.0
 */
export type PolicyRule = typeof PolicyRule.Type

/**
 * A policy of an account.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Policy = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  ...PolicyRule.fields,
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * A policy of an account.
 *
 * @category models
 * @since 0.1.0
 */
export type Policy = typeof Policy.Type

/**
 * Where policies are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("policy", Policy, {
  byName: { fields: ["name"], unique: true }
})

/**
 * How long a request for approval is valid when no policy says: four hours.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultLifetimeMillis = 4 * 60 * 60 * 1000

/**
 * The policies of a new account: people decide on what goes live, everything before that runs on its guards alone, and
 * a rollback does not wait. Whatever no policy names (unpublishing, restoring) needs an approval.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaults: ReadonlyArray<PolicyRule> = [
  rule("promotion to staging is free", "module_promote_to_staging", "auto_approve"),
  rule("promotion to blessed is free", "module_promote_to_blessed", "auto_approve"),
  rule("going live needs a second person", "module_promote_to_live", "require_approval"),
  rule("rollback is announced", "module_rollback", "notify_and_proceed")
]

function rule(name: string, action: Action, decision: PolicyDecision): PolicyRule {
  return { name, action, moduleName: "*", decision, quorum: 1, lifetimeMillis: defaultLifetimeMillis }
}

/**
 * What is asked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Question {
  readonly action: Action
  readonly moduleName: string
  readonly actor: Actor
}

/**
 * One line of a decision's trace: a policy, whether it matched, and what it decided.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TraceLine = Schema.Struct({
  policyId: Schema.String,
  policyRev: Schema.Int,
  name: Schema.String,
  decision: PolicyDecision,
  matched: Schema.Boolean,
  why: Schema.String
})

/**
 * What the policies together decide, and why.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Verdict = Schema.Struct({
  decision: PolicyDecision,
  /** Name of a policy that decided so; absent when none matched. */
  decidedBy: Schema.optional(Schema.String),
  quorum: Schema.Int,
  lifetimeMillis: Schema.Int,
  trace: Schema.Array(TraceLine)
})

/**
 * What the policies together decide.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict = typeof Verdict.Type

/**
 * Asks all policies. Adding a policy never makes the answer laxer: the strictest decision, the greatest quorum and the
 * shortest lifetime among those that match. When none matches, an approval is required.
 *
 * @category deciding
 * @since 0.1.0
 */
export const decide = (policies: ReadonlyArray<Policy>, question: Question): Verdict => {
  const trace = policies.map((policy) => ask(policy, question))
  const matching = policies.filter((_, index) => trace[index]?.matched)
  const strictest = matching.reduce<Policy | undefined>(
    (best, policy) => best === undefined || strictness(policy) > strictness(best) ? policy : best,
    undefined
  )
  const requiring = matching.filter((policy) => policy.decision === "require_approval")
  return {
    decision: strictest?.decision ?? "require_approval",
    decidedBy: strictest?.name,
    quorum: requiring.reduce((most, policy) => Math.max(most, policy.quorum), 1),
    lifetimeMillis: requiring.reduce((least, policy) => Math.min(least, policy.lifetimeMillis), defaultLifetimeMillis),
    trace
  }
}

const strictness = (policy: Policy): number => decisions.indexOf(policy.decision)

const ask = (policy: Policy, question: Question): typeof TraceLine.Type => {
  const why = whyNot(policy, question)
  return {
    policyId: policy.id,
    policyRev: policy.rev,
    name: policy.name,
    decision: policy.decision,
    matched: why === undefined,
    why: why ?? `matches ${question.action} of ${question.moduleName}`
  }
}

const whyNot = (policy: Policy, question: Question): string | undefined => {
  if (!matchesWildcard(policy.action, question.action)) return `is about ${policy.action}, not ${question.action}`
  if (!matchesWildcard(policy.moduleName, question.moduleName)) {
    return `is about modules ${policy.moduleName}, not ${question.moduleName}`
  }
  if (policy.actorKind !== undefined && policy.actorKind !== question.actor.kind) {
    return `is about actors of kind ${policy.actorKind}, not ${question.actor.kind}`
  }
  return undefined
}
