/** Real archivers, and composefs-rs' own flattening beside ours (`cfsctl` on the PATH). */
import { assert, describe, it } from "@effect/vitest"
import { Content, Flatten, FsVerity, Image, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import {
  closeSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync, zstdCompressSync } from "node:zlib"
import { archive, directory, type Item } from "./archives.ts"
import { history } from "./histories.ts"
import { hasProgram } from "./tools.ts"
import { view } from "./trees.ts"

const layerType = "application/vnd.oci.image.layer.v1.tar"

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-flatten-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const seconds = (tree: Tree.Tree): Tree.Tree =>
  Tree.mapMetadata(tree, (metadata) => ({ ...metadata, mtime: { ...metadata.mtime, nanoseconds: 0 } }))

describe("archives of real programs", () => {
  const makeFiles = (directory: string, isRich: boolean) => {
    mkdirSync(join(directory, "dir/sub"), { recursive: true })
    writeFileSync(join(directory, "dir/file"), "content")
    writeFileSync(join(directory, "dir/sub/large"), Buffer.alloc(200_000, "large"))
    linkSync(join(directory, "dir/file"), join(directory, "hard"))
    symlinkSync("dir/file", join(directory, "soft"))
    if (!isRich) return
    const long = join(directory, "n".repeat(200), "m".repeat(100))
    mkdirSync(long, { recursive: true })
    writeFileSync(join(long, "ü\n"), "")
    symlinkSync("t".repeat(300), join(directory, "far"))
    execFileSync("mkfifo", [join(directory, "fifo")])
    writeFileSync(join(directory, "old"), "")
    utimesSync(join(directory, "old"), -1.5, -1.5)
  }

  const read = (bytes: Uint8Array) => Tree.fromLayers([{ mediaType: layerType, content: Stream.make(bytes) }])

  const cases = [
    ["tar", "v7", false],
    ["tar", "oldgnu", true],
    ["tar", "gnu", true],
    ["tar", "ustar", false],
    ["tar", "pax", true],
    ["bsdtar", "gnutar", true],
    ["bsdtar", "ustar", false],
    ["bsdtar", "pax", true]
  ] as const
  for (const [program, format, isRich] of cases) {
    it.effect.skipIf(!hasProgram(program))(
      `are read as the directory they were made of: ${program} ${format}`,
      () =>
        Effect.scoped(Effect.gen(function*() {
          const root = yield* temporaryDirectory
          makeFiles(root, isRich)
          const bytes = execFileSync(program, [`--format=${format}`, "-C", root, "-cf", "-", "."])
          const { tree } = yield* read(bytes)
          const { tree: scanned } = yield* Tree.fromDirectory(root)
          assert.deepEqual(
            view(format === "pax" ? tree : seconds(tree)),
            view(format === "pax" ? scanned : seconds(scanned))
          )
        }))
    )
  }

  /** Data between holes, in blocks of 4096 bytes; the last may end with a hole. */
  const sparseFiles: Readonly<Record<string, { readonly data: ReadonlyArray<number>; readonly size: number }>> = {
    "one-hole": { data: [], size: 1 << 20 },
    "hole-first": { data: [5], size: 6 * 4096 },
    "hole-last": { data: [0], size: 100_000 },
    "odd-end": { data: [0, 9], size: 9 * 4096 + 77 },
    "four-parts": { data: [1, 3, 5, 7], size: 8 * 4096 },
    "many-parts": { data: Array.from({ length: 100 }, (_, at) => 3 * at), size: 400 * 4096 },
    "more-parts": { data: Array.from({ length: 3000 }, (_, at) => 2 * at), size: 6000 * 4096 },
    [`${"n".repeat(90)}/${"m".repeat(90)}`]: { data: [2], size: 20_000 }
  }

  const sparseFormats = [
    ["--format=gnu"],
    ["--format=oldgnu"],
    ["--format=pax", "--sparse-version=0.0"],
    ["--format=pax", "--sparse-version=0.1"],
    ["--format=pax", "--sparse-version=1.0"]
  ] as const
  for (const format of sparseFormats) {
    it.effect.skipIf(!hasProgram("tar"))(
      `have their sparse files read with zeros in the holes: tar ${format.join(" ")}`,
      () =>
        Effect.scoped(Effect.gen(function*() {
          const root = yield* temporaryDirectory
          mkdirSync(join(root, "n".repeat(90)))
          for (const [name, { data, size }] of Object.entries(sparseFiles)) {
            writeFileSync(join(root, name), "")
            truncateSync(join(root, name), size)
            const file = openSync(join(root, name), "r+")
            for (const block of data) {
              writeSync(file, Buffer.alloc(Math.min(4096, size - block * 4096), name), 0, undefined, block * 4096)
            }
            closeSync(file)
          }
          // Holes are looked for in the content: not every file system tells where they are.
          const bytes = execFileSync("tar", [...format, "--hole-detection=raw", "-S", "-C", root, "-cf", "-", "."], {
            maxBuffer: 1 << 26
          })
          assert.isBelow(bytes.length, 16 << 20)
          const { tree: scanned } = yield* Tree.fromDirectory(root)
          const objects = yield* Content.memory()
          for (const options of [{}, { objects }]) {
            const { tree } = yield* Tree.fromLayers([{ mediaType: layerType, content: Stream.make(bytes) }], options)
            const exact = format[0] === "--format=pax"
            assert.deepEqual(view(exact ? tree : seconds(tree)), view(exact ? scanned : seconds(scanned)))
          }
        }))
    )
  }
})

interface Packed {
  readonly archive: Uint8Array
  readonly bytes: Uint8Array
  readonly mediaType: string
}

const pack = (items: ReadonlyArray<Item>, at: number): Packed => {
  const bytes = archive(items)
  return at % 3 === 0
    ? { archive: bytes, bytes, mediaType: layerType }
    : at % 3 === 1
    ? { archive: bytes, bytes: gzipSync(bytes), mediaType: `${layerType}+gzip` }
    : { archive: bytes, bytes: zstdCompressSync(bytes), mediaType: `${layerType}+zstd` }
}

const digestOf = (bytes: Uint8Array) => `sha256:${createHash("sha256").update(bytes).digest("hex")}`

/** An OCI image layout with one image, tagged `image`. */
const writeLayout = (directory: string, layers: ReadonlyArray<Packed>): void => {
  mkdirSync(join(directory, "blobs/sha256"), { recursive: true })
  const put = (mediaType: string, content: Uint8Array) => {
    const digest = digestOf(content)
    writeFileSync(join(directory, "blobs/sha256", digest.slice(7)), content)
    return { mediaType, digest, size: content.length }
  }
  const json = (value: unknown) => Buffer.from(JSON.stringify(value))
  const config = {
    architecture: "amd64",
    os: "linux",
    config: {},
    rootfs: { type: "layers", diff_ids: layers.map(({ archive }) => digestOf(archive)) }
  }
  const mediaType = "application/vnd.oci.image.manifest.v1+json"
  const manifest = {
    schemaVersion: 2,
    mediaType,
    config: put("application/vnd.oci.image.config.v1+json", json(config)),
    layers: layers.map(({ bytes, mediaType }) => put(mediaType, bytes))
  }
  const annotations = { "org.opencontainers.image.ref.name": "image" }
  const index = { schemaVersion: 2, manifests: [{ ...put(mediaType, json(manifest)), annotations }] }
  writeFileSync(join(directory, "oci-layout"), "{\"imageLayoutVersion\":\"1.0.0\"}")
  writeFileSync(join(directory, "index.json"), json(index))
}

const variants = [
  ["as it is", Flatten.composefsRs, []],
  ["with user attributes", Flatten.composefsRsUserXattrs, ["--xattrs", "keep-user-xattrs"]],
  ["bootable", Flatten.composefsRsBoot, ["--bootable"]]
] as const

/** What every image of composefs-rs has, and attributes it drops, keeps or keeps when asked. */
const base: ReadonlyArray<Item> = [
  directory("./", { mode: 0o700 }),
  directory("usr", {
    uid: 7,
    pax: {
      mtime: "1700000000.25",
      "SCHILY.xattr.user.a": "a",
      "SCHILY.xattr.security.capability": "c",
      "SCHILY.xattr.security.selinux": "s"
    }
  }),
  directory("run"),
  directory("boot"),
  directory("sysroot")
]

describe.skipIf(!hasProgram("cfsctl"))("layers, flattened by composefs-rs and by us", () => {
  for (const [name, using] of [["sha256", FsVerity.sha256], ["sha512", FsVerity.sha512]] as const) {
    it.effect(`have the same digests: ${name}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const root = yield* temporaryDirectory
        const repository = join(root, "repository")
        execFileSync("cfsctl", ["init", "--insecure", "--algorithm", `fsverity-${name}-12`, repository])
        const cfsctl = (...args: ReadonlyArray<string>) =>
          execFileSync("cfsctl", ["--repo", repository, ...args], { encoding: "utf8", stdio: "pipe" }).trim()
        const samples = fc.sample(fc.tuple(history({ early: true }), fc.constantFrom("", "usr/", "boot/")), 6)
        for (const [at, [{ layers }, prefix]] of samples.entries()) {
          const placed = layers.map((items) =>
            items.map((item) => ({
              ...item,
              path: `${prefix}${item.path}`,
              ...item.type === "1" ? { link: `${prefix}${item.link}` } : {}
            }))
          )
          const packed = [base, ...placed].map(pack)
          const layout = join(root, `layout-${at}`)
          writeLayout(layout, packed)
          cfsctl("oci", "pull", `oci:${layout}:image`, `image-${at}`)
          for (const [what, flatten, flags] of variants) {
            const sources = packed.map(({ archive, bytes, mediaType }) => ({
              mediaType,
              content: Stream.make(bytes),
              diffId: digestOf(archive)
            }))
            const { tree } = yield* Tree.fromLayers(sources, { flatten, using })
            for (const version of [1, 2] as const) {
              assert.strictEqual(
                yield* Effect.fromResult(Image.digest(tree, { version, using })),
                cfsctl("--erofs-version", String(version), "oci", "compute-id", ...flags, `image-${at}`),
                `${what}, version ${version}`
              )
            }
          }
        }
      })))
  }
})
