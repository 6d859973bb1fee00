/**
 * Signs images and attests to them, keyless or with a key pair, and stores the result beside the image.
 *
 * A signature is a DSSE envelope around an in-toto statement with the predicate type of cosign's signatures, in a
 * Sigstore bundle; cosign's older form is written where it is asked for.
 *
 * @since 0.1.0
 */
import type { Descriptor, Digest, Registry, RegistryError } from "@lamina/oci"
import { dsse } from "@sigstore/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createHash, sign as signBytes } from "node:crypto"
import * as Attachment from "./Attachment.ts"
import * as Bundle from "./Bundle.ts"
import type { CertificateAuthority } from "./CertificateAuthority.ts"
import * as KeyPair from "./KeyPair.ts"
import { SigningError } from "./SigningError.ts"
import * as SimpleSigning from "./SimpleSigning.ts"
import * as Statement from "./Statement.ts"
import type { TransparencyLog } from "./TransparencyLog.ts"

/**
 * The image, by digest, that is signed. `name` is noted in the signature, and nobody relies on it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Target {
  readonly registry: Registry.Registry
  readonly repository: string
  readonly digest: Digest.Digest
  readonly name?: string | undefined
}

/**
 * What is noted in a signature, and the forms that it is stored in (a bundle, where nothing is said).
 *
 * @category models
 * @since 0.1.0
 */
export interface SignOptions extends Target {
  readonly annotations?: { readonly [name: string]: string } | undefined
  readonly form?: "bundle" | "simplesigning" | "both" | undefined
}

/**
 * What is attested: a predicate, SBOM or provenance for instance, and its type.
 *
 * @category models
 * @since 0.1.0
 */
export interface AttestOptions extends Target {
  readonly predicateType: string
  readonly predicate: unknown
}

/**
 * Where a signature was stored: the manifest of the referrer, that of the `.sig` tag, or both.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stored {
  readonly bundle?: Descriptor.Descriptor
  readonly simpleSigning?: Descriptor.Descriptor
}

/**
 * Signs and attests. Each call makes a signature of its own; a keyless one asks for a new certificate.
 *
 * @category models
 * @since 0.1.0
 */
export interface Signer {
  /** Signs an image. */
  readonly sign: (options: SignOptions) => Effect.Effect<Stored, SigningError | RegistryError.RegistryError>
  /** Attests to an image, as a bundle; the descriptor is that of the referrer's manifest. */
  readonly attest: (
    options: AttestOptions
  ) => Effect.Effect<Descriptor.Descriptor, SigningError | RegistryError.RegistryError>
  /** Signs a statement about anything and returns the bundle, which is stored nowhere. */
  readonly signStatement: (statement: Statement.Statement) => Effect.Effect<Bundle.Bundle, SigningError>
}

/**
 * A signer with a new key for each signature, and a certificate for it from an authority that trusts a token.
 *
 * @category constructors
 * @since 0.1.0
 */
export const keyless = (options: {
  readonly certificateAuthority: CertificateAuthority
  readonly transparencyLog: TransparencyLog
  /** Taken anew for each signature, since tokens live for minutes. */
  readonly identityToken: Effect.Effect<Redacted.Redacted, SigningError>
}): Signer =>
  make(Effect.gen(function*() {
    const identityToken = yield* options.identityToken
    const subject = yield* subjectOf(identityToken)
    const { privateKey, publicKey } = yield* KeyPair.generate
    const certificate = yield* options.certificateAuthority.issue({
      identityToken,
      publicKey: publicKey.export({ type: "spki", format: "der" }),
      proofOfPossession: signBytes("sha256", Buffer.from(subject), privateKey)
    })
    const rawBytes = Buffer.from(certificate).toString("base64")
    return {
      sign: (bytes) => signBytes("sha256", bytes, privateKey),
      material: { certificate: { rawBytes } },
      certificatePem: pem("CERTIFICATE", rawBytes),
      verifier: pem("CERTIFICATE", rawBytes),
      log: options.transparencyLog
    }
  }))

/**
 * A signer with a key pair. Without a transparency log, verifiers must have been told not to ask for one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const key = (options: {
  readonly keyPair: KeyPair.KeyPair
  readonly transparencyLog?: TransparencyLog | undefined
}): Signer => {
  const { privateKey, publicKey } = options.keyPair
  const hint = createHash("sha256").update(publicKey.export({ type: "spki", format: "der" })).digest("base64")
  return make(Effect.succeed({
    sign: (bytes) => signBytes("sha256", bytes, privateKey),
    material: { publicKey: { hint } },
    verifier: KeyPair.publicKeyPem(options.keyPair),
    log: options.transparencyLog
  }))
}

/** All that one signature needs: how to sign, and what tells verifiers by whom. */
interface Credential {
  readonly sign: (bytes: Uint8Array) => Buffer
  readonly material: { readonly certificate: { readonly rawBytes: string } } | {
    readonly publicKey: { readonly hint: string }
  }
  readonly certificatePem?: string
  readonly verifier: string
  readonly log: TransparencyLog | undefined
}

const make = (credential: Effect.Effect<Credential, SigningError>): Signer => {
  const signStatement = (statement: Statement.Statement) =>
    Effect.flatMap(credential, (credential) => toBundle(credential, Statement.encode(statement)))

  const attest = Effect.fn("Signer.attest")(function*(options: AttestOptions & Pick<SignOptions, "annotations">) {
    const { predicateType } = options
    const image = yield* options.registry.resolve(options.repository, options.digest)
    const bundle = yield* signStatement(Statement.make(options))
    return yield* Attachment.putBundle({ ...options, image }, { bundle: Bundle.encode(bundle), predicateType })
  })

  const signSimply = Effect.fnUntraced(function*(options: SignOptions) {
    const image = yield* options.registry.resolve(options.repository, options.digest)
    const payload = SimpleSigning.encode({
      reference: options.name ?? options.repository,
      digest: options.digest,
      annotations: options.annotations
    })
    const annotations = yield* toAnnotations(yield* credential, payload)
    return yield* Attachment.putSimpleSigning({ ...options, image }, { payload, annotations })
  })

  const sign = Effect.fn("Signer.sign")(function*(options: SignOptions) {
    const form = options.form ?? "bundle"
    const predicateType = Statement.signaturePredicateType
    return {
      ...(form === "simplesigning" ? {} : { bundle: yield* attest({ ...options, predicateType, predicate: {} }) }),
      ...(form === "bundle" ? {} : { simpleSigning: yield* signSimply(options) })
    }
  })

  return { sign, attest, signStatement }
}

const toBundle = Effect.fnUntraced(function*({ log, material, sign, verifier }: Credential, payload: Uint8Array) {
  const { payloadType } = Statement
  const signature = sign(dsse.preAuthEncoding(payloadType, Buffer.from(payload)))
  const entry = yield* logged(log, { kind: "dsse", payloadType, payload, signature, verifier })
  return yield* Effect.fromResult(Bundle.fromJson({
    mediaType: Bundle.mediaType,
    verificationMaterial: { ...material, tlogEntries: entry === undefined ? [] : [Bundle.logEntryToJson(entry)] },
    dsseEnvelope: {
      payload: Buffer.from(payload).toString("base64"),
      payloadType,
      signatures: [{ sig: signature.toString("base64"), keyid: "" }]
    }
  })).pipe(Effect.mapError(({ message }) => new SigningError({ reason: { _tag: "LogRefused", detail: message } })))
})

const toAnnotations = Effect.fnUntraced(
  function*({ certificatePem, log, sign, verifier }: Credential, payload: Uint8Array) {
    const signature = sign(payload)
    const entry = yield* logged(log, { kind: "hashedrekord", message: payload, signature, verifier })
    return {
      [SimpleSigning.annotation.signature]: signature.toString("base64"),
      ...(certificatePem === undefined ? {} : { [SimpleSigning.annotation.certificate]: certificatePem }),
      ...(entry === undefined ? {} : { [SimpleSigning.annotation.bundle]: SimpleSigning.encodeLogBundle(entry) })
    }
  }
)

const logged = (log: TransparencyLog | undefined, entry: Parameters<TransparencyLog["upload"]>[0]) =>
  log === undefined ? Effect.undefined : log.upload(entry)

const Claims = Schema.fromJsonString(Schema.Struct({ sub: Schema.String, email: Schema.optionalKey(Schema.String) }))

const decodeClaims = Schema.decodeUnknownEffect(Claims)

/** The claim that an authority wants signed as proof of possession; the token itself is the authority's to check. */
const subjectOf = (token: Redacted.Redacted): Effect.Effect<string, SigningError> =>
  decodeClaims(Buffer.from(Redacted.value(token).split(".")[1] ?? "", "base64url").toString("utf8")).pipe(
    Effect.map(({ email, sub }) => email ?? sub),
    Effect.mapError(() =>
      new SigningError({ reason: { _tag: "InvalidIdentityToken", detail: "expected a JWT with a claim sub" } })
    )
  )

const pem = (label: string, base64: string): string =>
  [`-----BEGIN ${label}-----`, ...(base64.match(/.{1,64}/g) ?? []), `-----END ${label}-----`, ""].join("\n")
