/**
 * Which certificate holders are trusted: an issuer and an identity, both mandatory, and optionally further claims.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SigningCertificate from "./SigningCertificate.ts"
import * as TextMatcher from "./TextMatcher.ts"

/**
 * One trusted identity, vouched for by one issuer.
 *
 * Without `identityType` an exact identity with `@` and no `:` means an `email`, and everything else a `uri`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const IdentityPolicy = Schema.Struct({
  kind: Schema.Literal("keyless"),
  issuer: TextMatcher.TextMatcher,
  identity: TextMatcher.TextMatcher,
  identityType: Schema.optionalKey(SigningCertificate.SubjectType),
  claims: Schema.optionalKey(Schema.Record(SigningCertificate.ClaimName, Schema.optionalKey(TextMatcher.TextMatcher)))
})

/**
 * One trusted identity, vouched for by one issuer.
 *
 * @category models
 * @since 0.1.0
 */
export type IdentityPolicy = typeof IdentityPolicy.Type

/**
 * An identity policy that is ready for use.
 *
 * @category models
 * @since 0.1.0
 */
export interface Compiled {
  /** The name of the certificate that the policy trusts, if it trusts the holder. */
  readonly trusts: (identity: SigningCertificate.CertificateIdentity) => SigningCertificate.Subject | undefined
  readonly description: string
}

/**
 * Prepares an identity policy; the failure says which part is wrong and why.
 *
 * @category constructors
 * @since 0.1.0
 */
export const compile = (policy: IdentityPolicy): Result.Result<Compiled, string> =>
  Result.gen(function*() {
    const issuer = yield* compilePart("issuer", policy.issuer)
    const identity = yield* compilePart("identity", policy.identity)
    const claims: Array<readonly [SigningCertificate.ClaimName, TextMatcher.Compiled]> = []
    for (const name of SigningCertificate.ClaimName.literals) {
      const matcher = policy.claims?.[name]
      if (matcher !== undefined) claims.push([name, yield* compilePart(`claims.${name}`, matcher)])
    }
    const type = policy.identityType ?? typeOf(policy.identity)
    return {
      trusts: (holder) =>
        issuer.matches(holder.issuer) && claims.every(([name, claim]) => holds(claim, holder.claims[name]))
          ? holder.subjects.find((subject) => subject.type === type && identity.matches(subject.value))
          : undefined,
      description: [
        `${type} ${identity.description} by issuer ${issuer.description}`,
        ...claims.map(([name, claim]) => `${name} ${claim.description}`)
      ].join(" with ")
    }
  })

/** A claim that the certificate does not make is not an empty one: no pattern matches it. */
const holds = (matcher: TextMatcher.Compiled, claim: string | undefined): boolean =>
  claim !== undefined && matcher.matches(claim)

const compilePart = (name: string, matcher: TextMatcher.TextMatcher): Result.Result<TextMatcher.Compiled, string> =>
  Result.mapError(TextMatcher.compile(matcher), (problem) => `${name}: ${problem}`)

const typeOf = (identity: TextMatcher.TextMatcher): SigningCertificate.SubjectType =>
  "exact" in identity && identity.exact.includes("@") && !identity.exact.includes(":") ? "email" : "uri"
