/**
 * Why something could not be signed, or a key file not be read. Never holds a key, a password or a token.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Every reason for which signing fails.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reason = Schema.TaggedUnion({
  /** The file is no encrypted private key of cosign, or one with parameters that are refused. */
  InvalidKeyFile: { detail: Schema.String },
  /** The password does not open the key file. */
  WrongPassword: {},
  /** The identity token is not one that can be used. */
  InvalidIdentityToken: { detail: Schema.String },
  /** The authority did not issue a certificate. */
  CertificateRefused: { detail: Schema.String },
  /** The transparency log did not take the entry. */
  LogRefused: { detail: Schema.String },
  /** A service could not be reached; later may be better. */
  ServiceUnavailable: { service: Schema.String, detail: Schema.String }
})

/**
 * Every reason for which signing fails.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Something could not be signed.
 *
 * @category errors
 * @since 0.1.0
 */
export class SigningError extends Schema.TaggedError<SigningError>("@lamina/signing/SigningError")("SigningError", {
  reason: Reason
}) {
  override get message(): string {
    return Reason.match(this.reason, {
      InvalidKeyFile: ({ detail }) => `the key file cannot be used: ${detail}`,
      WrongPassword: () => "the password does not open the key file",
      InvalidIdentityToken: ({ detail }) => `the identity token cannot be used: ${detail}`,
      CertificateRefused: ({ detail }) => `the certificate authority refused: ${detail}`,
      LogRefused: ({ detail }) => `the transparency log refused the entry: ${detail}`,
      ServiceUnavailable: ({ detail, service }) => `${service} is not available: ${detail}`
    })
  }

  /** Whether trying again later may help. */
  get retryable(): boolean {
    return this.reason._tag === "ServiceUnavailable"
  }
}
