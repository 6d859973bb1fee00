import { assert, describe, it } from "@effect/vitest"
import {
  Artifact,
  Descriptor,
  Digest,
  LayoutRegistry,
  Manifest,
  MediaType,
  MemoryRegistry,
  RegistryServer
} from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { once } from "node:events"
import * as fs from "node:fs"
import { connect, type Socket } from "node:net"
import { join } from "node:path"
import { temporaryDirectory } from "./support/dockerRegistry.ts"
import { bytesOf, large, largeDescriptor, repository } from "./support/http.ts"

const scene = Effect.fnUntraced(function*(options?: RegistryServer.Options) {
  const memory = yield* MemoryRegistry.make()
  yield* memory.putBlob(repository, largeDescriptor, large)
  const artifact = yield* Artifact.push(memory, repository, {
    artifactType: "application/vnd.example",
    tags: ["a", "b", "c"]
  })
  const { url } = yield* RegistryServer.listen(memory, options)
  const send = (method: string, path: string, init?: RequestInit) =>
    Effect.promise(() => fetch(new URL(path, `${url}/v2/${repository}/`), { ...init, method }))
  return { memory, artifact, url, send }
})

const codeOf = (response: Response) =>
  Effect.map(
    Effect.promise((): Promise<{ readonly errors: ReadonlyArray<{ readonly code: string }> }> => response.json()),
    ({ errors }) => errors[0]?.code
  )

const location = (response: Response) => response.headers.get("location") ?? "no location"
const blob = bytesOf("0123456789")
const { digest } = Descriptor.ofBytes(MediaType.octetStream, blob)
const withDigest = (path: string) => `${path}?digest=${digest}`

describe("RegistryServer", () => {
  it.live("answers the base path, and says what it does not know", () =>
    Effect.gen(function*() {
      const { send } = yield* scene()
      const base = yield* send("GET", "/v2/")
      assert.strictEqual(base.status, 200)
      assert.strictEqual(base.headers.get("docker-distribution-api-version"), "registry/2.0")
      assert.strictEqual((yield* send("GET", "/nowhere")).status, 404)
      assert.strictEqual((yield* send("POST", `blobs/${digest}`)).headers.get("allow"), "GET, HEAD, DELETE")
      const cases = [
        ["GET", `blobs/${digest}`, 404, "BLOB_UNKNOWN"],
        ["GET", "blobs/sha256:short", 400, "DIGEST_INVALID"],
        ["GET", "blobs/sha256:..%2F..%2Fetc%2Fpasswd", 400, "DIGEST_INVALID"],
        ["GET", "manifests/nothing", 404, "MANIFEST_UNKNOWN"],
        ["GET", "manifests/a%20b", 400, "TAG_INVALID"],
        ["GET", "/v2/Upper/manifests/v1", 400, "NAME_INVALID"],
        ["GET", "/v2/nobody/tags/list", 404, "NAME_UNKNOWN"],
        ["GET", "tags/list?n=x", 400, "PAGINATION_NUMBER_INVALID"],
        ["GET", "referrers/sha256:short", 400, "DIGEST_INVALID"],
        ["PATCH", "blobs/uploads/none", 404, "BLOB_UPLOAD_UNKNOWN"],
        ["POST", "blobs/uploads/?digest-algorithm=md5", 400, "DIGEST_INVALID"]
      ] as const
      for (const [method, path, status, code] of cases) {
        const response = yield* send(method, path)
        assert.strictEqual(response.status, status, path)
        assert.strictEqual(yield* codeOf(response), code, path)
      }
    }))

  it.live("serves parts of blobs", () =>
    Effect.gen(function*() {
      const { send } = yield* scene()
      const path = `blobs/${largeDescriptor.digest}`
      const cases = [
        ["bytes=0-9", "bytes 0-9/1000000", 10],
        ["bytes=999990-", "bytes 999990-999999/1000000", 10],
        ["bytes=-5", "bytes 999995-999999/1000000", 5],
        ["bytes=10-2000000", "bytes 10-999999/1000000", 999_990]
      ] as const
      for (const [range, expected, length] of cases) {
        const response = yield* send("GET", path, { headers: { range } })
        assert.strictEqual(response.status, 206, range)
        assert.strictEqual(response.headers.get("content-range"), expected)
        assert.strictEqual((yield* Effect.promise(() => response.arrayBuffer())).byteLength, length)
      }
      const outside = yield* send("GET", path, { headers: { range: "bytes=1000000-" } })
      assert.strictEqual(outside.status, 416)
      assert.strictEqual(outside.headers.get("content-range"), "bytes */1000000")
      const several = yield* send("GET", path, { headers: { range: "bytes=0-1,5-6" } })
      assert.strictEqual(several.status, 200)
      yield* Effect.promise(() => several.arrayBuffer())
    }))

  it.live("answers HEAD like GET without a body, and 304 to whom has the content", () =>
    Effect.gen(function*() {
      const { artifact, send } = yield* scene()
      for (const path of [`blobs/${largeDescriptor.digest}`, "manifests/a"]) {
        const get = yield* send("GET", path)
        const head = yield* send("HEAD", path)
        yield* Effect.promise(() => get.arrayBuffer())
        for (const name of ["content-length", "content-type", "docker-content-digest", "etag"]) {
          assert.strictEqual(head.headers.get(name), get.headers.get(name), `${path} ${name}`)
        }
        const etag = get.headers.get("etag") ?? ""
        const unchanged = yield* send("GET", path, { headers: { "if-none-match": etag } })
        assert.strictEqual(unchanged.status, 304)
      }
      assert.strictEqual((yield* send("HEAD", "manifests/a")).headers.get("docker-content-digest"), artifact.digest)
    }))

  it.live("takes an upload in chunks, refuses one out of order, and lets it be resumed", () =>
    Effect.gen(function*() {
      const { memory, send } = yield* scene()
      const start = yield* send("POST", "blobs/uploads/")
      assert.strictEqual(start.status, 202)
      const session = location(start)
      const chunk = (from: number, to: number) =>
        send("PATCH", session, {
          body: blob.slice(from, to),
          headers: { "content-range": `${from}-${to - 1}`, "content-type": "application/octet-stream" }
        })
      assert.strictEqual((yield* chunk(0, 4)).headers.get("range"), "0-3")
      const outOfOrder = yield* chunk(6, 8)
      assert.strictEqual(outOfOrder.status, 416)
      assert.strictEqual(outOfOrder.headers.get("range"), "0-3")
      assert.strictEqual(location(outOfOrder), session)
      assert.strictEqual((yield* chunk(0, 4)).status, 416, "the same chunk twice")
      const status = yield* send("GET", session)
      assert.strictEqual(status.status, 204)
      assert.strictEqual(status.headers.get("range"), "0-3")
      yield* chunk(4, 8)
      const wrongLength = yield* send("PATCH", session, { body: blob.slice(8), headers: { "content-range": "8-8" } })
      assert.strictEqual(wrongLength.status, 400)
      const end = yield* send("PUT", withDigest(session), { body: blob.slice(8), headers: { "content-range": "8-9" } })
      assert.strictEqual(end.status, 201)
      assert.strictEqual(end.headers.get("docker-content-digest"), digest)
      assert.strictEqual((yield* memory.headBlob(repository, digest)).size, 10)
      assert.strictEqual((yield* send("GET", session)).status, 404)
    }))

  it.live("takes an upload in one POST, and refuses one with another digest", () =>
    Effect.gen(function*() {
      const { send } = yield* scene()
      const wrong = yield* send("POST", withDigest("blobs/uploads/"), { body: bytesOf("wrong").slice() })
      assert.strictEqual(wrong.status, 400)
      assert.strictEqual(yield* codeOf(wrong), "DIGEST_INVALID")
      assert.strictEqual((yield* send("HEAD", `blobs/${digest}`)).status, 404)
      const right = yield* send("POST", withDigest("blobs/uploads/"), { body: blob.slice() })
      assert.strictEqual(right.status, 201)
      assert.strictEqual((yield* send("GET", location(right))).status, 200)
    }))

  it.live("cancels an upload, and keeps sessions of other repositories apart", () =>
    Effect.gen(function*() {
      const { send } = yield* scene()
      const session = location(yield* send("POST", "blobs/uploads/"))
      assert.strictEqual((yield* send("GET", session.replace(repository, "other"))).status, 404)
      assert.strictEqual((yield* send("DELETE", session)).status, 204)
      assert.strictEqual((yield* send("DELETE", session)).status, 404)
    }))

  it.live("bounds blobs, manifests and open uploads", () =>
    Effect.gen(function*() {
      const { send } = yield* scene({ maximumBlobBytes: 8, maximumUploads: 1 })
      assert.strictEqual((yield* send("POST", withDigest("blobs/uploads/"), { body: blob.slice() })).status, 413)
      assert.strictEqual((yield* send("POST", "blobs/uploads/")).status, 202)
      assert.strictEqual((yield* send("POST", "blobs/uploads/")).status, 429)
      const body = JSON.stringify({ padding: "x".repeat(5 * 1024 * 1024) })
      const headers = { "content-type": MediaType.imageManifest }
      const manifest = yield* send("PUT", "manifests/large", { body, headers })
      assert.strictEqual(manifest.status, 413)
      assert.strictEqual(yield* codeOf(manifest), "MANIFEST_INVALID")
    }))

  it.live("takes manifests by tag, by digest with tags, and not by another digest", () =>
    Effect.gen(function*() {
      const { memory, send } = yield* scene()
      const subject = yield* memory.resolve(repository, "a")
      const { bytes, descriptor } = Manifest.artifact({ artifactType: "text/x", subject })
      const put = (path: string, type = MediaType.imageManifest) =>
        send("PUT", path, { body: bytes.slice(), headers: { "content-type": type } })
      const byDigest = yield* put(`manifests/${descriptor.digest}?tag=x&tag=y`)
      assert.strictEqual(byDigest.status, 201)
      assert.strictEqual(byDigest.headers.get("oci-tag"), "x, y")
      assert.strictEqual(byDigest.headers.get("oci-subject"), subject.digest)
      assert.strictEqual((yield* memory.resolve(repository, "y")).digest, descriptor.digest)
      const wrong = yield* put(`manifests/${digest}`)
      assert.strictEqual(wrong.status, 400)
      assert.strictEqual(yield* codeOf(wrong), "DIGEST_INVALID")
      assert.strictEqual((yield* put("manifests/z", MediaType.imageIndex)).status, 400)
      const missing = Manifest.artifact({ artifactType: "text/x", layers: [Descriptor.ofBytes("text/x", blob)] })
      const incomplete = yield* send("PUT", "manifests/z", {
        body: missing.bytes.slice(),
        headers: { "content-type": MediaType.imageManifest }
      })
      assert.strictEqual(incomplete.status, 400)
      assert.strictEqual(yield* codeOf(incomplete), "MANIFEST_BLOB_UNKNOWN")
    }))

  it.live("pages tags and repositories with links", () =>
    Effect.gen(function*() {
      const { send } = yield* scene()
      const first = yield* send("GET", "tags/list?n=2")
      assert.deepStrictEqual(yield* Effect.promise(() => first.json()), { name: repository, tags: ["a", "b"] })
      assert.strictEqual(first.headers.get("link"), `</v2/${repository}/tags/list?n=2&last=b>; rel="next"`)
      const second = yield* send("GET", "tags/list?n=2&last=b")
      assert.deepStrictEqual(yield* Effect.promise(() => second.json()), { name: repository, tags: ["c"] })
      assert.isNull(second.headers.get("link"))
      const none = yield* send("GET", "tags/list?n=0")
      assert.deepStrictEqual(yield* Effect.promise(() => none.json()), { name: repository, tags: [] })
      const catalog = yield* send("GET", "/v2/_catalog")
      assert.deepStrictEqual(yield* Effect.promise(() => catalog.json()), { repositories: [repository] })
    }))

  it.live("filters referrers and says so, and knows none of an unknown repository", () =>
    Effect.gen(function*() {
      const { artifact, memory, send } = yield* scene()
      yield* Artifact.attach(memory, repository, artifact, { artifactType: "text/a" })
      yield* Artifact.attach(memory, repository, artifact, { artifactType: "text/b" })
      const all = yield* send("GET", `referrers/${artifact.digest}`)
      const some = yield* send("GET", `referrers/${artifact.digest}?artifactType=text/a`)
      const none = yield* send("GET", `/v2/nobody/referrers/${artifact.digest}`)
      const count = (response: Response) =>
        Effect.map(
          Effect.promise((): Promise<{ readonly manifests: ReadonlyArray<unknown> }> => response.json()),
          ({ manifests }) => manifests.length
        )
      assert.strictEqual(all.headers.get("content-type"), MediaType.imageIndex)
      assert.deepStrictEqual([yield* count(all), yield* count(some), yield* count(none)], [2, 1, 0])
      assert.strictEqual(some.headers.get("oci-filters-applied"), "artifactType")
      assert.isNull(all.headers.get("oci-filters-applied"))
    }))

  it.live("asks for credentials and tells reading from writing", () =>
    Effect.gen(function*() {
      const authorize = RegistryServer.basicAuth({
        username: "alice",
        password: Redacted.make("s3:cret"),
        anonymousPull: true
      })
      const { send } = yield* scene({ authorize })
      const login = (password: string) => ({ authorization: `Basic ${btoa(`alice:${password}`)}` })
      const challenge = yield* send("GET", "/v2/")
      assert.strictEqual(challenge.status, 401)
      assert.match(challenge.headers.get("www-authenticate") ?? "", /^Basic realm=/)
      assert.strictEqual((yield* send("GET", "/v2/", { headers: login("s3:cret") })).status, 200)
      assert.strictEqual((yield* send("GET", "tags/list")).status, 200)
      assert.strictEqual((yield* send("POST", "blobs/uploads/")).status, 401)
      assert.strictEqual((yield* send("POST", "blobs/uploads/", { headers: login("wrong") })).status, 401)
      assert.strictEqual((yield* send("DELETE", "manifests/a")).status, 401)
      assert.strictEqual((yield* send("POST", "blobs/uploads/", { headers: login("s3:cret") })).status, 202)
    }))

  it.live("denies to mount from a repository that may not be read", () =>
    Effect.gen(function*() {
      const { send } = yield* scene({
        authorize: (_, { action, repository: name }) =>
          Effect.succeed(action === "pull" && name === repository ? "deny" : "allow")
      })
      const path = `/v2/mine/blobs/uploads/?mount=${largeDescriptor.digest}&from=${repository}`
      assert.strictEqual((yield* send("POST", path)).status, 403)
      const anonymous = yield* send("POST", `/v2/mine/blobs/uploads/?mount=${largeDescriptor.digest}`)
      assert.strictEqual(anonymous.status, 202, "without a source the content of others stays hidden")
    }))

  it.live("works as a web handler without a socket", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      yield* memory.putBlob(repository, largeDescriptor, large)
      const handler = yield* RegistryServer.handler(memory)
      const url = `https://registry.example/v2/${repository}/blobs/${largeDescriptor.digest}`
      const response = yield* Effect.promise(() => handler(new Request(url)))
      const bytes = new Uint8Array(yield* Effect.promise(() => response.arrayBuffer()))
      assert.strictEqual(Digest.ofBytes(bytes), largeDescriptor.digest)
    }))
})

describe("RegistryServer on a raw connection", () => {
  const sending = (url: string, text: string): Socket => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1")
    socket.write(text)
    return socket
  }

  /** Sends text and reads to the end. */
  const talk = (url: string, text: string) =>
    Effect.promise(() =>
      new Promise<string>((resolve) => {
        let received = ""
        const socket = sending(url, text)
        socket.on("close", () => resolve(received))
        socket.on("data", (chunk: Buffer) => (received += chunk.toString()))
      })
    )

  /** Sends text and breaks off, without reading, once something has happened. */
  const breakOff = Effect.fnUntraced(
    function*(url: string, text: string, happened: (socket: Socket) => Effect.Effect<unknown>) {
      const socket = sending(url, text)
      yield* happened(socket)
      socket.destroy()
    }
  )

  const openFiles = (directory: string) =>
    fs.readdirSync("/proc/self/fd").filter((fd) => {
      const target = fs.existsSync(`/proc/self/fd/${fd}`) ? fs.readlinkSync(`/proc/self/fd/${fd}`) : ""
      return target.startsWith(directory)
    })

  it.live("takes no part of the path from the Host header", () =>
    Effect.gen(function*() {
      const { url } = yield* scene()
      const ask = (target: string, host: string) =>
        talk(url, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
      assert.match(yield* ask("/v2/", `a/v2/${repository}/tags/list?`), /^HTTP\/1.1 400 /)
      assert.match(yield* ask(`@b/v2/${repository}/tags/list`, "a"), /^HTTP\/1.1 400 /)
      assert.match(yield* ask(`/v2/${repository}/tags/list`, "registry.example:5000"), /^HTTP\/1.1 200 /)
    }))

  it.live.skipIf(process.platform !== "linux")(
    "closes blobs that nobody waits for any more",
    () =>
      Effect.gen(function*() {
        const root = yield* temporaryDirectory
        const big = new Uint8Array(20_000_000)
        const bigDescriptor = Descriptor.ofBytes(MediaType.octetStream, big)
        const layout = yield* LayoutRegistry.make({ root, durable: false })
        yield* layout.putBlob(repository, bigDescriptor, big)
        let opened = 0
        let given = 0
        const { url } = yield* RegistryServer.listen({
          ...layout,
          getBlob: (...args) =>
            Effect.tap(layout.getBlob(...args), () => {
              opened += 1
              return Effect.andThen(Effect.sleep("100 millis"), Effect.sync(() => (given += 1)))
            })
        })
        const get = `GET /v2/${repository}/blobs/${bigDescriptor.digest} HTTP/1.1\r\nHost: a\r\n\r\n`
        const until = (condition: () => boolean) =>
          Effect.repeat(Effect.sleep("5 millis"), { until: () => Effect.sync(condition) })
        // Gone before the answer begins, in the middle of it, and while a second one waits behind it.
        yield* breakOff(url, get, () => until(() => opened === 1))
        yield* breakOff(url, get, (socket) => Effect.promise(() => once(socket, "readable")))
        yield* breakOff(url, get + get, () => until(() => given === 4))
        while (openFiles(root).length > 0) yield* Effect.sleep("20 millis")
        assert.strictEqual(opened, 4)
      })
  )

  it.live("keeps nothing of an upload in one request that failed", () =>
    Effect.gen(function*() {
      const { send } = yield* scene({ maximumUploads: 1, maximumBlobBytes: 5 })
      for (let attempt = 0; attempt < 3; attempt++) {
        assert.strictEqual((yield* send("POST", withDigest("blobs/uploads/"), { body: blob.slice() })).status, 413)
      }
    }))

  it.live("does not tell where its files are", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = yield* LayoutRegistry.make({ root, durable: false })
      yield* layout.putBlob(repository, largeDescriptor, large)
      const path = join(root, repository, "blobs/sha256", largeDescriptor.digest.slice(7))
      fs.rmSync(path)
      fs.symlinkSync("/etc/passwd", path)
      const { url } = yield* RegistryServer.listen(layout)
      const response = yield* Effect.promise(() => fetch(`${url}/v2/${repository}/blobs/${largeDescriptor.digest}`))
      assert.strictEqual(response.status, 400)
      assert.notInclude(yield* Effect.promise(() => response.text()), root)
    }))
})
