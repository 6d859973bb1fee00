/**
 * Sigstore and cosign: discover, verify, sign and attest; trust roots and policies of who is trusted.
 *
 * @since 0.1.0
 */
export * as Attachment from "./Attachment.ts"
export * as Bundle from "./Bundle.ts"
export * as Candidate from "./Candidate.ts"
export * as CertificateAuthority from "./CertificateAuthority.ts"
export * as IdentityPolicy from "./IdentityPolicy.ts"
export * as KeyPair from "./KeyPair.ts"
export * as Limits from "./Limits.ts"
export * as LogEntry from "./LogEntry.ts"
export * as Rejection from "./Rejection.ts"
export * as Signature from "./Signature.ts"
export * as Signer from "./Signer.ts"
export * as SigningCertificate from "./SigningCertificate.ts"
export * as SigningError from "./SigningError.ts"
export * as SimpleSigning from "./SimpleSigning.ts"
export * as Statement from "./Statement.ts"
export * as TextMatcher from "./TextMatcher.ts"
export * as TransparencyLog from "./TransparencyLog.ts"
export * as TrustPolicy from "./TrustPolicy.ts"
export * as TrustRoot from "./TrustRoot.ts"
export * as Verifier from "./Verifier.ts"
