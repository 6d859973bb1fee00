/**
 * The port through which ingest asks whether a digest is signed by whom a module trusts.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/**
 * Whom a module trusts to sign it: an identity that an issuer vouched for (keyless), or public keys in PEM.
 *
 * Texts are exact; patterns are RE2 and match the whole text. An empty list of signers trusts nobody.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Matcher = Schema.Union([
  Schema.Struct({ exact: Schema.String }),
  Schema.Struct({ pattern: Schema.String })
])

/**
 * How an issuer or an identity is recognised.
 *
 * @category models
 * @since 0.1.0
 */
export type Matcher = typeof Matcher.Type

/**
 * One way of trusting.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TrustedSigner = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("keyless"), issuer: Matcher, identity: Matcher }),
  Schema.Struct({ kind: Schema.Literal("key"), publicKeyPem: Schema.String })
])

/**
 * One way of trusting.
 *
 * @category models
 * @since 0.1.0
 */
export type TrustedSigner = typeof TrustedSigner.Type

/**
 * Any one of the signers suffices.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TrustPolicy = Schema.Struct({ signers: Schema.Array(TrustedSigner) })

/**
 * Whom a module or platform trusts.
 *
 * @category models
 * @since 0.1.0
 */
export type TrustPolicy = typeof TrustPolicy.Type

/**
 * Why a signature that was found does not count.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RejectedSignature = Schema.Struct({
  candidate: Schema.String,
  tag: Schema.String,
  message: Schema.String
})

/**
 * Why a signature that was found does not count.
 *
 * @category models
 * @since 0.1.0
 */
export type RejectedSignature = typeof RejectedSignature.Type

/**
 * What verification found: who signed, or why nobody who counts did.
 *
 * @category schemas
 * @since 0.1.0
 */
export const SignatureVerdict = Schema.Union([
  Schema.Struct({
    verified: Schema.Literal(true),
    /** Digest of the signature's manifest or layer, for the evidence. */
    signatureDigest: Schema.String,
    signer: Schema.String,
    issuer: Schema.optionalKey(Schema.String),
    form: Schema.String
  }),
  Schema.Struct({
    verified: Schema.Literal(false),
    tag: Schema.String,
    message: Schema.String,
    rejected: Schema.Array(RejectedSignature)
  })
])

/**
 * What verification found.
 *
 * @category models
 * @since 0.1.0
 */
export type SignatureVerdict = typeof SignatureVerdict.Type

/**
 * Verification could not be done at all; a verdict is another thing.
 *
 * @category errors
 * @since 0.1.0
 */
export class SignatureVerifierError
  extends Schema.TaggedError<SignatureVerifierError>("@lamina/core/ingest/SignatureVerifierError")(
    "SignatureVerifierError",
    { subject: Schema.String, detail: Schema.String, retryable: Schema.Boolean }
  )
{
  override get message(): string {
    return `cannot verify ${this.subject}: ${this.detail}`
  }
}

/**
 * The port to signature verification.
 *
 * @category services
 * @since 0.1.0
 */
export class SignatureVerifier extends Context.Service<SignatureVerifier, {
  /** Checks that the digest (of an index or a manifest) is signed according to the policy. */
  readonly verify: (
    repository: string,
    digest: string,
    policy: TrustPolicy
  ) => Effect.Effect<SignatureVerdict, SignatureVerifierError>
}>()("@lamina/core/ingest/SignatureVerifier") {}
