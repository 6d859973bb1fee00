import { assert, describe, it } from "@effect/vitest"
import { Artifact, Blob, Descriptor, LayoutRegistry, Manifest, MediaType } from "@lamina/oci"
import * as Effect from "effect/Effect"
import { spawn } from "node:child_process"
import * as fs from "node:fs"
import { type FileHandle, open as openFile } from "node:fs/promises"
import { hostname } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"
import { failing } from "../src/internal/failure.ts"
import { withLock } from "../src/internal/layout/lock.ts"
import { runContract } from "./contract.ts"
import { temporaryDirectory } from "./support/dockerRegistry.ts"
import { bytesOf, reasonOf } from "./support/http.ts"

const type = "application/vnd.example"
const blob = bytesOf("content")
const descriptor = Descriptor.ofBytes(MediaType.octetStream, blob)
const hex = descriptor.digest.slice("sha256:".length)

/** A layout with a blob and an artifact `v1` in the repository `a/b`. */
const scene = Effect.gen(function*() {
  const root = yield* temporaryDirectory
  const registry = yield* LayoutRegistry.make({ root, durable: false })
  yield* registry.putBlob("a/b", descriptor, blob)
  const artifact = yield* Artifact.push(registry, "a/b", { artifactType: type, tags: ["v1"] })
  return { root, registry, artifact, directory: join(root, "a/b") }
})

const indexOf = (directory: string): Manifest.ImageIndex =>
  JSON.parse(fs.readFileSync(join(directory, "index.json"), "utf8"))

describe("LayoutRegistry", () => {
  runContract(Effect.flatMap(temporaryDirectory, (root) => LayoutRegistry.make({ root, durable: false })))

  it.live("writes an image layout", () =>
    Effect.gen(function*() {
      const { artifact, directory, registry } = yield* scene
      assert.deepStrictEqual(JSON.parse(fs.readFileSync(join(directory, "oci-layout"), "utf8")), {
        imageLayoutVersion: "1.0.0"
      })
      assert.deepStrictEqual(indexOf(directory), {
        schemaVersion: 2,
        mediaType: MediaType.imageIndex,
        manifests: [{ ...artifact, annotations: { "org.opencontainers.image.ref.name": "v1" } }]
      })
      assert.strictEqual(fs.readFileSync(join(directory, "blobs/sha256", hex), "utf8"), "content")
      assert.strictEqual(fs.statSync(join(directory, "blobs/sha256", hex)).mode & 0o777, 0o444)
      yield* Effect.exit(registry.putBlob("a/b", { ...descriptor, size: 3 }, bytesOf("bad")))
      assert.deepStrictEqual(fs.readdirSync(join(directory, "ingest")), [])
      assert.isFalse(fs.existsSync(join(directory, "index.lock")))
    }))

  it.live("takes a directory for the layout of one repository, by any name", () =>
    Effect.gen(function*() {
      const { artifact, directory } = yield* scene
      const single = yield* LayoutRegistry.make({ root: directory, repository: "layout", durable: false })
      assert.strictEqual((yield* single.resolve("layout", "v1")).digest, artifact.digest)
      assert.deepStrictEqual(yield* Blob.getBytes(single, "layout", descriptor), blob)
      assert.deepStrictEqual((yield* single.listRepositories()).names, ["layout"])
      yield* Artifact.push(single, "layout", { artifactType: type, tags: ["v2"] })
      assert.deepStrictEqual(indexOf(directory).manifests.length, 2)
      assert.strictEqual((yield* reasonOf(single.resolve("a/b", "v1")))._tag, "NotFound")
      assert.isFalse(yield* single.mountBlob("layout", "a/b", descriptor.digest))
      const empty = yield* LayoutRegistry.make({ root: yield* temporaryDirectory, repository: "layout" })
      assert.deepStrictEqual((yield* empty.listRepositories()).names, [])
      assert.strictEqual((yield* reasonOf(empty.resolve("layout", "v1")))._tag, "NotFound")
    }))

  it.live("keeps one entry per tag, and one for a manifest without any", () =>
    Effect.gen(function*() {
      const { artifact, directory, registry } = yield* scene
      const entries = () => indexOf(directory).manifests.map(({ annotations }) => Object.values(annotations ?? {})[0])
      const { bytes, descriptor } = yield* registry.getManifest("a/b", "v1")
      yield* registry.putManifest("a/b", { bytes, mediaType: descriptor.mediaType }, { tags: ["v2", "v1", "v2"] })
      assert.deepStrictEqual(entries(), ["v2", "v1"])
      yield* registry.deleteManifest("a/b", "v1")
      yield* Artifact.push(registry, "a/b", { artifactType: "text/other", tags: ["v2"] })
      assert.deepStrictEqual(entries(), [undefined, "v2"])
      assert.deepStrictEqual(yield* registry.resolve("a/b", artifact.digest), artifact)
    }))

  it.live("reads tags that other tools write as whole references, and manifests that only an index lists", () =>
    Effect.gen(function*() {
      const { artifact, directory, registry } = yield* scene
      const index = Manifest.index({ manifests: [artifact] })
      fs.writeFileSync(join(directory, "blobs/sha256", index.descriptor.digest.slice(7)), index.bytes)
      const annotations = { "org.opencontainers.image.ref.name": "docker.io/library/demo:2.0" }
      const manifests = [{ ...index.descriptor, annotations }]
      fs.writeFileSync(join(directory, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }))
      assert.deepStrictEqual((yield* registry.listTags("a/b")).names, ["2.0"])
      assert.deepStrictEqual(yield* registry.resolve("a/b", "2.0"), index.descriptor)
      assert.deepStrictEqual(yield* registry.resolve("a/b", artifact.digest), artifact)
      assert.strictEqual((yield* reasonOf(registry.resolve("a/b", descriptor.digest)))._tag, "NotFound")
    }))

  it.live("refuses what is behind a symbolic link", () =>
    Effect.gen(function*() {
      const outside = yield* temporaryDirectory
      fs.writeFileSync(join(outside, "secret"), "content")
      const links: ReadonlyArray<readonly [string, (directory: string) => void]> = [
        ["a blob", (directory) => {
          fs.rmSync(join(directory, "blobs/sha256", hex), { force: true })
          fs.symlinkSync(join(outside, "secret"), join(directory, "blobs/sha256", hex))
        }],
        ["the directory of an algorithm", (directory) => {
          fs.renameSync(join(directory, "blobs/sha256"), join(outside, "sha256"))
          fs.symlinkSync(join(outside, "sha256"), join(directory, "blobs/sha256"))
        }],
        ["the directory of a repository", (directory) => {
          fs.renameSync(directory, join(outside, "repository"))
          fs.symlinkSync(join(outside, "repository"), directory)
        }]
      ]
      for (const [name, replace] of links) {
        const { directory, registry } = yield* scene
        replace(directory)
        assert.strictEqual((yield* reasonOf(Blob.getBytes(registry, "a/b", descriptor)))._tag, "Malformed", name)
        assert.strictEqual((yield* reasonOf(registry.headBlob("a/b", descriptor.digest)))._tag, "Malformed", name)
        const put = registry.putBlob("a/b", descriptor, blob)
        assert.strictEqual((yield* reasonOf(put))._tag, "Malformed", name)
      }
      const { directory, registry } = yield* scene
      fs.renameSync(join(directory, "index.json"), join(outside, "index.json"))
      fs.symlinkSync(join(outside, "index.json"), join(directory, "index.json"))
      assert.strictEqual((yield* reasonOf(registry.resolve("a/b", "v1")))._tag, "Malformed")
    }))

  it.live("notices content that was changed on the disk", () =>
    Effect.gen(function*() {
      const { artifact, directory, registry } = yield* scene
      const change = (digest: string, text: string) => {
        const path = join(directory, "blobs/sha256", digest.slice(7))
        fs.rmSync(path)
        fs.writeFileSync(path, text)
      }
      change(descriptor.digest, "CONTENT")
      assert.strictEqual((yield* reasonOf(Blob.getBytes(registry, "a/b", descriptor)))._tag, "DigestMismatch")
      change(artifact.digest, "x".repeat(artifact.size))
      assert.strictEqual((yield* reasonOf(registry.getManifest("a/b", "v1")))._tag, "DigestMismatch")
      change(descriptor.digest, "torn")
      yield* registry.putBlob("a/b", descriptor, blob)
      assert.deepStrictEqual(yield* Blob.getBytes(registry, "a/b", descriptor), Buffer.from(blob))
    }))

  it.live("refuses names that would lie inside another layout", () =>
    Effect.gen(function*() {
      const { registry } = yield* scene
      for (
        const name of [
          "a/b/blobs",
          "a/b/blobs/sha256",
          "a/b/index.json",
          "a/b/oci-layout/x",
          "a/b/ingest",
          "a/index.lock"
        ]
      ) {
        assert.strictEqual((yield* reasonOf(registry.putBlob(name, descriptor, blob)))._tag, "Malformed", name)
      }
    }))

  it.live("breaks the lock of a process that is gone, and waits for one that is not", () =>
    Effect.gen(function*() {
      const { directory, registry } = yield* scene
      const lock = join(directory, "index.lock")
      const hold = (pid: number) => fs.writeFileSync(lock, JSON.stringify({ id: "other", pid, host: hostname() }))
      hold(2 ** 22 + 1)
      yield* Artifact.push(registry, "a/b", { artifactType: type, tags: ["v2"] })
      hold(process.pid)
      const waiting = Artifact.push(registry, "a/b", { artifactType: type, tags: ["v3"] })
      const result = yield* Effect.timeoutOption(waiting, "200 millis")
      assert.strictEqual(result._tag, "None")
      fs.rmSync(lock)
      assert.deepStrictEqual((yield* registry.listTags("a/b")).names, ["v1", "v2"])
      yield* Artifact.push(registry, "a/b", { artifactType: type, tags: ["v3"] })
      assert.deepStrictEqual(fs.readdirSync(directory).filter((name) => name.startsWith("index.lock")), [])
    }))

  it.live("leaves a lock alone that has become somebody else's", () =>
    Effect.gen(function*() {
      const path = join(yield* temporaryDirectory, "index.lock")
      const others = JSON.stringify({ id: "other", pid: process.pid, host: hostname() })
      const held = withLock(path, failing("test", "a/b"))
      yield* held(Effect.sync(() => {
        fs.rmSync(path)
        fs.writeFileSync(path, others)
      }))
      assert.strictEqual(fs.readFileSync(path, "utf8"), others)
      fs.rmSync(path)
      yield* held(Effect.sync(() => assert.isTrue(fs.existsSync(path))))
      assert.isFalse(fs.existsSync(path))
    }))

  it.live("does not take the rest of an accident for a mounted blob", () =>
    Effect.gen(function*() {
      const { registry, root } = yield* scene
      assert.isTrue(yield* registry.mountBlob("c/d", "a/b", descriptor.digest))
      const path = join(root, "c/d/blobs/sha256", hex)
      fs.rmSync(path)
      fs.writeFileSync(path, "torn")
      assert.isFalse(yield* registry.mountBlob("c/d", "a/b", descriptor.digest))
      yield* registry.putBlob("c/d", descriptor, blob)
      assert.isTrue(yield* registry.mountBlob("c/d", "a/b", descriptor.digest))
      assert.strictEqual(fs.readFileSync(path, "utf8"), "content")
    }))

  it.live("deletes entries whose manifest is gone", () =>
    Effect.gen(function*() {
      const { artifact, directory, registry } = yield* scene
      const { bytes, descriptor } = yield* registry.getManifest("a/b", "v1")
      yield* registry.putManifest("a/b", { bytes, mediaType: descriptor.mediaType }, { tags: ["v2"] })
      fs.rmSync(join(directory, "blobs/sha256", artifact.digest.slice(7)))
      yield* registry.deleteManifest("a/b", "v1")
      assert.deepStrictEqual((yield* registry.listTags("a/b")).names, ["v2"])
      yield* registry.deleteManifest("a/b", artifact.digest)
      assert.deepStrictEqual(indexOf(directory).manifests, [])
      assert.strictEqual((yield* reasonOf(registry.deleteManifest("a/b", artifact.digest)))._tag, "NotFound")
    }))

  it.live.skipIf(process.platform !== "linux")(
    "flushes a file, and then the directory that names it",
    () =>
      Effect.gen(function*() {
        const root = yield* temporaryDirectory
        const flushed: Array<string> = []
        const handle = yield* Effect.promise(() => openFile(root, "r"))
        const prototype: { sync: (this: FileHandle) => Promise<void> } = Object.getPrototypeOf(handle)
        yield* Effect.promise(() => handle.close())
        const { sync } = prototype
        prototype.sync = function() {
          flushed.push(fs.readlinkSync(`/proc/self/fd/${this.fd}`))
          return sync.call(this)
        }
        const registry = yield* LayoutRegistry.make({ root })
        yield* registry.putBlob("a/b", descriptor, blob).pipe(Effect.ensuring(Effect.sync(() => {
          prototype.sync = sync
        })))
        const [file, directory] = flushed.slice(-2)
        assert.include(file, join(root, "a/b/ingest/tmp-"))
        assert.strictEqual(directory, join(root, "a/b/blobs/sha256"))
      })
  )

  it.live("loses nothing when several processes write at the same time", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const writer = fileURLToPath(new URL("./support/layoutWriter.ts", import.meta.url))
      const run = (name: string) =>
        Effect.callback<number>((resume) => {
          const child = spawn(process.execPath, [writer, root, name, "15"], { stdio: "inherit" })
          child.once("exit", (code) => resume(Effect.succeed(code ?? -1)))
        })
      const codes = yield* Effect.all([run("a"), run("b"), run("c")], { concurrency: "unbounded" })
      assert.deepStrictEqual(codes, [0, 0, 0])
      const registry = yield* LayoutRegistry.make({ root })
      const { names } = yield* registry.listTags("shared")
      assert.strictEqual(names.length, 45)
      for (const name of names) yield* registry.getManifest("shared", name)
    }))
})
