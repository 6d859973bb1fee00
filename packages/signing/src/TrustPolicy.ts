/**
 * Whom an image has to be signed by: any one of a list of signers, each an identity or a public key.
 *
 * A policy is plain JSON, decoded once; an empty one is refused, so nothing is trusted by omission.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPublicKey, type KeyObject } from "node:crypto"
import * as IdentityPolicy from "./IdentityPolicy.ts"
import * as SigningCertificate from "./SigningCertificate.ts"

const maximumSigners = 64

/**
 * A trusted public key in PEM (SPKI), with the window in which signatures by it count (RFC 3339 times).
 *
 * A key's signature has to be in a trusted transparency log, unless `requireTransparencyLog` is `false`. Without the
 * log there is no time of signing, so a key with a window needs the log, or a trusted timestamp.
 *
 * @category schemas
 * @since 0.1.0
 */
export const KeyPolicy = Schema.Struct({
  kind: Schema.Literal("key"),
  publicKeyPem: Schema.String.check(Schema.isBetweenLength(1, 8192)),
  id: Schema.optionalKey(Schema.String.check(Schema.isBetweenLength(1, 256))),
  validFrom: Schema.optionalKey(Schema.DateTimeUtcFromString),
  validUntil: Schema.optionalKey(Schema.DateTimeUtcFromString),
  requireTransparencyLog: Schema.optionalKey(Schema.Boolean)
})

/**
 * A trusted public key.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyPolicy = typeof KeyPolicy.Type

/**
 * The form of a policy document: `signers`, any one of which suffices, and how many distinct transparency logs have to
 * hold the signature (1 where it is left out).
 *
 * @category schemas
 * @since 0.1.0
 */
export const Document = Schema.Struct({
  signers: Schema.Array(Schema.Union([IdentityPolicy.IdentityPolicy, KeyPolicy])).check(
    Schema.isBetweenLength(1, maximumSigners)
  ),
  transparencyLogs: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })))
})

/**
 * A policy document as it is stored: plain JSON.
 *
 * @category models
 * @since 0.1.0
 */
export type Document = typeof Document.Encoded

/**
 * A trusted key that is ready for use.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrustedKey {
  /** The policy's name of the key, or its fingerprint. */
  readonly id: string
  readonly fingerprint: string
  readonly publicKey: KeyObject
  readonly requireTransparencyLog: boolean
  /** Whether the key counts only within a window, so that a time of signing is needed. */
  readonly hasWindow: boolean
  readonly validAt: (time: Date) => boolean
}

/**
 * A policy that is ready for use: patterns are compiled, keys are read.
 *
 * @category models
 * @since 0.1.0
 */
export interface TrustPolicy {
  readonly identities: ReadonlyArray<IdentityPolicy.Compiled>
  readonly keys: ReadonlyArray<TrustedKey>
  readonly transparencyLogs: number
}

/**
 * A document that is no usable policy, with every problem found.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidTrustPolicy
  extends Schema.TaggedError<InvalidTrustPolicy>("@lamina/signing/TrustPolicy/InvalidTrustPolicy")(
    "InvalidTrustPolicy",
    { problems: Schema.Array(Schema.String) }
  )
{
  override get message(): string {
    return `the trust policy is not usable: ${this.problems.join("; ")}`
  }
}

/**
 * Reads a policy from plain JSON. Unknown keys are refused, since a misspelt restriction would be none.
 *
 * @example
 * ```ts
 * import { TrustPolicy } from "@lamina/signing"
 * import { Result } from "effect"
 *
 * const policy = TrustPolicy.decode({
 *   signers: [{
 *     kind: "keyless",
 *     issuer: { exact: "https://git.example/api/actions" },
 *     identity: { pattern: "https://git\\.example/acme/.*@refs/tags/.*" }
 *   }]
 * })
 * console.log(Result.isSuccess(policy)) // => true
 * console.log(Result.isSuccess(TrustPolicy.decode({ signers: [] }))) // => false
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const decode = (json: unknown): Result.Result<TrustPolicy, InvalidTrustPolicy> =>
  Result.flatMap(
    Result.mapError(decodeDocument(json), (error) => new InvalidTrustPolicy({ problems: [error.message] })),
    compile
  )

const decodeDocument = Schema.decodeUnknownResult(Document, { errors: "all", onExcessProperty: "error" })

const compile = (document: typeof Document.Type): Result.Result<TrustPolicy, InvalidTrustPolicy> => {
  const problems: Array<string> = []
  const identities: Array<IdentityPolicy.Compiled> = []
  const keys: Array<TrustedKey> = []
  document.signers.forEach((signer, index) => {
    const report = (problem: string) => problems.push(`signers[${index}].${problem}`)
    const add: Result.Result<unknown, string> = signer.kind === "keyless"
      ? Result.map(IdentityPolicy.compile(signer), (identity) => identities.push(identity))
      : Result.map(compileKey(signer), (key) => keys.push(key))
    if (Result.isFailure(add)) report(add.failure)
  })
  const repeated = keys.find(({ fingerprint }, index) =>
    keys.findIndex((key) => key.fingerprint === fingerprint) < index
  )
  if (repeated !== undefined) problems.push(`signers: expected each key once, got ${repeated.fingerprint} twice`)
  return problems.length > 0
    ? Result.fail(new InvalidTrustPolicy({ problems }))
    : Result.succeed({ identities, keys, transparencyLogs: document.transparencyLogs ?? 1 })
}

const compileKey = (policy: KeyPolicy): Result.Result<TrustedKey, string> =>
  Result.gen(function*() {
    if (policy.publicKeyPem.includes("PRIVATE KEY")) {
      return yield* Result.fail("publicKeyPem: expected a public key, got a private one; do not store it here")
    }
    // createPublicKey would take a certificate too, and silently ignore everything in it but the key.
    const publicKey = yield* Result.try({
      try: () => createPublicKey(/^\s*-----BEGIN PUBLIC KEY-----/.test(policy.publicKeyPem) ? policy.publicKeyPem : ""),
      catch: () => "publicKeyPem: expected a PEM block PUBLIC KEY"
    })
    if (!isStrongEnough(publicKey)) {
      return yield* Result.fail("publicKeyPem: expected ECDSA on P-256, P-384 or P-521, Ed25519, or RSA of 2048 bits")
    }
    const from = policy.validFrom?.epochMilliseconds ?? -Infinity
    const until = policy.validUntil?.epochMilliseconds ?? Infinity
    if (from > until) return yield* Result.fail("validUntil: expected a time after validFrom")
    const fingerprint = SigningCertificate.fingerprint(publicKey.export({ type: "spki", format: "der" }))
    return {
      id: policy.id ?? fingerprint,
      fingerprint,
      publicKey,
      requireTransparencyLog: policy.requireTransparencyLog ?? true,
      hasWindow: policy.validFrom !== undefined || policy.validUntil !== undefined,
      validAt: (time) => from <= time.getTime() && time.getTime() <= until
    }
  })

const isStrongEnough = ({ asymmetricKeyDetails, asymmetricKeyType }: KeyObject): boolean => {
  switch (asymmetricKeyType) {
    case "ec":
      return ["prime256v1", "secp384r1", "secp521r1"].includes(asymmetricKeyDetails?.namedCurve ?? "")
    case "ed25519":
      return true
    case "rsa":
      return (asymmetricKeyDetails?.modulusLength ?? 0) >= 2048
    default:
      return false
  }
}
