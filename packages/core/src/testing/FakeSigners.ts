/**
 * Signers in memory for tests: a `SignatureVerifier` that believes what was signed here, and the hands that sign.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { RE2JS } from "re2js"
import type { PublishedModule } from "../ingest/ArtifactSource.ts"
import {
  type Matcher,
  type SignatureVerdict,
  SignatureVerifier,
  SignatureVerifierError,
  type TrustedSigner,
  type TrustPolicy
} from "../ingest/SignatureVerifier.ts"
import { digestOf } from "../specs/internal/Sha256.ts"

/**
 * Who signs.
 *
 * @category models
 * @since 0.1.0
 */
export interface Signer {
  readonly issuer: string
  readonly identity: string
}

/**
 * The hands that sign.
 *
 * @category services
 * @since 0.1.0
 */
export class FakeSigners extends Context.Service<FakeSigners, {
  /** Signs the index and every manifest. */
  readonly sign: (published: PublishedModule, signer: Signer) => Effect.Effect<void>
  /** Signs one digest. */
  readonly signDigest: (digest: string, signer: Signer) => Effect.Effect<void>
  /** Makes verification itself fail from now on, or no more. */
  readonly setAvailable: (available: boolean) => Effect.Effect<void>
}>()("@lamina/core/testing/FakeSigners") {}

/**
 * A policy that trusts exactly one signer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const trusting = (signer: Signer): TrustPolicy => ({
  signers: [{ kind: "keyless", issuer: { exact: signer.issuer }, identity: { exact: signer.identity } }]
})

/**
 * Nothing is signed yet.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<FakeSigners | SignatureVerifier> = Layer.effectContext(Effect.sync(() => {
  const signatures = new Map<string, ReadonlyArray<Signer>>()
  let available = true

  const signDigest = (digest: string, signer: Signer) =>
    Effect.sync(() => void signatures.set(digest, [...signatures.get(digest) ?? [], signer]))

  const signers = FakeSigners.of({
    sign: (published, signer) =>
      Effect.forEach(
        [published.indexDigest, ...published.artifacts.map(({ manifestDigest }) => manifestDigest)],
        (digest) => signDigest(digest, signer),
        { discard: true }
      ),
    signDigest,
    setAvailable: (now) => Effect.sync(() => void (available = now))
  })

  const verifier = SignatureVerifier.of({
    verify: (_repository, digest, policy) =>
      Effect.suspend(() =>
        available
          ? Effect.succeed(judge(digest, signatures.get(digest) ?? [], policy))
          : Effect.fail(
            new SignatureVerifierError({
              subject: digest,
              detail: "the trust root cannot be fetched",
              retryable: true
            })
          )
      )
  })

  return Context.make(SignatureVerifier, verifier).pipe(Context.add(FakeSigners, signers))
}))

const judge = (digest: string, found: ReadonlyArray<Signer>, policy: TrustPolicy): SignatureVerdict => {
  const trusted = found.find((signer) => policy.signers.some((wanted) => isTrusted(wanted, signer)))
  if (trusted !== undefined) {
    return {
      verified: true,
      signatureDigest: digestOf(`signature of ${digest}`),
      signer: trusted.identity,
      issuer: trusted.issuer,
      form: "fake"
    }
  }
  return {
    verified: false,
    tag: found.length === 0 ? "NoSignature" : "UntrustedSigner",
    message: found.length === 0 ? "it is not signed" : "it is not signed by anybody whom the policy trusts",
    rejected: found.map((signer) => ({
      candidate: signer.identity,
      tag: "UntrustedSigner",
      message: `signed by ${signer.identity} of ${signer.issuer}`
    }))
  }
}

const isTrusted = (wanted: TrustedSigner, signer: Signer): boolean =>
  wanted.kind === "keyless" && matches(wanted.issuer, signer.issuer) && matches(wanted.identity, signer.identity)

const matches = (matcher: Matcher, text: string): boolean =>
  "exact" in matcher ? matcher.exact === text : RE2JS.compile(matcher.pattern).matches(text)
