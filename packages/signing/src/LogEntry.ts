/**
 * What a transparency log entry says, compared with what it is supposed to be about.
 *
 * The cryptographic core compares signature and digest, but not the key: without that, an entry made with another key
 * that fits the same ECDSA signature would pass, and whoever watches the log would never see the identity that was used
 * (Sigstore client specification §4.4; CVE-2026-22703).
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createPublicKey, X509Certificate } from "node:crypto"
import type * as Bundle from "./Bundle.ts"
import * as Rejection from "./Rejection.ts"
import * as SigningCertificate from "./SigningCertificate.ts"

/**
 * Checks that the entry was made with the signer's certificate, or public key, both in DER.
 *
 * @category validation
 * @since 0.1.0
 */
export const checkVerifier = (
  entry: Bundle.LogEntry,
  signer: Uint8Array
): Result.Result<void, Rejection.Rejection> =>
  Result.flatMap(verifierOf(entry.canonicalizedBody), (verifier) =>
    verifier.equals(signer)
      ? Result.void
      : Rejection.fail({
        _tag: "LogEntryMismatch",
        field: "certificate or public key",
        expected: SigningCertificate.fingerprint(signer),
        actual: SigningCertificate.fingerprint(verifier)
      }))

/**
 * Checks that the checkpoint's lines with the log's key hint are signed in the log's own name, and that it is the
 * origin. The cryptographic core takes every part of the log's address for its name (C2SP `tlog-checkpoint`).
 *
 * @category validation
 * @since 0.1.0
 */
export const checkCheckpointName = (
  entry: {
    readonly inclusionProof?:
      | { readonly checkpoint?: { readonly envelope: string } | undefined }
      | undefined
  },
  log: { readonly name: string; readonly id: Uint8Array }
): Result.Result<void, Rejection.Rejection> => {
  const envelope = entry.inclusionProof?.checkpoint?.envelope
  if (envelope === undefined) return Result.void
  const origin = envelope.slice(0, Math.max(envelope.indexOf("\n"), 0))
  const lines = signatureLines(envelope)
  if (lines === undefined) {
    return Rejection.fail({ _tag: "LogEntryInvalid", detail: "the checkpoint's signatures are not of their form" })
  }
  const ours = lines.filter(({ hint }) => hint.equals(log.id.subarray(0, 4)))
  // Rekor v1 appends its tree's number to the origin: "rekor.example - 1193050959916656506".
  const misnamed = origin !== log.name && !origin.startsWith(`${log.name} - `)
    ? origin
    : ours.find(({ name }) => name !== log.name)?.name
  return misnamed === undefined
    ? Result.void
    : Rejection.fail({
      _tag: "LogEntryInvalid",
      detail: `expected a checkpoint of ${log.name}, got one of ${Rejection.quote(misnamed)}`
    })
}

/**
 * All lines after the first empty one, or `undefined` if any is no signature: the cryptographic core would also find a
 * signature in the middle of a line, where its name would not be looked at.
 */
const signatureLines = (envelope: string) => {
  const end = envelope.indexOf("\n\n")
  const lines = envelope.slice(end + 2).replace(/\n$/, "").split("\n").map((line) => /^\u2014 (\S+) (\S+)$/.exec(line))
  return end === -1 || lines.includes(null) ? undefined : lines.map((line) => ({
    name: line?.[1] ?? "",
    hint: Buffer.from(line?.[2] ?? "", "base64").subarray(0, 4)
  }))
}

const PemText = Schema.String

const HashedRekordV1 = Schema.Struct({
  kind: Schema.Literal("hashedrekord"),
  apiVersion: Schema.Literal("0.0.1"),
  spec: Schema.Struct({
    data: Schema.Struct({
      hash: Schema.Struct({ algorithm: Schema.Literals(["sha256", "sha384", "sha512"]), value: Schema.String })
    }),
    signature: Schema.Struct({ publicKey: Schema.Struct({ content: PemText }) })
  })
})

const VerifierV2 = Schema.Union([
  Schema.Struct({ x509Certificate: Schema.Struct({ rawBytes: Schema.String }) }),
  Schema.Struct({ publicKey: Schema.Struct({ rawBytes: Schema.String }) })
])

const HashedRekordV2 = Schema.Struct({
  kind: Schema.Literal("hashedrekord"),
  apiVersion: Schema.Literal("0.0.2"),
  spec: Schema.Struct({
    hashedRekordV002: Schema.Struct({ signature: Schema.Struct({ verifier: VerifierV2 }) })
  })
})

const DsseV1 = Schema.Struct({
  kind: Schema.Literal("dsse"),
  apiVersion: Schema.Literal("0.0.1"),
  spec: Schema.Struct({ signatures: Schema.Tuple([Schema.Struct({ verifier: PemText })]) })
})

const DsseV2 = Schema.Struct({
  kind: Schema.Literal("dsse"),
  apiVersion: Schema.Literal("0.0.2"),
  spec: Schema.Struct({
    dsseV002: Schema.Struct({ signatures: Schema.Tuple([Schema.Struct({ verifier: VerifierV2 })]) })
  })
})

const IntotoV2 = Schema.Struct({
  kind: Schema.Literal("intoto"),
  apiVersion: Schema.Literal("0.0.2"),
  spec: Schema.Struct({
    content: Schema.Struct({
      envelope: Schema.Struct({ signatures: Schema.Tuple([Schema.Struct({ publicKey: PemText })]) })
    })
  })
})

const Body = Schema.Union([HashedRekordV1, HashedRekordV2, DsseV1, DsseV2, IntotoV2])

const decodeBody = Schema.decodeUnknownResult(Schema.fromJsonString(Body))

const supported = ["hashedrekord 0.0.1", "hashedrekord 0.0.2", "dsse 0.0.1", "dsse 0.0.2", "intoto 0.0.2"]

/** The certificate, or else the public key, that an entry was made with, in DER. */
const verifierOf = (body: Uint8Array): Result.Result<Buffer, Rejection.Rejection> =>
  Result.flatMap(
    Result.mapError(
      decodeBody(Buffer.from(body).toString("utf8")),
      () => unreadable(`expected ${supported.join(", ")}`)
    ),
    (entry) =>
      Result.try({
        try: () => {
          switch (entry.kind) {
            case "hashedrekord":
              return entry.apiVersion === "0.0.1"
                ? fromPem(entry.spec.signature.publicKey.content)
                : fromRaw(entry.spec.hashedRekordV002.signature.verifier)
            case "dsse":
              return entry.apiVersion === "0.0.1"
                ? fromPem(entry.spec.signatures[0].verifier)
                : fromRaw(entry.spec.dsseV002.signatures[0].verifier)
            case "intoto":
              return fromPem(entry.spec.content.envelope.signatures[0].publicKey)
          }
        },
        catch: () => unreadable("its certificate or public key cannot be read")
      })
  )

const unreadable = (detail: string): Rejection.Rejection =>
  new Rejection.Rejection({ reason: { _tag: "LogEntryInvalid", detail: `the entry's body is not usable: ${detail}` } })

const fromPem = (base64: string): Buffer => {
  const pem = Buffer.from(base64, "base64").toString("utf8")
  return pem.includes("BEGIN CERTIFICATE")
    ? new X509Certificate(pem).raw
    : createPublicKey(pem).export({ type: "spki", format: "der" })
}

const fromRaw = (verifier: typeof VerifierV2.Type): Buffer =>
  Buffer.from("x509Certificate" in verifier ? verifier.x509Certificate.rawBytes : verifier.publicKey.rawBytes, "base64")
