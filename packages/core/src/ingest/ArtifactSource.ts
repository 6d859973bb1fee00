/**
 * The port through which ingest reads published modules; a registry stands behind it.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * What a publisher says of one architecture's artifact. Nothing of it is believed before `recompute` confirmed it.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublishedArtifact {
  readonly architecture: string
  readonly manifestDigest: string
  readonly composefsDigest: string
  readonly fsverityRootHash: string
  /** Bytes of the manifest's layers together. */
  readonly sizeBytes: number
  readonly mediaType: string
}

/**
 * A module as it stands in a registry behind one digest.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublishedModule {
  readonly indexDigest: string
  readonly moduleName: string
  readonly versionString: string
  /** The text of the `manifest.yaml` that it was built from, in canonical form. */
  readonly manifestText: string
  readonly fingerprint: string
  readonly gitSha: string | undefined
  readonly builtAt: number | undefined
  readonly artifacts: ReadonlyArray<PublishedArtifact>
  /** Digests of the SBOM referrers of the index. */
  readonly sbomDigests: ReadonlyArray<string>
}

/**
 * What was computed from the bytes in the registry.
 *
 * @category models
 * @since 0.1.0
 */
export interface RecomputedArtifact {
  readonly composefsDigest: string
  readonly fsverityRootHash: string
  /** Absolute paths of the files that the image holds, sorted. */
  readonly files: ReadonlyArray<string>
  /** Whether the image was rebuilt from the file layer and was the same. */
  readonly rebuilt: boolean
}

/**
 * Reading a published module failed. `notFound` says that trying again is useless until somebody publishes.
 *
 * @category errors
 * @since 0.1.0
 */
export class ArtifactSourceError
  extends Schema.TaggedError<ArtifactSourceError>("@lamina/core/ingest/ArtifactSourceError")("ArtifactSourceError", {
    operation: Schema.String,
    subject: Schema.String,
    kind: Schema.Literals(["notFound", "malformed", "digestMismatch", "limitExceeded", "denied", "unavailable"]),
    detail: Schema.String
  })
{
  override get message(): string {
    return `${this.operation} ${this.subject}: ${this.detail}`
  }

  /** Whether the same call may succeed later without anybody mending anything. */
  get retryable(): boolean {
    return this.kind === "unavailable"
  }
}

/**
 * The port to where modules are published. `repository` is the module's `ociRepository`.
 *
 * @category services
 * @since 0.1.0
 */
export class ArtifactSource extends Context.Service<ArtifactSource, {
  /** The digest behind a tag; asked once for an ingest. */
  readonly resolve: (repository: string, tag: string) => Effect.Effect<string, ArtifactSourceError>
  /** What the publisher says of the module behind an index digest. */
  readonly inspect: (repository: string, indexDigest: string) => Effect.Effect<PublishedModule, ArtifactSourceError>
  /** Fetches an artifact under size limits and computes its digests; `deep` rebuilds the image from the files. */
  readonly recompute: (
    repository: string,
    artifact: PublishedArtifact,
    options: { readonly deep: boolean }
  ) => Effect.Effect<RecomputedArtifact, ArtifactSourceError>
  /** The tags of a repository, for the poller. */
  readonly listTags: (repository: string) => Effect.Effect<ReadonlyArray<string>, ArtifactSourceError>
}>()("@lamina/core/ingest/ArtifactSource") {}
