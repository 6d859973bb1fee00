/**
 * What can go wrong while a published module is taken in.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { ArtifactSourceError } from "./ArtifactSource.ts"
import { SignatureVerifierError } from "./SignatureVerifier.ts"

/**
 * The module's record does not say where it is published.
 *
 * @category errors
 * @since 0.1.0
 */
export class NoRepository extends Schema.TaggedError<NoRepository>("@lamina/core/ingest/NoRepository")("NoRepository", {
  module: Schema.String
}) {
  override get message(): string {
    return `module ${this.module} has no ociRepository; set one on the module first`
  }
}

/**
 * The versionString stands for another digest already: the tag was moved, or the version was built twice.
 *
 * @category errors
 * @since 0.1.0
 */
export class VersionConflict extends Schema.TaggedError<VersionConflict>("@lamina/core/ingest/VersionConflict")(
  "VersionConflict",
  {
    module: Schema.String,
    versionString: Schema.String,
    versionId: Schema.String,
    recorded: Schema.String,
    found: Schema.String
  }
) {
  override get message(): string {
    return `${this.module} ${this.versionString} is ${this.recorded} since version ${this.versionId}, ` +
      `now ${this.found} was found under it; a version never changes: publish under a new versionString`
  }
}

/**
 * What is behind the digest is not what was asked for.
 *
 * @category errors
 * @since 0.1.0
 */
export class OtherContent extends Schema.TaggedError<OtherContent>("@lamina/core/ingest/OtherContent")("OtherContent", {
  digest: Schema.String,
  field: Schema.String,
  expected: Schema.String,
  actual: Schema.String
}) {
  override get message(): string {
    return `${this.digest}: expected ${this.field} ${this.expected}, got ${this.actual}`
  }
}

/**
 * A digest that the publisher named is not that of the bytes in the registry.
 *
 * @category errors
 * @since 0.1.0
 */
export class DigestMismatch extends Schema.TaggedError<DigestMismatch>("@lamina/core/ingest/DigestMismatch")(
  "DigestMismatch",
  {
    architecture: Schema.String,
    manifestDigest: Schema.String,
    field: Schema.Literals(["composefsDigest", "fsverityRootHash"]),
    expected: Schema.String,
    actual: Schema.String
  }
) {
  override get message(): string {
    return `${this.architecture} ${this.manifestDigest}: ${this.field}: expected ${this.expected}, got ${this.actual} ` +
      "from the bytes in the registry; nothing was recorded as verified"
  }
}

/**
 * The file layer does not give the image.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotRebuilt extends Schema.TaggedError<NotRebuilt>("@lamina/core/ingest/NotRebuilt")("NotRebuilt", {
  architecture: Schema.String,
  manifestDigest: Schema.String
}) {
  override get message(): string {
    return `${this.architecture} ${this.manifestDigest}: the image could not be rebuilt from its file layer`
  }
}

/**
 * An architecture that the module must be published for is not there, or is there twice.
 *
 * @category errors
 * @since 0.1.0
 */
export class WrongArchitectures extends Schema.TaggedError<WrongArchitectures>(
  "@lamina/core/ingest/WrongArchitectures"
)("WrongArchitectures", {
  required: Schema.Array(Schema.String),
  published: Schema.Array(Schema.String)
}) {
  override get message(): string {
    return `expected one artifact for each of ${this.required.join(", ") || "at least one architecture"}, ` +
      `got ${this.published.join(", ") || "none"}`
  }
}

/**
 * The registry did not give what was asked of it.
 *
 * @category errors
 * @since 0.1.0
 */
export class SourceFailed extends Schema.TaggedError<SourceFailed>("@lamina/core/ingest/SourceFailed")("SourceFailed", {
  error: ArtifactSourceError
}) {
  override get message(): string {
    return this.error.message
  }
}

/**
 * Signatures could not be checked at all, which is not the same as a signature that does not count.
 *
 * @category errors
 * @since 0.1.0
 */
export class VerifierFailed extends Schema.TaggedError<VerifierFailed>("@lamina/core/ingest/VerifierFailed")(
  "VerifierFailed",
  { error: SignatureVerifierError }
) {
  override get message(): string {
    return this.error.message
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([
  NoRepository,
  VersionConflict,
  OtherContent,
  DigestMismatch,
  NotRebuilt,
  WrongArchitectures,
  SourceFailed,
  VerifierFailed
])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A published module was not taken in: no version was recorded or changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class IngestError extends Schema.TaggedError<IngestError>("@lamina/core/ingest/IngestError")("IngestError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }

  /** Whether the same call may succeed later without anybody mending anything. */
  get retryable(): boolean {
    return (this.reason._tag === "SourceFailed" || this.reason._tag === "VerifierFailed") && this.reason.error.retryable
  }
}
