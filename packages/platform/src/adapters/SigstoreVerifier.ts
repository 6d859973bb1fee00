/**
 * Core's `SignatureVerifier` on Sigstore and cosign.
 *
 * @since 0.1.0
 */
import { SignatureVerifier } from "@lamina/core"
import { Digest, type Registry, type RegistryError } from "@lamina/oci"
import { type Limits, Rejection, TrustPolicy, type TrustRoot, Verifier } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"

/**
 * The registry in which signatures lie beside what they sign, and the root of all trust. Without a trust root only
 * signatures by keys can be accepted, and those only if they need no transparency log.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly registry: Registry.Registry
  readonly trustRoot: TrustRoot.TrustRoot | undefined
  /** Whether a signature by a public key must be in a transparency log, as cosign's are by default. Default true. */
  readonly keysRequireTransparencyLog?: boolean
  readonly limits?: Partial<Limits.Limits>
}

/**
 * Provides `SignatureVerifier`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SignatureVerifier.SignatureVerifier> =>
  Layer.succeed(
    SignatureVerifier.SignatureVerifier,
    SignatureVerifier.SignatureVerifier.of({
      verify: (repository, digest, policy) => verify(options, repository, digest, policy)
    })
  )

const verify = Effect.fn("SigstoreVerifier.verify")(
  function*(options: Options, repository: string, digestText: string, document: SignatureVerifier.TrustPolicy) {
    const subject = `${repository}@${digestText}`
    const digest = Digest.parse(digestText)
    if (Result.isFailure(digest)) return yield* unable(subject, digest.failure.message, false)
    const policy = compile(document, options)
    // Whom a module trusts is data that people wrote: when it is unusable nobody is trusted, and the verdict says why.
    if (Result.isFailure(policy)) return refused(policy.failure._tag, policy.failure.message, [])
    return yield* Verifier.verifyImage({
      registry: options.registry,
      repository,
      digest: digest.success,
      policy: policy.success,
      trustRoot: options.trustRoot,
      limits: options.limits
    }).pipe(
      Effect.map(accepted),
      Effect.catchTags({
        VerificationFailed: (failure) =>
          failure.retryable
            ? Effect.fail(unable(subject, failure.message, true))
            : Effect.succeed(refused(mainReason(failure), failure.message, failure.candidates)),
        RegistryError: (error) => Effect.fail(unable(subject, error.message, isPassing(error)))
      })
    )
  }
)

const unable = (subject: string, detail: string, retryable: boolean) =>
  new SignatureVerifier.SignatureVerifierError({ subject, detail, retryable })

const compile = (
  document: SignatureVerifier.TrustPolicy,
  { keysRequireTransparencyLog = true }: Options
): Result.Result<TrustPolicy.TrustPolicy, TrustPolicy.InvalidTrustPolicy> =>
  TrustPolicy.decode({
    signers: document.signers.map((signer) =>
      signer.kind === "key" ? { ...signer, requireTransparencyLog: keysRequireTransparencyLog } : signer
    )
  })

const accepted = ({ evidence: [first] }: Verifier.Verified): SignatureVerifier.SignatureVerdict => ({
  verified: true,
  signatureDigest: first.candidate,
  signer: first.signer.kind === "keyless" ? first.signer.identity : first.signer.keyId,
  ...(first.signer.kind === "keyless" ? { issuer: first.signer.issuer } : {}),
  form: first.form
})

const refused = (
  tag: string,
  message: string,
  candidates: ReadonlyArray<Rejection.RejectedCandidate>
): SignatureVerifier.SignatureVerdict => ({
  verified: false,
  tag,
  message,
  rejected: candidates.map((candidate) => ({
    candidate: candidate.digest,
    tag: candidate.reason._tag,
    message: Rejection.describe(candidate.reason)
  }))
})

// When every candidate fails for one reason, that reason is the answer; «none of them was accepted» tells nobody anything.
const mainReason = (failure: Rejection.VerificationFailed): string => {
  const signatures = failure.candidates.filter(({ reason }) => reason._tag !== "PredicateMismatch")
  const tags = new Set(signatures.map(({ reason }) => reason._tag))
  const [only] = tags
  return tags.size === 1 && only !== undefined ? only : failure.reason._tag
}

const isPassing = (error: RegistryError.RegistryError): boolean =>
  error.reason._tag === "Unavailable" || error.reason._tag === "RateLimited" ||
  error.reason._tag === "UnexpectedResponse"
