/**
 * Why a signature does not count: one error with a reason that can be matched on, and the failure of a whole image.
 *
 * Every text in a reason may come from hostile input, so it is quoted and cut.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * Every reason for which a signature, or the search for one, is refused.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Reason = Schema.TaggedUnion({
  /** No policy was given; nobody is trusted by default. */
  PolicyMissing: {},
  /** Nothing that could be a signature (or, for attestations, one of the wanted type) was found. */
  NoCandidates: { digest: Schema.String },
  /** Candidates were found and each was refused. */
  NoneAccepted: { digest: Schema.String, count: Schema.Int },
  /** A size, count or length is above its limit. */
  LimitExceeded: { what: Schema.String, limit: Schema.Finite, actual: Schema.Finite },
  /** The registry did not deliver the candidate; `retryable` when it may do so later. */
  CandidateUnreadable: { detail: Schema.String, retryable: Schema.Boolean },
  /** A form, version or kind which is not among the supported ones. */
  UnsupportedFormat: { what: Schema.String, actual: Schema.String, supported: Schema.Array(Schema.String) },
  /** Bytes that are not what their form asks for. */
  MalformedBundle: { what: Schema.String, detail: Schema.String },
  /** The signature is about another artifact. */
  SubjectMismatch: { expected: Schema.String, actual: Schema.Array(Schema.String) },
  /** The statement is of another type: an attestation is no signature. */
  PredicateMismatch: { expected: Schema.Array(Schema.String), actual: Schema.String },
  /** There is no trusted root to judge certificates or log entries by. */
  TrustRootMissing: { needed: Schema.String },
  /** The certificate is not a code signing certificate of a trusted authority, valid when it was used. */
  CertificateUntrusted: { detail: Schema.String },
  /** The certificate is in no trusted certificate transparency log. */
  SctInvalid: { detail: Schema.String },
  /** No trusted time of signing, or a time outside a validity window. */
  TimestampUntrusted: { detail: Schema.String },
  /** The transparency log entry is not proven by a trusted log. */
  LogEntryInvalid: { detail: Schema.String },
  /** The transparency log entry is about another signature, key or artifact. */
  LogEntryMismatch: { field: Schema.String, expected: Schema.String, actual: Schema.String },
  /** The signature was not made by the key. */
  SignatureInvalid: { detail: Schema.String },
  /** A good signature by somebody whom the policy does not name. */
  IdentityMismatch: { expected: Schema.Array(Schema.String), actual: Schema.String }
})

/**
 * Every reason for which a signature is refused.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Says a reason in words, with both sides.
 *
 * @category formatting
 * @since 0.1.0
 */
export const describe = (reason: Reason): string =>
  Reason.match(reason, {
    PolicyMissing: () => "no trust policy: name the signers that are trusted, nobody is by default",
    NoCandidates: ({ digest }) => `no signature or attestation of the wanted kind found for ${digest}`,
    NoneAccepted: ({ count, digest }) => `none of the ${count} candidates found for ${digest} was accepted`,
    LimitExceeded: ({ actual, limit, what }) => `${what}: expected at most ${limit}, got ${actual}`,
    CandidateUnreadable: ({ detail }) => `the registry did not deliver it: ${detail}`,
    UnsupportedFormat: ({ actual, supported, what }) =>
      `unsupported ${what}: expected one of ${supported.join(", ")}, got ${quote(actual)}`,
    MalformedBundle: ({ detail, what }) => `malformed ${what}: ${detail}`,
    SubjectMismatch: ({ actual, expected }) =>
      `the signature is about another artifact: expected ${expected}, got ${actual.map(quote).join(", ") || "none"}`,
    PredicateMismatch: ({ actual, expected }) =>
      `statement of another type: expected ${expected.join(" or ")}, got ${quote(actual)}`,
    TrustRootMissing: ({ needed }) => `a trusted root is needed ${needed}: pass one`,
    CertificateUntrusted: ({ detail }) => `untrusted certificate: ${detail}`,
    SctInvalid: ({ detail }) => `certificate transparency: ${detail}`,
    TimestampUntrusted: ({ detail }) => `no trusted time: ${detail}`,
    LogEntryInvalid: ({ detail }) => `transparency log: ${detail}`,
    LogEntryMismatch: ({ actual, expected, field }) =>
      `the log entry's ${field} is another: expected ${expected}, got ${actual}`,
    SignatureInvalid: ({ detail }) => `bad signature: ${detail}`,
    IdentityMismatch: ({ actual, expected }) =>
      `signed by ${quote(actual)}, whom the policy does not trust: expected ${expected.join(" or ")}`
  })

/**
 * One signature was refused.
 *
 * @category errors
 * @since 0.1.0
 */
export class Rejection extends Schema.TaggedError<Rejection>("@lamina/signing/Rejection")("Rejection", {
  reason: Reason
}) {
  override get message(): string {
    return describe(this.reason)
  }
}

/**
 * Refuses for a reason.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fail = (reason: Reason): Result.Result<never, Rejection> => Result.fail(new Rejection({ reason }))

/**
 * The forms in which a signature is stored beside an image: a Sigstore bundle, or a cosign "simple signing" layer.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Form = Schema.Literals(["bundle", "simplesigning"])

/**
 * The forms in which a signature is stored beside an image.
 *
 * @category models
 * @since 0.1.0
 */
export type Form = typeof Form.Type

/**
 * A candidate that was refused: where it is, what it claimed to be, and why it does not count.
 *
 * @category schemas
 * @since 0.1.0
 */
export const RejectedCandidate = Schema.Struct({
  /** Digest of the referrer manifest, or of the layer of a `.sig` tag. */
  digest: Schema.String,
  form: Form,
  reason: Reason
})

/**
 * A candidate that was refused.
 *
 * @category models
 * @since 0.1.0
 */
export type RejectedCandidate = typeof RejectedCandidate.Type

/**
 * No candidate of an image was accepted; `candidates` says of each why not.
 *
 * @category errors
 * @since 0.1.0
 */
export class VerificationFailed
  extends Schema.TaggedError<VerificationFailed>("@lamina/signing/VerificationFailed")("VerificationFailed", {
    repository: Schema.String,
    digest: Schema.String,
    reason: Reason,
    candidates: Schema.Array(RejectedCandidate)
  })
{
  override get message(): string {
    const refused = this.candidates.map(({ digest, form, reason }) => `\n  ${form} ${digest}: ${describe(reason)}`)
    return `${this.repository}@${this.digest} is not verified: ${describe(this.reason)}${refused.join("")}`
  }

  /** Whether the same question may have another answer later, because the registry did not deliver a candidate. */
  get retryable(): boolean {
    return this.candidates.some(({ reason }) => reason._tag === "CandidateUnreadable" && reason.retryable)
  }
}

/**
 * Quotes a hostile text: escaped, and cut after 200 characters.
 *
 * @category formatting
 * @since 0.1.0
 */
export const quote = (text: string): string => JSON.stringify(text.length > 200 ? `${text.slice(0, 200)}…` : text)

/**
 * Refuses bytes that are not what their form asks for; the cause's message, which may quote them, is cut.
 *
 * @category constructors
 * @since 0.1.0
 */
export const malformed = (what: string, cause: unknown): Rejection =>
  new Rejection({ reason: { _tag: "MalformedBundle", what, detail: detailOf(cause) } })

/**
 * What a cause says, cut after 500 characters, since parsers quote what they were given.
 *
 * @category formatting
 * @since 0.1.0
 */
export const detailOf = (cause: unknown): string => {
  const text = cause instanceof Error ? cause.message : "not readable"
  return text.length > 500 ? `${text.slice(0, 500)}…` : text
}
