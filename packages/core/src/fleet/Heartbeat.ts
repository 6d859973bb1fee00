/**
 * Heartbeats: what an instance last said of itself. One row for each instance, apart from the instance, since it is
 * written so often.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * A module that the agent refused to run, and why.
 *
 * @category schemas
 * @since 0.1.0
 */
export const VerificationFailure = Schema.Struct({
  moduleName: Schema.String.check(Schema.isMaxLength(64)),
  reason: Schema.String.check(Schema.isMaxLength(1000))
})

/**
 * A module that the agent refused to run, and why.
 *
 * @category models
 * @since 0.1.0
 */
export type VerificationFailure = typeof VerificationFailure.Type

const Digest = Schema.String.check(Schema.isPattern(/^sha256:[a-f0-9]{64}$/))

/**
 * What an agent reports. Of two reports of the same boot the one with the greater `sequence` is newer; of two boots
 * the one that began later.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Report = Schema.Struct({
  bootId: Schema.NonEmptyString.check(Schema.isMaxLength(64)),
  /** Milliseconds since the epoch at which the machine started. */
  bootedAt: Schema.Int,
  sequence: Schema.Int,
  /** What the agent runs: module name to `composefsDigest`. */
  runningModuleDigests: Schema.Record(Schema.String.check(Schema.isMaxLength(64)), Digest).check(
    Schema.isMaxProperties(1000)
  ),
  verificationFailures: Schema.Array(VerificationFailure).check(Schema.isMaxLength(1000)),
  /** The `planHash` of the desired state that the agent has taken up. */
  observedPlanHash: Schema.optional(Schema.String.check(Schema.isMaxLength(128)))
})

/**
 * What an agent reports.
 *
 * @category models
 * @since 0.1.0
 */
export type Report = typeof Report.Type

/**
 * The last report of an instance; the row has the instance's id.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Heartbeat = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  ...Report.fields,
  /** Milliseconds since the epoch. */
  receivedAt: Schema.Int
})

/**
 * The last report of an instance.
 *
 * @category models
 * @since 0.1.0
 */
export type Heartbeat = typeof Heartbeat.Type

/**
 * Where heartbeats are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("heartbeat", Heartbeat, {})

/**
 * Whether a report is newer than the last one, so that a late or repeated one changes nothing.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isNewer = (
  report: Pick<Report, "bootId" | "bootedAt" | "sequence">,
  last: Pick<Report, "bootId" | "bootedAt" | "sequence">
): boolean => report.bootId === last.bootId ? report.sequence > last.sequence : report.bootedAt > last.bootedAt
