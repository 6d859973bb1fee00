/**
 * The poller: finds publications that nobody announced, and tags that were moved.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Module from "../catalog/Module.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import { automation } from "../events/Actor.ts"
import { CommandError } from "../events/CommandError.ts"
import * as Reading from "../internal/reading.ts"
import { Storage } from "../storage/Storage.ts"
import { StorageError } from "../storage/StorageError.ts"
import { ArtifactSource, type ArtifactSourceError } from "./ArtifactSource.ts"
import type { IngestError } from "./IngestError.ts"
import * as IngestRejection from "./IngestRejection.ts"
import * as ModuleIngest from "./ModuleIngest.ts"

/**
 * What came of one tag: a new version, one known before, a digest that was rejected before, or a failure.
 *
 * @category models
 * @since 0.1.0
 */
export type TagOutcome =
  | { readonly outcome: "recorded" | "known"; readonly tag: string; readonly version: ModuleVersion.ModuleVersion }
  | { readonly outcome: "rejectedBefore"; readonly tag: string; readonly rejection: IngestRejection.IngestRejection }
  | { readonly outcome: "failed"; readonly tag: string; readonly message: string; readonly retryable: boolean }

/**
 * What came of one module: its tags, or why they could not be listed.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModulePoll {
  readonly moduleName: string
  readonly tags: ReadonlyArray<TagOutcome>
  /** Tags that were left for a later round. */
  readonly skipped: number
  readonly failure: string | undefined
}

/**
 * How many tags of one module are looked at in one round, unless the caller says.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultTagLimit = 200

/**
 * Looks once at every module of an account that is enabled and has a repository. One module's or tag's failure does not
 * keep the others from being looked at. Running it in several places at once does no harm.
 *
 * @category polling
 * @since 0.1.0
 */
export const pollOnce = Effect.fn("RegistryPoller.pollOnce")(function*(
  input: { readonly accountId: string; readonly tagLimit?: number | undefined }
): Effect.fn.Return<ReadonlyArray<ModulePoll>, StorageError, ModuleIngest.Requirements> {
  const storage = yield* Storage
  const modules = yield* storage.transaction((transaction) =>
    Reading.everyPage((options) => transaction.scan(Module.collection, input.accountId, options))
  )
  return yield* Effect.forEach(
    modules.flatMap((module) => {
      const { ociRepository } = module
      return module.enabled && ociRepository !== undefined ? [{ module, ociRepository }] : []
    }),
    ({ module, ociRepository }) => pollModule(module, ociRepository, input.tagLimit ?? defaultTagLimit),
    { concurrency: 2 }
  )
})

const pollModule = Effect.fnUntraced(function*(
  module: Module.Module,
  repository: string,
  tagLimit: number
): Effect.fn.Return<ModulePoll, StorageError, ModuleIngest.Requirements> {
  const source = yield* ArtifactSource
  return yield* Effect.matchEffect(source.listTags(repository), {
    onFailure: (error) => Effect.succeed({ moduleName: module.name, tags: [], skipped: 0, failure: error.message }),
    onSuccess: Effect.fnUntraced(function*(listed) {
      const published = listed.filter((tag) => !isReferrerTag(tag))
      // Registries list tags in lexical order; the newest are more often at its end.
      const looked = published.slice(-tagLimit)
      const tags = yield* Effect.forEach(looked, (tag) => pollTag(module, repository, tag))
      return { moduleName: module.name, tags, skipped: published.length - looked.length, failure: undefined }
    })
  })
})

/** Signatures, attestations and other referrers stand under tags made from a digest where a registry lacks an API. */
const isReferrerTag = (tag: string): boolean => /^sha(?:256|512)-[a-f0-9]{64,128}(?:\.[a-z]+)?$/.test(tag)

const pollTag = (
  module: Module.Module,
  repository: string,
  tag: string
): Effect.Effect<TagOutcome, StorageError, ModuleIngest.Requirements> =>
  Effect.catchIf(
    ingestTag(module, repository, tag),
    isOfTag,
    (error): Effect.Effect<TagOutcome> =>
      Effect.succeed({ outcome: "failed", tag, message: error.message, retryable: isRetryable(error) })
  )

type TagFailure = IngestError | ArtifactSourceError | CommandError

/** Whether a failure is the tag's own; storage that fails, fails for all. */
const isOfTag = (error: TagFailure | StorageError): error is TagFailure => !(error instanceof StorageError)

const isRetryable = (error: TagFailure): boolean =>
  error instanceof CommandError ? error.reason._tag === "Stale" : error.retryable

const ingestTag = Effect.fnUntraced(function*(
  module: Module.Module,
  repository: string,
  tag: string
) {
  const source = yield* ArtifactSource
  const storage = yield* Storage
  const { accountId } = module
  const digest = yield* source.resolve(repository, tag)
  const rejection = yield* storage.transaction((transaction) =>
    transaction.find(IngestRejection.collection, accountId, "byDigest", [module.id, digest])
  )
  if (rejection._tag === "Some") {
    const rejectedBefore: TagOutcome = { outcome: "rejectedBefore", tag, rejection: rejection.value }
    return rejectedBefore
  }
  const ingested = yield* ModuleIngest.ingest({
    accountId,
    actor: automation("registry-poller"),
    moduleId: module.id,
    digest,
    tag
  })
  const outcome: TagOutcome = { outcome: ingested.outcome, tag, version: ingested.version }
  return outcome
})
