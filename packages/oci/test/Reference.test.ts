import { assert, describe, it } from "@effect/vitest"
import { Digest, Reference } from "@lamina/oci"
import * as Result from "effect/Result"
import * as fc from "fast-check"

const digest = Digest.ofBytes(new Uint8Array(0))
const word = fc.stringMatching(/^[a-z0-9]{1,8}$/)
const component = fc.array(word, { minLength: 1, maxLength: 3 }).chain((words) =>
  fc.constantFrom(".", "_", "__", "-", "---").map((separator) => words.join(separator))
)
const references = fc.record({
  registry: fc.option(
    fc.constantFrom("localhost", "registry.example", "r:5000", "[::1]:5000", "127.0.0.1", "UP.example"),
    {
      nil: undefined
    }
  ),
  repository: fc.array(component, { minLength: 1, maxLength: 4 })
    .map((components) => components.join("/"))
    // The first component of a name without a registry must not look like one.
    .filter((name) => !name.startsWith("localhost/")),
  tag: fc.option(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,20}$/), { nil: undefined }),
  digest: fc.option(fc.constant(digest), { nil: undefined })
})

describe("Reference", () => {
  it("reads back what it writes", () => {
    fc.assert(fc.property(references, (reference) => {
      fc.pre(reference.registry !== undefined || !/^[^/]*\.[^/]*\//.test(reference.repository))
      const text = Reference.format(reference)
      const parsed = Result.getOrThrow(Reference.parse(text))
      assert.deepStrictEqual({ tag: undefined, digest: undefined, registry: undefined, ...parsed }, reference)
    }))
  })

  it("tells registries from repositories", () => {
    const registryOf = (text: string) => Result.getOrThrow(Reference.parse(text)).registry
    assert.strictEqual(registryOf("localhost/a"), "localhost")
    assert.strictEqual(registryOf("library/a"), undefined)
    assert.strictEqual(registryOf("a.b/c"), "a.b")
    assert.strictEqual(registryOf("host:80/c"), "host:80")
    assert.strictEqual(registryOf("a:80"), undefined)
  })

  it("prefers the digest to the tag", () => {
    const reference = Result.getOrThrow(Reference.parse(`a/b:v1@${digest}`))
    assert.strictEqual(reference.tag, "v1")
    assert.strictEqual(Reference.version(reference), digest)
  })

  it("refuses what is none", () => {
    const bad = [
      "",
      "/",
      "A",
      "a/",
      "/a",
      "a//b",
      "a:",
      "a@",
      "a:b:c/d:",
      "a@sha256:x",
      "a b",
      "a/../b",
      "..",
      "é",
      "a:.x"
    ]
    const hosts = ["host:0/a", "host:65536/a", "-host.x/a", "host..x/a", "[::1/a", "ho_st.x/a"]
    const digests = [
      digest.toUpperCase(),
      "md5:d41d8cd98f00b204e9800998ecf8427e",
      `${digest}0`,
      `sha512:${Digest.hex(digest)}`
    ]
    const long = [`${"a".repeat(256)}`, `a:${"x".repeat(129)}`]
    for (const text of [...bad, ...hosts, ...digests.map((digest) => `a@${digest}`), ...long]) {
      assert.isTrue(Result.isFailure(Reference.parse(text)), text)
    }
  })

  it("answers adversarial names as fast as others", () => {
    // The exponential pattern needs hours for these; the linear one is not measurable.
    for (
      const text of [`${"a".repeat(250)}!`, `${"a-".repeat(120)}!`, `${"a__".repeat(80)}!`, `${"a/".repeat(120)}!`]
    ) {
      assert.isTrue(Result.isFailure(Reference.parse(text)))
      assert.isFalse(Reference.isRegistry(text))
    }
  })

  it("never throws", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => {
      const result = Reference.parse(text)
      if (Result.isSuccess(result)) assert.strictEqual(Reference.format(result.success), text)
    }))
  })
})
