import { assert, describe, it } from "@effect/vitest"
import { KeyPair, Signer } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Fixture from "./fixture.ts"

const forms = ["bundle", "simplesigning"] as const

const keyPolicy = (keyPair: KeyPair.KeyPair, restrictions?: object) =>
  Fixture.policyOf({ signers: [{ kind: "key", publicKeyPem: KeyPair.publicKeyPem(keyPair), ...restrictions }] })

describe("Verifier.verifyImage, by public key", () => {
  it.effect.each(forms)("accepts a signature that was logged (%s)", (form) =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const keyPair = yield* KeyPair.generate
      const signer = Signer.key({ keyPair, transparencyLog: fixture.sigstore.transparencyLog })
      yield* signer.sign({ ...fixture.target, form })
      const { evidence } = yield* Fixture.verify(fixture, { policy: keyPolicy(keyPair) })
      assert.strictEqual(evidence[0].form, form)
      assert.strictEqual(evidence[0].signer.kind, "key")
      assert.strictEqual(evidence[0].logEntries.length, 1)
    }))

  it.effect.each(forms)(
    "accepts one that was not logged only where the policy says so (%s)",
    (form) =>
      Effect.gen(function*() {
        const fixture = yield* Fixture.make
        const keyPair = yield* KeyPair.generate
        yield* Signer.key({ keyPair }).sign({ ...fixture.target, form })
        const unlogged = { policy: keyPolicy(keyPair, { requireTransparencyLog: false }) }
        const logged = { policy: keyPolicy(keyPair) }
        const verdict = (options: object) => Fixture.refusals(Fixture.verify(fixture, options))
        assert.deepStrictEqual(yield* verdict(unlogged), ["accepted"])
        assert.deepStrictEqual(yield* verdict({ ...unlogged, trustRoot: undefined }), ["accepted"])
        assert.deepStrictEqual(yield* verdict(logged), ["LogEntryInvalid"])
        assert.deepStrictEqual(yield* verdict({ ...logged, trustRoot: undefined }), ["TrustRootMissing"])
      })
  )

  it.effect.each(forms)("refuses another key's signature (%s)", (form) =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* Signer.key({ keyPair: yield* KeyPair.generate }).sign({ ...fixture.target, form })
      const policy = keyPolicy(yield* KeyPair.generate, { requireTransparencyLog: false })
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, { policy })), ["SignatureInvalid"])
    }))

  it.effect("refuses a keyless signature where only keys are trusted, and the other way round", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const keyPair = yield* KeyPair.generate
      yield* fixture.sigstore.signer({ repository: Fixture.repository }).sign(fixture.target)
      const verdict = Fixture.refusals(Fixture.verify(fixture, { policy: keyPolicy(keyPair) }))
      assert.deepStrictEqual(yield* verdict, ["IdentityMismatch"])
      const other = yield* Fixture.make
      yield* Signer.key({ keyPair, transparencyLog: other.sigstore.transparencyLog }).sign(other.target)
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(other)), ["IdentityMismatch"])
    }))

  it.effect("counts a key only within its window, by the log's time", () =>
    Effect.gen(function*() {
      yield* TestClock.setTime(Date.UTC(2026, 5, 1))
      const fixture = yield* Fixture.make
      const keyPair = yield* KeyPair.generate
      yield* Signer.key({ keyPair, transparencyLog: fixture.sigstore.transparencyLog }).sign(fixture.target)
      const verdict = (validFrom: string, validUntil: string) =>
        Fixture.refusals(Fixture.verify(fixture, { policy: keyPolicy(keyPair, { validFrom, validUntil }) }))
      assert.deepStrictEqual(yield* verdict("2026-01-01T00:00:00Z", "2026-12-31T00:00:00Z"), ["accepted"])
      assert.deepStrictEqual(yield* verdict("2026-01-01T00:00:00Z", "2026-05-31T00:00:00Z"), ["TimestampUntrusted"])
      assert.deepStrictEqual(yield* verdict("2026-06-02T00:00:00Z", "2026-12-31T00:00:00Z"), ["TimestampUntrusted"])
    }))

  it.effect("refuses a key with a window where nothing tells the time of signing", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const keyPair = yield* KeyPair.generate
      yield* Signer.key({ keyPair }).sign(fixture.target)
      const policy = keyPolicy(keyPair, { requireTransparencyLog: false, validFrom: "1969-01-01T00:00:00Z" })
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture, { policy })), ["TimestampUntrusted"])
    }))
})
