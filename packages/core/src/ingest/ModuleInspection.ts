/**
 * Inspection: everything about a published module that takes the network, before anything is written.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { valid } from "semver"
import type * as Module from "../catalog/Module.ts"
import type * as ModuleVersion from "../catalog/ModuleVersion.ts"
import * as Manifest from "../manifest/Manifest.ts"
import * as RowCodec from "../storage/RowCodec.ts"
import {
  ArtifactSource,
  type ArtifactSourceError,
  type PublishedArtifact,
  type PublishedModule,
  type RecomputedArtifact
} from "./ArtifactSource.ts"
import {
  DigestMismatch,
  IngestError,
  NoRepository,
  NotRebuilt,
  OtherContent,
  type Reason,
  SourceFailed,
  VerifierFailed,
  WrongArchitectures
} from "./IngestError.ts"
import { type SignatureVerdict, SignatureVerifier, type TrustPolicy } from "./SignatureVerifier.ts"

/**
 * What is known of a published module after it was looked at. `files` are the paths by architecture, for the artifacts
 * that were computed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Inspected {
  readonly published: PublishedModule
  readonly verdicts: ReadonlyArray<ModuleVersion.SubjectVerdict>
  readonly artifacts: ReadonlyArray<ModuleVersion.ModuleArtifact>
  readonly files: ReadonlyMap<string, ReadonlyArray<string>>
  readonly cosignVerified: boolean
}

/**
 * The repository where a module's versions are published.
 *
 * @category getters
 * @since 0.1.0
 */
export const repositoryOf = (module: Module.Module): Effect.Effect<string, IngestError> =>
  module.ociRepository === undefined
    ? refuse(new NoRepository({ module: module.name }))
    : Effect.succeed(module.ociRepository)

/**
 * The digest behind a tag, asked once.
 *
 * @category reading
 * @since 0.1.0
 */
export const resolve = Effect.fnUntraced(function*(repository: string, tag: string) {
  const source = yield* ArtifactSource
  return yield* Effect.mapError(source.resolve(repository, tag), sourceFailed)
})

/**
 * What the publisher says of the module behind a digest, if it is the module that was asked for.
 *
 * @category reading
 * @since 0.1.0
 */
export const inspect = Effect.fnUntraced(function*(
  module: Module.Module,
  repository: string,
  indexDigest: string,
  tag: string | undefined
) {
  const source = yield* ArtifactSource
  const published = yield* Effect.mapError(source.inspect(repository, indexDigest), sourceFailed)
  yield* expectSame(indexDigest, "index digest", indexDigest, published.indexDigest)
  yield* expectBounds(published)
  yield* expectSame(indexDigest, "module", module.name, published.moduleName)
  yield* expectTagNamesVersion(indexDigest, tag, published.versionString)
  yield* expectArchitectures(module, published)
  return published
})

const expectSame = (
  digest: string,
  field: string,
  expected: string,
  actual: string
): Effect.Effect<void, IngestError> =>
  expected === actual ? Effect.void : refuse(new OtherContent({ digest, field, expected, actual }))

/** What a publisher says goes into rows, keys and messages, so it has a form and an end. */
const expectBounds = (published: PublishedModule): Effect.Effect<void, IngestError> => {
  const { versionString, artifacts, sbomDigests, manifestText } = published
  const refuseField = (field: string, expected: string, actual: string) =>
    refuse(new OtherContent({ digest: published.indexDigest, field, expected, actual }))
  if (!/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/.test(versionString)) {
    const actual = JSON.stringify(RowCodec.storableErrorText(versionString.slice(0, 200)))
    return refuseField("versionString", "1 to 128 letters, digits and . _ + -", actual)
  }
  if (artifacts.length > maximumArtifacts) {
    return refuseField("number of architectures", `at most ${maximumArtifacts}`, String(artifacts.length))
  }
  if (sbomDigests.length > maximumSboms) {
    return refuseField("number of SBOMs", `at most ${maximumSboms}`, String(sbomDigests.length))
  }
  const tooLong = manifestText.length > Manifest.maximumBytes
  return tooLong || !RowCodec.isStorableText(manifestText)
    ? refuseField("manifest", `text of at most ${Manifest.maximumBytes} bytes`, `${manifestText.length} characters`)
    : Effect.void
}

const maximumArtifacts = 32
const maximumSboms = 64

/** A tag that reads like a version must name the version that is behind it; `latest` and the like may name any. */
const expectTagNamesVersion = (
  digest: string,
  tag: string | undefined,
  versionString: string
): Effect.Effect<void, IngestError> => {
  const named = tag === undefined ? null : valid(tag)
  return named === null || named === valid(versionString)
    ? Effect.void
    : refuse(new OtherContent({ digest, field: `version of tag ${tag}`, expected: named, actual: versionString }))
}

const expectArchitectures = (module: Module.Module, published: PublishedModule): Effect.Effect<void, IngestError> => {
  const there = published.artifacts.map((artifact) => artifact.architecture)
  const complete = there.length > 0 && new Set(there).size === there.length &&
    module.requiredArchitectures.every((architecture) => there.includes(architecture))
  return complete
    ? Effect.void
    : refuse(new WrongArchitectures({ required: module.requiredArchitectures, published: there }))
}

/**
 * Asks whether the index and every manifest are signed by whom the module trusts; then, only for what is, computes the
 * digests from the bytes and compares. Bytes that nobody trusted has signed are not fetched.
 *
 * @category verifying
 * @since 0.1.0
 */
export const examine = Effect.fnUntraced(function*(
  module: Module.Module,
  repository: string,
  published: PublishedModule,
  options: { readonly deep: boolean }
) {
  const verdicts = yield* verifySubjects(module.trustPolicy, repository, published)
  const trusted = verdicts.every(({ verdict }) => verdict.verified)
  const files = new Map<string, ReadonlyArray<string>>()
  if (!trusted) {
    const inspected: Inspected = {
      published,
      verdicts,
      artifacts: published.artifacts.map(asClaimed),
      files,
      cosignVerified: false
    }
    return inspected
  }
  const artifacts = yield* Effect.forEach(
    published.artifacts,
    Effect.fnUntraced(function*(artifact) {
      const computed = yield* recompute(repository, artifact, options)
      files.set(artifact.architecture, computed.files)
      return asComputed(artifact, computed)
    }),
    { concurrency: 2 }
  )
  const inspected: Inspected = { published, verdicts, artifacts, files, cosignVerified: true }
  return inspected
})

const verifySubjects = Effect.fnUntraced(function*(
  policy: TrustPolicy,
  repository: string,
  published: PublishedModule
) {
  const subjects = [
    { subject: "index", digest: published.indexDigest },
    ...published.artifacts.map(({ architecture, manifestDigest }) => ({
      subject: architecture,
      digest: manifestDigest
    }))
  ]
  return yield* Effect.forEach(
    subjects,
    ({ subject, digest }) =>
      Effect.map(verify(policy, repository, digest), (verdict): ModuleVersion.SubjectVerdict => ({
        subject,
        digest,
        verdict
      })),
    { concurrency: 4 }
  )
})

const trustsNobody: SignatureVerdict = {
  verified: false,
  tag: "NoTrustPolicy",
  message: "the module trusts nobody: its trust policy names no signer",
  rejected: []
}

const verify = Effect.fnUntraced(function*(policy: TrustPolicy, repository: string, digest: string) {
  if (policy.signers.length === 0) return trustsNobody
  const verifier = yield* SignatureVerifier
  const verdict = yield* Effect.mapError(
    verifier.verify(repository, digest, policy),
    (error) => new IngestError({ reason: new VerifierFailed({ error }) })
  )
  return storable(verdict)
})

/** Messages about foreign signatures quote foreign text, which storage need not take. */
const storable = (verdict: SignatureVerdict): SignatureVerdict =>
  verdict.verified ? verdict : {
    ...verdict,
    message: RowCodec.storableErrorText(verdict.message),
    rejected: verdict.rejected.slice(0, maximumRejected).map((rejected) => ({
      candidate: RowCodec.storableErrorText(rejected.candidate),
      tag: rejected.tag,
      message: RowCodec.storableErrorText(rejected.message)
    }))
  }

const maximumRejected = 20

const recompute = Effect.fnUntraced(function*(
  repository: string,
  artifact: PublishedArtifact,
  options: { readonly deep: boolean }
) {
  const source = yield* ArtifactSource
  const computed = yield* Effect.mapError(source.recompute(repository, artifact, options), sourceFailed)
  for (const field of ["composefsDigest", "fsverityRootHash"] as const) {
    if (computed[field] !== artifact[field]) {
      const { architecture, manifestDigest } = artifact
      return yield* refuse(
        new DigestMismatch({ architecture, manifestDigest, field, expected: artifact[field], actual: computed[field] })
      )
    }
  }
  if (options.deep && !computed.rebuilt) return yield* refuse(new NotRebuilt(artifact))
  return computed
})

const asClaimed = (artifact: PublishedArtifact): ModuleVersion.ModuleArtifact => ({
  architecture: artifact.architecture,
  manifestDigest: artifact.manifestDigest,
  composefsDigest: artifact.composefsDigest,
  fsverityRootHash: artifact.fsverityRootHash,
  sizeBytes: artifact.sizeBytes,
  mediaType: artifact.mediaType,
  recomputed: false,
  rebuilt: false,
  fileCount: 0
})

const asComputed = (artifact: PublishedArtifact, computed: RecomputedArtifact): ModuleVersion.ModuleArtifact => ({
  ...asClaimed(artifact),
  recomputed: true,
  rebuilt: computed.rebuilt,
  fileCount: computed.files.length
})

const sourceFailed = (error: ArtifactSourceError): IngestError =>
  new IngestError({ reason: new SourceFailed({ error }) })

const refuse = (reason: Reason): Effect.Effect<never, IngestError> => Effect.fail(new IngestError({ reason }))
