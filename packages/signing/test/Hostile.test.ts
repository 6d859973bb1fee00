import { assert, describe, it } from "@effect/vitest"
import { Descriptor, Digest, Manifest, type Registry, RegistryError } from "@lamina/oci"
import { Attachment, Bundle, KeyPair, Rejection, SimpleSigning, Statement, Verifier } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { createHash, sign } from "node:crypto"
import * as Fixture from "./fixture.ts"

const workflow = { repository: Fixture.repository }

describe("candidates", () => {
  const putJson = (fixture: Fixture.Fixture, change: (json: Record<string, unknown>) => void) =>
    Effect.gen(function*() {
      const bundle = yield* fixture.sigstore.signer(workflow).signStatement(Fixture.statementOf(fixture))
      const json = JSON.parse(new TextDecoder().decode(Bundle.encode(bundle)))
      change(json)
      yield* Fixture.putBytes(fixture, JSON.stringify(json))
    })

  it.effect.each([
    "application/vnd.dev.sigstore.bundle.v9.9+json",
    "application/vnd.dev.sigstore.bundle.v0.3+json; junk",
    "application/vnd.dev.sigstore.bundle+json;version=0.3x"
  ])("refuses a bundle of media type %s", (mediaType) =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* putJson(fixture, (json) => Object.assign(json, { mediaType }))
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["UnsupportedFormat"])
    }))

  it.effect("refuses a DSSE envelope of another payload type", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* putJson(
        fixture,
        ({ dsseEnvelope }) => Object.assign(dsseEnvelope as object, { payloadType: "text/plain" })
      )
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["UnsupportedFormat"])
    }))

  it.effect.each([
    "null",
    "[]",
    "7",
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"p\",\"subject\":null}",
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"p\",\"subject\":[]}",
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"p\",\"subject\":[null]}",
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"p\",\"subject\":[{\"name\":\"x\"}]}",
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predicateType\":\"p\",\"subject\":[{\"digest\":{}}]}",
    "{\"_type\":\"https://in-toto.io/Statement/v9\",\"predicateType\":\"p\",\"subject\":[{\"digest\":{\"sha256\":\"0\"}}]}",
    "{\"_type\":\"https://in-toto.io/Statement/v1\",\"predica"
  ])("refuses the statement %s", (statement) =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const payload = Buffer.from(statement).toString("base64")
      yield* putJson(fixture, ({ dsseEnvelope }) => Object.assign(dsseEnvelope as object, { payload }))
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["MalformedBundle"])
    }))

  it.effect("refuses a simple signing payload without a digest", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* Attachment.putSimpleSigning(Fixture.fixtureTarget(fixture), {
        payload: new TextEncoder().encode("{\"critical\":null}"),
        annotations: { [SimpleSigning.annotation.signature]: "AAAA" }
      })
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["MalformedBundle"])
    }))

  it.effect("refuses more subjects, log entries and bytes than the limits allow", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const subject = Array.from({ length: 1025 }, () => ({ digest: { sha256: "0" } }))
      const statement = { ...Statement.make({ digest: fixture.image.digest, predicateType: "p" }), subject }
      const payload = Buffer.from(JSON.stringify(statement)).toString("base64")
      yield* putJson(fixture, ({ dsseEnvelope }) => Object.assign(dsseEnvelope as object, { payload }))
      yield* putJson(fixture, ({ verificationMaterial }) =>
        Object.assign(verificationMaterial as object, { tlogEntries: Array.from({ length: 33 }, () => ({})) }))
      yield* Fixture.putBytes(fixture, " ".repeat(64 * 1024))
      const refusals = yield* Fixture.refusals(Fixture.verify(fixture, { limits: { bundleBytes: 64 * 1024 - 1 } }))
      assert.deepStrictEqual(refusals, ["LimitExceeded", "LimitExceeded", "LimitExceeded"])
    }))

  it.effect("fails closed where there are too many candidates, even with a good one among them", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      for (let index = 0; index < 4; index++) yield* Fixture.putBytes(fixture, `garbage ${index}`)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, { limits: { candidates: 4 } })), [
        "LimitExceeded"
      ])
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, { limits: { candidates: 5 } })), [
        "accepted"
      ])
    }))

  it.effect("are not even read where there are too many", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      for (let index = 0; index < 5; index++) yield* Fixture.putBytes(fixture, `garbage ${index}`)
      let reads = 0
      const registry: Registry.Registry = {
        ...fixture.registry,
        getManifest: (repository, reference) => {
          // By its tag only the list of referrers is read.
          if (Digest.is(reference)) reads++
          return fixture.registry.getManifest(repository, reference)
        }
      }
      const verdict = Fixture.refusals(Fixture.verify(fixture, { registry, limits: { candidates: 4 } }))
      assert.deepStrictEqual(yield* verdict, ["LimitExceeded"])
      assert.strictEqual(reads, 0)
    }))

  it.effect("of other images are left alone, though a registry lists them here", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const other = yield* Fixture.pushImage(fixture.registry, "other")
      yield* fixture.sigstore.signer(workflow).sign({ ...fixture.target, digest: other.digest })
      const registry: Registry.Registry = {
        ...fixture.registry,
        referrers: (repository) => fixture.registry.referrers(repository, other.digest)
      }
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, { registry })), ["NoCandidates"])
    }))

  it.effect("that the registry does not deliver are told apart, and may be asked for again", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign(fixture.target)
      const reason = new RegistryError.Unavailable({ detail: "connection reset" })
      const registry: Registry.Registry = {
        ...fixture.registry,
        getBlob: () => Effect.fail(new RegistryError.RegistryError({ operation: "getBlob", subject: "x", reason }))
      }
      const failure = yield* Effect.flip(Fixture.verify(fixture, { registry }))
      assert(failure instanceof Rejection.VerificationFailed)
      assert.deepStrictEqual(failure.candidates.map(({ reason }) => reason._tag), ["CandidateUnreadable"])
      assert.isTrue(failure.retryable)
      const refused = yield* Effect.flip(
        Fixture.verify(fixture, { policy: Fixture.keylessPolicy({ issuer: { exact: "x" } }) })
      )
      assert(refused instanceof Rejection.VerificationFailed)
      assert.isFalse(refused.retryable)
    }))

  it.effect("are not what other tools attach", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const sbom = new TextEncoder().encode("{}")
      const layer = Descriptor.ofBytes("application/spdx+json", sbom)
      yield* fixture.registry.putBlob(Fixture.repository, layer, sbom)
      yield* fixture.registry.putManifest(
        Fixture.repository,
        Manifest.artifact({ artifactType: "application/spdx+json", layers: [layer], subject: fixture.image })
      )
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["NoCandidates"])
    }))
})

describe("a bundle of version 0.2", () => {
  it.effect("may bring intermediate certificates along, but no root", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const [intermediate, root] = fixture.sigstore.trustRoot.material.certificateAuthorities[0]?.certChain ?? []
      assert(intermediate !== undefined && root !== undefined)
      const verdict = (others: ReadonlyArray<Buffer>) =>
        Effect.gen(function*() {
          const bundle = yield* fixture.sigstore.signer(workflow).signStatement(Fixture.statementOf(fixture))
          const json = JSON.parse(new TextDecoder().decode(Bundle.encode(bundle)))
          const { certificate, ...material } = json.verificationMaterial
          const chain = [certificate, ...others.map((der) => ({ rawBytes: der.toString("base64") }))]
          json.verificationMaterial = { ...material, x509CertificateChain: { certificates: chain } }
          json.mediaType = "application/vnd.dev.sigstore.bundle+json;version=0.2"
          const result = Verifier.verifyBundle({
            bundle: new TextEncoder().encode(JSON.stringify(json)),
            artifact: fixture.image.digest,
            policy: Fixture.workflowPolicy,
            trustRoot: fixture.sigstore.trustRoot
          })
          return Result.isSuccess(result) ? "accepted" : result.failure.message
        })
      assert.strictEqual(yield* verdict([intermediate.root.toDER()]), "accepted")
      assert.include(yield* verdict([intermediate.root.toDER(), root.root.toDER()]), "contains a root")
    }))
})

describe("a refusal", () => {
  it.effect("does not repeat more than a little of what was refused", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* Fixture.putBytes(fixture, JSON.stringify({ mediaType: "x".repeat(100_000), verificationMaterial: {} }))
      yield* Fixture.putBytes(fixture, JSON.stringify({ mediaType: ["y".repeat(100_000)] }))
      const failure = yield* Effect.flip(Fixture.verify(fixture))
      assert.isBelow(failure.message.length, 4000)
    }))
})

describe("Verifier.verifyBundle", () => {
  it.effect("binds a statement to the artifact, given as bytes or as digest", () =>
    Effect.gen(function*() {
      const { sigstore } = yield* Fixture.make
      const artifact = new TextEncoder().encode("artifact")
      const statement = Statement.make({ digest: Digest.ofBytes(artifact), predicateType: "https://example/p" })
      const bundle = Bundle.encode(yield* sigstore.signer(workflow).signStatement(statement))
      const verdict = (given: Uint8Array | Digest.Digest, predicateTypes?: ReadonlyArray<string>) => {
        const { trustRoot } = sigstore
        const options = { bundle, artifact: given, policy: Fixture.workflowPolicy, trustRoot, predicateTypes }
        const result = Verifier.verifyBundle(options)
        return Result.isSuccess(result) ? "accepted" : result.failure.reason._tag
      }
      assert.strictEqual(verdict(artifact), "accepted")
      assert.strictEqual(verdict(Digest.ofBytes(artifact), ["https://example/p"]), "accepted")
      assert.strictEqual(verdict(new TextEncoder().encode("another")), "SubjectMismatch")
      assert.strictEqual(verdict(Digest.ofBytes(new Uint8Array())), "SubjectMismatch")
      assert.strictEqual(verdict(artifact, ["https://example/q"]), "PredicateMismatch")
    }))

  it.effect("refuses a mere signature where a statement of some type is asked for", () =>
    Effect.gen(function*() {
      const keyPair = yield* KeyPair.generate
      const artifact = new TextEncoder().encode("artifact")
      const bundle = Bundle.encode(Result.getOrThrow(Bundle.fromJson({
        mediaType: Bundle.mediaType,
        verificationMaterial: { publicKey: { hint: "" }, tlogEntries: [] },
        messageSignature: {
          messageDigest: { algorithm: "SHA2_256", digest: createHash("sha256").update(artifact).digest("base64") },
          signature: sign("sha256", artifact, keyPair.privateKey).toString("base64")
        }
      })))
      const policy = Fixture.policyOf({
        signers: [{ kind: "key", publicKeyPem: KeyPair.publicKeyPem(keyPair), requireTransparencyLog: false }]
      })
      const verdict = (predicateTypes?: ReadonlyArray<string>) => {
        const result = Verifier.verifyBundle({ bundle, artifact, policy, predicateTypes })
        return Result.isSuccess(result) ? "accepted" : result.failure.reason._tag
      }
      assert.strictEqual(verdict(), "accepted")
      assert.strictEqual(verdict(["https://example/p"]), "UnsupportedFormat")
    }))
})

describe("a bundle in which one byte is another", () => {
  it.effect("is refused, or says exactly the same", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const statement = Fixture.statementOf(fixture)
      const bundle = Bundle.encode(yield* fixture.sigstore.signer(workflow).signStatement(statement))
      const verify = (bytes: Uint8Array) =>
        Verifier.verifyBundle({
          bundle: bytes,
          artifact: fixture.image.digest,
          policy: Fixture.workflowPolicy,
          trustRoot: fixture.sigstore.trustRoot
        })
      const original = yield* Effect.fromResult(verify(bundle))
      fc.assert(
        fc.property(fc.nat(bundle.length - 1), fc.integer({ min: 1, max: 255 }), (position, change) => {
          const mutated = Uint8Array.from(bundle)
          mutated[position] = (mutated[position] ?? 0) ^ change
          const verdict = verify(mutated)
          if (Result.isFailure(verdict)) return
          assert.deepStrictEqual(verdict.success.statement, original.statement)
          assert.deepStrictEqual(verdict.success.signer, original.signer)
          assert.strictEqual(verdict.success.signedAt, original.signedAt)
        }),
        { numRuns: 150 }
      )
    }))
})
