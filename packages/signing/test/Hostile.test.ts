import { assert, describe, it } from "@effect/vitest"
import { Descriptor, Manifest } from "@lamina/oci"
import { Attachment, Bundle, SimpleSigning, Statement, Verifier } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import * as Fixture from "./fixture.ts"

const workflow = { repository: Fixture.repository }

describe("hostile candidates", () => {
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

  it.effect("leaves referrers alone that are something else", () =>
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
