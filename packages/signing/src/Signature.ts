/**
 * Who made a bundle's signature, and when: the cryptographic verification and the checks that its core leaves out.
 *
 * `@sigstore/verify` proves chains, certificate transparency, log inclusion, timestamps and signatures. It does not ask
 * what a certificate may be used for, whose key a log entry names, how many *different* logs there are, nor whom one
 * trusts; those checks are here, and none of them can be left out. What the signature is *about* is its caller's check.
 *
 * @since 0.1.0
 */
import { HashAlgorithm } from "@sigstore/protobuf-specs"
import { type SignedEntity, toSignedEntity, type TrustMaterial, VerificationError, Verifier } from "@sigstore/verify"
import * as Result from "effect/Result"
import { createHash, timingSafeEqual } from "node:crypto"
import type * as Bundle from "./Bundle.ts"
import * as LogEntry from "./LogEntry.ts"
import * as Rejection from "./Rejection.ts"
import * as SigningCertificate from "./SigningCertificate.ts"
import type { TrustedKey, TrustPolicy } from "./TrustPolicy.ts"
import * as TrustRoot from "./TrustRoot.ts"

/**
 * Whom a signature has to be by, and the root that certificates and logs are judged by.
 *
 * @category models
 * @since 0.1.0
 */
export interface Trust {
  readonly policy: TrustPolicy
  readonly trustRoot?: TrustRoot.TrustRoot | undefined
}

/**
 * The holder of a short-lived certificate, as the policy and the issuer name him.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeylessSigner {
  readonly kind: "keyless"
  readonly identity: string
  readonly identityType: SigningCertificate.SubjectType
  readonly issuer: string
  readonly claims: SigningCertificate.Claims
  readonly certificateFingerprint: string
  readonly keyFingerprint: string
}

/**
 * A public key of the policy.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeySigner {
  readonly kind: "key"
  readonly keyId: string
  readonly keyFingerprint: string
}

/**
 * A verified entry in a transparency log; `integratedTime` (Unix seconds) only where the log vouches for it.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerifiedLogEntry {
  readonly logId: string
  readonly logIndex: string
  readonly integratedTime?: number
}

/**
 * A signature that holds: who, when (the earliest vouched-for time in Unix seconds), and where it is logged.
 *
 * @category models
 * @since 0.1.0
 */
export interface Signed {
  readonly signer: KeylessSigner | KeySigner
  readonly signedAt?: number
  readonly logEntries: ReadonlyArray<VerifiedLogEntry>
}

/**
 * Verifies a bundle's signature. A bundle whose content is a message signature needs the `message` that was signed.
 *
 * @category verification
 * @since 0.1.0
 */
export const verify = (
  bundle: Bundle.Bundle,
  message: Uint8Array | undefined,
  trust: Trust
): Result.Result<Signed, Rejection.Rejection> =>
  Result.gen(function*() {
    yield* checkMessageDigest(bundle, message)
    const root = (trust.trustRoot ?? TrustRoot.empty).material
    const evidence = yield* toEntity(withoutUnknownWitnesses(bundle, root), message)
    return evidence.entity.key.$case === "certificate"
      ? yield* verifyKeyless(evidence, certificateOf(bundle), trust)
      : yield* verifyKey(evidence, trust)
  })

interface Evidence {
  readonly entity: SignedEntity
  readonly logEntries: ReadonlyArray<Bundle.LogEntry>
}

const verifyKeyless = (evidence: Evidence, certificate: Uint8Array, { policy, trustRoot }: Trust) =>
  Result.gen(function*() {
    if (trustRoot === undefined) {
      return yield* Rejection.fail({ _tag: "TrustRootMissing", needed: "to judge a certificate" })
    }
    const leaf = yield* SigningCertificate.parse(certificate)
    yield* SigningCertificate.checkUsage(leaf)
    yield* checkLogEntries(evidence.logEntries, certificate, trustRoot)
    yield* checkDistinctLogs(evidence.logEntries, policy.transparencyLogs)
    yield* verifyCryptography(evidence.entity, { ...trustRoot.material, publicKey: noKey }, {
      tlogThreshold: 1,
      ctlogThreshold: 1,
      timestampThreshold: 1
    })
    yield* checkLogsValidAt(evidence, trustRoot)
    const signer = yield* checkIdentity(yield* SigningCertificate.identity(leaf), policy)
    return {
      signer: {
        kind: "keyless" as const,
        ...signer,
        certificateFingerprint: SigningCertificate.fingerprint(certificate),
        keyFingerprint: SigningCertificate.fingerprint(leaf.publicKey)
      },
      ...witnessesOf(evidence)
    }
  })

const verifyKey = (evidence: Evidence, { policy, trustRoot }: Trust) =>
  Result.gen(function*() {
    const key = yield* signingKey(evidence.entity, policy)
    if (key.requireTransparencyLog && trustRoot === undefined) {
      return yield* Rejection.fail({ _tag: "TrustRootMissing", needed: `to find key ${key.id} in a transparency log` })
    }
    const root = trustRoot ?? TrustRoot.empty
    const publicKey = key.publicKey.export({ type: "spki", format: "der" })
    yield* checkLogEntries(evidence.logEntries, publicKey, root)
    if (key.requireTransparencyLog) yield* checkDistinctLogs(evidence.logEntries, policy.transparencyLogs)
    const found = () => ({ publicKey: key.publicKey, validFor: key.validAt })
    yield* verifyCryptography(evidence.entity, { ...root.material, publicKey: found }, {
      tlogThreshold: key.requireTransparencyLog ? 1 : 0,
      ctlogThreshold: 0,
      timestampThreshold: key.hasWindow ? 1 : 0
    })
    yield* checkLogsValidAt(evidence, root)
    return {
      signer: { kind: "key" as const, keyId: key.id, keyFingerprint: key.fingerprint },
      ...witnessesOf(evidence)
    }
  })

/** A bundle's own digest of the message is a hint that may lie; what counts is the message. */
const checkMessageDigest = (
  { content }: Bundle.Bundle,
  message: Uint8Array | undefined
): Result.Result<void, Rejection.Rejection> => {
  if (content.$case === "dsseEnvelope") return Result.void
  if (message === undefined) {
    return Rejection.fail({
      _tag: "UnsupportedFormat",
      what: "message signature without the message",
      actual: "a digest",
      supported: ["the artifact's bytes"]
    })
  }
  const { algorithm, digest } = content.messageSignature.messageDigest
  const name = hashNames.get(algorithm)
  const actual = name === undefined ? undefined : createHash(name).update(message).digest()
  return actual !== undefined && actual.length === digest.length && timingSafeEqual(actual, digest)
    ? Result.void
    : Rejection.fail({
      _tag: "SubjectMismatch",
      expected: `${name ?? "sha256"}:${actual?.toString("hex") ?? "…"}`,
      actual: [`${name ?? HashAlgorithm[algorithm] ?? algorithm}:${digest.toString("hex")}`]
    })
}

const hashNames = new Map([
  [HashAlgorithm.SHA2_256, "sha256"],
  [HashAlgorithm.SHA2_384, "sha384"],
  [HashAlgorithm.SHA2_512, "sha512"]
])

/** Entries of unknown logs, and timestamps where no authority is trusted, prove nothing, and hide nothing either. */
const withoutUnknownWitnesses = (bundle: Bundle.Bundle, root: TrustRoot.TrustRoot["material"]): Bundle.Bundle => ({
  ...bundle,
  verificationMaterial: {
    ...bundle.verificationMaterial,
    tlogEntries: bundle.verificationMaterial.tlogEntries.filter((entry): entry is Bundle.LogEntry =>
      entry.logId !== undefined && entry.kindVersion !== undefined && logsOf(entry.logId, root.tlogs).length > 0
    ),
    timestampVerificationData: root.timestampAuthorities.length > 0
      ? bundle.verificationMaterial.timestampVerificationData
      : undefined
  }
})

const logsOf = ({ keyId }: Bundle.LogEntry["logId"], logs: TrustMaterial["tlogs"]) =>
  logs.filter(({ logID }) => logID.equals(keyId))

const toEntity = (
  bundle: Bundle.Bundle,
  message: Uint8Array | undefined
): Result.Result<Evidence, Rejection.Rejection> =>
  Result.try({
    try: () => ({
      entity: toSignedEntity(bundle, message === undefined ? undefined : Buffer.from(message)),
      logEntries: bundle.verificationMaterial.tlogEntries
    }),
    catch: toRejection
  })

const certificateOf = ({ verificationMaterial: { content } }: Bundle.Bundle): Uint8Array => {
  switch (content.$case) {
    case "certificate":
      return content.certificate.rawBytes
    case "x509CertificateChain":
      return content.x509CertificateChain.certificates[0]?.rawBytes ?? new Uint8Array()
    case "publicKey":
      return new Uint8Array()
  }
}

/** A bundle's key hint is unsigned, so the policy's keys are tried instead. */
const signingKey = (
  { signature }: SignedEntity,
  { keys }: TrustPolicy
): Result.Result<TrustedKey, Rejection.Rejection> => {
  if (keys.length === 0) {
    return Rejection.fail({
      _tag: "IdentityMismatch",
      expected: ["an identity with a certificate"],
      actual: "a public key"
    })
  }
  const key = keys.find(({ publicKey }) => signature.verifySignature(publicKey))
  return key === undefined
    ? Rejection.fail({ _tag: "SignatureInvalid", detail: `made by none of the policy's ${keys.length} keys` })
    : Result.succeed(key)
}

const checkLogEntries = (
  entries: ReadonlyArray<Bundle.LogEntry>,
  signer: Uint8Array,
  { material: { tlogs } }: TrustRoot.TrustRoot
): Result.Result<void, Rejection.Rejection> =>
  Result.gen(function*() {
    for (const entry of entries) {
      yield* LogEntry.checkVerifier(entry, signer)
      for (const { baseURL, logID } of logsOf(entry.logId, tlogs)) {
        yield* LogEntry.checkCheckpointName(entry, { name: TrustRoot.logName(baseURL), id: logID })
      }
    }
  })

/** Many entries of one log are one witness (CVE-2026-49834). */
const checkDistinctLogs = (
  entries: ReadonlyArray<Bundle.LogEntry>,
  minimum: number
): Result.Result<void, Rejection.Rejection> => {
  const count = new Set(entries.map(({ logId }) => logId.keyId.toString("hex"))).size
  return count >= minimum
    ? Result.void
    : Rejection.fail({
      _tag: "LogEntryInvalid",
      detail: `expected entries of ${minimum} trusted transparency logs, got ${count}`
    })
}

const verifyCryptography = (
  entity: SignedEntity,
  material: TrustMaterial,
  thresholds: { readonly tlogThreshold: number; readonly ctlogThreshold: number; readonly timestampThreshold: number }
): Result.Result<void, Rejection.Rejection> =>
  Result.try({ try: () => void new Verifier(material, thresholds).verify(entity), catch: toRejection })

/** The core asks for a log key's validity only where the log gives a time itself (CVE-2026-54787). */
const checkLogsValidAt = (
  evidence: Evidence,
  { material: { tlogs } }: TrustRoot.TrustRoot
): Result.Result<void, Rejection.Rejection> => {
  const times = timesOf(evidence)
  const expired = evidence.logEntries.find((entry) =>
    !logsOf(entry.logId, tlogs).some(({ validFor }) =>
      times.every((time) => validFor.start <= time && time <= validFor.end)
    )
  )
  return expired === undefined
    ? Result.void
    : Rejection.fail({
      _tag: "LogEntryInvalid",
      detail: `the log ${expired.logId.keyId.toString("hex")} was not trusted at the time of signing`
    })
}

const checkIdentity = (holder: SigningCertificate.CertificateIdentity, { identities }: TrustPolicy) => {
  for (const identity of identities) {
    const subject = identity.trusts(holder)
    if (subject !== undefined) {
      const { claims, issuer } = holder
      return Result.succeed({ identity: subject.value, identityType: subject.type, issuer, claims })
    }
  }
  const names = holder.subjects.map(({ type, value }) => `${type} ${value}`).join(", ")
  return Rejection.fail({
    _tag: "IdentityMismatch",
    expected: identities.length === 0 ? ["a public key"] : identities.map(({ description }) => description),
    actual: `${names} by issuer ${holder.issuer}`
  })
}

const timesOf = ({ entity }: Evidence): ReadonlyArray<Date> =>
  entity.timestamps.flatMap((timestamp) => {
    if (timestamp.$case === "timestamp-authority") return [timestamp.timestamp.signingTime]
    const time = integratedTime(timestamp.tlogEntry)
    return time === undefined ? [] : [new Date(time * 1000)]
  })

/** A log's time counts only with its signed promise: an inclusion proof does not cover it (CVE-2026-48816). */
const integratedTime = (entry: Bundle.LogEntry): number | undefined =>
  entry.inclusionPromise !== undefined && Number(entry.integratedTime) > 0 ? Number(entry.integratedTime) : undefined

const witnessesOf = (evidence: Evidence): Omit<Signed, "signer"> => {
  const seconds = timesOf(evidence).map((time) => Math.floor(time.getTime() / 1000))
  return {
    ...(seconds.length === 0 ? {} : { signedAt: Math.min(...seconds) }),
    logEntries: evidence.logEntries.map((entry) => {
      const time = integratedTime(entry)
      return {
        logId: entry.logId.keyId.toString("hex"),
        logIndex: entry.logIndex,
        ...(time === undefined ? {} : { integratedTime: time })
      }
    })
  }
}

const noKey: TrustMaterial["publicKey"] = () => {
  throw new Error("expected a certificate")
}

/** The core throws errors of its own, and plain ones on input that it did not foresee: all are refusals. */
const toRejection = (cause: unknown): Rejection.Rejection => new Rejection.Rejection({ reason: reasonOf(cause) })

const reasonOf = (cause: unknown): Rejection.Reason => {
  const detail = Rejection.detailOf(cause)
  if (!(cause instanceof VerificationError)) return { _tag: "MalformedBundle", what: "bundle", detail }
  switch (cause.code) {
    case "SIGNATURE_ERROR":
      return { _tag: "SignatureInvalid", detail }
    case "CERTIFICATE_ERROR":
      return detail.includes("SCT") ? { _tag: "SctInvalid", detail } : { _tag: "CertificateUntrusted", detail }
    case "TIMESTAMP_ERROR":
    case "PUBLIC_KEY_ERROR":
      return { _tag: "TimestampUntrusted", detail }
    case "TLOG_BODY_ERROR":
      return { _tag: "LogEntryMismatch", field: "content", expected: "the bundle's", actual: detail }
    default:
      return { _tag: "LogEntryInvalid", detail }
  }
}
