import { assert, describe, it } from "@effect/vitest"
import { Digest, Manifest, Referrers } from "@lamina/oci"
import { Rejection, Signer, SimpleSigning, Statement, Verifier } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Fixture from "./fixture.ts"

const workflow = { repository: Fixture.repository }
const forms = ["bundle", "simplesigning"] as const

/** A signer whose certificates are odd. */
const misissued = (
  { sigstore }: Fixture.Fixture,
  change: Parameters<Fixture.Fixture["sigstore"]["misissuing"]>[0]
) =>
  Signer.keyless({
    certificateAuthority: sigstore.misissuing(change),
    transparencyLog: sigstore.transparencyLog,
    identityToken: sigstore.identityToken(workflow)
  })

describe("Verifier.verifyImage", () => {
  it.effect.each(forms)("accepts the trusted workflow's signature as a %s", (form) =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2026, 10, 22, 9, 30))
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign({ ...fixture.target, form, annotations: { build: "7" } })
      const { digest, evidence, rejected } = yield* Fixture.verify(fixture)
      assert.strictEqual(digest, fixture.image.digest)
      assert.deepStrictEqual(rejected, [])
      assert.strictEqual(evidence.length, 1)
      assert.strictEqual(evidence[0].form, form)
      assert.deepStrictEqual(evidence[0].annotations, { build: "7" })
      assert.strictEqual(evidence[0].signedAt, Date.UTC(2026, 10, 22, 9, 30) / 1000)
      const { signer } = evidence[0]
      assert(signer.kind === "keyless")
      assert.strictEqual(signer.identity, Fixture.identity)
      assert.strictEqual(signer.issuer, Fixture.issuer)
      assert.strictEqual(signer.claims.sourceRepositoryRef, "refs/tags/v0.1.0")
    }))

  it.effect("finds both forms, so that neither hides the other", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const stored = yield* fixture.sigstore.signer(workflow).sign({ ...fixture.target, form: "both" })
      const { evidence } = yield* Fixture.verify(fixture)
      assert.sameMembers(evidence.map(({ form }) => form), ["bundle", "simplesigning"])
      assert.include(evidence.map(({ candidate }) => candidate), stored.bundle?.digest)
    }))

  it.effect("keeps the signatures of several signers under one tag", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      for (const ref of ["refs/tags/v0.1.0", "refs/tags/v0.2.0", "refs/tags/v0.3.0"]) {
        yield* fixture.sigstore.signer({ ...workflow, ref }).sign({ ...fixture.target, form: "simplesigning" })
      }
      const policy = Fixture.keylessPolicy({
        identity: { pattern: "https://git\\.example/acme/my-redis/.*@refs/tags/v0\\.[12]\\.0" }
      })
      const { evidence, rejected } = yield* Fixture.verify(fixture, { policy })
      assert.strictEqual(evidence.length, 2)
      assert.deepStrictEqual(rejected.map(({ reason }) => reason._tag), ["IdentityMismatch"])
    }))

  it.effect("accepts a good signature beside garbage, and reports the garbage", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* Fixture.putBytes(fixture, "garbage")
      yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      const { evidence, rejected } = yield* Fixture.verify(fixture)
      assert.strictEqual(evidence.length, 1)
      assert.deepStrictEqual(rejected.map(({ reason }) => reason._tag), ["MalformedBundle"])
    }))

  it.effect("reports why, for an image that nobody signed", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const failure = yield* Effect.flip(Fixture.verify(fixture))
      assert(failure instanceof Rejection.VerificationFailed)
      assert.strictEqual(failure.reason._tag, "NoCandidates")
      assert.include(failure.message, fixture.image.digest)
    }))

  it.effect("trusts nobody without a policy", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, { policy: undefined })), ["PolicyMissing"])
    }))

  it.effect("trusts no certificate without a trusted root", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      const refusals = yield* Fixture.refusals(Fixture.verify(fixture, { trustRoot: undefined }))
      assert.deepStrictEqual(refusals, ["TrustRootMissing"])
    }))

  it.effect.each(forms)("refuses another workflow's signature (%s), and names both", (form) =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer({ repository: "mallory/app" }).sign({ ...fixture.target, form })
      const failure = yield* Effect.flip(Fixture.verify(fixture))
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["IdentityMismatch"])
      assert.include(failure.message, "mallory/app")
      assert.include(failure.message, Fixture.identity)
    }))

  it.effect("refuses an identity that only begins with the trusted one", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer({ ...workflow, ref: "refs/tags/v0.1.0-evil" }).sign(fixture.target)
      const pattern = Fixture.identity.replaceAll(".", "\\.")
      const verdict = (anchored: boolean) =>
        Fixture.refusals(
          Fixture.verify(fixture, { policy: Fixture.keylessPolicy({ identity: { pattern, anchored } }) })
        )
      assert.deepStrictEqual(yield* verdict(true), ["IdentityMismatch"])
      assert.deepStrictEqual(yield* verdict(false), ["accepted"])
    }))

  it.effect("refuses another issuer's word for the same identity", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      const policy = Fixture.keylessPolicy({ issuer: { exact: "https://other.example" } })
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, { policy })), ["IdentityMismatch"])
    }))

  it.effect("asks for the claims that a policy names", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer({ ...workflow, event: "pull_request" }).sign(fixture.target)
      const verdict = (exact: string) => {
        const policy = Fixture.keylessPolicy({ claims: { buildTrigger: { exact } } })
        return Fixture.refusals(Fixture.verify(fixture, { policy }))
      }
      assert.deepStrictEqual(yield* verdict("pull_request"), ["accepted"])
      assert.deepStrictEqual(yield* verdict("push"), ["IdentityMismatch"])
    }))

  it.effect("takes a claim that is not there for no text at all, not even an empty one", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      const claims = { sourceRepositoryIdentifier: { pattern: "[0-9]*" } }
      const verdict = Fixture.refusals(Fixture.verify(fixture, { policy: Fixture.keylessPolicy({ claims }) }))
      assert.deepStrictEqual(yield* verdict, ["IdentityMismatch"])
    }))

  it.effect("finds bundles that only the referrers tag lists, though the registry has the API", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const { bundle } = yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      const registry = { ...fixture.registry, referrers: () => Effect.succeed([]) }
      const verdict = Fixture.refusals(Fixture.verify(fixture, { registry }))
      assert.deepStrictEqual(yield* verdict, ["NoCandidates"])
      const tag = (manifest: Parameters<typeof fixture.registry.putManifest>[1]) =>
        fixture.registry.putManifest(Fixture.repository, manifest, {
          tags: [Referrers.fallbackTag(fixture.image.digest)]
        })
      yield* tag(Manifest.artifact({ artifactType: "text/x" }))
      assert.deepStrictEqual(yield* verdict, ["NoCandidates"])
      assert(bundle !== undefined)
      yield* tag(Manifest.index({ manifests: [bundle] }))
      assert.deepStrictEqual(yield* verdict, ["accepted"])
      // Listed twice, it is one candidate all the same.
      assert.strictEqual((yield* Fixture.verify(fixture)).evidence.length, 1)
    }))

  it.effect("verifies an image that is known by its sha512, for which there can be no .sig tag", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const manifest = Manifest.artifact({ artifactType: "text/x", annotations: { long: "digest" } })
      const digest = Digest.ofBytes(manifest.bytes, "sha512")
      yield* fixture.registry.putManifest(Fixture.repository, manifest, { digest })
      const target = { ...fixture.target, digest }
      yield* fixture.sigstore.signer(workflow).sign(target)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, target)), ["accepted"])
    }))

  it.effect("refuses another private Sigstore's signature, however well the names fit", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const { sigstore } = yield* Fixture.make
      yield* sigstore.signer(workflow).sign(fixture.target)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["LogEntryInvalid"])
    }))

  it.effect("refuses a signature that was made for another image", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const { digest } = yield* Fixture.pushImage(fixture.registry, "other")
      const signer = fixture.sigstore.signer(workflow)
      const { predicateType } = Fixture.statementOf(fixture)
      yield* Fixture.putBundle(fixture, yield* signer.signStatement(Statement.make({ digest, predicateType })))
      yield* signer.sign({ ...fixture.target, digest, form: "simplesigning" })
      const theirs = yield* fixture.registry.getManifest(Fixture.repository, SimpleSigning.tag(digest))
      yield* fixture.registry.putManifest(
        Fixture.repository,
        { mediaType: theirs.descriptor.mediaType, bytes: theirs.bytes },
        { tags: [SimpleSigning.tag(fixture.image.digest)] }
      )
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["SubjectMismatch", "SubjectMismatch"])
    }))

  it.effect("refuses an attestation in place of a signature", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).attest({
        ...fixture.target,
        predicateType: "https://cyclonedx.org/bom",
        predicate: { bomFormat: "CycloneDX" }
      })
      const failure = yield* Effect.flip(Fixture.verify(fixture))
      assert(failure instanceof Rejection.VerificationFailed)
      assert.strictEqual(failure.reason._tag, "NoCandidates")
      assert.deepStrictEqual(failure.candidates.map(({ reason }) => reason._tag), ["PredicateMismatch"])
    }))
})

describe("a certificate", () => {
  it.effect.each(
    [
      ["an extended key usage for servers", { extendedKeyUsages: ["1.3.6.1.5.5.7.3.1"] }],
      ["no extended key usage", { extendedKeyUsages: [] }],
      ["no digitalSignature in its key usage", { withoutDigitalSignature: true }],
      ["an authority's rights", { isAuthority: true }],
      ["an unknown critical extension", {
        extensions: [{ identifier: "1.2.3.4", critical: true, value: new Uint8Array([5, 0]) }]
      }],
      ["an extension twice", { extensions: [{ identifier: "2.5.29.37", value: new Uint8Array([0x30, 0]) }] }],
      ["two issuers that differ", { issuerV1: "https://other.example" }],
      ["a validity that begins after signing", { validFromOffset: 60 }],
      ["a name with a line break", { subjects: [{ type: "uri", value: `${Fixture.identity}\n` }] }]
    ] as const
  )("with %s is refused", ([, change]) =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* misissued(fixture, change).sign(fixture.target)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["CertificateUntrusted"])
    }))

  it.effect("that no certificate transparency log has seen is refused", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* misissued(fixture, { withoutPromise: true }).sign(fixture.target)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["SctInvalid"])
    }))

  it.effect("with only the older issuer extension is read by that one", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* misissued(fixture, { issuerV2: null }).sign(fixture.target)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["accepted"])
    }))

  it.effect("with several names is matched by each, according to its kind", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const subjects = [
        { type: "otherName", value: "ann!example" },
        { type: "dns", value: "host.example" },
        { type: "email", value: "ann@example.com" }
      ] as const
      yield* misissued(fixture, { subjects }).sign(fixture.target)
      const verdict = (exact: string, identityType?: "uri" | "email" | "dns" | "otherName") => {
        const type = identityType === undefined ? {} : { identityType }
        const policy = Fixture.keylessPolicy({ identity: { exact }, ...type })
        return Fixture.refusals(Fixture.verify(fixture, { policy }))
      }
      assert.deepStrictEqual(yield* verdict("ann@example.com"), ["accepted"])
      assert.deepStrictEqual(yield* verdict("ann!example", "otherName"), ["accepted"])
      assert.deepStrictEqual(yield* verdict("host.example", "dns"), ["accepted"])
      assert.deepStrictEqual(yield* verdict("ann@example.com", "uri"), ["IdentityMismatch"])
    }))
})

describe("Verifier.verifyAttestation", () => {
  const sbom = { predicateType: "https://cyclonedx.org/bom", predicate: { bomFormat: "CycloneDX" } }
  const verify = ({ sigstore, target }: Fixture.Fixture, predicateType: string | ReadonlyArray<string>) =>
    Verifier.verifyAttestation({
      ...target,
      policy: Fixture.workflowPolicy,
      trustRoot: sigstore.trustRoot,
      predicateType
    })

  it.effect("returns what was signed", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const signer = fixture.sigstore.signer(workflow)
      yield* signer.sign(fixture.target)
      yield* signer.attest({ ...fixture.target, ...sbom })
      const { attestations } = yield* verify(fixture, ["https://cyclonedx.org/bom", "https://cyclonedx.org/bom/v1.6"])
      assert.strictEqual(attestations.length, 1)
      assert.deepStrictEqual(attestations[0].statement.predicate, sbom.predicate)
    }))

  it.effect("fails where there are attestations of other types only (CVE-2022-35929)", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).attest({ ...fixture.target, ...sbom })
      const failure = yield* Effect.flip(verify(fixture, "https://slsa.dev/provenance/v1"))
      assert(failure instanceof Rejection.VerificationFailed)
      assert.strictEqual(failure.reason._tag, "NoCandidates")
    }))

  it.effect("refuses an attestation by somebody else", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer({ repository: "mallory/app" }).attest({ ...fixture.target, ...sbom })
      assert.deepStrictEqual(yield* Fixture.refusals(verify(fixture, sbom.predicateType)), ["IdentityMismatch"])
    }))
})
