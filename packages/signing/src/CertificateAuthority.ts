/**
 * The port to a Fulcio-like authority: it turns an identity token into a certificate that lives for minutes.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import type { SigningError } from "./SigningError.ts"

/**
 * What a certificate is asked for with: a token of an issuer that the authority trusts, the public key as SPKI in DER,
 * and, as proof that its private half is there, a signature over the token's `email` or else `sub` claim.
 *
 * @category models
 * @since 0.1.0
 */
export interface Request {
  readonly identityToken: Redacted.Redacted
  readonly publicKey: Uint8Array
  readonly proofOfPossession: Uint8Array
}

/**
 * A certificate authority. It answers with the leaf in DER; verifiers know the other certificates of the chain.
 *
 * @category models
 * @since 0.1.0
 */
export interface CertificateAuthority {
  readonly issue: (request: Request) => Effect.Effect<Uint8Array, SigningError>
}
