/**
 * Refusals: why a version may not take a step. Each names both sides and what would remove it.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { LifecycleState } from "../catalog/ModuleVersion.ts"
import { Actor, render as renderActor } from "../events/Actor.ts"

/**
 * No edge of the state machine leads from the version's state by this command.
 *
 * @category schemas
 * @since 0.1.0
 */
export const WrongState = Schema.TaggedStruct("WrongState", {
  command: Schema.String,
  from: LifecycleState,
  to: Schema.optionalKey(LifecycleState),
  allowedFrom: Schema.Array(LifecycleState)
})

/**
 * A signature or a digest of the version was not confirmed.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NotVerified = Schema.TaggedStruct("NotVerified", { failures: Schema.Array(Schema.String) })

/**
 * The last verification is too long ago for this step.
 *
 * @category schemas
 * @since 0.1.0
 */
export const VerificationTooOld = Schema.TaggedStruct("VerificationTooOld", {
  ageMillis: Schema.Int,
  maximumMillis: Schema.Int
})

/**
 * The account asks for an SBOM and the version has none.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SbomMissing = Schema.TaggedStruct("SbomMissing", {})

/**
 * The account asks for a passing vulnerability scan.
 *
 * @category schemas
 * @since 0.1.0
 */
export const VulnerabilityGateClosed = Schema.TaggedStruct("VulnerabilityGateClosed", {
  scan: Schema.Literals(["absent", "failed"]),
  detail: Schema.String
})

/**
 * Modules that this one requires are not there, or have no version at `staging` or beyond that fits.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DependenciesNotReady = Schema.TaggedStruct("DependenciesNotReady", {
  problems: Schema.Array(Schema.String)
})

/**
 * The version is in quarantine.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Quarantined = Schema.TaggedStruct("Quarantined", {})

/**
 * The version was not long enough in its state.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TooEarly = Schema.TaggedStruct("TooEarly", {
  state: LifecycleState,
  ageMillis: Schema.Int,
  minimumMillis: Schema.Int
})

/**
 * A rollback holds the module; a person may release the hold, automation may not.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Held = Schema.TaggedStruct("Held", { by: Actor, reason: Schema.String })

/**
 * The module was rolled back from this very version.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Vetoed = Schema.TaggedStruct("Vetoed", { versionString: Schema.String })

/**
 * The version was never live, or was demoted since, so that a rollback does not lead to it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const NeverLive = Schema.TaggedStruct("NeverLive", { versionString: Schema.String })

/**
 * The live version is newer.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Downgrade = Schema.TaggedStruct("Downgrade", { live: Schema.String, candidate: Schema.String })

/**
 * Something still refers to the version.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Referenced = Schema.TaggedStruct("Referenced", { by: Schema.Array(Schema.String) })

/**
 * The version is pinned.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Pinned = Schema.TaggedStruct("Pinned", {})

/**
 * A policy asks for an approval that is not there.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ApprovalMissing = Schema.TaggedStruct("ApprovalMissing", { action: Schema.String })

/**
 * A policy forbids the action.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Blocked = Schema.TaggedStruct("Blocked", { action: Schema.String, policy: Schema.String })

/**
 * Every way to be refused.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Refusal = Schema.Union([
  WrongState,
  NotVerified,
  VerificationTooOld,
  SbomMissing,
  VulnerabilityGateClosed,
  DependenciesNotReady,
  Quarantined,
  TooEarly,
  Held,
  Vetoed,
  NeverLive,
  Downgrade,
  Referenced,
  Pinned,
  ApprovalMissing,
  Blocked
])

/**
 * Every way to be refused.
 *
 * @category models
 * @since 0.1.0
 */
export type Refusal = typeof Refusal.Type

/**
 * A refusal as a sentence, with a way out where there is one.
 *
 * @category formatting
 * @since 0.1.0
 */
export const render = (refusal: Refusal): string => {
  switch (refusal._tag) {
    case "WrongState":
      return `${refusal.command}${refusal.to === undefined ? "" : ` to ${refusal.to}`} needs a version in ` +
        `${refusal.allowedFrom.length === 0 ? "no state at all" : refusal.allowedFrom.join(" or ")}, ` +
        `this one is in ${refusal.from}`
    case "NotVerified":
      return `not verified: ${refusal.failures.join("; ")}; mend the trust policy or the signature, then reverify`
    case "VerificationTooOld":
      return `verified ${refusal.ageMillis} ms ago, at most ${refusal.maximumMillis} ms are allowed; reverify first`
    case "SbomMissing":
      return "the account asks for an SBOM and none is attached; attach one to the index, then reverify"
    case "VulnerabilityGateClosed":
      return refusal.scan === "absent"
        ? "the account asks for a vulnerability scan and none was recorded"
        : `the vulnerability scan failed: ${refusal.detail}`
    case "DependenciesNotReady":
      return `dependencies are not ready: ${refusal.problems.join("; ")}`
    case "Quarantined":
      return "the version is in quarantine; release it first"
    case "TooEarly":
      return `${refusal.ageMillis} ms in ${refusal.state}, at least ${refusal.minimumMillis} ms are asked for`
    case "Held":
      return `${renderActor(refusal.by)} holds the module (${refusal.reason}); a person can release the hold`
    case "Vetoed":
      return `the module was rolled back from ${refusal.versionString}; release the hold and promote it instead`
    case "NeverLive":
      return `${refusal.versionString} is none of the latest live versions; promote it instead`
    case "Downgrade":
      return `live is ${refusal.live}, which is newer than ${refusal.candidate}; roll back, or allow the downgrade`
    case "Referenced":
      return `still in use: ${refusal.by.join(", ")}`
    case "Pinned":
      return "the version is pinned; unpin it first"
    case "ApprovalMissing":
      return `${refusal.action} needs an approval`
    case "Blocked":
      return `policy ${JSON.stringify(refusal.policy)} forbids ${refusal.action}`
  }
}
