/**
 * Ingest: how a published module becomes a version in the catalog.
 *
 * The tag is resolved once; from there on only digests are used. The network comes first, without a transaction; then
 * one transaction writes the version, its files and the event, or nothing.
 *
 * @example
 * ```ts
 * import { Actor, ModuleIngest } from "@lamina/core"
 *
 * const ingest = ModuleIngest.ingest({
 *   accountId: "0190…",
 *   actor: Actor.service("ci"),
 *   moduleName: "my-redis",
 *   tag: "v0.1.0"
 * })
 * ```
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as ManifestSeed from "../catalog/ManifestSeed.ts"
import * as Module from "../catalog/Module.ts"
import * as ModuleFiles from "../catalog/ModuleFiles.ts"
import * as ModuleVersion from "../catalog/ModuleVersion.ts"
import * as Command from "../events/Command.ts"
import { type CommandError, invalidInput, notFound } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import { canonicalJson } from "../internal/contentHash.ts"
import * as Reading from "../internal/reading.ts"
import { Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import type { ArtifactSource, PublishedModule } from "./ArtifactSource.ts"
import { IngestError, VersionConflict } from "./IngestError.ts"
import * as IngestRejections from "./IngestRejections.ts"
import * as ModuleInspection from "./ModuleInspection.ts"
import type { SignatureVerifier } from "./SignatureVerifier.ts"

/**
 * Which module, which publication, and how deep to look. With `digest`, a `tag` is only noted.
 *
 * @category models
 * @since 0.1.0
 */
export type IngestInput =
  & Command.Options
  & ({ readonly moduleId: string } | { readonly moduleName: string })
  & (
    | { readonly tag: string; readonly digest?: undefined }
    | { readonly digest: string; readonly tag?: string | undefined }
  )
  & {
    /** Whether to rebuild the image from the file layer as well; dear. */
    readonly deep?: boolean | undefined
  }

/**
 * What came of an ingest: a new version, or the one that the digest has been all along.
 *
 * @category schemas
 * @since 0.1.0
 */
export const IngestOutcome = Schema.Struct({
  outcome: Schema.Literals(["recorded", "known"]),
  version: ModuleVersion.ModuleVersion,
  /** Where the manifest that it was built from differs from the module's record, which rules. */
  differences: Schema.Array(ManifestSeed.Difference)
})

/**
 * What came of an ingest.
 *
 * @category models
 * @since 0.1.0
 */
export type IngestOutcome = typeof IngestOutcome.Type

/**
 * What ingest may fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = IngestError | CommandError | StorageError

/**
 * What ingest needs.
 *
 * @category models
 * @since 0.1.0
 */
export type Requirements = Storage | ArtifactSource | SignatureVerifier

/**
 * Takes a publication in. A signature that does not count is no error: the version is recorded as a draft which is not
 * verified, with the reasons, and `reverify` looks again. Taking the same digest in twice does nothing.
 *
 * @category commands
 * @since 0.1.0
 */
export const ingest = Effect.fn("ModuleIngest.ingest")(function*(
  input: IngestInput
): Effect.fn.Return<IngestOutcome, Failure, Requirements> {
  const module = yield* findModule(input)
  const repository = yield* ModuleInspection.repositoryOf(module)
  const indexDigest = input.digest === undefined
    ? yield* ModuleInspection.resolve(repository, input.tag)
    : yield* requireDigest(input.digest)
  const known = yield* findKnown(module, indexDigest)
  if (Option.isSome(known)) return yield* alreadyKnown(module, known.value)

  return yield* Effect.tapError(
    ingestDigest(input, module, repository, indexDigest),
    (error) =>
      error instanceof IngestError ? IngestRejections.note(input, module, indexDigest, input.tag, error) : Effect.void
  )
})

const findModule = Effect.fnUntraced(function*(input: IngestInput) {
  const storage = yield* Storage
  return yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
    if ("moduleId" in input) {
      return yield* Reading.required(transaction, Module.collection, input.accountId, "module", input.moduleId)
    }
    const found = yield* transaction.find(Module.collection, input.accountId, "byName", [input.moduleName])
    if (Option.isNone(found)) return yield* notFound(input.accountId, "module", input.moduleName)
    return found.value
  }))
})

const requireDigest = (digest: string): Effect.Effect<string, CommandError> =>
  /^sha256:[a-f0-9]{64}$/.test(digest)
    ? Effect.succeed(digest)
    : Effect.fail(invalidInput("digest", "sha256: with 64 lower-case hexadecimal digits", JSON.stringify(digest)))

const findKnown = Effect.fnUntraced(function*(module: Module.Module, indexDigest: string) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) =>
    transaction.find(ModuleVersion.collection, module.accountId, "byIndexDigest", [module.id, indexDigest])
  )
})

const alreadyKnown = Effect.fnUntraced(function*(module: Module.Module, version: ModuleVersion.ModuleVersion) {
  const storage = yield* Storage
  const differences = yield* storage.transaction((transaction) =>
    differencesOf(transaction, module, version.manifestText)
  )
  const outcome: IngestOutcome = { outcome: "known", version, differences }
  return outcome
})

const differencesOf = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Module.Module,
  manifestText: string
) {
  return ManifestSeed.compareText(module, yield* ManifestSeed.relativesOf(transaction, module), manifestText)
})

const ingestDigest = Effect.fnUntraced(function*(
  input: IngestInput,
  module: Module.Module,
  repository: string,
  indexDigest: string
) {
  const published = yield* ModuleInspection.inspect(module, repository, indexDigest, input.tag)
  // Looked at before the bytes are fetched, to spare the work, and again when the version is written.
  const storage = yield* Storage
  yield* storage.transaction((transaction) => expectNoConflict(transaction, module, published))
  const inspected = yield* ModuleInspection.examine(module, repository, published, { deep: input.deep ?? false })
  return yield* record(input, module, inspected)
})

const expectNoConflict = Effect.fnUntraced(function*(
  transaction: Transaction,
  module: Module.Module,
  published: PublishedModule
) {
  const recorded = yield* transaction.find(ModuleVersion.collection, module.accountId, "byVersionString", [
    module.id,
    published.versionString
  ])
  if (Option.isSome(recorded) && recorded.value.indexDigest !== published.indexDigest) {
    return yield* new IngestError({
      reason: new VersionConflict({
        module: module.name,
        versionString: published.versionString,
        versionId: recorded.value.id,
        recorded: recorded.value.indexDigest,
        found: published.indexDigest
      })
    })
  }
  return recorded
})

const record = (input: IngestInput, seen: Module.Module, inspected: ModuleInspection.Inspected) =>
  Command.run(
    {
      name: "module.ingest",
      options: input,
      request: { moduleId: seen.id, indexDigest: inspected.published.indexDigest, deep: input.deep ?? false },
      result: IngestOutcome
    },
    Effect.fnUntraced(function*(change): Effect.fn.Return<IngestOutcome, Failure> {
      const { transaction } = change
      const module = yield* requireSamePolicy(change, seen)
      const known = yield* expectNoConflict(transaction, module, inspected.published)
      const differences = yield* differencesOf(transaction, module, inspected.published.manifestText)
      if (Option.isSome(known)) return { outcome: "known", version: known.value, differences }
      const version = yield* insertVersion(change, module, input.tag, inspected)
      yield* insertFiles(change, version, inspected.files)
      yield* IngestRejections.forget(change, module.id, version.indexDigest)
      yield* change.record({
        type: "module_version.ingested",
        aggregateKind: "module_version",
        aggregate: version,
        after: Command.toJson({
          lifecycleState: version.lifecycleState,
          quarantined: false,
          pinned: false,
          indexDigest: version.indexDigest,
          cosignVerified: version.cosignVerified
        }),
        detail: Command.toJson({
          module: module.name,
          versionString: version.versionString,
          tag: version.tag,
          failures: ModuleVersion.verificationFailures(version),
          differences
        })
      })
      return { outcome: "recorded", version, differences }
    })
  )

/** The module as it stands now; a verdict under a trust policy that was changed meanwhile is worth nothing. */
const requireSamePolicy = Effect.fnUntraced(function*(change: Command.Change, seen: Module.Module) {
  const module = yield* Reading.required(change.transaction, Module.collection, change.accountId, "module", seen.id)
  if (canonicalJson(module.trustPolicy) !== canonicalJson(seen.trustPolicy)) {
    yield* Command.expectRev("module", module, seen.rev)
  }
  return module
})

const insertVersion = Effect.fnUntraced(function*(
  change: Command.Change,
  module: Module.Module,
  tag: string | undefined,
  { published, verdicts, artifacts, cosignVerified }: ModuleInspection.Inspected
) {
  return yield* change.transaction.insert(ModuleVersion.collection, {
    id: yield* Id.next,
    accountId: change.accountId,
    rev: 1,
    moduleId: module.id,
    moduleName: module.name,
    versionString: published.versionString,
    tag,
    indexDigest: published.indexDigest,
    lifecycleState: "draft",
    enteredStateAt: change.now,
    cosignVerified,
    verdicts,
    verifiedAt: change.now,
    verifiedUnder: module.trustPolicy,
    artifacts,
    sbomDigests: published.sbomDigests,
    manifestText: published.manifestText,
    services: ManifestSeed.servicesOf(published.manifestText),
    fingerprint: published.fingerprint,
    gitSha: published.gitSha,
    builtAt: published.builtAt,
    createdAt: change.now
  })
})

const insertFiles = Effect.fnUntraced(function*(
  change: Command.Change,
  version: ModuleVersion.ModuleVersion,
  files: ReadonlyMap<string, ReadonlyArray<string>>
) {
  for (const [architecture, paths] of files) {
    for (const [part, slice] of ModuleFiles.split(paths).entries()) {
      yield* change.transaction.insert(ModuleFiles.collection, {
        id: yield* Id.next,
        accountId: change.accountId,
        rev: 1,
        versionId: version.id,
        architecture,
        part,
        paths: slice
      })
    }
  }
})

/**
 * What reverifying is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReverifyInput extends Command.Options {
  readonly versionId: string
  readonly deep?: boolean | undefined
}

/**
 * Looks at a recorded version again under the module's present trust policy; no new build is needed. What was verified
 * and no longer is stays in its state, and goes no further.
 *
 * @category commands
 * @since 0.1.0
 */
export const reverify = Effect.fn("ModuleIngest.reverify")(function*(
  input: ReverifyInput
): Effect.fn.Return<ModuleVersion.ModuleVersion, Failure, Requirements> {
  const recorded = yield* Reading.one(ModuleVersion.collection, input.accountId, "module version", input.versionId)
  const module = yield* Reading.one(Module.collection, input.accountId, "module", recorded.moduleId)
  const repository = yield* ModuleInspection.repositoryOf(module)
  const published = yield* ModuleInspection.inspect(module, repository, recorded.indexDigest, recorded.tag)
  const inspected = yield* ModuleInspection.examine(module, repository, published, { deep: input.deep ?? false })
  return yield* Command.run(
    {
      name: "module_version.reverify",
      options: input,
      request: { versionId: input.versionId, deep: input.deep ?? false },
      result: ModuleVersion.ModuleVersion
    },
    Effect.fnUntraced(function*(change) {
      yield* requireSamePolicy(change, module)
      const version = yield* Reading.required(
        change.transaction,
        ModuleVersion.collection,
        change.accountId,
        "module version",
        input.versionId
      )
      const updated = yield* change.transaction.update(ModuleVersion.collection, {
        ...version,
        verdicts: inspected.verdicts,
        // What was computed from the same digest once stays computed, whoever is trusted today.
        artifacts: inspected.artifacts.map((artifact) => mergeArtifact(version, artifact)),
        cosignVerified: inspected.cosignVerified,
        sbomDigests: published.sbomDigests,
        verifiedAt: change.now,
        verifiedUnder: module.trustPolicy
      })
      if (version.artifacts.some((artifact) => !artifact.recomputed)) {
        yield* insertFiles(change, updated, inspected.files)
      }
      yield* change.record({
        type: "module_version.reverified",
        aggregateKind: "module_version",
        aggregate: updated,
        before: { cosignVerified: version.cosignVerified },
        after: { cosignVerified: updated.cosignVerified },
        detail: Command.toJson({ failures: ModuleVersion.verificationFailures(updated) })
      })
      return updated
    })
  )
})

const mergeArtifact = (
  version: ModuleVersion.ModuleVersion,
  artifact: ModuleVersion.ModuleArtifact
): ModuleVersion.ModuleArtifact => {
  const earlier = version.artifacts.find((candidate) => candidate.manifestDigest === artifact.manifestDigest)
  if (earlier === undefined || !earlier.recomputed) return artifact
  return artifact.recomputed ? { ...artifact, rebuilt: artifact.rebuilt || earlier.rebuilt } : earlier
}
