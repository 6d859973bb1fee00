/**
 * Desired state: what an instance is to run, in the form in which its agent gets it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { CommandError } from "../events/CommandError.ts"
import { TrustPolicy } from "../ingest/SignatureVerifier.ts"
import type { Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as TemplateComposition from "../templates/TemplateComposition.ts"
import { CompositionBlocked, FleetError } from "./FleetError.ts"
import * as Instance from "./Instance.ts"

/**
 * One module to run, with everything that an agent needs to pull it by digest and to check it by itself.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DesiredModule = Schema.Struct({
  name: Schema.String,
  versionString: Schema.String,
  versionId: Schema.String,
  category: Schema.String,
  effectivePriority: Schema.Int,
  rebootRequired: Schema.Boolean,
  ociRepository: Schema.optional(Schema.String),
  indexDigest: Schema.String,
  manifestDigest: Schema.String,
  composefsDigest: Schema.String,
  fsverityRootHash: Schema.String,
  sizeBytes: Schema.Int,
  trustPolicy: TrustPolicy
})

/**
 * One module to run.
 *
 * @category models
 * @since 0.1.0
 */
export type DesiredModule = typeof DesiredModule.Type

/**
 * What an instance is to run. `modules` are in layer order, the bottom first.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DesiredState = Schema.Struct({
  instanceId: Schema.String,
  templateId: Schema.String,
  architecture: Schema.String,
  planHash: Schema.String,
  /** Milliseconds since the epoch since when this is desired. */
  since: Schema.Int,
  modules: Schema.Array(DesiredModule),
  /** Composefs digests in the order of overlayfs' `lowerdir=`, the top first. */
  lowerdir: Schema.Array(Schema.String)
})

/**
 * What an instance is to run.
 *
 * @category models
 * @since 0.1.0
 */
export type DesiredState = typeof DesiredState.Type

/**
 * Computes what an instance is to run, and notes since when it is that.
 *
 * @category computing
 * @since 0.1.0
 */
export const compute = Effect.fnUntraced(function*(
  transaction: Transaction,
  instance: Instance.Instance,
  now: number
): Effect.fn.Return<DesiredState, FleetError | CommandError | StorageError> {
  const composed = yield* TemplateComposition.composeWithin(transaction, instance)
  if (composed.isBlocked) {
    return yield* new FleetError({
      reason: new CompositionBlocked({
        template: composed.template.name,
        architecture: instance.architecture,
        problems: errorsOf(composed)
      })
    })
  }
  const { planHash } = composed.plan
  const since = instance.desired?.planHash === planHash ? instance.desired.since : now
  if (instance.desired?.planHash !== planHash) {
    yield* transaction.update(Instance.collection, { ...instance, desired: { planHash, since } })
  }
  return {
    instanceId: instance.id,
    templateId: instance.templateId,
    architecture: instance.architecture,
    planHash,
    since,
    modules: modulesOf(composed),
    lowerdir: composed.plan.lowerdir
  }
})

/**
 * What keeps a composition from a machine, one sentence each.
 *
 * @category getters
 * @since 0.1.0
 */
export const errorsOf = (composed: TemplateComposition.ComposedTemplate): ReadonlyArray<string> =>
  [...composed.problems, ...composed.plan.conflicts].flatMap(({ severity, message }) =>
    severity === "error" ? [message] : []
  )

const modulesOf = ({ plan, chosen }: TemplateComposition.ComposedTemplate): ReadonlyArray<DesiredModule> => {
  const byName = new Map(chosen.map((entry) => [entry.module.name, entry]))
  return plan.layers.flatMap((layer): ReadonlyArray<DesiredModule> => {
    const entry = byName.get(layer.moduleName)
    if (entry === undefined) return []
    const artifact = entry.version.artifacts.find(({ manifestDigest }) => manifestDigest === layer.manifestDigest)
    return [{
      name: layer.moduleName,
      versionString: layer.versionString,
      versionId: entry.version.id,
      category: layer.category,
      effectivePriority: layer.effectivePriority,
      rebootRequired: layer.rebootRequired,
      ociRepository: entry.module.ociRepository,
      indexDigest: entry.version.indexDigest,
      manifestDigest: layer.manifestDigest,
      composefsDigest: layer.composefsDigest,
      fsverityRootHash: layer.fsverityRootHash,
      sizeBytes: artifact?.sizeBytes ?? 0,
      trustPolicy: entry.module.trustPolicy
    }]
  })
}

/**
 * The digests of a desired state by module name, as heartbeats report them.
 *
 * @category getters
 * @since 0.1.0
 */
export const digestsOf = (desired: DesiredState): ReadonlyMap<string, string> =>
  new Map(desired.modules.map(({ name, composefsDigest }) => [name, composefsDigest]))
