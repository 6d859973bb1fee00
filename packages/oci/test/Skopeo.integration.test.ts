import { assert, describe, it } from "@effect/vitest"
import {
  Artifact,
  Copy,
  Credentials,
  Descriptor,
  HttpRegistry,
  LayoutRegistry,
  Manifest,
  MediaType,
  MemoryRegistry,
  RegistryServer
} from "@lamina/oci"
import type { Registry } from "@lamina/oci"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn, spawnSync } from "node:child_process"
import { join } from "node:path"
import { dockerRegistry, isInstalled, temporaryDirectory } from "./support/dockerRegistry.ts"
import { bytesOf, reasonOf } from "./support/http.ts"

class ProgramFailed extends Data.TaggedError("ProgramFailed")<{ readonly message: string }> {}

/** Runs a program; our own server answers it meanwhile, so it must not block. */
const run = (program: string, ...args: ReadonlyArray<string>) =>
  Effect.callback<string, ProgramFailed>((resume) => {
    const child = spawn(program, args)
    const output: Array<Buffer> = []
    const errors: Array<Buffer> = []
    child.stdout.on("data", (chunk: Buffer) => output.push(chunk))
    child.stderr.on("data", (chunk: Buffer) => errors.push(chunk))
    child.once("close", (code) =>
      resume(
        code === 0
          ? Effect.succeed(Buffer.concat(output).toString())
          : Effect.fail(
            new ProgramFailed({ message: `${program} ${args.join(" ")}: ${Buffer.concat(errors).toString()}` })
          )
      ))
  })

const tar = (text: string): Uint8Array => {
  const made = spawnSync("sh", [
    "-c",
    "cd \"$(mktemp -d)\" && printf %s \"$0\" > file && tar --sort=name --mtime=@0 -c file",
    text
  ])
  return new Uint8Array(made.stdout)
}

/** An image that any tool accepts, with an index over it. */
const pushImage = Effect.fnUntraced(function*(registry: Registry.Registry, repository: string) {
  const layer = tar("hello")
  const layerDescriptor = Descriptor.ofBytes(MediaType.layerTar, layer)
  const config = bytesOf(JSON.stringify({
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: [layerDescriptor.digest] },
    history: [{ created_by: "test" }]
  }))
  const configDescriptor = Descriptor.ofBytes(MediaType.imageConfig, config)
  yield* registry.putBlob(repository, layerDescriptor, layer)
  yield* registry.putBlob(repository, configDescriptor, config)
  const image = Manifest.image({ config: configDescriptor, layers: [layerDescriptor] })
  yield* registry.putManifest(repository, image, { tags: ["image"] })
  const platform = { os: "linux", architecture: "amd64" }
  const index = Manifest.index({ manifests: [{ ...image.descriptor, platform }] })
  yield* registry.putManifest(repository, index, { tags: ["index"] })
  return { image: image.descriptor, index: index.descriptor }
})

const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"]

describe.skipIf(!isInstalled("skopeo"))("skopeo", () => {
  it.live("inspects, copies from, copies to, lists and deletes in our server", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      const { image, index } = yield* pushImage(memory, "demo/image")
      const { host } = yield* RegistryServer.listen(memory)
      const source = `docker://${host}/demo/image`

      const inspected = yield* run("skopeo", "inspect", "--tls-verify=false", `${source}:image`)
      assert.include(inspected, image.digest)
      const tags = yield* run("skopeo", "list-tags", "--tls-verify=false", source)
      assert.deepStrictEqual(JSON.parse(tags).Tags, ["image", "index"])

      const directory = yield* temporaryDirectory
      const copied = join(directory, "layout")
      yield* run("skopeo", "copy", ...insecure, "--all", "--preserve-digests", `${source}:index`, `oci:${copied}:index`)
      const layout = yield* LayoutRegistry.make({ root: directory })
      assert.strictEqual((yield* layout.resolve("layout", "index")).digest, index.digest)
      assert.strictEqual((yield* layout.resolve("layout", image.digest)).digest, image.digest)

      const target = `docker://${host}/from/skopeo:1.0`
      yield* run("skopeo", "copy", ...insecure, "--all", "--preserve-digests", `oci:${copied}:index`, target)
      assert.deepStrictEqual(yield* memory.resolve("from/skopeo", "1.0"), index)
      yield* run("skopeo", "delete", "--tls-verify=false", target)
      assert.strictEqual((yield* reasonOf(memory.resolve("from/skopeo", "1.0")))._tag, "NotFound")
    }))

  it.live("logs in to our server, and is kept out without a password", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      yield* pushImage(memory, "private")
      const authorize = RegistryServer.basicAuth({ username: "alice", password: Redacted.make("s3cret") })
      const { host } = yield* RegistryServer.listen(memory, { authorize })
      const inspect = (...args: ReadonlyArray<string>) =>
        run("skopeo", "inspect", "--tls-verify=false", ...args, `docker://${host}/private:image`)
      yield* Effect.flip(inspect("--creds", "alice:wrong"))
      assert.include(yield* inspect("--creds", "alice:s3cret"), "sha256:")
    }))

  it.live("reads our layout", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = yield* LayoutRegistry.make({ root })
      const { image } = yield* pushImage(layout, "demo/image")
      yield* Artifact.attach(layout, "demo/image", image, { artifactType: "text/signature" })
      const inspected = yield* run("skopeo", "inspect", `oci:${join(root, "demo/image")}:image`)
      assert.include(inspected, image.digest)
      const memory = yield* MemoryRegistry.make()
      const { host } = yield* RegistryServer.listen(memory)
      const from = `oci:${join(root, "demo/image")}:index`
      yield* run("skopeo", "copy", ...insecure, "--all", "--preserve-digests", from, `docker://${host}/copy:1`)
      assert.strictEqual((yield* memory.resolve("copy", image.digest)).digest, image.digest)
    }))
})

describe.skipIf(!isInstalled("umoci"))("umoci", () => {
  it.live("lists the tags of our layout, and collects garbage without taking ours", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const layout = yield* LayoutRegistry.make({ root })
      const { image } = yield* pushImage(layout, "demo")
      const listed = yield* run("umoci", "ls", "--layout", join(root, "demo"))
      assert.deepStrictEqual(listed.trim().split("\n").sort(), ["image", "index"])
      yield* run("umoci", "gc", "--layout", join(root, "demo"))
      const memory = yield* MemoryRegistry.make()
      yield* Copy.copy(layout, "demo", "index", memory, "copy")
      assert.strictEqual((yield* memory.resolve("copy", image.digest)).digest, image.digest)
    }))

  it.live("makes a layout that we read", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      const path = join(root, "made")
      yield* run("umoci", "init", "--layout", path)
      yield* run("umoci", "new", "--image", `${path}:latest`)
      const layout = yield* LayoutRegistry.make({ root })
      assert.deepStrictEqual((yield* layout.listRepositories()).names, ["made"])
      assert.deepStrictEqual((yield* layout.listTags("made")).names, ["latest"])
      const memory = yield* MemoryRegistry.make()
      yield* Copy.copy(layout, "made", "latest", memory, "copy")
      yield* pushImage(layout, "made")
      assert.include(yield* run("umoci", "ls", "--layout", path), "latest")
    }))
})

describe.skipIf(!isInstalled("docker-registry") || !isInstalled("htpasswd"))("docker-registry with htpasswd", () => {
  it.live("lets us in with the password, and not without", () =>
    Effect.gen(function*() {
      const htpasswd = spawnSync("htpasswd", ["-Bbn", "alice", "s3cret"]).stdout.toString()
      const { url } = yield* dockerRegistry({ htpasswd })
      const registry = (password?: string) =>
        HttpRegistry.make({
          url,
          ...(password === undefined ? {} : { credentials: Credentials.basic("alice", Redacted.make(password)) })
        })
      const { image } = yield* pushImage(yield* registry("s3cret"), "private/image")
      const other = yield* registry("s3cret")
      assert.deepStrictEqual(yield* other.resolve("private/image", "image"), image)
      for (const password of ["wrong", undefined]) {
        const refused = yield* registry(password)
        assert.strictEqual((yield* reasonOf(refused.resolve("private/image", "image")))._tag, "Unauthorized")
      }
    }))
})
