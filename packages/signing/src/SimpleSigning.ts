/**
 * cosign's older form of signatures: layers of a `.sig` tag, each a "simple signing" payload with its signature in the
 * descriptor's annotations (cosign `SIGNATURE_SPEC.md`).
 *
 * A layer is turned into a bundle of version 0.1, the only version that admits a log entry without inclusion proof, so
 * that one verification serves both forms.
 *
 * @since 0.1.0
 */
import { type Descriptor, Digest } from "@lamina/oci"
import { BUNDLE_V01_MEDIA_TYPE } from "@sigstore/bundle"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash, X509Certificate } from "node:crypto"
import * as Bundle from "./Bundle.ts"
import * as Rejection from "./Rejection.ts"

/**
 * The media type of a signature layer.
 *
 * @category constants
 * @since 0.1.0
 */
export const mediaType = "application/vnd.dev.cosign.simplesigning.v1+json"

/**
 * The names of the annotations on a signature layer's descriptor.
 *
 * @category constants
 * @since 0.1.0
 */
export const annotation = {
  signature: "dev.cosignproject.cosign/signature",
  certificate: "dev.sigstore.cosign/certificate",
  chain: "dev.sigstore.cosign/chain",
  bundle: "dev.sigstore.cosign/bundle",
  timestamp: "dev.sigstore.cosign/rfc3161timestamp"
} as const

/**
 * The tag under which an image's signatures are: `sha256-<hex>.sig`.
 *
 * @category getters
 * @since 0.1.0
 */
export const tag = (digest: Digest.Digest): string => `${Digest.algorithm(digest)}-${Digest.hex(digest)}.sig`

/**
 * The signed payload. The reference is written, but by its specification ignored by verifiers.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Payload = Schema.Struct({
  critical: Schema.Struct({
    identity: Schema.Struct({ "docker-reference": Schema.String }),
    image: Schema.Struct({ "docker-manifest-digest": Schema.String }),
    type: Schema.Literals(["cosign container image signature", "atomic container signature"])
  }),
  optional: Schema.optionalKey(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown)))
})

/**
 * The signed payload.
 *
 * @category models
 * @since 0.1.0
 */
export type Payload = typeof Payload.Type

/**
 * The bytes that a signature of this form signs.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (options: {
  readonly reference: string
  readonly digest: Digest.Digest
  readonly annotations?: { readonly [name: string]: string } | undefined
}): Uint8Array => {
  const payload: Payload = {
    critical: {
      identity: { "docker-reference": options.reference },
      image: { "docker-manifest-digest": options.digest },
      type: "cosign container image signature"
    },
    optional: options.annotations ?? null
  }
  return new TextEncoder().encode(JSON.stringify(payload))
}

/**
 * Reads a payload and checks that it is about the image.
 *
 * @category validation
 * @since 0.1.0
 */
export const parse = (bytes: Uint8Array, digest: Digest.Digest): Result.Result<Payload, Rejection.Rejection> =>
  Result.flatMap(
    Result.mapError(decodePayload(Buffer.from(bytes).toString("utf8")), malformed("simple signing payload")),
    (payload) => {
      const actual = payload.critical.image["docker-manifest-digest"]
      return actual === digest
        ? Result.succeed(payload)
        : Rejection.fail({ _tag: "SubjectMismatch", expected: digest, actual: [actual] })
    }
  )

/**
 * Turns a signature layer into a bundle. The `chain` annotation is not read: only a trusted root says who may issue.
 *
 * @category conversions
 * @since 0.1.0
 */
export const toBundle = (
  layer: Descriptor.Descriptor,
  payload: Uint8Array
): Result.Result<Bundle.Bundle, Rejection.Rejection> =>
  Result.gen(function*() {
    const signature = annotationOf(layer, annotation.signature)
    const certificate = annotationOf(layer, annotation.certificate)
    const logBundle = annotationOf(layer, annotation.bundle)
    const timestamp = annotationOf(layer, annotation.timestamp)
    if (signature === undefined) {
      return yield* Result.fail(malformed("signature layer")(new Error(`no annotation ${annotation.signature}`)))
    }
    return yield* Bundle.fromJson({
      mediaType: BUNDLE_V01_MEDIA_TYPE,
      verificationMaterial: {
        ...(certificate === undefined ? { publicKey: { hint: "" } } : yield* certificateMaterial(certificate)),
        tlogEntries: logBundle === undefined ? [] : [yield* logEntryFrom(logBundle)],
        timestampVerificationData: timestamp === undefined
          ? undefined
          : { rfc3161Timestamps: [yield* timestampFrom(timestamp)] }
      },
      messageSignature: {
        messageDigest: { algorithm: "SHA2_256", digest: createHash("sha256").update(payload).digest("base64") },
        signature
      }
    })
  })

/**
 * The value of the `bundle` annotation for a log entry with its signed promise.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encodeLogBundle = (entry: Bundle.LogEntry): string =>
  JSON.stringify({
    SignedEntryTimestamp: entry.inclusionPromise?.signedEntryTimestamp.toString("base64") ?? "",
    Payload: {
      body: entry.canonicalizedBody.toString("base64"),
      integratedTime: Number(entry.integratedTime),
      logIndex: Number(entry.logIndex),
      logID: entry.logId.keyId.toString("hex")
    }
  })

/** cosign 3 writes an empty `chain`; an empty annotation means an absent one. */
const annotationOf = (layer: Descriptor.Descriptor, name: string): string | undefined =>
  layer.annotations?.[name] || undefined

const certificateMaterial = (pem: string) =>
  Result.try({
    try: () => ({
      x509CertificateChain: { certificates: [{ rawBytes: new X509Certificate(pem).raw.toString("base64") }] }
    }),
    catch: malformed(`annotation ${annotation.certificate}`)
  })

const LogBundle = Schema.fromJsonString(Schema.Struct({
  SignedEntryTimestamp: Schema.String,
  Payload: Schema.Struct({
    body: Schema.String,
    integratedTime: Schema.Int,
    logIndex: Schema.Int,
    logID: Schema.String.check(Schema.isPattern(/^[0-9a-f]{64}$/))
  })
}))

const LogBody = Schema.fromJsonString(Schema.Struct({ kind: Schema.String, apiVersion: Schema.String }))

const logEntryFrom = (json: string) =>
  Result.gen(function*() {
    const refuse = Result.mapError(malformed(`annotation ${annotation.bundle}`))
    const { Payload: { body, integratedTime, logID, logIndex }, SignedEntryTimestamp } = yield* refuse(
      decodeLogBundle(json)
    )
    const { apiVersion, kind } = yield* refuse(decodeLogBody(Buffer.from(body, "base64").toString("utf8")))
    return {
      logIndex: String(logIndex),
      logId: { keyId: Buffer.from(logID, "hex").toString("base64") },
      kindVersion: { kind, version: apiVersion },
      integratedTime: String(integratedTime),
      inclusionPromise: { signedEntryTimestamp: SignedEntryTimestamp },
      canonicalizedBody: body
    }
  })

const timestampFrom = (json: string) =>
  Result.map(
    Result.mapError(decodeTimestamp(json), malformed(`annotation ${annotation.timestamp}`)),
    ({ SignedRFC3161Timestamp }) => ({ signedTimestamp: SignedRFC3161Timestamp })
  )

const Timestamp = Schema.fromJsonString(Schema.Struct({ SignedRFC3161Timestamp: Schema.String }))

const decodePayload = Schema.decodeUnknownResult(Schema.fromJsonString(Payload))
const decodeLogBundle = Schema.decodeUnknownResult(LogBundle)
const decodeLogBody = Schema.decodeUnknownResult(LogBody)
const decodeTimestamp = Schema.decodeUnknownResult(Timestamp)

const malformed = (what: string) => (cause: unknown): Rejection.Rejection => Rejection.malformed(what, cause)
