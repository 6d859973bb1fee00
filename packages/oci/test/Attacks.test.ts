import { assert, describe, it } from "@effect/vitest"
import { Blob, Credentials, Descriptor, HttpRegistry, MediaType, MemoryRegistry, RegistryServer } from "@lamina/oci"
import { type Fault, FaultyRegistry } from "@lamina/oci/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Stream from "effect/Stream"
import { lookup } from "node:dns/promises"
import { hostname } from "node:os"
import { authorizations, bytesOf, large, largeDescriptor, reasonOf, repository, scene } from "./support/http.ts"

const password = Redacted.make("s3cret")
const credentials = Credentials.basic("alice", password)
const authorize = RegistryServer.basicAuth({ username: "alice", password })
const blobPath = /\/blobs\/sha256:/

const redirectTo = (location: string, path: RegExp = blobPath): Fault.Fault => ({
  method: "GET",
  path,
  mishap: { _tag: "Answer", status: 307, headers: { location } }
})

const pull = (registry: Parameters<typeof Blob.getBytes>[0]) => Blob.getBytes(registry, repository, largeDescriptor)

describe("a registry that redirects", () => {
  it.live("does not see its credentials handed to the storage host", () =>
    Effect.gen(function*() {
      const storage = yield* FaultyRegistry.listenHandler(() => Promise.resolve(new Response(large.slice())))
      const { registry, server } = yield* scene([redirectTo(`${storage.url}/signed?x=1`)], {
        authorize,
        credentials,
        allowPrivateTargets: true
      })
      yield* registry.listTags(repository)
      assert.deepStrictEqual(yield* pull(registry), large)
      assert.isNotEmpty(authorizations(server))
      assert.deepStrictEqual(authorizations(storage), [])
      assert.isUndefined(storage.requests[0]?.headers.get("cookie"))
    }))

  it.live("gets the credentials again when the storage host leads back", () =>
    Effect.gen(function*() {
      let back = ""
      const storage = yield* FaultyRegistry.listenHandler(() =>
        Promise.resolve(new Response(null, { status: 302, headers: { location: back } }))
      )
      const { registry, server } = yield* scene([{ ...redirectTo(storage.url), times: 2 }], {
        authorize,
        credentials,
        allowPrivateTargets: true
      })
      back = `${server.url}/v2/${repository}/blobs/${largeDescriptor.digest}`
      assert.deepStrictEqual(yield* pull(registry), large)
      assert.deepStrictEqual(authorizations(storage), [])
      assert.isDefined(server.requests.at(-1)?.headers.get("authorization"))
    }))

  it.live("cannot send the client to hosts that only the client reaches", () =>
    Effect.gen(function*() {
      const inside = yield* FaultyRegistry.listenHandler(() => Promise.resolve(new Response(large.slice())))
      const targets = [
        inside.url,
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0:9/",
        "http://[::1]:9/",
        "http://[::ffff:127.0.0.1]:9/",
        "http://2130706433:9/",
        "http://0177.0.0.1:9/",
        "http://localhost:9/",
        "http://10.0.0.1/",
        "http://metadata.localhost/",
        "http://user:pw@example.com/",
        "file:///etc/passwd"
      ]
      for (const target of targets) {
        const { registry } = yield* scene([redirectTo(target)])
        assert.strictEqual((yield* reasonOf(pull(registry)))._tag, "UnsafeRedirect", target)
      }
      assert.deepStrictEqual(inside.requests, [])
    }))

  it.live("cannot do so by a name that leads to such a host", () =>
    Effect.gen(function*() {
      const name = hostname()
      const known = yield* Effect.promise(() => lookup(name).then(() => !name.includes("localhost"), () => false))
      if (!known) return console.log("skipped: this machine's own name does not resolve")
      const { registry, server } = yield* scene([redirectTo(`http://${name}:9/x`)], { retry: { times: 0 } })
      const error = yield* Effect.flip(pull(registry))
      assert.match(error.message, /does not lead to a public address/)
      assert.strictEqual(server.requests.length, 1)
    }))

  it.live("cannot make the client run in circles", () =>
    Effect.gen(function*() {
      const { registry, server } = yield* scene([redirectTo(`/v2/${repository}/blobs/${largeDescriptor.digest}`)])
      assert.strictEqual((yield* reasonOf(pull(registry)))._tag, "UnsafeRedirect")
      assert.isBelow(server.requests.length, 8)
    }))

  it.live("does not start an exchange of credentials with the storage host's 401", () =>
    Effect.gen(function*() {
      const storage = yield* FaultyRegistry.listenHandler(() =>
        Promise.resolve(new Response(null, { status: 401, headers: { "www-authenticate": "Basic realm=\"evil\"" } }))
      )
      const { registry } = yield* scene([redirectTo(storage.url)], {
        authorize,
        credentials,
        allowPrivateTargets: true
      })
      yield* registry.listTags(repository)
      assert.strictEqual((yield* reasonOf(pull(registry)))._tag, "Unauthorized")
      assert.deepStrictEqual(authorizations(storage), [])
    }))

  it.live("does not get manifests or uploads sent elsewhere", () =>
    Effect.gen(function*() {
      const elsewhere = yield* FaultyRegistry.listenHandler(() => Promise.resolve(new Response(null, { status: 201 })))
      const faults: ReadonlyArray<Fault.Fault> = [{
        method: "PUT",
        mishap: { _tag: "Answer", status: 307, headers: { location: elsewhere.url } }
      }]
      const { memory, registry } = yield* scene(faults, { allowPrivateTargets: true })
      const { bytes, descriptor } = yield* memory.getManifest(repository, "v1")
      const put = registry.putManifest(repository, { bytes, mediaType: descriptor.mediaType }, { tags: ["v2"] })
      assert.strictEqual((yield* reasonOf(put))._tag, "UnsafeRedirect")
      assert.deepStrictEqual(elsewhere.requests, [])
    }))
})

describe("a registry that names an upload location elsewhere", () => {
  const locate = (location: string): Fault.Fault => ({
    method: "POST",
    mishap: { _tag: "Headers", set: { location } }
  })
  const blob = bytesOf("pushed")
  const pushed = Descriptor.ofBytes(MediaType.octetStream, blob)

  it.live("is refused when only the client reaches it, and gets no credentials there otherwise", () =>
    Effect.gen(function*() {
      const elsewhere = yield* FaultyRegistry.listenHandler(() => Promise.resolve(new Response(null, { status: 201 })))
      const refused = yield* scene([locate(`${elsewhere.url}/u`)], { authorize, credentials })
      const reason = yield* reasonOf(refused.registry.putBlob(repository, pushed, blob))
      assert.strictEqual(reason._tag, "UnsafeRedirect")
      assert.deepStrictEqual(elsewhere.requests, [])

      const allowed = yield* scene([locate(`${elsewhere.url}/u?state=1`)], {
        authorize,
        credentials,
        allowPrivateTargets: true
      })
      yield* allowed.registry.putBlob(repository, pushed, blob)
      assert.deepStrictEqual(authorizations(elsewhere), [])
      assert.strictEqual(elsewhere.requests[0]?.path, `/u?state=1&digest=${encodeURIComponent(pushed.digest)}`)
    }))
})

describe("a registry with endless or foreign lists", () => {
  const link = (to: string, path: RegExp): Fault.Fault => ({
    path,
    mishap: { _tag: "Headers", set: { link: `<${to}>; rel="next"` } }
  })

  it.live("is not followed to another origin or list", () =>
    Effect.gen(function*() {
      const elsewhere = yield* FaultyRegistry.listenHandler(() => Promise.resolve(Response.json({ tags: ["evil"] })))
      const samePath = `${elsewhere.url}/v2/${repository}/tags/list?last=a`
      for (const to of [samePath, "/v2/other/tags/list?last=a", "//evil.example/v2/"]) {
        const { registry } = yield* scene([link(to, /tags\/list/)])
        assert.strictEqual((yield* reasonOf(registry.listTags(repository)))._tag, "UnsafeRedirect", to)
      }
      assert.deepStrictEqual(elsewhere.requests, [])
    }))

  it.live("goes on where a page says, with tokens of the registry's own, but only on the same list", () =>
    Effect.gen(function*() {
      const path = `/v2/${repository}/tags/list`
      const server = yield* FaultyRegistry.listenHandler((request) => {
        const last = new URL(request.url).searchParams.get("token")
        const link = { link: `<${path}?token=two>; rel=next` }
        return Promise.resolve(
          last === "two" ? Response.json({ tags: ["c"] }) : Response.json({ tags: ["b", "a"] }, { headers: link })
        )
      })
      const registry = yield* HttpRegistry.make({ url: server.url })
      const first = yield* registry.listTags(repository, { limit: 2 })
      assert.deepStrictEqual(first.names, ["a", "b"])
      const second = yield* registry.listTags(repository, { limit: 2, last: first.next })
      assert.deepStrictEqual(second, { names: ["c"] })
      const before = server.requests.length
      for (const last of ["/v2/other/tags/list?token=two", "//evil.example/v2/x", `/v2/${repository}/manifests/v1`]) {
        assert.strictEqual((yield* reasonOf(registry.listTags(repository, { last })))._tag, "Malformed")
      }
      assert.strictEqual(server.requests.length, before)
    }))

  it.live("is stopped when a page leads to itself, or there are too many", () =>
    Effect.gen(function*() {
      const { artifact } = yield* scene([])
      const path = `/v2/${repository}/referrers/${artifact.digest}`
      const same = yield* scene([link(path, /referrers/)])
      const { registry } = same
      assert.strictEqual((yield* reasonOf(registry.referrers(repository, artifact.digest)))._tag, "UnsafeRedirect")

      let page = 0
      const endless = yield* FaultyRegistry.listenHandler(() =>
        Promise.resolve(
          new Response(JSON.stringify({ schemaVersion: 2, manifests: [] }), {
            headers: {
              "content-type": "application/vnd.oci.image.index.v1+json",
              link: `<${path}?page=${++page}>; rel="next"`
            }
          })
        )
      )
      const patient = yield* HttpRegistry.make({ url: endless.url, limits: { listPages: 7 } })
      assert.strictEqual((yield* reasonOf(patient.referrers(repository, artifact.digest)))._tag, "UnexpectedResponse")
      assert.strictEqual(endless.requests.length, 7)
    }))

  it.live("is stopped when its pages are too much together, though each is small enough", () =>
    Effect.gen(function*() {
      const { artifact } = yield* scene([])
      const path = `/v2/${repository}/referrers/${artifact.digest}`
      let page = 0
      const body = JSON.stringify({ schemaVersion: 2, manifests: [], annotations: { padding: "x".repeat(3000) } })
      const headers = { "content-type": MediaType.imageIndex }
      const large = yield* FaultyRegistry.listenHandler(() =>
        Promise.resolve(new Response(body, { headers: { ...headers, link: `<${path}?page=${++page}>; rel="next"` } }))
      )
      const registry = yield* HttpRegistry.make({ url: large.url, limits: { manifestBytes: 4096 } })
      assert.strictEqual((yield* reasonOf(registry.referrers(repository, artifact.digest)))._tag, "LimitExceeded")
      assert.isBelow(large.requests.length, 15)
    }))
})

describe("a registry with wrong content", () => {
  const heads: ReadonlyArray<readonly [string, ReadonlyArray<Fault.Fault>]> = [
    ["the right header", []],
    ["a wrong header", [{
      path: blobPath,
      mishap: { _tag: "Headers", set: { "docker-content-digest": `sha256:${"0".repeat(64)}` } }
    }]],
    ["no header", [{ path: blobPath, mishap: { _tag: "Headers", remove: ["docker-content-digest", "etag"] } }]]
  ]

  for (const [name, faults] of heads) {
    it.live(`fails for a flipped bit at any place, with ${name}`, () =>
      Effect.gen(function*() {
        for (const atByte of [0, 500_000, large.byteLength - 1]) {
          const { registry } = yield* scene([...faults, {
            method: "GET",
            path: blobPath,
            mishap: { _tag: "Corrupt", atByte }
          }])
          assert.strictEqual((yield* reasonOf(pull(registry)))._tag, "DigestMismatch")
        }
      }))
  }

  it.live("never lets the last bytes of wrong content out", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([{ method: "GET", path: blobPath, mishap: { _tag: "Corrupt", atByte: 3 } }])
      let received = 0
      const read = Effect.scoped(Effect.flatMap(
        registry.getBlob(repository, largeDescriptor.digest),
        ({ stream }) => Stream.runForEach(stream, (chunk) => Effect.sync(() => void (received += chunk.byteLength)))
      ))
      assert.strictEqual((yield* reasonOf(read))._tag, "DigestMismatch")
      assert.isBelow(received, large.byteLength)
    }))

  it.live("fails for one byte more, with and without a length", () =>
    Effect.gen(function*() {
      const append: Fault.Fault = { method: "GET", path: blobPath, mishap: { _tag: "Append", bytes: "x" } }
      const withoutLength: Fault.Fault = {
        method: "GET",
        path: blobPath,
        mishap: { _tag: "Headers", remove: ["content-length"] }
      }
      const longer = String(large.byteLength + 1)
      const withLength: Fault.Fault = {
        ...withoutLength,
        mishap: { _tag: "Headers", set: { "content-length": longer } }
      }
      for (const head of [withoutLength, withLength]) {
        const { registry } = yield* scene([head, append])
        assert.strictEqual((yield* reasonOf(pull(registry)))._tag, "SizeMismatch")
      }
    }))

  it.live("fails for a manifest under another type, digest or header", () =>
    Effect.gen(function*() {
      const manifestFault = (set: Record<string, string>): Fault.Fault => ({
        path: /\/manifests\//,
        mishap: { _tag: "Headers", set }
      })
      const index = { "content-type": "application/vnd.oci.image.index.v1+json" }
      const cases: ReadonlyArray<readonly [Record<string, string>, string]> = [
        [index, "Malformed"],
        [{ "content-type": "text/html" }, "Malformed"],
        [{ "docker-content-digest": `sha256:${"0".repeat(64)}` }, "DigestMismatch"],
        [{ "docker-content-digest": "sha256:../../etc/passwd" }, "DigestMismatch"]
      ]
      for (const [set, tag] of cases) {
        const { registry } = yield* scene([manifestFault(set)])
        assert.strictEqual((yield* reasonOf(registry.getManifest(repository, "v1")))._tag, tag, JSON.stringify(set))
      }
      const parameters = { "content-type": "application/vnd.oci.image.manifest.v1+json; charset=utf-8" }
      const { artifact, registry } = yield* scene([manifestFault(parameters)])
      assert.deepStrictEqual(yield* registry.resolve(repository, "v1"), artifact)
      assert.deepStrictEqual((yield* registry.getManifest(repository, "v1")).descriptor, artifact)
    }))

  it.live("fails for a manifest that was changed on its way", () =>
    Effect.gen(function*() {
      const { artifact, registry } = yield* scene([
        { method: "GET", path: /\/manifests\//, mishap: { _tag: "Corrupt", atByte: 20 } }
      ])
      for (const reference of ["v1", artifact.digest]) {
        assert.strictEqual((yield* reasonOf(registry.getManifest(repository, reference)))._tag, "DigestMismatch")
      }
    }))

  it.live("hashes the manifest itself when the registry does not say its digest", () =>
    Effect.gen(function*() {
      const { artifact, registry } = yield* scene([
        { path: /\/manifests\//, mishap: { _tag: "Headers", remove: ["docker-content-digest"] } }
      ])
      assert.deepStrictEqual(yield* registry.resolve(repository, "v1"), artifact)
    }))

  it.live("refuses encodings that nobody asked for", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([{ mishap: { _tag: "Headers", set: { "content-encoding": "gzip" } } }])
      assert.strictEqual((yield* reasonOf(registry.getManifest(repository, "v1")))._tag, "Malformed")
    }))

  it.live("does not take the subject for the index of its referrers", () =>
    Effect.gen(function*() {
      const { artifact, memory, registry } = yield* scene([
        { path: /\/referrers\//, mishap: { _tag: "Answer", status: 404, body: "404 page not found" } }
      ])
      const { bytes, descriptor } = yield* memory.getManifest(repository, "v1")
      const tag = artifact.digest.replace(":", "-")
      yield* memory.putManifest(repository, { bytes, mediaType: descriptor.mediaType }, { tags: [tag] })
      assert.deepStrictEqual(yield* registry.referrers(repository, artifact.digest), [])
    }))
})

describe("a registry that does not stop talking", () => {
  /** A body without a length and without an end, of which the server counts what was taken. */
  const endless = Effect.gen(function*() {
    const counter = { bytes: 0 }
    const chunk = new TextEncoder().encode(" ".repeat(64 * 1024))
    const server = yield* FaultyRegistry.listenHandler((request) =>
      Promise.resolve(
        new Response(
          new ReadableStream({
            pull: (controller) => {
              counter.bytes += chunk.byteLength
              controller.enqueue(chunk)
            }
          }),
          {
            status: request.method === "DELETE" ? 500 : 200,
            headers: {
              "content-type": request.headers.get("accept")?.split(",")[0] ?? "application/json",
              "docker-content-digest": largeDescriptor.digest
            }
          }
        )
      )
    )
    const registry = yield* HttpRegistry.make({ url: server.url, retry: { times: 0 } })
    return { registry, counter }
  })

  it.live("is cut off at the limit of each kind of body", () =>
    Effect.gen(function*() {
      const { counter, registry } = yield* endless
      const calls = [
        registry.getManifest(repository, "v1"),
        registry.listTags(repository),
        registry.listRepositories(),
        registry.referrers(repository, largeDescriptor.digest),
        registry.deleteBlob(repository, largeDescriptor.digest),
        pull(registry)
      ]
      for (const call of calls) {
        counter.bytes = 0
        const reason = yield* reasonOf<unknown, never>(call)
        assert.include(["LimitExceeded", "UnexpectedResponse", "SizeMismatch"], reason._tag)
        assert.isBelow(counter.bytes, 20 * 1024 * 1024)
      }
    }))

  it.live("is refused by its announcement alone", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([
        { path: /tags\/list/, mishap: { _tag: "Headers", set: { "content-length": String(2 ** 40) } } }
      ])
      assert.strictEqual((yield* reasonOf(registry.listTags(repository)))._tag, "LimitExceeded")
    }))

  it.live("is given up when it drips", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene([
        { method: "GET", path: blobPath, mishap: { _tag: "Drip", bytes: 1, millis: 20 } }
      ], { minimumThroughput: { bytes: 1000, windowMillis: 100 }, retry: { times: 0 } })
      assert.strictEqual((yield* reasonOf(pull(registry)))._tag, "Unavailable")
    }))

  it.live("cannot write control characters into errors", () =>
    Effect.gen(function*() {
      const body = JSON.stringify({ errors: [{ code: "DENIED", message: "\u001b[31mred\r\nX-Injected: 1" }] })
      const { registry } = yield* scene([{ mishap: { _tag: "Answer", status: 403, body } }])
      const { message } = yield* Effect.flip(registry.getManifest(repository, "v1"))
      // oxlint-disable-next-line no-control-regex -- this is what must not be there
      assert.notMatch(message, /[\u0000-\u001f]/)
      assert.match(message, /red X-Injected/)
    }))
})

describe("a client", () => {
  it.live("does not speak plain http to strangers, nor take credentials from a URL", () =>
    Effect.gen(function*() {
      const refused = [
        "http://registry.example",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "https://alice:s3cret@registry.example",
        "https://alice:s3cret@registry.example:99999",
        "https://alice:s3cret/@@registry.example:port",
        "ftp://alice:s3cret@registry.example",
        "https://registry.example/?token=s3cret",
        "https://registry.example/path",
        "ftp://registry.example",
        "nonsense with blanks"
      ]
      for (const url of refused) {
        const error = yield* Effect.flip(HttpRegistry.make({ url }))
        assert.strictEqual(error.reason._tag, "Malformed", url)
        assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "s3cret")
      }
      for (
        const url of ["http://127.0.0.1:5000", "http://[::1]:5000", "http://localhost:5000", "registry.example:5000"]
      ) {
        yield* HttpRegistry.make({ url })
      }
      yield* HttpRegistry.make({ url: "http://registry.example", insecure: true })
    }))

  it.live("keeps secrets out of errors", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      const server = yield* RegistryServer.listen(memory, { authorize })
      const wrong = Credentials.basic("alice", Redacted.make("wr0ng-secret"))
      const registry = yield* HttpRegistry.make({ url: server.url, credentials: wrong })
      const error = yield* Effect.flip(registry.listTags(repository))
      assert.strictEqual(error.reason._tag, "Unauthorized")
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "wr0ng-secret")
    }))
})
