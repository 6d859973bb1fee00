/**
 * Presence: the one reason why a module runs on an instance, or does not.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Module from "../catalog/Module.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import * as Channel from "../composition/Channel.ts"
import type { CommandError } from "../events/CommandError.ts"
import * as Reading from "../internal/reading.ts"
import { Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as TemplateAssignment from "../templates/TemplateAssignment.ts"
import * as TemplateComposition from "../templates/TemplateComposition.ts"
import * as DesiredState from "./DesiredState.ts"
import * as Drift from "./Drift.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as Instance from "./Instance.ts"

/**
 * In the order in which they are looked for, from the catalog to the machine; the first that holds is the reason.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PresenceReason = Schema.Literals([
  "notInCatalog",
  "notAssigned",
  "assignmentDisabled",
  "moduleDisabled",
  "nothingPublished",
  "verificationFailed",
  "quarantined",
  "noVersionInChannel",
  "noArtifactForArchitecture",
  "dependencyBelowStaging",
  "dependencyProblem",
  "compositionBlocked",
  "neverReported",
  "stale",
  "verificationFailedOnInstance",
  "pending",
  "runsAnotherVersion",
  "notStarted",
  "running"
])

/**
 * The reasons.
 *
 * @category models
 * @since 0.1.0
 */
export type PresenceReason = typeof PresenceReason.Type

/**
 * Whether a module runs on an instance as it should, and the one reason for it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Presence = Schema.Struct({
  moduleName: Schema.String,
  runs: Schema.Boolean,
  reason: PresenceReason,
  detail: Schema.String
})

/**
 * Whether a module runs on an instance, and why.
 *
 * @category models
 * @since 0.1.0
 */
export type Presence = typeof Presence.Type

interface Finding {
  readonly reason: PresenceReason
  readonly detail: string
}

/**
 * Says why a module runs on an instance, or does not.
 *
 * @category queries
 * @since 0.1.0
 */
export const explain = Effect.fn("ModulePresence.explain")(function*(
  input: {
    readonly accountId: string
    readonly instanceId: string
    readonly moduleName: string
    readonly patience?: Drift.Patience | undefined
  }
): Effect.fn.Return<Presence, CommandError | StorageError, Storage> {
  const storage = yield* Storage
  const now = yield* Clock.currentTimeMillis
  const { accountId, moduleName } = input
  const finding = yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
    const instance = yield* Reading.required(
      transaction,
      Instance.collection,
      accountId,
      "instance",
      input.instanceId
    )
    const module = yield* transaction.find(Module.collection, accountId, "byName", [moduleName])
    if (Option.isNone(module)) return found("notInCatalog", `the catalog has no module ${moduleName}`)

    const composed = yield* TemplateComposition.composeWithin(transaction, instance)
    if (!composed.chosen.some((chosen) => chosen.module.id === module.value.id)) {
      return yield* whyNotChosen(transaction, module.value, composed)
    }
    const blocked = whyNotDesired(module.value, composed, instance)
    if (blocked !== undefined) return blocked
    const heartbeat = yield* transaction.get(Heartbeat.collection, accountId, instance.id)
    return whyNotRunning(moduleName, composed, instance, Option.getOrUndefined(heartbeat), now, input.patience)
  }))
  return { moduleName, runs: finding.reason === "running", ...finding }
})

const found = (reason: PresenceReason, detail: string): Finding => ({ reason, detail })

const whyNotChosen = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Module.Module,
  composed: TemplateComposition.ComposedTemplate
): Effect.fn.Return<Finding, StorageError> {
  const assignment = yield* transaction.find(TemplateAssignment.collection, module.accountId, "byTemplateAndModule", [
    composed.template.id,
    module.id
  ])
  if (Option.isNone(assignment)) {
    return found("notAssigned", `template ${composed.template.name} neither has it assigned nor needs it`)
  }
  if (!assignment.value.enabled) return found("assignmentDisabled", "its assignment is disabled")
  if (!module.enabled) return found("moduleDisabled", "the module is disabled")

  const versions = yield* Reading.everyPage((options) =>
    transaction.list(ModuleVersion.collection, module.accountId, "byModule", [module.id], options)
  )
  if (versions.length === 0) return found("nothingPublished", "no version was taken in yet")
  const { channel } = assignment.value
  const named = typeof channel === "string"
    ? versions.at(-1)
    : versions.find(({ versionString }) => versionString === channel.version)
  if (named !== undefined && !named.cosignVerified) {
    return found(
      "verificationFailed",
      `${named.versionString}: ${ModuleVersion.verificationFailures(named).join("; ")}`
    )
  }
  if (named?.quarantine !== undefined) {
    return found("quarantined", `${named.versionString} is in quarantine: ${named.quarantine.reason}`)
  }
  const states = versions.map(({ versionString, lifecycleState }) => `${versionString} is ${lifecycleState}`)
  return found("noVersionInChannel", `it follows ${Channel.render(channel)}; ${states.slice(-5).join(", ")}`)
})

const whyNotDesired = (
  module: Module.Module,
  composed: TemplateComposition.ComposedTemplate,
  instance: Instance.Instance
): Finding | undefined => {
  const layer = composed.plan.layers.find(({ moduleName }) => moduleName === module.name)
  if (layer === undefined) {
    return found("noArtifactForArchitecture", `the chosen version has no artifact for ${instance.architecture}`)
  }
  if (!composed.isBlocked) return undefined
  const own = composed.problems.find(({ severity, chain }) => severity === "error" && chain.includes(module.name))
  if (own !== undefined) {
    return found(own._tag === "BelowStaging" ? "dependencyBelowStaging" : "dependencyProblem", own.message)
  }
  return found("compositionBlocked", DesiredState.errorsOf(composed).join("; "))
}

const whyNotRunning = (
  moduleName: string,
  composed: TemplateComposition.ComposedTemplate,
  instance: Instance.Instance,
  heartbeat: Heartbeat.Heartbeat | undefined,
  now: number,
  patience: Drift.Patience | undefined
): Finding => {
  const { planHash, layers } = composed.plan
  const digests = new Map(layers.map((layer) => [layer.moduleName, layer.composefsDigest]))
  const since = instance.desired?.planHash === planHash ? instance.desired.since : now
  const report = Drift.compare({ digests, planHash, since }, heartbeat, now, patience)
  if (report.class === "unknown") return found("neverReported", "the instance has not reported yet")
  if (report.class === "stale") return found("stale", `the instance was last heard of at ${report.lastHeartbeatAt}`)

  const failure = report.verificationFailed.find((failed) => failed.moduleName === moduleName)
  if (failure !== undefined) return found("verificationFailedOnInstance", failure.reason)
  const mismatch = report.mismatched.find((mismatched) => mismatched.moduleName === moduleName)
  const missing = report.missing.some((one) => one.moduleName === moduleName)
  if (mismatch === undefined && !missing) return found("running", `runs ${digests.get(moduleName)}`)
  if (report.class === "pending") return found("pending", `desired since ${since}, not taken up yet`)
  return mismatch === undefined
    ? found("notStarted", "it is desired, and the instance does not report it as running")
    : found("runsAnotherVersion", `expected ${mismatch.desired}, it runs ${mismatch.running}`)
}
