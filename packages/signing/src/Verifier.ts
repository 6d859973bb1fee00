/**
 * Verifies images and attestations: finds what is stored beside a digest, and says who signed it, or why nobody counts.
 *
 * A digest goes in and the same digest comes out; pull by that digest, never by a tag that was resolved again.
 *
 * @since 0.1.0
 */
import { Digest, type Registry, type RegistryError } from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Bundle from "./Bundle.ts"
import * as Candidate from "./Candidate.ts"
import * as Limits from "./Limits.ts"
import * as Rejection from "./Rejection.ts"
import * as Signature from "./Signature.ts"
import * as SimpleSigning from "./SimpleSigning.ts"
import * as Statement from "./Statement.ts"
import type { TrustPolicy } from "./TrustPolicy.ts"
import type { TrustRoot } from "./TrustRoot.ts"

/**
 * What to verify, and whom to trust. No policy means nobody; no trusted root means public keys without a log only.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly registry: Registry.Registry
  readonly repository: string
  readonly digest: Digest.Digest
  readonly policy: TrustPolicy | undefined
  readonly trustRoot?: TrustRoot | undefined
  readonly limits?: Partial<Limits.Limits> | undefined
}

/**
 * Why a digest counts as signed: where the signature is, by whom and when it was made, and what its signer noted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Evidence extends Signature.Signed {
  readonly form: Rejection.Form
  /** Digest of the referrer manifest, or of the layer of a `.sig` tag. */
  readonly candidate: Digest.Digest
  readonly annotations: { readonly [name: string]: unknown }
}

/**
 * A digest that is signed by somebody whom the policy trusts, with everything that was found and refused besides.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verified {
  readonly digest: Digest.Digest
  readonly evidence: readonly [Evidence, ...Array<Evidence>]
  readonly rejected: ReadonlyArray<Rejection.RejectedCandidate>
}

/**
 * An attestation that holds: its statement, as it was signed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Attestation extends Evidence {
  readonly statement: Statement.Statement
}

/**
 * A digest with the attestations of the wanted type by somebody whom the policy trusts.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerifiedAttestations {
  readonly digest: Digest.Digest
  readonly attestations: readonly [Attestation, ...Array<Attestation>]
  readonly rejected: ReadonlyArray<Rejection.RejectedCandidate>
}

/**
 * Verifies that an image is signed: at least one candidate, of either form, has to hold.
 *
 * An attestation is no signature, whoever made it.
 *
 * @example
 * ```ts
 * import { Manifest, MemoryRegistry } from "@lamina/oci"
 * import { TrustPolicy, Verifier } from "@lamina/signing"
 * import { PrivateSigstore } from "@lamina/signing/testing"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const registry = yield* MemoryRegistry.make()
 *   const { digest } = yield* registry.putManifest("acme/app", Manifest.index({ manifests: [] }))
 *   const sigstore = yield* PrivateSigstore.make()
 *   const target = { registry, repository: "acme/app", digest }
 *   yield* sigstore.signer({ repository: "acme/app" }).sign(target)
 *   const policy = yield* Effect.fromResult(TrustPolicy.decode({
 *     signers: [{
 *       kind: "keyless",
 *       issuer: { exact: sigstore.issuer },
 *       identity: { pattern: "https://git\\.example/acme/app/.*@refs/tags/.*" }
 *     }]
 *   }))
 *   return yield* Verifier.verifyImage({ ...target, policy, trustRoot: sigstore.trustRoot })
 * })
 *
 * const { evidence } = await Effect.runPromise(program)
 * console.log(evidence[0].form) // => "bundle"
 * ```
 *
 * @category verification
 * @since 0.1.0
 */
export const verifyImage = Effect.fn("Verifier.verifyImage")(
  function*(options: Options): Effect.fn.Return<Verified, Rejection.VerificationFailed | RegistryError.RegistryError> {
    const { accepted, rejected } = yield* verifyCandidates(
      options,
      (candidate, bytes, trusted) =>
        candidate.form === "bundle"
          ? verifyStatement(candidate, bytes, trusted, [Statement.signaturePredicateType])
          : verifySimpleSigning(candidate, bytes, trusted)
    )
    return { digest: options.digest, evidence: accepted, rejected }
  }
)

/**
 * Verifies attestations: those of the wanted predicate types (one type, or the spellings of one) that hold.
 *
 * @category verification
 * @since 0.1.0
 */
export const verifyAttestation = Effect.fn("Verifier.verifyAttestation")(
  function*(
    options: Options & { readonly predicateType: string | ReadonlyArray<string> }
  ): Effect.fn.Return<VerifiedAttestations, Rejection.VerificationFailed | RegistryError.RegistryError> {
    const wanted = typeof options.predicateType === "string" ? [options.predicateType] : options.predicateType
    const { accepted, rejected } = yield* verifyCandidates(
      options,
      (candidate, bytes, trusted) =>
        candidate.form === "bundle"
          ? verifyStatement(candidate, bytes, trusted, wanted)
          : Rejection.fail({ _tag: "PredicateMismatch", expected: wanted, actual: SimpleSigning.mediaType })
    )
    return { digest: options.digest, attestations: accepted, rejected }
  }
)

/**
 * Verifies a bundle on its own against an artifact: its bytes, or, where a statement is signed, its digest.
 *
 * A message signature needs the bytes. `predicateTypes` asks for a statement of one of them; without it a statement of
 * any type passes, and a message signature too.
 *
 * @category verification
 * @since 0.1.0
 */
export const verifyBundle = (options: {
  readonly bundle: Uint8Array
  readonly artifact: Uint8Array | Digest.Digest
  readonly policy: TrustPolicy | undefined
  readonly trustRoot?: TrustRoot | undefined
  readonly predicateTypes?: ReadonlyArray<string> | undefined
  readonly limits?: Partial<Limits.Limits> | undefined
}): Result.Result<Signature.Signed & { readonly statement?: Statement.Statement }, Rejection.Rejection> =>
  Result.gen(function*() {
    const { artifact, policy, predicateTypes, trustRoot } = options
    if (policy === undefined) return yield* Rejection.fail({ _tag: "PolicyMissing" })
    const limits = { ...Limits.defaults, ...options.limits }
    const bundle = yield* Bundle.parse(options.bundle, limits)
    if (bundle.content.$case === "messageSignature") {
      if (predicateTypes !== undefined) return yield* notAStatement("bundle content, where a statement is asked for")
      return yield* Signature.verify(bundle, typeof artifact === "string" ? undefined : artifact, { policy, trustRoot })
    }
    const statement = yield* Statement.parse(bundle.content.dsseEnvelope, limits)
    if (predicateTypes !== undefined) yield* Statement.checkPredicateType(statement, predicateTypes)
    yield* Statement.subjectOf(statement, typeof artifact === "string" ? artifact : Digest.ofBytes(artifact))
    return { ...yield* Signature.verify(bundle, undefined, { policy, trustRoot }), statement }
  })

/** What a candidate is judged by, once the policy is known to be there. */
interface Trusted extends Signature.Trust {
  readonly digest: Digest.Digest
  readonly limits: Limits.Limits
}

const verifyCandidates = Effect.fnUntraced(function*<A>(
  { digest, limits: given, policy, registry, repository, trustRoot }: Options,
  verify: (candidate: Candidate.Candidate, bytes: Uint8Array, trusted: Trusted) => Result.Result<A, Rejection.Rejection>
) {
  const failed = (reason: Rejection.Reason, candidates: ReadonlyArray<Rejection.RejectedCandidate>) =>
    new Rejection.VerificationFailed({ repository, digest, reason, candidates })
  if (policy === undefined) return yield* failed({ _tag: "PolicyMissing" }, [])
  const limits = { ...Limits.defaults, ...given }
  const source = { registry, repository, digest, limits }

  const discovery = yield* Candidate.discover(source).pipe(
    Effect.catchTag("Rejection", ({ reason }) => Effect.fail(failed(reason, [])))
  )
  const verdicts = yield* Effect.forEach(discovery.candidates, (candidate) =>
    Candidate.read(source, candidate).pipe(
      Effect.tap(Effect.yieldNow), // A verification takes milliseconds of pure computation; let others run between two.
      Effect.flatMap((bytes) => Effect.fromResult(verify(candidate, bytes, { digest, limits, policy, trustRoot }))),
      Effect.mapError(({ reason }): Rejection.RejectedCandidate => ({
        digest: candidate.digest,
        form: candidate.form,
        reason
      })),
      Effect.result
    ), { concurrency: 4 })

  const rejected = [...discovery.rejected, ...verdicts.filter(Result.isFailure).map(({ failure }) => failure)]
  const [first, ...others] = verdicts.filter(Result.isSuccess).map(({ success }) => success)
  return first === undefined
    ? yield* failed(whyNone(digest, rejected), rejected)
    : { accepted: [first, ...others] as const, rejected }
})

const whyNone = (digest: Digest.Digest, rejected: ReadonlyArray<Rejection.RejectedCandidate>): Rejection.Reason => {
  const counted = rejected.filter(({ reason }) => reason._tag !== "PredicateMismatch")
  return counted.length === 0
    ? { _tag: "NoCandidates", digest }
    : { _tag: "NoneAccepted", digest, count: counted.length }
}

/**
 * Type and subject are read before the signature is verified, since they are cheap to refuse; they come from the very
 * bytes that are verified next, never from an annotation.
 */
const verifyStatement = (
  candidate: Candidate.Candidate,
  bytes: Uint8Array,
  trusted: Trusted,
  predicateTypes: ReadonlyArray<string>
): Result.Result<Attestation, Rejection.Rejection> =>
  Result.gen(function*() {
    const bundle = yield* Bundle.parse(bytes, trusted.limits)
    if (bundle.content.$case !== "dsseEnvelope") return yield* notAStatement("bundle content beside an image")
    const statement = yield* Statement.parse(bundle.content.dsseEnvelope, trusted.limits)
    yield* Statement.checkPredicateType(statement, predicateTypes)
    const subject = yield* Statement.subjectOf(statement, trusted.digest)
    const signed = yield* Signature.verify(bundle, undefined, trusted)
    return { form: "bundle", candidate: candidate.digest, annotations: subject.annotations ?? {}, statement, ...signed }
  })

const notAStatement = (what: string): Result.Result<never, Rejection.Rejection> =>
  Rejection.fail({ _tag: "UnsupportedFormat", what, actual: "messageSignature", supported: ["dsseEnvelope"] })

const verifySimpleSigning = (
  candidate: Candidate.Candidate,
  bytes: Uint8Array,
  trusted: Trusted
): Result.Result<Evidence, Rejection.Rejection> =>
  Result.gen(function*() {
    const payload = yield* SimpleSigning.parse(bytes, trusted.digest)
    const signed = yield* Signature.verify(yield* SimpleSigning.toBundle(candidate.layer, bytes), bytes, trusted)
    return { form: "simplesigning", candidate: candidate.digest, annotations: payload.optional ?? {}, ...signed }
  })
