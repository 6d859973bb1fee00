import { assert, describe, it } from "@effect/vitest"
import { Artifact, Blob, Descriptor, HttpRegistry, MediaType, MemoryRegistry, type Registry } from "@lamina/oci"
import { Distribution28, type Fault, FaultyRegistry } from "@lamina/oci/testing"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import { runContract } from "./contract.ts"
import { bytesOf, large, largeDescriptor, reasonOf, repository, scene } from "./support/http.ts"

const blobPath = /\/blobs\/sha256:/
const sessionPath = /\/blobs\/uploads\/[0-9a-f-]{36}/
const pushed = Uint8Array.from(large, (byte) => byte ^ 0xff)
const pushedDescriptor = Descriptor.ofBytes(MediaType.octetStream, pushed)
const chunks = Array.from({ length: 10 }, (_, index) => pushed.subarray(index * 100_000, (index + 1) * 100_000))

const methods = (server: FaultyRegistry.Faulty) => server.requests.map(({ method }) => method)

describe("downloads", () => {
  it.live("go on where they were when the connection breaks, with a closed range", () =>
    Effect.gen(function*() {
      const { registry, server } = yield* scene([
        { method: "GET", path: blobPath, times: 1, mishap: { _tag: "Cut", atByte: 300_000 } },
        { method: "GET", path: blobPath, after: 0, times: 1, mishap: { _tag: "Cut", atByte: 200_000 } }
      ])
      assert.deepStrictEqual(yield* Blob.getBytes(registry, repository, largeDescriptor), large)
      const ranges = server.requests.slice(1).map(({ headers }) => headers.get("range") ?? "")
      assert.isNotEmpty(ranges)
      for (const range of ranges) assert.match(range, /^bytes=[1-9][0-9]*-999999$/)
    }))

  it.live("skip what they have when the registry ignores the range", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([
        { method: "GET", path: blobPath, times: 1, mishap: { _tag: "Cut", atByte: 300_000 } }
      ], { profile: (next) => (request) => next(new Request(request.url, { method: request.method })) })
      assert.deepStrictEqual(yield* Blob.getBytes(registry, repository, largeDescriptor), large)
    }))

  it.live("fail when the registry goes on at another place", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([
        { method: "GET", path: blobPath, times: 1, mishap: { _tag: "Cut", atByte: 300_000 } },
        { method: "GET", path: blobPath, mishap: { _tag: "Headers", set: { "content-range": "bytes 0-9/10" } } }
      ])
      const reason = yield* reasonOf(Blob.getBytes(registry, repository, largeDescriptor))
      assert.strictEqual(reason._tag, "UnexpectedResponse")
    }))

  it.live("of a part stop at the end of the blob, and refuse what is no range", () =>
    Effect.gen(function*() {
      const { registry, server } = yield* scene([])
      const part = (start: number, end: number) =>
        registry.getBlob(repository, largeDescriptor.digest, { size: large.byteLength, range: { start, end } }).pipe(
          Effect.flatMap(({ stream }) => Stream.mkUint8Array(stream)),
          Effect.scoped
        )
      assert.deepStrictEqual(yield* part(999_990, 1_000_005), large.slice(999_990))
      for (const [start, end] of [[5, 3], [-1, 3], [0.5, 3], [NaN, 3]] as const) {
        assert.strictEqual((yield* reasonOf(part(start, end)))._tag, "Malformed", `${start}-${end}`)
      }
      assert.strictEqual(server.requests.length, 1)
    }))

  it.live("give up after so many tries", () =>
    Effect.gen(function*() {
      const { registry, server } = yield* scene([
        { method: "GET", path: blobPath, mishap: { _tag: "Cut", atByte: 10 } }
      ])
      assert.strictEqual((yield* reasonOf(Blob.getBytes(registry, repository, largeDescriptor)))._tag, "Unavailable")
      assert.strictEqual(server.requests.length, 3)
    }))
})

describe("requests", () => {
  const busy = (headers?: Record<string, string>): Fault.Fault => ({
    path: /\/manifests\//,
    times: 2,
    mishap: { _tag: "Answer", status: headers === undefined ? 503 : 429, headers: headers ?? {} }
  })

  it.live("are sent again when the registry is busy", () =>
    Effect.gen(function*() {
      const { artifact, registry, server } = yield* scene([busy()])
      assert.deepStrictEqual(yield* registry.resolve(repository, "v1"), artifact)
      assert.strictEqual(server.requests.length, 3)
    }))

  it.live("wait as long as the registry asks, unless that is too long", () =>
    Effect.gen(function*() {
      const patient = yield* scene([busy({ "retry-after": "0" })])
      assert.deepStrictEqual(yield* patient.registry.resolve(repository, "v1"), patient.artifact)
      const far = yield* scene([busy({ "retry-after": "3600" })])
      const reason = yield* reasonOf(far.registry.resolve(repository, "v1"))
      assert.strictEqual(reason._tag === "RateLimited" ? reason.retryAfterMillis : undefined, 3_600_000)
      assert.strictEqual(far.server.requests.length, 1)
      const date = yield* scene([busy({ "retry-after": "Fri, 01 Jan 2100 00:00:00 GMT" })])
      assert.strictEqual((yield* reasonOf(date.registry.resolve(repository, "v1")))._tag, "RateLimited")
    }))

  it.live("fail with the registry's own words", () =>
    Effect.gen(function*() {
      const body = JSON.stringify({ errors: [{ code: "TEAPOT", message: "short and stout" }] })
      const { registry } = yield* scene([{ mishap: { _tag: "Answer", status: 418, body } }])
      const error = yield* Effect.flip(registry.getManifest(repository, "v1"))
      assert.match(error.message, /HTTP 418 TEAPOT.*short and stout/)
    }))

  it.live("do not wait for a body that nobody needs, however slowly it comes", () =>
    Effect.gen(function*() {
      const drip = () =>
        new ReadableStream<Uint8Array>({
          pull: (controller) =>
            new Promise((resolve) => setTimeout(resolve, 100)).then(() => controller.enqueue(new Uint8Array(1)))
        })
      const server = yield* FaultyRegistry.listenHandler(() => Promise.resolve(new Response(drip(), { status: 202 })))
      const registry = yield* HttpRegistry.make({ url: server.url })
      yield* registry.deleteBlob(repository, pushedDescriptor.digest)
      assert.deepStrictEqual(methods(server), ["DELETE"])
    }))

  it.live("say when nobody answers", () =>
    Effect.gen(function*() {
      const registry = yield* HttpRegistry.make({ url: "http://127.0.0.1:1", retry: { times: 1, initialMillis: 1 } })
      assert.strictEqual((yield* reasonOf(registry.resolve(repository, "v1")))._tag, "Unavailable")
    }))
})

describe("uploads", () => {
  it.live("are cancelled when they fail", () =>
    Effect.gen(function*() {
      const { registry, server } = yield* scene([])
      const content = Stream.concat(Stream.fromIterable(chunks.slice(0, 9)), Stream.succeed(new Uint8Array(100_000)))
      const long = { ...pushedDescriptor, size: 2_000_000 }
      for (const descriptor of [pushedDescriptor, long]) {
        const padded = descriptor === long ? Stream.concat(content, content) : content
        const reason = yield* reasonOf(registry.putBlob(repository, descriptor, padded))
        assert.strictEqual(reason._tag, "DigestMismatch")
      }
      const upload = Effect.scoped(
        Effect.flatMap(registry.startUpload(repository), (upload) => upload.commit(pushedDescriptor.digest))
      )
      assert.strictEqual((yield* reasonOf(upload))._tag, "DigestMismatch")
      assert.strictEqual(methods(server).filter((method) => method === "DELETE").length, 2)
    }))

  it.live("are cancelled when they are interrupted", () =>
    Effect.gen(function*() {
      const { registry, server } = yield* scene([])
      const content = Stream.concat(Stream.fromIterable(chunks), Stream.never)
      const fiber = yield* Effect.forkChild(
        registry.putBlob(repository, { ...pushedDescriptor, size: 2_000_000 }, content)
      )
      while (!methods(server).includes("PUT")) yield* Effect.sleep("5 millis")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(methods(server).at(-1), "DELETE")
    }))

  it.live("go in chunks when the blob is large, and in one request when it is not", () =>
    Effect.gen(function*() {
      const inChunks = yield* scene([], { upload: { monolithicBytes: 1000, chunkBytes: 300_000 } })
      yield* inChunks.registry.putBlob(repository, pushedDescriptor, Stream.fromIterable(chunks))
      assert.deepStrictEqual(methods(inChunks.server), ["HEAD", "POST", "PATCH", "PATCH", "PATCH", "PATCH", "PUT"])
      assert.deepStrictEqual(
        inChunks.server.requests.flatMap(({ headers }) => headers.get("content-range") ?? []),
        ["0-299999", "300000-599999", "600000-899999", "900000-999999"]
      )
      assert.deepStrictEqual(yield* Blob.getBytes(inChunks.memory, repository, pushedDescriptor), pushed)
      const atOnce = yield* scene([])
      yield* atOnce.registry.putBlob(repository, pushedDescriptor, Stream.fromIterable(chunks))
      assert.deepStrictEqual(methods(atOnce.server), ["HEAD", "POST", "PUT"])
    }))

  it.live("go in chunks when one request is too large for somebody on the way", () =>
    Effect.gen(function*() {
      const { memory, registry } = yield* scene([
        { method: "PUT", path: sessionPath, times: 1, mishap: { _tag: "Answer", status: 413 } }
      ], { upload: { chunkBytes: 300_000 } })
      yield* registry.putBlob(repository, pushedDescriptor, pushed)
      assert.deepStrictEqual(yield* Blob.getBytes(memory, repository, pushedDescriptor), pushed)
    }))

  for (const atByte of [0, 100_000, 300_000]) {
    const settings = { upload: { monolithicBytes: 1000, chunkBytes: 300_000 } }
    const cut: Fault.Fault = { method: "PATCH", after: 1, times: 1, mishap: { _tag: "CutRequest", atByte } }

    it.live(`of a stream never send bytes twice when a chunk breaks off after ${atByte} bytes`, () =>
      Effect.gen(function*() {
        const { memory, registry } = yield* scene([cut], settings)
        const upload = yield* registry.startUpload(repository)
        const result = yield* Effect.result(Effect.gen(function*() {
          let offset = 0
          for (const chunk of chunks) offset = yield* upload.write(chunk, offset)
          yield* upload.commit(pushedDescriptor.digest)
        }))
        // A part of a chunk that has arrived cannot be taken back; only from all or nothing of it can one go on.
        assert.strictEqual(result._tag, atByte === 100_000 ? "Failure" : "Success")
        if (result._tag === "Success") {
          assert.deepStrictEqual(yield* Blob.getBytes(memory, repository, pushedDescriptor), pushed)
        } else {
          assert.strictEqual(result.failure.reason._tag, "Unavailable")
        }
      }))

    it.live(`of bytes survive a chunk that breaks off after ${atByte} bytes`, () =>
      Effect.gen(function*() {
        const { memory, registry } = yield* scene([cut], settings)
        yield* registry.putBlob(repository, pushedDescriptor, pushed)
        assert.deepStrictEqual(yield* Blob.getBytes(memory, repository, pushedDescriptor), pushed)
      }))
  }

  it.live("go on where the registry says when it is asked how far they are", () =>
    Effect.gen(function*() {
      let states = 0
      const withStates: (next: Fault.Handler) => Fault.Handler = (next) => (request) => {
        const url = new URL(request.url)
        const state = url.searchParams.get("_state")
        if (!sessionPath.test(url.pathname) && request.method !== "POST") return next(request)
        if (request.method !== "POST" && state !== String(states)) {
          return Promise.resolve(new Response(null, { status: 404 }))
        }
        url.searchParams.delete("_state")
        const init: RequestInit & { readonly duplex: "half" } = {
          method: request.method,
          headers: request.headers,
          body: request.body,
          duplex: "half"
        }
        return next(new Request(url, init)).then((response) => {
          if (!response.headers.has("docker-upload-uuid")) return response
          states += 1
          const headers = new Headers(response.headers)
          headers.set("location", `${response.headers.get("location")}?_state=${states}`)
          return new Response(response.body, { status: response.status, headers })
        })
      }
      const { memory, registry, server } = yield* scene([
        { method: "PATCH", after: 1, times: 1, mishap: { _tag: "Answer", status: 503 } }
      ], { upload: { monolithicBytes: 1000, chunkBytes: 300_000 }, profile: withStates })
      yield* registry.putBlob(repository, pushedDescriptor, Stream.fromIterable(chunks))
      assert.deepStrictEqual(yield* Blob.getBytes(memory, repository, pushedDescriptor), pushed)
      assert.include(methods(server), "GET")
    }).pipe(Effect.scoped))

  it.live("of bytes begin again when the registry breaks off", () =>
    Effect.gen(function*() {
      const { memory, registry, server } = yield* scene([
        { method: "PUT", path: sessionPath, times: 1, mishap: { _tag: "CutRequest", atByte: 1000 } },
        { method: "PUT", path: sessionPath, after: 1, times: 1, mishap: { _tag: "Answer", status: 503 } }
      ])
      yield* registry.putBlob(repository, pushedDescriptor, pushed)
      assert.deepStrictEqual(yield* Blob.getBytes(memory, repository, pushedDescriptor), pushed)
      assert.strictEqual(methods(server).filter((method) => method === "POST").length, 3)
    }))

  it.live("stop when the registry counts other bytes than were sent", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([
        { method: "PATCH", mishap: { _tag: "Headers", set: { range: "0-5" } } }
      ], { upload: { monolithicBytes: 1000, chunkBytes: 300_000 } })
      const reason = yield* reasonOf(registry.putBlob(repository, pushedDescriptor, Stream.fromIterable(chunks)))
      assert.strictEqual(reason._tag, "UnexpectedResponse")
    }))

  it.live("notice that the registry has stored something else", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([
        { method: "PUT", mishap: { _tag: "Headers", set: { "docker-content-digest": `sha256:${"0".repeat(64)}` } } }
      ])
      const bytes = bytesOf("other")
      const put = registry.putBlob(repository, Descriptor.ofBytes(MediaType.octetStream, bytes), bytes)
      assert.strictEqual((yield* reasonOf(put))._tag, "DigestMismatch")
    }))

  it.live("of one blob at the same time happen once", () =>
    Effect.gen(function*() {
      const { registry, server } = yield* scene([])
      const put = registry.putBlob(repository, pushedDescriptor, pushed)
      yield* Effect.all(Array.from({ length: 8 }, () => put), { concurrency: "unbounded" })
      assert.strictEqual(methods(server).filter((method) => method === "PUT").length, 1)
    }))
})

describe("HttpRegistry over docker-registry 2.8 as imitated", () => {
  runContract(
    Effect.gen(function*() {
      const server = yield* FaultyRegistry.listen(yield* MemoryRegistry.make(), { profile: Distribution28.imitate })
      return yield* HttpRegistry.make({ url: server.url })
    }),
    { lacks: ["tag-deletion"] }
  )

  it.live("says that tags cannot be deleted", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([], { profile: Distribution28.imitate })
      assert.strictEqual((yield* reasonOf(registry.deleteManifest(repository, "v1")))._tag, "Unsupported")
    }))

  it.live("keeps the referrers of two clients of which neither has seen what the other wrote", () =>
    Effect.gen(function*() {
      const { handsOn, holdBack } = meetingOfTwo()
      const profile = (handler: Fault.Handler) => handsOn(Distribution28.imitate(handler))
      const { artifact, memory, registry, server } = yield* scene([], { profile })
      const attach = (client: Registry.Registry, name: string) =>
        Artifact.attach(client, repository, artifact, { artifactType: "text/x", annotations: { name } })
      yield* attach(registry, "first")
      holdBack()
      yield* Effect.forEach(
        ["a", "b"],
        (name) => Effect.flatMap(HttpRegistry.make({ url: server.url }), (client) => attach(client, name)),
        { concurrency: "unbounded" }
      )
      const { bytes } = yield* memory.getManifest(repository, artifact.digest.replace(":", "-"))
      const index: { readonly manifests: ReadonlyArray<unknown> } = JSON.parse(Buffer.from(bytes).toString())
      assert.strictEqual(index.manifests.length, 3)
    }))
})

/** Once told so, holds writes of a referrers index back until two are there: both have read what was before. */
const meetingOfTwo = () => {
  const waiting: Array<() => void> = []
  let isHolding = false
  const handsOn = (handler: Fault.Handler): Fault.Handler => async (request) => {
    if (isHolding && request.method === "PUT" && request.url.includes("/manifests/sha256-")) {
      const meeting = new Promise<void>((resolve) => waiting.push(resolve))
      if (waiting.length === 2) {
        isHolding = false
        for (const goOn of waiting) goOn()
      }
      await meeting
    }
    return handler(request)
  }
  const holdBack = () => {
    isHolding = true
  }
  return { handsOn, holdBack }
}
