/**
 * Drift: whether an instance runs what it is to run.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { Heartbeat } from "./Heartbeat.ts"
import { VerificationFailure } from "./Heartbeat.ts"

/**
 * - `in_sync`: it runs exactly what is desired.
 * - `pending`: it differs, and has not taken up the latest desired state yet, for no longer than the grace period.
 * - `drifted`: it differs, and has no excuse.
 * - `stale`: it was not heard of for too long; what it runs is unknown.
 * - `unknown`: it never reported.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DriftClass = Schema.Literals(["in_sync", "pending", "drifted", "stale", "unknown"])

/**
 * The classes of drift.
 *
 * @category models
 * @since 0.1.0
 */
export type DriftClass = typeof DriftClass.Type

/**
 * How long a change may take, and how long silence is no news, in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Patience {
  readonly graceMillis: number
  readonly staleMillis: number
}

/**
 * Five minutes to take up a change; silence of more than three heartbeats of 30 seconds is stale.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultPatience: Patience = { graceMillis: 5 * 60 * 1000, staleMillis: 90 * 1000 }

const ModuleDigest = Schema.Struct({ moduleName: Schema.String, composefsDigest: Schema.String })

/**
 * How an instance compares. The lists are exact whatever the class is, as of the last report.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DriftReport = Schema.Struct({
  /** Whether the class is `drifted`. */
  drift: Schema.Boolean,
  class: DriftClass,
  missing: Schema.Array(ModuleDigest),
  extra: Schema.Array(ModuleDigest),
  mismatched: Schema.Array(Schema.Struct({
    moduleName: Schema.String,
    desired: Schema.String,
    running: Schema.String
  })),
  /** Desired modules that the agent refused to run. */
  verificationFailed: Schema.Array(VerificationFailure),
  desiredPlanHash: Schema.String,
  observedPlanHash: Schema.optional(Schema.String),
  /** Milliseconds since the epoch. */
  lastHeartbeatAt: Schema.optional(Schema.Int)
})

/**
 * How an instance compares.
 *
 * @category models
 * @since 0.1.0
 */
export type DriftReport = typeof DriftReport.Type

/**
 * What an instance is to run: digests by module name, since when, under which hash.
 *
 * @category models
 * @since 0.1.0
 */
export interface Desired {
  readonly digests: ReadonlyMap<string, string>
  readonly planHash: string
  /** Milliseconds since the epoch. */
  readonly since: number
}

/**
 * Compares what is desired with the last report.
 *
 * @category comparing
 * @since 0.1.0
 */
export const compare = (
  desired: Desired,
  heartbeat: Heartbeat | undefined,
  now: number,
  patience: Patience = defaultPatience
): DriftReport => {
  const running = new Map(Object.entries(heartbeat?.runningModuleDigests ?? {}))
  const differences = {
    missing: byName([...desired.digests].filter(([name]) => !running.has(name))),
    extra: byName([...running].filter(([name]) => !desired.digests.has(name))),
    mismatched: mismatches(desired.digests, running),
    verificationFailed: (heartbeat?.verificationFailures ?? []).filter(({ moduleName }) =>
      desired.digests.has(moduleName)
    )
  }
  const differs = Object.values(differences).some((list) => list.length > 0)
  const driftClass = classify(desired, heartbeat, differs, now, patience)
  return {
    drift: driftClass === "drifted",
    class: driftClass,
    ...differences,
    desiredPlanHash: desired.planHash,
    observedPlanHash: heartbeat?.observedPlanHash,
    lastHeartbeatAt: heartbeat?.receivedAt
  }
}

const classify = (
  desired: Desired,
  heartbeat: Heartbeat | undefined,
  differs: boolean,
  now: number,
  patience: Patience
): DriftClass => {
  if (heartbeat === undefined) return "unknown"
  if (now - heartbeat.receivedAt > patience.staleMillis) return "stale"
  if (!differs) return "in_sync"
  return isBehind(desired, heartbeat) && now - desired.since <= patience.graceMillis ? "pending" : "drifted"
}

/** Whether the agent can not know the desired state yet; one that does not say which it knows is told by the time. */
const isBehind = (desired: Desired, heartbeat: Heartbeat): boolean =>
  heartbeat.observedPlanHash === undefined
    ? heartbeat.receivedAt <= desired.since
    : heartbeat.observedPlanHash !== desired.planHash

const byName = (entries: ReadonlyArray<readonly [string, string]>) =>
  entries
    .map(([moduleName, composefsDigest]) => ({ moduleName, composefsDigest }))
    .sort((left, right) => compareText(left.moduleName, right.moduleName))

const mismatches = (desired: ReadonlyMap<string, string>, running: ReadonlyMap<string, string>) =>
  [...desired]
    .flatMap(([moduleName, digest]) => {
      const other = running.get(moduleName)
      return other === undefined || other === digest ? [] : [{ moduleName, desired: digest, running: other }]
    })
    .sort((left, right) => compareText(left.moduleName, right.moduleName))

const compareText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0
