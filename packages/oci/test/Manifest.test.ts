import { assert, describe, it } from "@effect/vitest"
import { Descriptor, Digest, Manifest, MediaType, Referrers } from "@lamina/oci"
import * as Result from "effect/Result"
import * as fc from "fast-check"

const bytesOf = (text: string) => new TextEncoder().encode(text)
const part = Manifest.emptyDescriptor
const image = { schemaVersion: 2, mediaType: MediaType.imageManifest, config: part, layers: [part] }
const index = { schemaVersion: 2, mediaType: MediaType.imageIndex, manifests: [part] }

const refusal = (text: string, mediaType: string = MediaType.imageManifest, maximumBytes?: number): string => {
  const result = Manifest.parse(bytesOf(text), mediaType, { maximumBytes })
  return Result.isFailure(result) ? result.failure.message : "accepted"
}

const descriptors = fc.record({
  mediaType: fc.constantFrom("text/plain", MediaType.layerTar),
  digest: fc.string().map((text) => Digest.ofBytes(bytesOf(text))),
  size: fc.nat(),
  annotations: fc.dictionary(fc.string(), fc.string())
})

describe("Manifest", () => {
  it("parses what it builds, whatever is in it", () => {
    fc.assert(fc.property(
      descriptors,
      fc.array(descriptors, { minLength: 1 }),
      fc.option(descriptors, { nil: undefined }),
      fc.dictionary(fc.string(), fc.string()),
      (config, layers, subject, annotations) => {
        const built = Manifest.image({ config, layers, subject, annotations, artifactType: "text/x" })
        const parsed = Result.getOrThrow(Manifest.parse(built.bytes, built.mediaType))
        assert.deepStrictEqual(Manifest.children(parsed), [config, ...layers])
        assert.deepStrictEqual(parsed.document.subject?.digest, subject?.digest)
        assert.deepStrictEqual({ ...parsed.document.annotations }, { ...annotations })
        assert.strictEqual(Digest.ofBytes(built.bytes), built.descriptor.digest)
      }
    ))
  })

  it("gives equal documents equal bytes", () => {
    const one = Manifest.artifact({ artifactType: "text/x", annotations: { a: "1", b: "2" } })
    const two = Manifest.artifact({ annotations: { b: "2", a: "1" }, artifactType: "text/x" })
    assert.deepStrictEqual(one, two)
  })

  it("has the empty document of the specification", () => {
    assert.strictEqual(
      part.digest,
      "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    )
    assert.strictEqual(part.size, 2)
  })

  it("keeps custom fields and unknown media types out of its way", () => {
    const odd = { ...image, custom: { a: [1, { b: null }] }, layers: [{ ...part, mediaType: "x/y", extra: true }] }
    assert.strictEqual(refusal(JSON.stringify(odd)), "accepted")
  })

  it("refuses documents that two parsers could take for two things", () => {
    const text = JSON.stringify(image)
    assert.match(refusal(JSON.stringify({ ...image, manifests: [] })), /must not have "manifests"/)
    assert.match(refusal(JSON.stringify({ ...image, fsLayers: [] })), /must not have "fsLayers"/)
    assert.match(refusal(JSON.stringify({ ...index, config: part }), MediaType.imageIndex), /must not have "config"/)
    assert.match(refusal(text, MediaType.imageIndex), /announced as .*index.* but its mediaType is .*manifest/)
    assert.match(refusal(text.replace("{", "{\"schemaVersion\":2,")), /"schemaVersion" appears twice/)
    assert.match(refusal(text.replace("{", "{\"layer\\u0073\":[],")), /"layers" appears twice/)
    assert.match(refusal(text.replace("{", "{\"Layers\":[],")), /"Layers" is not "layers"/)
    assert.match(refusal(text.replace("\"size\":2", "\"size\":2,\"size\":3")), /"size" appears twice/)
  })

  it("accepts equal keys in different objects, and commas and braces in text", () => {
    const annotations = { "a\"b": "{,[\\\"", c: "]}" }
    const text = JSON.stringify({ ...image, annotations, layers: [{ ...part, annotations }, { ...part, annotations }] })
    assert.strictEqual(refusal(text), "accepted")
  })

  it("refuses what is malformed, and says where", () => {
    assert.match(refusal("[]"), /not a JSON object/)
    assert.match(refusal("{"), /not JSON/)
    assert.match(refusal(`{"a":${"[".repeat(100)}${"]".repeat(100)}}`), /nested deeper/)
    assert.match(refusal(JSON.stringify({ ...image, layers: [{ ...part, size: -1 }] })), /size/)
    assert.match(refusal(JSON.stringify({ ...image, layers: [{ ...part, size: 2 ** 60 }] })), /size/)
    assert.match(refusal(JSON.stringify({ ...image, config: { ...part, digest: "sha256:../x" } })), /digest/)
    assert.match(refusal(JSON.stringify({ ...image, schemaVersion: 1 })), /schemaVersion/)
    assert.match(refusal(JSON.stringify(image), "application/json"), /not that of a manifest/)
    assert.match(refusal(JSON.stringify(image), MediaType.imageManifest, 10), /exceeds the limit of 10/)
    const latin1 = Result.isFailure(Manifest.parse(Uint8Array.of(0x22, 0xe9, 0x22), MediaType.imageManifest))
    assert.isTrue(latin1)
  })

  it("never throws, and never accepts what JSON.parse refuses", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.notStrictEqual(refusal(text), "accepted")
    }))
    fc.assert(fc.property(fc.json(), (text) => {
      assert.notStrictEqual(refusal(text), "accepted")
    }))
  })
})

describe("Referrers", () => {
  it("truncates the tag of a long digest to what a tag may be", () => {
    const digest = Digest.ofBytes(bytesOf("x"), "sha512")
    assert.strictEqual(Referrers.fallbackTag(digest), `sha512-${Digest.hex(digest).slice(0, 64)}`)
  })

  it("takes the config's type of an image, and none of an index", () => {
    const describe = (built: Manifest.Encoded) =>
      Referrers.describe(Result.getOrThrow(Manifest.parse(built.bytes, built.mediaType)), built.descriptor)
    const config = Descriptor.ofBytes(MediaType.imageConfig, bytesOf("{}"))
    assert.strictEqual(describe(Manifest.image({ config, layers: [] })).artifactType, MediaType.imageConfig)
    assert.isUndefined(describe(Manifest.index({ manifests: [] })).artifactType)
    const artifact = Manifest.artifact({ artifactType: "text/x", annotations: { a: "b" } })
    assert.deepStrictEqual(describe(artifact), {
      ...artifact.descriptor,
      artifactType: "text/x",
      annotations: { a: "b" }
    })
  })

  it("merges without order mattering, and without growing", () => {
    fc.assert(fc.property(fc.array(descriptors), fc.array(descriptors), (left, right) => {
      const digests = (list: ReadonlyArray<Descriptor.Descriptor>) => list.map(({ digest }) => digest).sort()
      assert.deepStrictEqual(digests(Referrers.merge(left, right)), digests(Referrers.merge(right, left)))
      const merged = Referrers.merge(left, right)
      assert.deepStrictEqual(Referrers.merge(merged, merged), merged)
      assert.deepStrictEqual(Referrers.without(merged, new Set(digests(merged))), [])
    }))
  })
})
