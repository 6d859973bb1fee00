import { assert, describe, it } from "@effect/vitest"
import { Digest } from "@lamina/oci"
import { TrustPolicy, TrustRoot, Verifier } from "@lamina/signing"
import * as Result from "effect/Result"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const vectors = join(
  process.env["LAMINA_VECTORS"] ?? join(import.meta.dirname, "../../../../shared/vectors"),
  "sigstore"
)
const cases = existsSync(vectors)
  ? readdirSync(join(vectors, "bundle-verify"), { withFileTypes: true }).filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
  : []
if (cases.length === 0) console.log("skipped: the Sigstore conformance vectors are not installed")

const defaultIdentity = "https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/" +
  "workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main"
const defaultIssuer = "https://token.actions.githubusercontent.com"

/** Why each case is refused. A refusal for the wrong reason would hide that a check is missing. */
const expectedTags: Readonly<Record<string, ReadonlyArray<string>>> = {
  MalformedBundle: [
    "bundle-empty-certificate-chain",
    "bundle-malformed-json",
    "bundle-with-root-cert",
    "intoto-missing-inclusion-proof",
    "invalid-inclusion-proof",
    "rekor2-no-inclusion-proof"
  ],
  UnsupportedFormat: ["bundle-unknown-version"],
  SubjectMismatch: ["message-digest-mismatch", "wrong-material"],
  LogEntryInvalid: [
    "bundle-from-wrong-instance",
    "bundle-invalid-base64-signature",
    "bundle-negative-log-index",
    "checkpoint-bad-keyhint",
    "checkpoint-wrong-roothash",
    "inclusion-proof-corrupted-hash",
    "invalid-checkpoint-signature",
    "rekor2-checkpoint-missing-log-signature",
    "rekor2-checkpoint-missing-origin",
    "rekor2-checkpoint-missing-root-hash",
    "rekor2-checkpoint-missing-size",
    "rekor2-checkpoint-no-matching-signature",
    "set-invalid-signature"
  ],
  LogEntryMismatch: [
    "dsse-invalid-sig",
    "dsse-mismatch-envelope",
    "dsse-mismatch-sig",
    "incorrect-public-key",
    "intoto-log-entry-mismatch",
    "rekor2-dsse-invalid-sig",
    "rekor2-dsse-mismatch-envelope",
    "rekor2-dsse-mismatch-sig",
    "signature-mismatch",
    "wrong-hashedrekord-artifact",
    "wrong-hashedrekord-cert-and-sig",
    "wrong-hashedrekord-entry"
  ],
  CertificateUntrusted: [
    "integrated-time-in-future",
    "intoto-expired-certificate",
    "intoto-set-outside-signing-cert-validity",
    "intoto-tsa-timestamp-outside-cert-validity",
    "rekor2-timestamp-with-incorrect-time"
  ],
  SctInvalid: ["invalid-ct-key"],
  TimestampUntrusted: [
    "rekor2-no-timestamp",
    "rekor2-timestamp-outside-trust-root-tsa-validity",
    "rekor2-timestamp-outside-tsa-cert-validity",
    "rekor2-timestamp-payload-mismatch",
    "rekor2-timestamp-untrusted-tsa-with-embedded-cert",
    "rekor2-timestamp-untrusted-tsa-without-embedded-cert"
  ],
  IdentityMismatch: ["managed-key-no-key"],
  InvalidTrustPolicy: ["managed-key-wrong-key"],
  TrustRootError: ["trust-root-tlog-missing-validity-start"]
}

const expectedTag = (name: string): string | undefined =>
  Object.entries(expectedTags).find(([, names]) => names.includes(name.replace(/_fail$/, "")))?.[0]

const readText = (...path: ReadonlyArray<string>): string | undefined => {
  const file = join(vectors, ...path)
  return existsSync(file) ? readFileSync(file, "utf8") : undefined
}

/**
 * 32 cases are meant for the public deployment. Its root comes with one of the others, whose own point is an end date
 * for the first log's key; without that date it is the public root.
 */
const publicRoot = (): unknown => {
  const root = JSON.parse(
    readText("bundle-verify", "trust-root-tlog-validity-end-inclusive", "trusted_root.json") ?? ""
  )
  delete root.tlogs[0].publicKey.validFor.end
  return root
}

const verify = (
  name: string,
  toArtifact: (bytes: Uint8Array) => Uint8Array | Digest.Digest,
  givenRoot?: unknown
) => {
  const own = (file: string) => readText("bundle-verify", name, file)
  const ownRoot = own("trusted_root.json")
  const key = own("key.pub")
  const artifact = existsSync(join(vectors, "bundle-verify", name, "artifact")) ? [name, "artifact"] : ["..", "a.txt"]
  return Result.gen(function*() {
    const policy = yield* TrustPolicy.decode({
      signers: [
        key === undefined
          ? {
            kind: "keyless",
            issuer: { exact: (own("issuer") ?? defaultIssuer).trim() },
            identity: { exact: (own("identity") ?? defaultIdentity).trim() }
          }
          : { kind: "key", publicKeyPem: key }
      ]
    })
    return yield* Verifier.verifyBundle({
      bundle: readFileSync(join(vectors, "bundle-verify", name, "bundle.sigstore.json")),
      artifact: toArtifact(readFileSync(join(vectors, "bundle-verify", ...artifact))),
      policy,
      trustRoot: yield* TrustRoot.fromJson(givenRoot ?? (ownRoot === undefined ? publicRoot() : JSON.parse(ownRoot)))
    })
  })
}

const tagOf = (verdict: ReturnType<typeof verify>): string => {
  if (Result.isSuccess(verdict)) return "accepted"
  return verdict.failure._tag === "Rejection" ? verdict.failure.reason._tag : verdict.failure._tag
}

const signsMessage = (name: string): boolean =>
  readText("bundle-verify", name, "bundle.sigstore.json")?.includes("\"messageSignature\"") ?? false

describe.skipIf(cases.length === 0)("Sigstore conformance, bundle-verify", () => {
  it.each(cases)("judges %s by the artifact's bytes", (name) => {
    const verdict = verify(name, (bytes) => bytes)
    assert.strictEqual(tagOf(verdict), name.endsWith("_fail") ? expectedTag(name) : "accepted", String(verdict))
  })

  // Node's crypto cannot verify ECDSA over a digest alone, so a message signature without its message is refused.
  it.each(cases)("judges %s by the artifact's digest", (name) => {
    const tag = tagOf(verify(name, (bytes) => Digest.ofBytes(bytes)))
    if (name.endsWith("_fail")) assert.notStrictEqual(tag, "accepted")
    else assert.strictEqual(tag, signsMessage(name) ? "UnsupportedFormat" : "accepted")
  })

  // The cryptographic core asks for a log key's window only where the log itself gives a time (CVE-2026-54787).
  it("refuses an entry of a log that was not trusted any more when a timestamp authority saw the signature", () => {
    const name = "rekor2-happy-path"
    const withLogTrustedUntil = (end: string) => {
      const root = JSON.parse(readText("bundle-verify", name, "trusted_root.json") ?? "")
      for (const log of root.tlogs) log.publicKey.validFor.end = end
      return root
    }
    assert.strictEqual(tagOf(verify(name, (bytes) => bytes, withLogTrustedUntil("2030-01-01T00:00:00Z"))), "accepted")
    assert.strictEqual(
      tagOf(verify(name, (bytes) => bytes, withLogTrustedUntil("2025-05-01T00:00:00Z"))),
      "LogEntryInvalid"
    )
  })
})
