/**
 * Sigstore bundles: one JSON document with a signature, its key or certificate, and the proofs from transparency logs.
 *
 * Reading checks sizes, counts and the media type first, then the shape; nothing here says that a bundle is *true*.
 *
 * @since 0.1.0
 */
import * as SigstoreBundle from "@sigstore/bundle"
import { TransparencyLogEntry } from "@sigstore/protobuf-specs"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { X509Certificate } from "node:crypto"
import type { Limits } from "./Limits.ts"
import * as Rejection from "./Rejection.ts"

/**
 * A parsed bundle of any supported version.
 *
 * @category models
 * @since 0.1.0
 */
export type Bundle = SigstoreBundle.Bundle

/**
 * One transparency log entry of a bundle.
 *
 * @category models
 * @since 0.1.0
 */
export type LogEntry = SigstoreBundle.TransparencyLogEntry

/**
 * The media type of what is written: version 0.3.
 *
 * @category constants
 * @since 0.1.0
 */
export const mediaType = SigstoreBundle.BUNDLE_V03_MEDIA_TYPE

/**
 * The media types that are read. Compared exactly: `…bundle.v9.9+json` and `…v0.3+json; junk` are none of them.
 *
 * @category constants
 * @since 0.1.0
 */
export const mediaTypes: ReadonlyArray<string> = [
  SigstoreBundle.BUNDLE_V03_MEDIA_TYPE,
  SigstoreBundle.BUNDLE_V03_LEGACY_MEDIA_TYPE,
  SigstoreBundle.BUNDLE_V02_MEDIA_TYPE,
  SigstoreBundle.BUNDLE_V01_MEDIA_TYPE
]

/**
 * Reads a bundle from the bytes of its JSON document.
 *
 * @category parsing
 * @since 0.1.0
 */
export const parse = (bytes: Uint8Array, limits: Limits): Result.Result<Bundle, Rejection.Rejection> =>
  Result.gen(function*() {
    if (bytes.byteLength > limits.bundleBytes) {
      const actual = bytes.byteLength
      return yield* Rejection.fail({
        _tag: "LimitExceeded",
        what: "bytes of a bundle",
        limit: limits.bundleBytes,
        actual
      })
    }
    const json = yield* Result.mapError(decodeJson(bytes), malformed)
    const { mediaType: actual, verificationMaterial } = yield* Result.mapError(decodeEnvelope(json), malformed)
    if (!mediaTypes.includes(actual)) {
      return yield* Rejection.fail({
        _tag: "UnsupportedFormat",
        what: "bundle media type",
        actual,
        supported: mediaTypes
      })
    }
    yield* checkCount("log entries of a bundle", verificationMaterial.tlogEntries, limits.logEntries)
    const timestamps = verificationMaterial.timestampVerificationData?.rfc3161Timestamps
    yield* checkCount("timestamps of a bundle", timestamps, limits.timestamps)
    return yield* fromJson(json)
  })

/**
 * Builds a bundle from its JSON form, checked for the version that it says it has.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromJson = (json: unknown): Result.Result<Bundle, Rejection.Rejection> =>
  Result.try({
    try: () => {
      const bundle = SigstoreBundle.bundleFromJSON(json)
      assertVersion(bundle)
      assertNoRoot(bundle)
      assertCheckpoints(bundle)
      return bundle
    },
    catch: malformed
  })

/**
 * The JSON document of a bundle as bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (bundle: Bundle): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(SigstoreBundle.bundleToJSON(bundle)))

/**
 * The JSON form of a log entry, as it stands in a bundle.
 *
 * @category encoding
 * @since 0.1.0
 */
export const logEntryToJson = (entry: LogEntry): unknown => TransparencyLogEntry.toJSON(entry)

/** Only what has to be known before the real parser may see the document. */
const Envelope = Schema.Struct({
  mediaType: Schema.String,
  verificationMaterial: Schema.Struct({
    tlogEntries: Schema.optionalKey(Schema.Array(Schema.Unknown)),
    timestampVerificationData: Schema.optionalKey(Schema.NullOr(
      Schema.Struct({ rfc3161Timestamps: Schema.optionalKey(Schema.Array(Schema.Unknown)) })
    ))
  })
})

const decodeEnvelope = Schema.decodeUnknownResult(Envelope)

const decodeJson = (bytes: Uint8Array) =>
  Result.try((): unknown => JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes)))

const checkCount = (
  what: string,
  list: ReadonlyArray<unknown> | undefined,
  limit: number
): Result.Result<void, Rejection.Rejection> =>
  list !== undefined && list.length > limit
    ? Rejection.fail({ _tag: "LimitExceeded", what, limit, actual: list.length })
    : Result.void

const assertVersion = (bundle: Bundle): void => {
  switch (bundle.mediaType) {
    case SigstoreBundle.BUNDLE_V01_MEDIA_TYPE:
      return SigstoreBundle.assertBundleV01(bundle)
    case SigstoreBundle.BUNDLE_V02_MEDIA_TYPE:
      return SigstoreBundle.assertBundleV02(bundle)
    default:
      return SigstoreBundle.assertBundleLatest(bundle)
  }
}

/** Only a trusted root may say which authorities there are; a bundle that brings one along is refused. */
const assertNoRoot = ({ verificationMaterial: { content } }: Bundle): void => {
  if (content.$case !== "x509CertificateChain") return
  const certificates = content.x509CertificateChain.certificates.map(({ rawBytes }) => new X509Certificate(rawBytes))
  if (certificates.some(({ issuer, subject }) => issuer === subject)) {
    throw new Error("the certificate chain contains a root")
  }
}

/** Bundles of version 0.1 may have proofs without a checkpoint, which prove nothing. */
const assertCheckpoints = ({ verificationMaterial: { tlogEntries } }: Bundle): void => {
  if (
    tlogEntries.some(({ inclusionProof }) => inclusionProof !== undefined && inclusionProof.checkpoint === undefined)
  ) {
    throw new Error("an inclusion proof has no checkpoint")
  }
}

const malformed = (cause: unknown): Rejection.Rejection => Rejection.malformed("bundle", cause)
