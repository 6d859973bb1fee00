import { assert, describe, it } from "@effect/vitest"
import { type Bundle, LogEntry } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Fixture from "./fixture.ts"

const workflow = { repository: Fixture.repository }

/** The body of a bundle's log entry, to be forged. */
const bodyOf = (bundle: Bundle.Bundle) => JSON.parse(String(Fixture.entriesOf(bundle)[0]?.canonicalizedBody))

const sign = (fixture: Fixture.Fixture, repository = workflow.repository) =>
  fixture.sigstore.signer({ repository }).signStatement(Fixture.statementOf(fixture))

const verdictOn = (fixture: Fixture.Fixture, ...bundles: ReadonlyArray<Bundle.Bundle>) =>
  Effect.gen(function*() {
    for (const bundle of bundles) yield* Fixture.putBundle(fixture, bundle)
    return yield* Fixture.refusals(Fixture.verify(fixture))
  })

describe("a log entry", () => {
  it.effect("is missing: the bundle is refused", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const bundle = yield* sign(fixture)
      assert.deepStrictEqual(yield* verdictOn(fixture, Fixture.withEntries(bundle, [])), ["LogEntryInvalid"])
    }))

  it.effect("is about other content than the bundle's: refused", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const bundle = yield* sign(fixture)
      assert(bundle.content.$case === "dsseEnvelope")
      const { dsseEnvelope } = bundle.content
      const payload = Buffer.from(dsseEnvelope.payload.toString().replace("\"predicate\":{}", "\"predicate\":[]"))
      assert.notDeepEqual(payload, dsseEnvelope.payload)
      const content = { ...bundle.content, dsseEnvelope: { ...dsseEnvelope, payload } }
      assert.deepStrictEqual(yield* verdictOn(fixture, { ...bundle, content }), ["LogEntryMismatch"])
    }))

  it.effect("names another certificate for the same signature: refused, since the log's watchers would not see it", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const bundle = yield* sign(fixture)
      const body = bodyOf(bundle)
      body.spec.signatures[0].verifier = bodyOf(yield* sign(fixture, "mallory/app")).spec.signatures[0].verifier
      const entry = yield* fixture.sigstore.appendUnchecked(body)
      assert.deepStrictEqual(yield* verdictOn(fixture, Fixture.withEntries(bundle, [entry])), ["LogEntryMismatch"])
    }))

  it.effect("counts once, however many there are of one log", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const bundle = yield* sign(fixture)
      yield* TestClock.adjust("5 seconds")
      const body = bodyOf(bundle)
      body.spec.envelopeHash.value = "00".repeat(32) // Nobody reads it, so this is another entry with the same claim.
      const again = yield* fixture.sigstore.appendUnchecked(body)
      yield* Fixture.putBundle(fixture, Fixture.withEntries(bundle, [...Fixture.entriesOf(bundle), again]))
      const verdict = (transparencyLogs: number) =>
        Fixture.refusals(Fixture.verify(fixture, { policy: Fixture.keylessPolicy({}, transparencyLogs) }))
      assert.deepStrictEqual(yield* verdict(1), ["accepted"])
      assert.deepStrictEqual(yield* verdict(2), ["LogEntryInvalid"])
    }))

  it.effect("of an unknown log hides nothing", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const foreign = (yield* Fixture.make).sigstore
      const bundle = yield* sign(fixture)
      const unknown = yield* foreign.appendUnchecked(bodyOf(bundle))
      const entries = [unknown, ...Fixture.entriesOf(bundle)]
      assert.deepStrictEqual(yield* verdictOn(fixture, Fixture.withEntries(bundle, entries)), ["accepted"])
    }))

  it.effect("has a checkpoint signed under a part of the log's name: refused", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const bundle = yield* sign(fixture)
      const [entry] = Fixture.entriesOf(bundle)
      assert(entry?.inclusionProof?.checkpoint !== undefined)
      const { inclusionProof } = entry
      const original = entry.inclusionProof.checkpoint.envelope
      const renamed = ["\u2014 r ", "x\u2014 r ", "\u2014 rekor.private.example AAAAAAAA\nx\u2014 r "].map((line) => {
        const envelope = original.replace("\u2014 rekor.private.example ", line)
        assert.notStrictEqual(envelope, original)
        return Fixture.withEntries(bundle, [{
          ...entry,
          inclusionProof: { ...inclusionProof, checkpoint: { envelope } }
        }])
      })
      assert.deepStrictEqual(yield* verdictOn(fixture, ...renamed), renamed.map(() => "LogEntryInvalid"))
    }))

  it.effect("has a forged time: refused, also where the inclusion proof holds (CVE-2026-48816)", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const bundle = yield* sign(fixture)
      const forged = Fixture.entriesOf(bundle).map((entry) => ({ ...entry, integratedTime: "2" }))
      const withoutPromise = forged.map((entry) => ({ ...entry, inclusionPromise: undefined }))
      const verdict = yield* verdictOn(
        fixture,
        Fixture.withEntries(bundle, forged),
        Fixture.withEntries(bundle, withoutPromise)
      )
      assert.sameMembers([...verdict], ["LogEntryInvalid", "TimestampUntrusted"])
    }))

  it("has a checkpoint of another origin: refused, whoever signed it", () => {
    const id = Buffer.from("0123456789")
    const signature = Buffer.concat([id.subarray(0, 4), Buffer.from("signature")]).toString("base64")
    const isRefused = (origin: string, name = "rekor.example") => {
      const envelope = `${origin}\n7\nAAAA\n\n\u2014 witness.example AAAAAAAA\n\u2014 ${name} ${signature}\n`
      const inclusionProof = { checkpoint: { envelope } }
      return Result.isFailure(LogEntry.checkCheckpointName({ inclusionProof }, { name: "rekor.example", id }))
    }
    assert.isFalse(isRefused("rekor.example"))
    assert.isFalse(isRefused("rekor.example - 1193050959916656506"))
    assert.isTrue(isRefused("rekor.example.evil.example"))
    assert.isTrue(isRefused("rekor"))
    assert.isTrue(isRefused(""))
    assert.isTrue(isRefused("rekor.example", "rekor"))
  })
})
