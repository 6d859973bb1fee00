import { assert, describe, it } from "@effect/vitest"
import { Manifest } from "@lamina/oci"
import { Attachment, SimpleSigning } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Fixture from "./fixture.ts"

const workflow = { repository: Fixture.repository }

/** Signs, then writes the `.sig` tag anew with its layers' annotations changed. */
const signAndChange = (
  fixture: Fixture.Fixture,
  times: number,
  change: (layers: ReadonlyArray<Record<string, string>>) => ReadonlyArray<Record<string, string>>
) =>
  Effect.gen(function*() {
    const { registry, target } = fixture
    for (let time = 0; time < times; time++) {
      yield* fixture.sigstore.signer(workflow).sign({
        ...target,
        form: "simplesigning",
        annotations: { time: String(time) }
      })
    }
    const tag = SimpleSigning.tag(target.digest)
    const { bytes } = yield* registry.getManifest(Fixture.repository, tag)
    const manifest = JSON.parse(new TextDecoder().decode(bytes))
    const annotations = change(manifest.layers.map((layer: { annotations: object }) => layer.annotations))
    const layers = manifest.layers.map((layer: object, index: number) => ({
      ...layer,
      annotations: annotations[index]
    }))
    yield* registry.putManifest(Fixture.repository, Manifest.image({ config: manifest.config, layers }), {
      tags: [tag]
    })
  })

const { bundle, certificate, chain, signature } = SimpleSigning.annotation

describe("signatures under a .sig tag", () => {
  it.effect("hold with an empty chain, as cosign 3 writes it", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* signAndChange(fixture, 1, (layers) => layers.map((layer) => ({ ...layer, [chain]: "" })))
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["accepted"])
    }))

  it.effect("are refused when their log entries are swapped (CVE-2022-23649)", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* signAndChange(fixture, 2, (layers) =>
        layers.map((layer, index) => ({ ...layer, [bundle]: layers[1 - index]?.[bundle] ?? "" })))
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["LogEntryMismatch", "LogEntryMismatch"])
    }))

  it.effect("are refused without a log entry, without a certificate, and with another signature", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* signAndChange(fixture, 4, ([first = {}, second = {}, third = {}, fourth = {}]) => [
        { ...first, [bundle]: "" },
        { ...second, [certificate]: "" },
        { ...third, [signature]: fourth[signature] ?? "" },
        { ...fourth, [signature]: "" }
      ])
      assert.sameMembers([...yield* Fixture.refusals(Fixture.verify(fixture))], [
        "LogEntryInvalid",
        "IdentityMismatch",
        "LogEntryMismatch",
        "MalformedBundle"
      ])
    }))

  it.effect("are refused where an annotation is not what it should be", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* signAndChange(fixture, 3, ([first = {}, second = {}, third = {}]) => [
        { ...first, [bundle]: "{}" },
        { ...second, [certificate]: "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----" },
        { ...third, [SimpleSigning.annotation.timestamp]: "null" }
      ])
      const refusals = yield* Fixture.refusals(Fixture.verify(fixture))
      assert.deepStrictEqual(refusals, ["MalformedBundle", "MalformedBundle", "MalformedBundle"])
    }))

  it.effect("ignore the reference in the payload, which names a repository that may have been copied", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* fixture.sigstore.signer(workflow).sign({ ...fixture.target, form: "simplesigning", name: "other/name" })
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["accepted"])
    }))

  it.effect("are found in a referrer too, once each (cosign's OCI 1.1 mode)", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const { simpleSigning } = yield* fixture.sigstore.signer(workflow).sign({
        ...fixture.target,
        form: "simplesigning"
      })
      const { bytes } = yield* fixture.registry.getManifest(Fixture.repository, simpleSigning?.digest ?? "")
      const { config, layers } = JSON.parse(new TextDecoder().decode(bytes))
      yield* fixture.registry.putManifest(
        Fixture.repository,
        Manifest.image({
          artifactType: "application/vnd.dev.cosign.artifact.sig.v1+json",
          config,
          layers,
          subject: Fixture.fixtureTarget(fixture).image
        })
      )
      assert.strictEqual((yield* Fixture.verify(fixture)).evidence.length, 1)
      yield* fixture.registry.deleteManifest(Fixture.repository, SimpleSigning.tag(fixture.image.digest))
      assert.strictEqual((yield* Fixture.verify(fixture)).evidence.length, 1)
    }))

  it.effect("are not written over something that is no list of signatures", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      const tags = [SimpleSigning.tag(fixture.image.digest)]
      const index = yield* fixture.registry.putManifest(Fixture.repository, Manifest.index({ manifests: [] }), { tags })
      const sign = fixture.sigstore.signer(workflow).sign({ ...fixture.target, form: "simplesigning" })
      assert.match((yield* Effect.flip(sign)).message, /expected an image manifest/)
      assert.deepStrictEqual(yield* fixture.registry.resolve(Fixture.repository, tags[0] ?? ""), index)
    }))

  it.effect("are told apart from a manifest that is none", () =>
    Effect.gen(function*() {
      const fixture = yield* Fixture.make
      yield* Attachment.putSimpleSigning(Fixture.fixtureTarget(fixture), {
        payload: SimpleSigning.encode({ reference: "x", digest: fixture.image.digest }),
        annotations: {}
      })
      assert.deepStrictEqual(yield* Fixture.refusals(Fixture.verify(fixture)), ["MalformedBundle"])
    }))
})
