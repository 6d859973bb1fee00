import { assert, describe, it } from "@effect/vitest"
import {
  Artifact,
  Copy,
  Descriptor,
  HttpRegistry,
  LayoutRegistry,
  Manifest,
  MediaType,
  MemoryRegistry,
  RegistryServer
} from "@lamina/oci"
import type { Registry } from "@lamina/oci"
import { FaultyRegistry } from "@lamina/oci/testing"
import * as Effect from "effect/Effect"
import { temporaryDirectory } from "./support/dockerRegistry.ts"

const bytesOf = (text: string) => new TextEncoder().encode(text)
const type = "application/vnd.example"

/** An index of two artifacts that share a layer, one of them with a signature and a signature of that. */
const makeGraph = Effect.fnUntraced(function*(registry: Registry.Registry, repository: string) {
  const shared = { mediaType: "text/plain", bytes: bytesOf("shared".repeat(1000)) }
  const one = yield* Artifact.push(registry, repository, {
    artifactType: type,
    layers: [shared, { mediaType: "text/plain", bytes: bytesOf("one") }]
  })
  const two = yield* Artifact.push(registry, repository, { artifactType: type, layers: [shared] })
  const index = Manifest.index({ manifests: [one, two] })
  yield* registry.putManifest(repository, index, { tags: ["v1"] })
  const signature = yield* Artifact.attach(registry, repository, one, { artifactType: "text/signature" })
  const counter = yield* Artifact.attach(registry, repository, signature, { artifactType: "text/countersignature" })
  return { one, two, index: index.descriptor, signature, counter }
})

describe("Copy", () => {
  it.live("copies an index with all below it, between all kinds of registries", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      const graph = yield* makeGraph(memory, "source")
      const server = yield* RegistryServer.listen(yield* MemoryRegistry.make())
      const http = yield* HttpRegistry.make({ url: server.url })
      const layout = yield* LayoutRegistry.make({ root: yield* temporaryDirectory, durable: false })

      yield* Copy.copy(memory, "source", "v1", http, "over/http")
      yield* Copy.copy(http, "over/http", "v1", layout, "layout", { tags: ["a", "b"] })
      const root = yield* Copy.copy(layout, "layout", "b", yield* MemoryRegistry.make(), "end")

      assert.deepStrictEqual(root, graph.index)
      assert.deepStrictEqual((yield* layout.listTags("layout")).names, ["a", "b"])
      assert.deepStrictEqual(yield* layout.resolve("layout", graph.two.digest), graph.two)
      assert.deepStrictEqual(yield* layout.referrers("layout", graph.one.digest), [])
    }))

  it.live("copies referrers, and referrers of referrers, when asked to", () =>
    Effect.gen(function*() {
      const source = yield* MemoryRegistry.make()
      const graph = yield* makeGraph(source, "source")
      const target = yield* MemoryRegistry.make()
      yield* Copy.copy(source, "source", "v1", target, "target")
      yield* Copy.copy(source, "source", graph.index.digest, target, "target", { includeReferrers: true })
      const signatures = yield* target.referrers("target", graph.one.digest)
      assert.deepStrictEqual(signatures.map(({ digest }) => digest), [graph.signature.digest])
      const counters = yield* target.referrers("target", graph.signature.digest)
      assert.deepStrictEqual(counters.map(({ digest }) => digest), [graph.counter.digest])
    }))

  it.live("ends when a referrer has its own subject as a part", () =>
    Effect.gen(function*() {
      const source = yield* MemoryRegistry.make()
      const subject = yield* Artifact.push(source, "a", { artifactType: type, tags: ["v1"] })
      const index = Manifest.index({ manifests: [subject], subject, artifactType: type })
      yield* source.putManifest("a", index)
      const target = yield* MemoryRegistry.make()
      yield* Copy.copy(source, "a", "v1", target, "b", { includeReferrers: true })
      assert.strictEqual((yield* target.referrers("b", subject.digest))[0]?.digest, index.descriptor.digest)
    }))

  it.live("transfers each blob once, and nothing again that the target holds", () =>
    Effect.gen(function*() {
      const source = yield* MemoryRegistry.make()
      const graph = yield* makeGraph(source, "source")
      const server = yield* FaultyRegistry.listen(yield* MemoryRegistry.make())
      const target = yield* HttpRegistry.make({ url: server.url })
      yield* Copy.copy(source, "source", "v1", target, "target")
      const puts = server.requests.filter(({ method, path }) => method === "PUT" && path.includes("/uploads/"))
      assert.strictEqual(puts.length, 3, "the empty config, the shared layer, and one")
      const before = server.requests.length
      yield* Copy.copy(source, "source", graph.index.digest, target, "target")
      assert.deepStrictEqual(server.requests.slice(before).map(({ method }) => method), ["HEAD"])
    }))

  it.live("mounts within one registry", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      yield* makeGraph(memory, "a")
      const server = yield* FaultyRegistry.listen(memory)
      const registry = yield* HttpRegistry.make({ url: server.url })
      yield* Copy.copy(registry, "a", "v1", registry, "b")
      assert.strictEqual(server.requests.filter(({ path }) => path.includes("mount=")).length, 3)
      assert.strictEqual(
        server.requests.filter(({ method, path }) => method === "GET" && path.includes("/blobs/")).length,
        0
      )
    }))

  it.live("reports bytes that add up", () =>
    Effect.gen(function*() {
      const source = yield* MemoryRegistry.make()
      yield* makeGraph(source, "source")
      const seen: Array<Copy.Progress> = []
      yield* Copy.copy(source, "source", "v1", yield* MemoryRegistry.make(), "target", {
        onProgress: (progress) => Effect.sync(() => void seen.push(progress))
      })
      const last = seen.at(-1)
      assert.strictEqual(last?.copiedBytes, last?.totalBytes)
      assert.strictEqual(seen.filter(({ status }) => status === "copied").length, 6)
    }))

  it.live("tries a blob again when the source breaks off", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      const layer = { mediaType: "text/plain", bytes: bytesOf("broken".repeat(100_000)) }
      yield* Artifact.push(memory, "a", { artifactType: type, layers: [layer], tags: ["v1"] })
      const server = yield* FaultyRegistry.listen(memory, {
        faults: [{ method: "GET", path: /\/blobs\//, after: 1, times: 1, mishap: { _tag: "Cut", atByte: 1000 } }]
      })
      const source = yield* HttpRegistry.make({ url: server.url, retry: { times: 0 } })
      const target = yield* MemoryRegistry.make()
      yield* Copy.copy(source, "a", "v1", target, "b")
      assert.strictEqual((yield* target.resolve("b", "v1")).digest, (yield* memory.resolve("a", "v1")).digest)
    }))

  it.live("refuses graphs that are too large, before it transfers what is too much", () =>
    Effect.gen(function*() {
      const source = yield* MemoryRegistry.make({ allowSparse: true })
      const huge = { ...Descriptor.ofBytes(MediaType.octetStream, bytesOf("x")), size: 2 ** 50 }
      const manifest = Manifest.artifact({ artifactType: type, config: huge })
      yield* source.putManifest("huge", manifest, { tags: ["v1"] })
      yield* makeGraph(source, "graph")
      const target = yield* MemoryRegistry.make()
      const limits = [
        Copy.copy(source, "huge", "v1", target, "b"),
        Copy.copy(source, "graph", "v1", target, "b", { limits: { nodes: 3 } }),
        Copy.copy(source, "graph", "v1", target, "b", { limits: { depth: 0 } })
      ]
      for (const attempt of limits) {
        const error = yield* Effect.flip(attempt)
        assert.strictEqual(error.reason._tag, "LimitExceeded")
      }
      assert.strictEqual((yield* Effect.flip(target.resolve("b", "v1"))).reason._tag, "NotFound")
    }))

  it.live("says on which side it failed", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      const error = yield* Effect.flip(Copy.copy(memory, "nobody", "v1", memory, "b"))
      assert.match(error.message, /^getManifest source nobody:v1: tag v1 does not exist$/)
    }))
})
