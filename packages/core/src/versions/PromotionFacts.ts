/**
 * The facts on which a step is decided, read in the transaction that takes it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import { compare, valid } from "semver"
import * as Admission from "../approvals/Admission.ts"
import type * as Policy from "../approvals/Policy.ts"
import * as Account from "../catalog/Account.ts"
import * as Module from "../catalog/Module.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import type { Actor } from "../events/Actor.ts"
import type { CommandError } from "../events/CommandError.ts"
import * as Reading from "../internal/reading.ts"
import type { Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as DependencyReadiness from "./DependencyReadiness.ts"
import * as VersionLifecycle from "./VersionLifecycle.ts"
import * as VersionUse from "./VersionUse.ts"

/**
 * A version, its module, what is known of both, and how the step stands with the policies (when one is asked at all).
 *
 * @category models
 * @since 0.1.0
 */
export interface Gathered {
  readonly version: ModuleVersion.ModuleVersion
  readonly module: Module.Module
  readonly live: ModuleVersion.ModuleVersion | undefined
  readonly facts: VersionLifecycle.Facts
  readonly standing: Admission.Standing | undefined
}

/**
 * Who asks for what, when.
 *
 * @category models
 * @since 0.1.0
 */
export interface Asking {
  readonly accountId: string
  readonly actor: Actor
  readonly now: number
  readonly command: VersionLifecycle.Command
}

/**
 * The policy action of a command; `undefined` for the ones that no policy is asked about: they only hold back.
 *
 * @category getters
 * @since 0.1.0
 */
export const actionOf = (command: VersionLifecycle.Command): Policy.Action | undefined => {
  switch (command._tag) {
    case "Promote":
      return `module_promote_to_${command.to}`
    case "RollBack":
      return "module_rollback"
    case "Unpublish":
      return "module_unpublish"
    case "Restore":
      return "module_restore"
    default:
      return undefined
  }
}

/**
 * What of a version the state machine moves.
 *
 * @category getters
 * @since 0.1.0
 */
export const stateOf = (version: ModuleVersion.ModuleVersion): VersionLifecycle.VersionState => ({
  lifecycleState: version.lifecycleState,
  quarantined: version.quarantine !== undefined,
  pinned: version.pin !== undefined
})

/**
 * Reads everything that the guards of a step look at.
 *
 * @category queries
 * @since 0.1.0
 */
export const gather = Effect.fnUntraced(function*(
  transaction: Transaction,
  versionId: string,
  asking: Asking
): Effect.fn.Return<Gathered, CommandError | StorageError> {
  const { accountId, actor, now } = asking
  const version = yield* Reading.required(transaction, ModuleVersion.collection, accountId, "module version", versionId)
  const module = yield* Reading.required(transaction, Module.collection, accountId, "module", version.moduleId)
  const account = yield* Reading.required(transaction, Account.collection, accountId, "account", accountId)
  const live = yield* liveVersion(transaction, module)
  const templates = yield* VersionUse.templatesOf(transaction, module)
  const hold = Module.activeHold(module, now)
  const standing = yield* assess(transaction, asking, version, live)
  const facts: VersionLifecycle.Facts = {
    rules: account.promotionRules,
    actor,
    versionString: version.versionString,
    verificationFailures: [
      ...ModuleVersion.verificationFailures(version),
      ...ModuleVersion.withdrawnTrust(version, module.trustPolicy)
    ],
    millisSinceVerified: now - version.verifiedAt,
    millisInState: now - version.enteredStateAt,
    hasSbom: version.sbomDigests.length > 0,
    scan: version.scan,
    dependencyProblems: yield* DependencyReadiness.problemsOf(transaction, module),
    hold,
    vetoed: hold !== undefined && hold.vetoedVersionIds.includes(version.id),
    wasLive: module.previousLiveVersionIds.includes(version.id),
    newerLive: live !== undefined && isNewer(live, version) ? live.versionString : undefined,
    references: yield* VersionUse.referencesTo(transaction, version, templates),
    liveFollowers: VersionUse.liveFollowers(templates),
    admission: standing === undefined ? { _tag: "Admitted" } : admissionOf(standing)
  }
  return { version, module, live, facts, standing }
})

/**
 * The live version of a module.
 *
 * @category queries
 * @since 0.1.0
 */
export const liveVersion = Effect.fnUntraced(function*(transaction: Transaction, module: Module.Module) {
  if (module.liveVersionId === undefined) return undefined
  return Option.getOrUndefined(
    yield* transaction.get(ModuleVersion.collection, module.accountId, module.liveVersionId)
  )
})

const isNewer = (left: ModuleVersion.ModuleVersion, right: ModuleVersion.ModuleVersion): boolean =>
  left.id !== right.id &&
  (valid(left.versionString) !== null && valid(right.versionString) !== null
    ? compare(left.versionString, right.versionString) > 0
    : (left.builtAt ?? left.createdAt) > (right.builtAt ?? right.createdAt))

const assess = Effect.fnUntraced(function*(
  transaction: Transaction,
  { accountId, actor, now, command }: Asking,
  version: ModuleVersion.ModuleVersion,
  live: ModuleVersion.ModuleVersion | undefined
) {
  const action = actionOf(command)
  if (action === undefined) return undefined
  return yield* Admission.assess(transaction, accountId, actor, now, {
    action,
    moduleName: version.moduleName,
    subjectId: version.id,
    subjectName: `${version.moduleName} ${version.versionString}`,
    subjectDigest: version.indexDigest,
    decidedOn: decidedOn(command, version, live)
  })
})

/** What people are shown and what their approval is bound to. */
const decidedOn = (
  command: VersionLifecycle.Command,
  version: ModuleVersion.ModuleVersion,
  live: ModuleVersion.ModuleVersion | undefined
) => ({
  command,
  module: version.moduleName,
  versionString: version.versionString,
  indexDigest: version.indexDigest,
  from: version.lifecycleState,
  live: live === undefined ? null : { versionString: live.versionString, indexDigest: live.indexDigest },
  gitSha: version.gitSha,
  evidence: {
    cosignVerified: version.cosignVerified,
    signers: version.verdicts.flatMap(({ digest, verdict }) =>
      verdict.verified ? [{ digest, signer: verdict.signer, issuer: verdict.issuer }] : []
    ),
    artifacts: version.artifacts.map(({ architecture, composefsDigest, fsverityRootHash }) => ({
      architecture,
      composefsDigest,
      fsverityRootHash
    })),
    sbomDigests: version.sbomDigests,
    scanPassed: version.scan?.passed
  }
})

const admissionOf = (standing: Admission.Standing): VersionLifecycle.Admission => {
  const { action } = standing.step
  if (standing.verdict.decision === "block") {
    return { _tag: "Blocked", action, policy: standing.verdict.decidedBy ?? "" }
  }
  return standing.admitted ? { _tag: "Admitted" } : { _tag: "ApprovalMissing", action }
}
