/**
 * The state machine of versions: a table, and one pure function that reads it.
 *
 * The same function decides what a listing offers, what a check explains and what a command does, so that the three
 * never disagree. `SPEC.md` of this package prints the table; a test compares the two.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import type { PromotionRules } from "../catalog/Account.ts"
import type { LifecycleState } from "../catalog/ModuleVersion.ts"
import type { Actor } from "../events/Actor.ts"
import type { Refusal } from "./Refusal.ts"

/**
 * What of a version the machine moves: its state and the two flags beside it.
 *
 * @category models
 * @since 0.1.0
 */
export interface VersionState {
  readonly lifecycleState: LifecycleState
  readonly quarantined: boolean
  readonly pinned: boolean
}

/**
 * What somebody wants. `Supersede` is never given alone: it is what happens to the live version when another goes live.
 *
 * @category models
 * @since 0.1.0
 */
export type Command =
  | {
    readonly _tag: "Promote"
    readonly to: "staging" | "blessed" | "live"
    /** Whether to lift the hold of a rollback in passing; only persons can. */
    readonly releaseHold: boolean
    readonly allowDowngrade: boolean
  }
  | { readonly _tag: "RollBack" }
  | { readonly _tag: "Supersede" }
  | { readonly _tag: "Unpublish" }
  | { readonly _tag: "Demote" }
  | { readonly _tag: "Archive" }
  | { readonly _tag: "Restore" }
  | { readonly _tag: "Quarantine" }
  | { readonly _tag: "ReleaseQuarantine" }
  | { readonly _tag: "Pin" }
  | { readonly _tag: "Unpin" }

/**
 * What the account's policies say to the action.
 *
 * @category models
 * @since 0.1.0
 */
export type Admission =
  | { readonly _tag: "Admitted" }
  | { readonly _tag: "ApprovalMissing"; readonly action: string }
  | { readonly _tag: "Blocked"; readonly action: string; readonly policy: string }

/**
 * Everything that the guards look at, gathered before they are asked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Facts {
  readonly rules: PromotionRules
  readonly actor: Actor
  readonly versionString: string
  /** Why the version is not verified; empty when it is. */
  readonly verificationFailures: ReadonlyArray<string>
  readonly millisSinceVerified: number
  readonly millisInState: number
  readonly hasSbom: boolean
  readonly scan: { readonly passed: boolean; readonly detail: string } | undefined
  /** Required modules that are missing, too low or in a cycle, one sentence each. */
  readonly dependencyProblems: ReadonlyArray<string>
  readonly hold: { readonly by: Actor; readonly reason: string } | undefined
  /** Whether the hold names this version as the one rolled back from. */
  readonly vetoed: boolean
  /** Whether the module remembers it as a former live version. */
  readonly wasLive: boolean
  /** The versionString of the live version, when it is newer than this one. */
  readonly newerLive: string | undefined
  /** What refers to exactly this version. */
  readonly references: ReadonlyArray<string>
  /** Assignments that follow the module's `live` channel. */
  readonly liveFollowers: ReadonlyArray<string>
  readonly admission: Admission
}

/**
 * The conditions of an edge.
 *
 * @category models
 * @since 0.1.0
 */
export type Guard = keyof typeof guards

/**
 * One edge of the machine.
 *
 * @category models
 * @since 0.1.0
 */
export interface Edge {
  readonly command: Command["_tag"]
  readonly from: LifecycleState
  readonly to: LifecycleState
  readonly guards: ReadonlyArray<Guard>
  readonly event: string
}

/**
 * What a step leads to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Transition {
  readonly next: VersionState
  readonly event: string
  readonly edge: Edge
}

/**
 * A verification counts as fresh for this long, in milliseconds, where a step asks for a fresh one.
 *
 * @category constants
 * @since 0.1.0
 */
export const freshVerificationMillis = 60 * 60 * 1000

/** Each guard returns what it has against the step. */
const guards = {
  verified: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.verificationFailures.length === 0 ? [] : [{ _tag: "NotVerified", failures: facts.verificationFailures }],

  freshlyVerified: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.millisSinceVerified <= freshVerificationMillis ? [] : [{
      _tag: "VerificationTooOld",
      ageMillis: facts.millisSinceVerified,
      maximumMillis: freshVerificationMillis
    }],

  sbom: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.hasSbom || !facts.rules.requireSbom ? [] : [{ _tag: "SbomMissing" }],

  vulnerabilityGate: (facts: Facts): ReadonlyArray<Refusal> => {
    if (!facts.rules.requireVulnerabilityGate || facts.scan?.passed === true) return []
    return [{
      _tag: "VulnerabilityGateClosed",
      scan: facts.scan === undefined ? "absent" : "failed",
      detail: facts.scan?.detail ?? ""
    }]
  },

  dependenciesReady: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.dependencyProblems.length === 0
      ? []
      : [{ _tag: "DependenciesNotReady", problems: facts.dependencyProblems }],

  notQuarantined: (_facts: Facts, state: VersionState): ReadonlyArray<Refusal> =>
    state.quarantined ? [{ _tag: "Quarantined" }] : [],

  stagingTime: (facts: Facts): ReadonlyArray<Refusal> =>
    spent("staging", facts.millisInState, facts.rules.minimumStagingMillis),

  blessedTime: (facts: Facts): ReadonlyArray<Refusal> =>
    spent("blessed", facts.millisInState, facts.rules.minimumBlessedMillis),

  notHeld: (facts: Facts, _state: VersionState, command: Command): ReadonlyArray<Refusal> => {
    if (facts.hold === undefined) return []
    const releases = command._tag === "Promote" && command.releaseHold && facts.actor.kind === "person"
    return releases ? [] : [{ _tag: "Held", by: facts.hold.by, reason: facts.hold.reason }]
  },

  notVetoed: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.vetoed ? [{ _tag: "Vetoed", versionString: facts.versionString }] : [],

  wasLive: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.wasLive ? [] : [{ _tag: "NeverLive", versionString: facts.versionString }],

  noDowngrade: (facts: Facts, _state: VersionState, command: Command): ReadonlyArray<Refusal> =>
    facts.newerLive === undefined || (command._tag === "Promote" && command.allowDowngrade)
      ? []
      : [{ _tag: "Downgrade", live: facts.newerLive, candidate: facts.versionString }],

  notReferenced: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.references.length === 0 ? [] : [{ _tag: "Referenced", by: facts.references }],

  noLiveFollowers: (facts: Facts): ReadonlyArray<Refusal> =>
    facts.liveFollowers.length === 0 ? [] : [{ _tag: "Referenced", by: facts.liveFollowers }],

  notPinned: (_facts: Facts, state: VersionState): ReadonlyArray<Refusal> => state.pinned ? [{ _tag: "Pinned" }] : [],

  admitted: (facts: Facts): ReadonlyArray<Refusal> => {
    switch (facts.admission._tag) {
      case "Admitted":
        return []
      case "ApprovalMissing":
      case "Blocked":
        return [facts.admission]
    }
  }
}

const spent = (state: LifecycleState, ageMillis: number, minimumMillis: number): ReadonlyArray<Refusal> =>
  ageMillis >= minimumMillis ? [] : [{ _tag: "TooEarly", state, ageMillis, minimumMillis }]

const edge = (
  command: Command["_tag"],
  from: LifecycleState,
  to: LifecycleState,
  guards: ReadonlyArray<Guard>,
  event: string
): Edge => ({ command, from, to, guards, event })

const inEveryState = (command: Command["_tag"], event: string): ReadonlyArray<Edge> =>
  states.map((state) => edge(command, state, state, [], event))

/**
 * All states, in the order of promotion.
 *
 * @category constants
 * @since 0.1.0
 */
export const states: ReadonlyArray<LifecycleState> = ["draft", "staging", "blessed", "live", "archived"]

/**
 * The whole machine. What is not in this table does not happen.
 *
 * @category constants
 * @since 0.1.0
 */
export const table: ReadonlyArray<Edge> = [
  edge("Promote", "draft", "staging", [
    "verified",
    "notQuarantined",
    "dependenciesReady",
    "admitted"
  ], "module_version.promoted"),
  edge("Promote", "staging", "blessed", [
    "verified",
    "notQuarantined",
    "sbom",
    "vulnerabilityGate",
    "stagingTime",
    "admitted"
  ], "module_version.promoted"),
  edge("Promote", "blessed", "live", [
    "verified",
    "notQuarantined",
    "sbom",
    "vulnerabilityGate",
    "dependenciesReady",
    "blessedTime",
    "notHeld",
    "noDowngrade",
    "admitted"
  ], "module_version.promoted"),
  edge("RollBack", "blessed", "live", [
    "verified",
    "notQuarantined",
    "wasLive",
    "notVetoed",
    "admitted"
  ], "module_version.rolled_back_to"),
  edge("Supersede", "live", "blessed", [], "module_version.superseded"),
  edge("Unpublish", "live", "blessed", ["noLiveFollowers", "admitted"], "module_version.unpublished"),
  edge("Demote", "staging", "draft", [], "module_version.demoted"),
  edge("Demote", "blessed", "staging", [], "module_version.demoted"),
  edge("Archive", "draft", "archived", ["notReferenced", "notPinned"], "module_version.archived"),
  edge("Archive", "staging", "archived", ["notReferenced", "notPinned"], "module_version.archived"),
  edge("Archive", "blessed", "archived", ["notReferenced", "notPinned"], "module_version.archived"),
  edge("Restore", "archived", "blessed", [
    "verified",
    "freshlyVerified",
    "notQuarantined",
    "sbom",
    "vulnerabilityGate",
    "admitted"
  ], "module_version.restored"),
  ...inEveryState("Quarantine", "module_version.quarantined"),
  ...inEveryState("ReleaseQuarantine", "module_version.quarantine_released"),
  ...inEveryState("Pin", "module_version.pinned"),
  ...inEveryState("Unpin", "module_version.unpinned")
]

/**
 * Takes a step, or returns everything that is against it. Total: every state, command and facts have an answer.
 *
 * @category transitions
 * @since 0.1.0
 */
export const transition = (
  state: VersionState,
  command: Command,
  facts: Facts
): Result.Result<Transition, readonly [Refusal, ...Array<Refusal>]> => {
  const found = findEdge(state.lifecycleState, command)
  if (found === undefined) return Result.fail([wrongState(state.lifecycleState, command)])

  const [first, ...others] = found.guards.flatMap((guard) => guards[guard](facts, state, command))
  if (first !== undefined) return Result.fail([first, ...others])
  return Result.succeed({ next: nextState(state, command, found), event: found.event, edge: found })
}

/**
 * The edge that a command would take from a state, if there is one.
 *
 * @category transitions
 * @since 0.1.0
 */
export const findEdge = (from: LifecycleState, command: Command): Edge | undefined =>
  table.find((candidate) => candidate.from === from && isEdgeOf(candidate, command))

const isEdgeOf = (candidate: Edge, command: Command): boolean =>
  candidate.command === command._tag && (command._tag !== "Promote" || command.to === candidate.to)

const wrongState = (from: LifecycleState, command: Command): Refusal => ({
  _tag: "WrongState",
  command: command._tag,
  from,
  ...(command._tag === "Promote" ? { to: command.to } : {}),
  allowedFrom: table.filter((candidate) => isEdgeOf(candidate, command)).map((candidate) => candidate.from)
})

const nextState = (state: VersionState, command: Command, taken: Edge): VersionState => ({
  lifecycleState: taken.to,
  quarantined: command._tag === "Quarantine" || (state.quarantined && command._tag !== "ReleaseQuarantine"),
  pinned: command._tag === "Pin" || (state.pinned && command._tag !== "Unpin")
})
