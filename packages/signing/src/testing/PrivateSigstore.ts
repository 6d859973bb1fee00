/**
 * A whole private Sigstore in this process: an identity provider shaped like a Gitea or Forgejo instance, a certificate
 * authority, a certificate transparency log and a transparency log, with the trusted root that describes them.
 *
 * It makes real certificates, promises and proofs, and refuses what a real one refuses, but it forgets everything when
 * the process ends. Use it in tests, examples and demonstrations; time comes from the `Clock`.
 *
 * @since 0.1.0
 */
import { dsse } from "@sigstore/core"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, verify } from "node:crypto"
import type * as Bundle from "../Bundle.ts"
import type { CertificateAuthority, Request } from "../CertificateAuthority.ts"
import * as Certificate from "../internal/certificate.ts"
import * as CertificateLog from "../internal/certificateLog.ts"
import * as FulcioLeaf from "../internal/fulcioLeaf.ts"
import * as RekorLog from "../internal/rekorLog.ts"
import * as WebToken from "../internal/webToken.ts"
import * as Signer from "../Signer.ts"
import { SigningError } from "../SigningError.ts"
import type { ProposedEntry, TransparencyLog } from "../TransparencyLog.ts"
import * as TrustRoot from "../TrustRoot.ts"

/**
 * A run of a workflow in a forge, as its identity provider describes it. What is left out has a default.
 *
 * @category models
 * @since 0.1.0
 */
export interface Workflow {
  /** Owner and name, for instance `acme/my-redis`. */
  readonly repository: string
  /** Default `.gitea/workflows/build.yaml`. */
  readonly workflow?: string | undefined
  /** Default `refs/tags/v0.1.0`. */
  readonly ref?: string | undefined
  readonly sha?: string | undefined
  /** Default `push`. */
  readonly event?: string | undefined
  readonly runId?: number | undefined
}

/**
 * A person, known by an e-mail address.
 *
 * @category models
 * @since 0.1.0
 */
export interface Person {
  readonly email: string
}

/**
 * How a misbehaving authority changes a leaf certificate, to test that verifiers see it.
 *
 * @category models
 * @since 0.1.0
 */
export type Misissue = FulcioLeaf.Options

/**
 * A private Sigstore.
 *
 * @category models
 * @since 0.1.0
 */
export interface PrivateSigstore {
  /** The identity issuer, `https://git.example/api/actions` by default. */
  readonly issuer: string
  /** The JSON of its `trusted_root.json`. */
  readonly trustedRoot: unknown
  readonly trustRoot: TrustRoot.TrustRoot
  readonly certificateAuthority: CertificateAuthority
  readonly transparencyLog: TransparencyLog
  /** A token, good for ten minutes, for a workflow run or a person. */
  readonly identityToken: (identity: Workflow | Person) => Effect.Effect<Redacted.Redacted>
  /** A keyless signer in the name of a workflow run or a person. */
  readonly signer: (identity: Workflow | Person) => Signer.Signer
  /** The authority once more, but one that issues odd certificates. */
  readonly misissuing: (change: Misissue) => CertificateAuthority
  /** Adds any body to the log, unread, as a log does that does not check what it is given. */
  readonly appendUnchecked: (body: {
    readonly kind: string
    readonly apiVersion: string
    readonly spec: unknown
  }) => Effect.Effect<Bundle.LogEntry>
}

/**
 * Starts a private Sigstore with new keys, whose forge is at `forgeUrl` (default `https://git.example`).
 *
 * @example
 * ```ts
 * import { PrivateSigstore } from "@lamina/signing/testing"
 * import { Effect } from "effect"
 *
 * const sigstore = await Effect.runPromise(PrivateSigstore.make())
 * console.log(sigstore.issuer) // => "https://git.example/api/actions"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = Effect.fnUntraced(
  function*(options?: { readonly forgeUrl?: string | undefined }): Effect.fn.Return<PrivateSigstore> {
    const forgeUrl = (options?.forgeUrl ?? "https://git.example").replace(/\/+$/, "")
    const issuer = `${forgeUrl}/api/actions`
    const start = yield* now
    const keys = yield* Effect.sync(generateKeys)
    const authority = makeChain(keys, start)
    const rekor = RekorLog.make({ name: rekorName, id: keyId(keys.rekor.publicKey), privateKey: keys.rekor.privateKey })
    const trustedRoot = toTrustedRoot(keys, authority, start)

    const identityToken = (identity: Workflow | Person) =>
      Effect.map(
        now,
        (seconds) => Redacted.make(WebToken.encode(toClaims(identity, issuer, seconds), keys.provider.privateKey))
      )

    const misissuing = (change: Misissue): CertificateAuthority => ({
      issue: Effect.fnUntraced(function*(request) {
        const seconds = yield* now
        const claims = yield* Effect.fromResult(readToken(request, keys.provider.publicKey, { issuer, seconds }))
        const publicKey = yield* Effect.fromResult(readPublicKey(request, claims))
        const template = FulcioLeaf.template({ claims, forgeUrl, publicKey, seconds, issuer: authority.issuer }, change)
        const log = { id: keyId(keys.certificateLog.publicKey), privateKey: keys.certificateLog.privateKey }
        return Certificate.issue(
          authority.issuer,
          template,
          change.withoutPromise === true
            ? undefined
            : (toBeSigned, issuerKey) =>
              CertificateLog.promise(log, { toBeSigned, issuerKey, milliseconds: seconds * 1000 })
        )
      })
    })

    const appendUnchecked = (body: RekorLog.Body) => Effect.map(now, (seconds) => rekor.append(body, seconds))

    const transparencyLog: TransparencyLog = {
      upload: (entry) =>
        Effect.flatMap(Effect.fromResult(checkEntry(entry)), () => appendUnchecked(RekorLog.bodyOf(entry)))
    }
    const certificateAuthority = misissuing({})

    return {
      issuer,
      trustedRoot,
      trustRoot: Result.getOrThrow(TrustRoot.fromJson(trustedRoot, "(private)")),
      certificateAuthority,
      transparencyLog,
      identityToken,
      signer: (identity) =>
        Signer.keyless({ certificateAuthority, transparencyLog, identityToken: identityToken(identity) }),
      misissuing,
      appendUnchecked
    }
  }
)

const rekorName = "rekor.private.example"

/** Seconds since 1970, but never 0: a log entry at that time counts as one without a time, and test clocks begin there. */
const now = Effect.map(Clock.currentTimeMillis, (milliseconds) => Math.max(1, Math.floor(milliseconds / 1000)))

type Pair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

interface Keys {
  readonly root: Pair
  readonly intermediate: Pair
  readonly certificateLog: Pair
  readonly rekor: Pair
  readonly provider: Pair
}

const generateKeys = (): Keys => ({
  root: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  intermediate: generateKeyPairSync("ec", { namedCurve: "P-384" }),
  certificateLog: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  rekor: generateKeyPairSync("ec", { namedCurve: "P-256" }),
  provider: generateKeyPairSync("ec", { namedCurve: "P-256" })
})

const keyId = (key: KeyObject): Buffer => createHash("sha256").update(Certificate.spki(key)).digest()

interface Chain {
  readonly issuer: Certificate.Issuer
  /** Intermediate, then root, in DER. */
  readonly certificates: ReadonlyArray<Buffer>
}

const tenYears = 10 * 365 * 24 * 60 * 60

const makeChain = (keys: Keys, start: number): Chain => {
  const root = { name: Certificate.name("private.example", "sigstore"), ...keys.root }
  const issuer = { name: Certificate.name("private.example", "sigstore-intermediate"), ...keys.intermediate }
  const validity = { notBefore: start, notAfter: start + tenYears }
  return {
    issuer,
    certificates: [
      Certificate.issue(root, {
        ...validity,
        subject: issuer.name,
        publicKey: issuer.publicKey,
        extensions: [
          Certificate.certificateSign,
          Certificate.extendedKeyUsage(FulcioLeaf.codeSigning),
          Certificate.basicConstraints(true, 0),
          Certificate.subjectKeyIdentifier(issuer.publicKey),
          Certificate.authorityKeyIdentifier(root.publicKey)
        ]
      }),
      Certificate.issue(root, {
        ...validity,
        subject: root.name,
        publicKey: root.publicKey,
        extensions: [
          Certificate.certificateSign,
          Certificate.basicConstraints(true, 1),
          Certificate.subjectKeyIdentifier(root.publicKey)
        ]
      })
    ]
  }
}

const toTrustedRoot = (keys: Keys, chain: Chain, start: number): unknown => {
  const validFor = { start: new Date(start * 1000).toISOString() }
  const log = (baseUrl: string, { publicKey }: Pair) => ({
    baseUrl,
    hashAlgorithm: "SHA2_256",
    publicKey: {
      rawBytes: Certificate.spki(publicKey).toString("base64"),
      keyDetails: "PKIX_ECDSA_P256_SHA_256",
      validFor
    },
    logId: { keyId: keyId(publicKey).toString("base64") }
  })
  return {
    mediaType: "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
    tlogs: [log(`https://${rekorName}`, keys.rekor)],
    ctlogs: [log("https://ctlog.private.example", keys.certificateLog)],
    certificateAuthorities: [{
      subject: { organization: "private.example", commonName: "sigstore" },
      uri: "https://fulcio.private.example",
      certChain: { certificates: chain.certificates.map((der) => ({ rawBytes: der.toString("base64") })) },
      validFor
    }],
    timestampAuthorities: []
  }
}

const audience = "sigstore"

const toClaims = (identity: Workflow | Person, issuer: string, seconds: number) => {
  const common = { iss: issuer, aud: audience, iat: seconds, exp: seconds + 600 }
  if ("email" in identity) return { ...common, sub: identity.email, email: identity.email }
  const { event = "push", ref = "refs/tags/v0.1.0", repository, runId = 1 } = identity
  return {
    ...common,
    sub: `repo:${repository}:ref:${ref}`,
    repository,
    repository_owner: repository.split("/")[0] ?? "",
    workflow_ref: `${repository}/${identity.workflow ?? ".gitea/workflows/build.yaml"}@${ref}`,
    ref,
    sha: identity.sha ?? createHash("sha1").update(`${repository} ${ref}`).digest("hex"),
    event_name: event,
    run_id: String(runId),
    run_attempt: "1"
  }
}

const decodeClaims = Schema.decodeUnknownOption(Schema.fromJsonString(FulcioLeaf.Claims))

const readToken = (
  { identityToken }: Request,
  provider: KeyObject,
  expected: { readonly issuer: string; readonly seconds: number }
): Result.Result<FulcioLeaf.Claims, SigningError> => {
  const claims = Option.getOrUndefined(decodeClaims(WebToken.verified(Redacted.value(identityToken), provider)))
  if (claims === undefined) return refuseToken("it was not issued by this Sigstore's identity provider")
  if (claims.iss !== expected.issuer || claims.aud !== audience) {
    return refuseToken(`expected one of ${expected.issuer} for ${audience}, got one of ${claims.iss} for ${claims.aud}`)
  }
  return claims.exp <= expected.seconds ? refuseToken("it has expired") : Result.succeed(claims)
}

const readPublicKey = (
  { proofOfPossession, publicKey }: Request,
  claims: FulcioLeaf.Claims
): Result.Result<KeyObject, SigningError> =>
  Result.filterOrFail(
    Result.try({
      try: () => createPublicKey({ key: Buffer.from(publicKey), format: "der", type: "spki" }),
      catch: () => certificateRefused("the public key cannot be read")
    }),
    (key) => holds(key, Buffer.from(claims.email ?? claims.sub), proofOfPossession),
    () => certificateRefused("the proof of possession was not made with the key")
  )

/** As Rekor does: what is logged is a signature that holds. */
const checkEntry = (entry: ProposedEntry): Result.Result<void, SigningError> => {
  const message = entry.kind === "dsse"
    ? dsse.preAuthEncoding(entry.payloadType, Buffer.from(entry.payload))
    : entry.message
  return Result.flatMap(
    Result.try({ try: () => createPublicKey(entry.verifier), catch: () => logRefused("the verifier cannot be read") }),
    (key) => holds(key, message, entry.signature) ? Result.void : Result.fail(logRefused("the signature does not hold"))
  )
}

const holds = (key: KeyObject, message: Uint8Array, signature: Uint8Array): boolean =>
  verify("sha256", message, key, signature)

const refuseToken = (detail: string): Result.Result<never, SigningError> =>
  Result.fail(new SigningError({ reason: { _tag: "InvalidIdentityToken", detail } }))

const certificateRefused = (detail: string) => new SigningError({ reason: { _tag: "CertificateRefused", detail } })

const logRefused = (detail: string) => new SigningError({ reason: { _tag: "LogRefused", detail } })
