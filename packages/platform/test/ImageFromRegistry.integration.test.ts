import { assert, describe, it } from "@effect/vitest"
import { Flatten, Image as ComposefsImage, Tree } from "@lamina/composefs"
import { Descriptor, Digest, HttpRegistry, Manifest, MediaType } from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { linkSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { Readable } from "node:stream"
import { buffer } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { createGzip } from "node:zlib"
import { dockerRegistry, isInstalled, temporaryDirectory } from "./support/dockerRegistry.ts"

const script = fileURLToPath(new URL("./support/imageDigest.ts", import.meta.url))

/** Node itself refuses to write to the file system, and to grow the heap. */
const restraints = [
  "--permission",
  "--allow-fs-read=*",
  ...process.allowedNodeEnvironmentFlags.has("--allow-net") ? ["--allow-net"] : [],
  "--max-old-space-size=64"
]

interface Outcome {
  readonly digest: string
  readonly layers: number
  /** Bytes. */
  readonly maxRss: number
}

const digestInRegistry = (url: string, repository: string, reference: string): Effect.Effect<Outcome> =>
  Effect.sync((): Outcome =>
    JSON.parse(
      execFileSync(process.execPath, [...restraints, script, url, repository, reference], { encoding: "utf8" })
    )
  )

const isRoot = (): boolean => {
  // oxlint-disable-next-line no-console
  if (process.getuid?.() !== 0) console.log("skipped: umoci unpacks owners as root only")
  return process.getuid?.() === 0
}

describe.skipIf(!isInstalled("docker-registry"))("an image in a registry", () => {
  it.live.skipIf(!isInstalled("umoci") || !isInstalled("skopeo") || !isRoot())(
    "has the composefs digest of its unpacked root, without a byte written to the file system",
    () =>
      Effect.scoped(Effect.gen(function*() {
        const { host, url } = yield* dockerRegistry
        const directory = yield* temporaryDirectory
        const run = (program: string, ...args: ReadonlyArray<string>) =>
          execFileSync(program, args, { cwd: directory, stdio: "pipe" })
        const root = join(directory, "bundle/rootfs")
        run("umoci", "init", "--layout", "layout")
        run("umoci", "new", "--image", "layout:app")
        run("umoci", "unpack", "--image", "layout:app", "bundle")
        for (const path of ["usr/bin", "usr/share/old", "etc", "run/lock", "var/lib/app"]) {
          mkdirSync(join(root, path), { recursive: true })
        }
        writeFileSync(join(root, "usr/bin/app"), Buffer.alloc(300_000, "program"))
        linkSync(join(root, "usr/bin/app"), join(root, "usr/bin/app-1.0"))
        symlinkSync("app", join(root, "usr/bin/start"))
        writeFileSync(join(root, "usr/share/old/readme"), "x".repeat(5000))
        writeFileSync(join(root, "etc/app.conf"), "a = 1\n")
        writeFileSync(join(root, "etc/gone"), "")
        run("umoci", "repack", "--refresh-bundle", "--image", "layout:app", "bundle")
        rmSync(join(root, "usr/share/old"), { recursive: true })
        mkdirSync(join(root, "usr/share/old"))
        writeFileSync(join(root, "usr/share/old/new"), "y".repeat(70))
        rmSync(join(root, "etc/gone"))
        writeFileSync(join(root, "etc/app.conf"), "a = 2\n")
        run("umoci", "repack", "--refresh-bundle", "--image", "layout:app", "bundle")
        symlinkSync("/usr/bin/app", join(root, "var/lib/app/link"))
        run("umoci", "repack", "--refresh-bundle", "--image", "layout:app", "bundle")
        run("skopeo", "copy", "--dest-tls-verify=false", "oci:layout:app", `docker://${host}/os/app:1`)
        run("umoci", "unpack", "--image", "layout:app", "unpacked")

        const scanned = yield* Tree.fromDirectory(join(directory, "unpacked/rootfs"))
        const tree = yield* Effect.fromResult(Flatten.canonicalize(scanned.tree, Flatten.composefsRs))
        const outcome = yield* digestInRegistry(url, "os/app", "1")
        assert.strictEqual(outcome.layers, 3)
        assert.strictEqual(
          outcome.digest,
          yield* Effect.fromResult(ComposefsImage.digest(tree, { minVersion: 1 }))
        )
      }))
  )

  it.live("takes no more memory with a file of 300 MB than with a small one", () =>
    Effect.scoped(Effect.gen(function*() {
      const { url } = yield* dockerRegistry
      const registry = yield* HttpRegistry.make({ url })
      for (const [tag, blocks] of [["small", 1], ["large", 300]] as const) {
        const { diffId, layer } = yield* Effect.promise(() => gzipped(archiveOf(blocks)))
        const config = new TextEncoder().encode(JSON.stringify({
          architecture: "amd64",
          os: "linux",
          rootfs: { type: "layers", diff_ids: [diffId] }
        }))
        const parts = [[MediaType.layerTarGzip, layer], [MediaType.imageConfig, config]] as const
        const [layerDescriptor, configDescriptor] = yield* Effect.forEach(parts, ([mediaType, bytes]) => {
          const descriptor = Descriptor.ofBytes(mediaType, bytes)
          return Effect.as(registry.putBlob("large/file", descriptor, Stream.make(bytes)), descriptor)
        })
        if (layerDescriptor === undefined || configDescriptor === undefined) return assert.fail()
        const manifest = Manifest.image({ config: configDescriptor, layers: [layerDescriptor] })
        yield* registry.putManifest("large/file", manifest, { tags: [tag] })
      }
      const small = yield* digestInRegistry(url, "large/file", "small")
      const large = yield* digestInRegistry(url, "large/file", "large")
      assert.notStrictEqual(large.digest, small.digest)
      assert.isBelow(large.maxRss - small.maxRss, 100 << 20)
    })))
})

const blockSize = 1 << 20

/** A directory /usr and in it one file of so many blocks of 1 MiB, each like no other. */
function* archiveOf(blocks: number): Generator<Uint8Array> {
  yield header("usr/", "5", 0)
  yield header("usr/file", "0", blocks * blockSize)
  for (let at = 0; at < blocks; at++) {
    const block = Buffer.alloc(blockSize)
    for (let place = 0; place < blockSize; place += 4096) block.writeUInt32LE(at * blockSize + place, place)
    yield block
  }
  yield new Uint8Array(1024)
}

const header = (path: string, type: string, size: number): Uint8Array => {
  const block = Buffer.alloc(512)
  block.write(path)
  block.write("0000755\u00000000000\u00000000000\0", 100)
  block.write(`${size.toString(8).padStart(11, "0")}\u000000000000000\0        ${type}`, 124)
  block.write("ustar\u000000", 257)
  block.write(`${block.reduce((sum, byte) => sum + byte, 0).toString(8).padStart(6, "0")}\0 `, 148)
  return block
}

const gzipped = async (archive: Iterable<Uint8Array>) => {
  const hash = createHash("sha256")
  const hashed = function*() {
    for (const chunk of archive) {
      hash.update(chunk)
      yield chunk
    }
  }
  const layer = await buffer(Readable.from(hashed()).pipe(createGzip({ level: 1 })))
  return { diffId: Digest.finish(hash), layer }
}
