import { assert, describe, it } from "@effect/vitest"
import { FsVerity, Image, Tree } from "@lamina/composefs"
import { ArtifactSource } from "@lamina/core"
import { Digest, MemoryRegistry } from "@lamina/oci"
import { ModuleBuilder, ModulePublisher, OciArtifactSource } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as fc from "fast-check"
import { readFileSync, statSync } from "node:fs"
import { chmod, chown, cp, link, mkdir, readdir, utimes } from "node:fs/promises"
import { join } from "node:path"
import {
  build,
  commitAll,
  digestsOf,
  type File,
  git,
  longText,
  repository,
  temporaryDirectory,
  writeFiles
} from "./support/modules.ts"

const treeOf = (image: Uint8Array) => Result.getOrThrow(Image.read(image)).tree

const nodeAt = (image: Uint8Array, path: string) => Option.getOrThrow(Tree.find(treeOf(image), path))

const problemsOf = <A, E, R>(build: Effect.Effect<A, E, R>) =>
  Effect.map(
    Effect.flip(build),
    (error) => error instanceof ModuleBuilder.BuildError ? error.problems : [String(error)]
  )

describe("a dry run", () => {
  it.effect("lists the files that the module ships, and why each other one stays behind", () =>
    Effect.gen(function*() {
      const found = yield* ModuleBuilder.dryRun(yield* repository())
      assert.isTrue(found.isBuildable)
      assert.deepStrictEqual(found.files, [
        { path: "/etc/redis/current", size: 0, kind: "symlink" },
        { path: "/etc/redis/redis.conf", size: longText.length, kind: "file" },
        { path: "/etc/redis/users.acl", size: 16, kind: "file" },
        { path: "/usr/bin/redis-check", size: 17, kind: "file" }
      ])
      assert.strictEqual(found.totalBytes, longText.length + 16 + 17)
      assert.deepStrictEqual(found.leftOut, [
        {
          path: "/etc/redis/sentinel.conf",
          reason: "/etc/redis/sentinel.conf is left out by mask /etc/redis/sentinel.conf"
        },
        { path: "/usr/share/doc/redis", reason: "/usr/share/doc/redis is not selected: no pattern covers it" }
      ])
      assert.deepStrictEqual([...found.packages].sort(), ["redis-server", "redis-tools"])
    }))

  it.effect("names the patterns that match no file", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      yield* writeFiles(directory, {
        "manifest.yaml": "schema_version: 1\nname: a\nfile_spec: [/etc/a, /usr/**]\n",
        "rootfs/etc/a/b.conf": "b"
      })
      assert.deepStrictEqual((yield* ModuleBuilder.dryRun(directory)).unmatchedPatterns, ["/usr/**"])
    }))

  it.effect("builds nothing", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      const before = yield* Effect.promise(() => readdir(directory, { recursive: true }))
      yield* ModuleBuilder.dryRun(directory)
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(directory, { recursive: true })), before)
    }))

  it.effect("looks at the root file system that a builder made, when it is told where", () =>
    Effect.gen(function*() {
      const rootfs = yield* temporaryDirectory
      yield* writeFiles(rootfs, { "usr/bin/redis-server": "ELF" })
      const found = yield* ModuleBuilder.dryRun(yield* repository(), { rootfs })
      assert.deepStrictEqual(found.files.map(({ path }) => path), ["/usr/bin/redis-server"])
    }))

  it.effect("shows what is wrong with a manifest beside its lines, and lists no files then", () =>
    Effect.gen(function*() {
      const manifest = "schema_version: 1\nname: my-redis\ncategory: userland\nfil_spec: [/etc/**]\n"
      const found = yield* ModuleBuilder.dryRun(yield* repository({ "manifest.yaml": manifest }))
      assert.isFalse(found.isBuildable)
      assert.deepStrictEqual(found.files, [])
      assert.isTrue(found.manifestIssues.some(({ line, severity }) => line === 4 && severity === "error"))
      assert.include(found.renderedIssues.join("\n"), "fil_spec: [/etc/**]")
      assert.include(found.renderedIssues.join("\n"), "file_spec")
    }))
})

describe("a build", () => {
  it.effect("makes an image of the files and a layer of their contents, and says by which digests they are known", () =>
    Effect.gen(function*() {
      const module = yield* build(yield* repository())
      assert.deepStrictEqual([module.name, module.versionString], ["my-redis", "0.1.0"])
      assert.deepStrictEqual(module.artifacts.map(({ architecture }) => architecture), ["amd64", "arm64"])
      for (const { composefsDigest, fileLayer, fsverityRootHash, image } of module.artifacts) {
        assert.strictEqual(composefsDigest, Digest.ofBytes(image))
        assert.strictEqual(fsverityRootHash, `sha256:${FsVerity.digest(image)}`)
        const layer = readFileSync(fileLayer.path)
        assert.deepStrictEqual([fileLayer.info.digest, fileLayer.info.size], [Digest.ofBytes(layer), layer.byteLength])
      }
    }))

  it.effect("holds what the dry run listed, and nothing else", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      const { files } = yield* ModuleBuilder.dryRun(directory)
      for (const artifact of (yield* build(directory)).artifacts) {
        assert.deepStrictEqual(artifact.files, files)
        const paths = [...Tree.walk(treeOf(artifact.image))]
          .filter(({ node }) => node._tag !== "Directory").map(({ path }) => path)
        assert.deepStrictEqual(paths, files.map(({ path }) => path))
      }
    }))

  it.effect("keeps what git keeps: executables, links, everything to root and of one time", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      commitAll(directory)
      const { artifacts: [artifact] } = yield* build(directory)
      assert.isDefined(artifact)
      const modes = ["/usr/bin/redis-check", "/etc/redis/redis.conf", "/etc/redis/current", "/etc"].map((path) => {
        const node = nodeAt(artifact.image, path)
        if (node._tag === "HardLink") return assert.fail(`${path} is a hard link`)
        assert.deepStrictEqual([node.uid, node.gid, node.mtime], [0, 0, { seconds: 1_700_000_000n, nanoseconds: 0 }])
        return node.mode & 0o7777
      })
      assert.deepStrictEqual(modes, [0o755, 0o644, 0o777, 0o755])
      const current = nodeAt(artifact.image, "/etc/redis/current")
      assert.strictEqual(current._tag === "Symlink" ? current.target : current._tag, "redis.conf")
    }))

  it.effect("gives the same digests for two copies that differ in umask, times, owners and what else git ignores", () =>
    Effect.gen(function*() {
      const directory = yield* repository({ "rootfs/etc/redis/same.conf": longText })
      const copy = join(yield* temporaryDirectory, "copy")
      yield* Effect.promise(async () => {
        await cp(directory, copy, { recursive: true, verbatimSymlinks: true })
        for (const entry of await readdir(join(copy, "rootfs"), { recursive: true, withFileTypes: true })) {
          const path = join(entry.parentPath, entry.name)
          if (entry.isSymbolicLink()) continue
          await chmod(path, (statSync(path).mode & 0o100) === 0 ? 0o600 : 0o700)
          await utimes(path, 1_000_000_000, 1_234_567_890)
          if (process.getuid?.() === 0) await chown(path, 1234, 5678)
        }
        await mkdir(join(copy, "rootfs/etc/redis/empty/deeper"), { recursive: true })
      })
      const one = yield* build(directory)
      const other = yield* build(copy)
      assert.deepStrictEqual(other.artifacts.map(digestsOf), one.artifacts.map(digestsOf))
      assert.deepStrictEqual(other.sbom, one.sbom)
    }))

  it.effect("takes two names of one file for two files, since a checkout has no hard links", () =>
    Effect.gen(function*() {
      const plain = yield* repository({ "rootfs/etc/redis/second.conf": longText })
      const linked = yield* repository()
      const rootfs = join(linked, "rootfs/etc/redis")
      yield* Effect.promise(() => link(join(rootfs, "redis.conf"), join(rootfs, "second.conf")))
      assert.deepStrictEqual(
        (yield* build(linked)).artifacts.map(digestsOf),
        (yield* build(plain)).artifacts.map(digestsOf)
      )
    }))

  it.effect("with preserved metadata keeps modes and links as found, and no time later than the commit's", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      commitAll(directory)
      const rootfs = yield* temporaryDirectory
      yield* writeFiles(rootfs, { "usr/bin/new": "new", "usr/bin/old": "old" })
      yield* Effect.promise(async () => {
        await chmod(join(rootfs, "usr/bin/new"), 0o4750)
        await utimes(join(rootfs, "usr/bin/new"), 1_800_000_000, 1_800_000_000)
        await utimes(join(rootfs, "usr/bin/old"), 1_600_000_000, 1_600_000_000)
        await link(join(rootfs, "usr/bin/new"), join(rootfs, "usr/bin/new-link"))
        await mkdir(join(rootfs, "usr/bin/empty"))
      })
      const { artifacts: [artifact] } = yield* build(directory, {
        architectures: ["amd64"],
        rootfs: { amd64: rootfs },
        metadata: "preserved"
      })
      assert.isDefined(artifact)
      const created = nodeAt(artifact.image, "/usr/bin/new")
      const old = nodeAt(artifact.image, "/usr/bin/old")
      assert.isTrue(created._tag === "InlineFile" && old._tag === "InlineFile")
      if (created._tag !== "InlineFile" || old._tag !== "InlineFile") return
      assert.strictEqual(created.mode & 0o7777, 0o4750)
      assert.deepStrictEqual([created.mtime.seconds, old.mtime.seconds], [1_700_000_000n, 1_600_000_000n])
      assert.strictEqual(nodeAt(artifact.image, "/usr/bin/new-link")._tag, "HardLink")
      assert.strictEqual(nodeAt(artifact.image, "/usr/bin/empty")._tag, "Directory")
    }))

  it.effect("takes commit, time and version from git", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      const gitSha = commitAll(directory)
      git(directory, "tag", "v2.0.0-rc.1")
      const module = yield* build(directory, { versionString: undefined })
      assert.deepStrictEqual(
        [module.gitSha, module.builtAt, module.versionString],
        [gitSha, 1_700_000_000_000, "2.0.0-rc.1"]
      )
    }))

  it.effect("of files that differ from the commit claims none", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      commitAll(directory)
      yield* writeFiles(directory, { "rootfs/etc/redis/users.acl": "user default off\n" })
      const module = yield* build(directory)
      assert.deepStrictEqual([module.gitSha, module.builtAt], [undefined, undefined])
    }))

  it.effect("makes one image and one layer for architectures that share a root file system", () =>
    Effect.gen(function*() {
      const outputDirectory = yield* temporaryDirectory
      const module = yield* build(yield* repository(), { outputDirectory })
      const [first, second] = module.artifacts
      assert.deepStrictEqual(first && digestsOf(first), second && digestsOf(second))
      assert.deepStrictEqual(yield* Effect.promise(() => readdir(outputDirectory)), ["amd64-arm64.tar.zst"])
    }))

  it.effect("makes an artifact of each architecture's own root file system, and lists the files of all", () =>
    Effect.gen(function*() {
      const [amd64, arm64] = [yield* temporaryDirectory, yield* temporaryDirectory]
      yield* writeFiles(amd64, { "usr/bin/redis-server": "ELF for amd64", "usr/bin/same": "same" })
      yield* writeFiles(arm64, { "usr/bin/redis-server": "ELF for arm64", "usr/bin/same": "same" })
      const module = yield* build(yield* repository(), { rootfs: { amd64, arm64 } })
      assert.strictEqual(new Set(module.artifacts.map(({ composefsDigest }) => composefsDigest)).size, 2)
      const { components } = decodeSbom(new TextDecoder().decode(module.sbom))
      assert.deepStrictEqual(
        components.filter(({ type }) => type === "file").map(({ name }) => name),
        ["/usr/bin/redis-server", "/usr/bin/redis-server", "/usr/bin/same"]
      )
      const references = components.map((component) => component["bom-ref"])
      assert.strictEqual(new Set(references).size, references.length)
    }))

  it.effect("tells how far it is", () =>
    Effect.gen(function*() {
      const progress: Array<string> = []
      yield* build(yield* repository(), {
        architectures: ["amd64", "arm64", "amd64"],
        onProgress: (built, total) => progress.push(`${built}/${total}`)
      })
      assert.deepStrictEqual(progress, ["1/2", "2/2"])
    }))

  for (const architecture of ["../../etc", "AMD64", "arm/v7", "", "a".repeat(33), "amd64\n"]) {
    it.effect(`refuses the architecture ${JSON.stringify(architecture)}`, () =>
      Effect.gen(function*() {
        const problems = yield* problemsOf(build(yield* repository(), { architectures: ["amd64", architecture] }))
        assert.deepStrictEqual(problems, [`expected architectures such as amd64, got ${JSON.stringify(architecture)}`])
      }))
  }

  it.effect("refuses to build for no architecture at all", () =>
    Effect.gen(function*() {
      const problems = yield* problemsOf(build(yield* repository(), { architectures: [] }))
      assert.deepStrictEqual(problems, ["expected architectures such as amd64, got none"])
    }))

  for (const versionString of ["latest", "1.0", "1.0.0 beta", "../1.0.0", `1.0.0-${"a".repeat(130)}`]) {
    it.effect(`refuses the version ${versionString.slice(0, 20)}`, () =>
      Effect.gen(function*() {
        const problems = yield* problemsOf(build(yield* repository(), { versionString }))
        assert.include(problems.join(), "expected a version such as 0.1.0")
      }))
  }

  it.effect("refuses to guess a version", () =>
    Effect.gen(function*() {
      const problems = yield* problemsOf(build(yield* repository(), { versionString: undefined }))
      assert.deepStrictEqual(problems, ["expected a version: tag the commit (v0.1.0), or give one"])
    }))

  it.effect("refuses a broken manifest with line and column, and a missing root file system", () =>
    Effect.gen(function*() {
      const broken = yield* repository({ "manifest.yaml": "schema_version: 1\nname: [\n" })
      assert.match((yield* problemsOf(build(broken))).join("\n"), /manifest\.yaml:\d+:\d+: /)
      const bare = yield* temporaryDirectory
      yield* writeFiles(bare, { "manifest.yaml": "schema_version: 1\nname: a\ncategory: userland\nfile_spec: [/a]\n" })
      assert.include((yield* problemsOf(build(bare))).join("\n"), "expected a directory rootfs")
    }))
})

const decodeSbom = Schema.decodeSync(Schema.fromJsonString(Schema.Struct({
  components: Schema.Array(Schema.Struct({ type: Schema.String, name: Schema.String, "bom-ref": Schema.String }))
})))

describe("what was built and pushed", () => {
  const name = fc.stringMatching(/^[a-z0-9._-]{1,12}$/).filter((text) => text !== "." && text !== "..")
  const content = fc.oneof(
    fc.uint8Array({ maxLength: 200 }),
    fc.uint8Array({ minLength: 60, maxLength: 70 }),
    fc.integer({ min: 1, max: 200_000 }).map((size) => new Uint8Array(size).fill(size % 251))
  )
  const file: fc.Arbitrary<File> = fc.oneof(
    { weight: 4, arbitrary: content },
    { weight: 1, arbitrary: fc.string({ maxLength: 100 }).map((executable) => ({ executable })) },
    { weight: 1, arbitrary: name.map((linkTo) => ({ linkTo })) }
  )
  // Directories have a dot at the end, so that no file stands where another one needs a directory.
  const path = fc.tuple(fc.array(name.map((text) => `${text}.d`), { maxLength: 3 }), name.map((text) => `${text}.f`))
    .map(([directories, base]) => ["rootfs", "etc", "redis", ...directories, base].join("/"))

  it.effect("is computed again to the same digests and files, from the registry alone", () =>
    Effect.promise(() =>
      fc.assert(
        fc.asyncProperty(fc.dictionary(path, file, { maxKeys: 12 }), (files) =>
          Effect.runPromise(Effect.scoped(Effect.gen(function*() {
            const directory = yield* repository(files)
            const module = yield* build(directory, { architectures: ["amd64"] })
            const registry = yield* MemoryRegistry.make()
            const published = yield* ModulePublisher.push(module, { registry, repository: "acme/my-redis" })
            const source = yield* Effect.provide(ArtifactSource.ArtifactSource, OciArtifactSource.layer({ registry }))
            const { artifacts } = yield* source.inspect("acme/my-redis", published.index.digest)
            for (const artifact of artifacts) {
              const recomputed = yield* source.recompute("acme/my-redis", artifact, { deep: true })
              assert.deepStrictEqual(recomputed, {
                composefsDigest: artifact.composefsDigest,
                fsverityRootHash: artifact.fsverityRootHash,
                files: module.artifacts.flatMap((built) =>
                  built.files.map(({ path }) => path)
                ),
                rebuilt: true
              })
            }
          })))),
        { numRuns: 40 }
      )
    ))
})
