import { assert, describe, it } from "@effect/vitest"
import { Image, Layer as FileLayer, Node } from "@lamina/composefs"
import type { ArtifactSource } from "@lamina/core"
import { type Descriptor, Digest, Manifest, MemoryRegistry, type Registry, RegistryError } from "@lamina/oci"
import { type BuiltModule, ModuleConfig, ModulePublisher } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { readFileSync } from "node:fs"
import { build, builtModule, repository } from "./support/modules.ts"
import {
  forArchitecture,
  type Parts,
  pushIndex,
  pushManifest,
  repositoryName,
  sourceOf
} from "./support/publications.ts"

interface World {
  readonly module: BuiltModule.BuiltModule
  readonly artifact: BuiltModule.BuiltArtifact
  readonly registry: Registry.Registry
}

const world = Effect.gen(function*() {
  const module = yield* builtModule
  const [artifact] = module.artifacts
  assert.isDefined(artifact)
  return { module, artifact, registry: yield* MemoryRegistry.make() }
})

/** Inspects an index of one architecture, whose manifest is changed in some parts. */
const inspectWith = Effect.fnUntraced(function*({ artifact, module, registry }: World, parts: Parts) {
  const manifest = yield* pushManifest(registry, module, artifact, parts)
  const digest = yield* pushIndex(registry, [forArchitecture(manifest, "amd64")])
  return yield* (yield* sourceOf(registry)).inspect(repositoryName, digest)
})

/** Computes an artifact again whose manifest is changed in some parts. */
const recomputeWith = Effect.fnUntraced(function*(
  { artifact, module, registry }: World,
  parts: Parts,
  options: { readonly deep: boolean } = { deep: true }
) {
  const manifest = yield* pushManifest(registry, module, artifact, parts)
  return yield* (yield* sourceOf(registry)).recompute(repositoryName, published(artifact, manifest), options)
})

const published = (
  { architecture, composefsDigest, fsverityRootHash }: BuiltModule.BuiltArtifact,
  { digest, mediaType }: Descriptor.Descriptor
): ArtifactSource.PublishedArtifact => ({
  architecture,
  composefsDigest,
  fsverityRootHash,
  manifestDigest: digest,
  sizeBytes: 0,
  mediaType
})

const refusal = <A, R>(
  attempt: Effect.Effect<A, ArtifactSource.ArtifactSourceError | RegistryError.RegistryError, R>
) =>
  Effect.map(
    Effect.flip(attempt),
    (error) =>
      error._tag === "ArtifactSourceError" ? { kind: error.kind, message: error.message } : assert.fail(error.message)
  )

const assertRefused = (
  refused: { readonly kind: string; readonly message: string },
  kind: ArtifactSource.ArtifactSourceError["kind"],
  text: string
) => {
  assert.strictEqual(refused.kind, kind, refused.message)
  assert.include(refused.message, text)
}

describe("a publication", () => {
  it.effect("is found by its tag and read as it was published", () =>
    Effect.gen(function*() {
      const { module, registry } = yield* world
      const pushed = yield* ModulePublisher.push(module, { registry, repository: repositoryName })
      const source = yield* sourceOf(registry)
      assert.strictEqual(yield* source.resolve(repositoryName, "0.1.0"), pushed.index.digest)
      assert.deepStrictEqual(yield* source.listTags(repositoryName), ["0.1.0"])
      assert.deepStrictEqual(yield* source.inspect(repositoryName, pushed.index.digest), {
        indexDigest: pushed.index.digest,
        moduleName: "my-redis",
        versionString: "0.1.0",
        manifestText: module.manifestText,
        fingerprint: module.fingerprint,
        gitSha: undefined,
        builtAt: undefined,
        artifacts: module.artifacts.map((artifact, position) => ({
          architecture: artifact.architecture,
          manifestDigest: pushed.manifests[position]?.descriptor.digest ?? "",
          composefsDigest: artifact.composefsDigest,
          fsverityRootHash: artifact.fsverityRootHash,
          sizeBytes: artifact.image.byteLength + artifact.fileLayer.info.size,
          mediaType: "application/vnd.powernode.module.composefs.v1"
        })),
        sbomDigests: [pushed.sbom.digest]
      })
    }))

  it.effect("is not there under a tag or digest that nobody pushed", () =>
    Effect.gen(function*() {
      const { registry } = yield* world
      const source = yield* sourceOf(registry)
      assertRefused(yield* refusal(source.resolve(repositoryName, "9.9.9")), "notFound", `${repositoryName}:9.9.9`)
      const digest = Digest.ofBytes(new Uint8Array())
      assertRefused(yield* refusal(source.inspect(repositoryName, digest)), "notFound", digest)
    }))

  it.effect("is refused when it is asked for by something else than a digest", () =>
    Effect.gen(function*() {
      const { registry } = yield* world
      const source = yield* sourceOf(registry)
      assertRefused(yield* refusal(source.inspect(repositoryName, "latest")), "malformed", "latest")
    }))
})

describe("an index is refused", () => {
  it.effect("when it is a single manifest", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const { digest } = yield* pushManifest(registry, module, artifact)
      const source = yield* sourceOf(registry)
      assertRefused(yield* refusal(source.inspect(repositoryName, digest)), "malformed", "expected an image index")
    }))

  it.effect("when it lists nothing, or more than is read", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const manifest = yield* pushManifest(registry, module, artifact)
      const source = yield* sourceOf(registry, { maximumArchitectures: 2 })
      const empty = yield* pushIndex(registry, [])
      assertRefused(yield* refusal(source.inspect(repositoryName, empty)), "malformed", "lists no manifests")
      const many = yield* pushIndex(
        registry,
        ["amd64", "arm64", "riscv64"].map((name) => forArchitecture(manifest, name))
      )
      assertRefused(yield* refusal(source.inspect(repositoryName, many)), "malformed", "at most 2 are read")
    }))

  it.effect("when there is an index inside of it", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const manifest = yield* pushManifest(registry, module, artifact)
      const inner = yield* registry.putManifest(
        repositoryName,
        Manifest.index({ manifests: [forArchitecture(manifest, "amd64")] })
      )
      const outer = yield* pushIndex(registry, [forArchitecture(inner, "amd64")])
      const source = yield* sourceOf(registry)
      assertRefused(yield* refusal(source.inspect(repositoryName, outer)), "malformed", "an index inside of an index")
    }))

  it.effect("when it lists an architecture twice", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const manifest = yield* pushManifest(registry, module, artifact)
      const { annotations: _, platform: __, ...bare } = forArchitecture(manifest, "amd64")
      const digest = yield* pushIndex(registry, [forArchitecture(manifest, "amd64"), bare])
      const source = yield* sourceOf(registry)
      assertRefused(yield* refusal(source.inspect(repositoryName, digest)), "malformed", "an architecture twice")
    }))

  it.effect("when it names another architecture than the config does", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const manifest = yield* pushManifest(registry, module, artifact)
      const digest = yield* pushIndex(registry, [forArchitecture(manifest, "arm64")])
      const source = yield* sourceOf(registry)
      assertRefused(
        yield* refusal(source.inspect(repositoryName, digest)),
        "malformed",
        "the index says architecture arm64, its config amd64"
      )
    }))

  const differences = {
    module: "other",
    version: "0.1.1",
    manifest: "schema_version: 1\n",
    fingerprint: `sha256:${"0".repeat(64)}`,
    gitSha: "a".repeat(40),
    builtAt: 1
  }
  for (const [field, value] of Object.entries(differences)) {
    it.effect(`when two of its architectures differ in ${field}`, () =>
      Effect.gen(function*() {
        const { artifact, module, registry } = yield* world
        const first = yield* pushManifest(registry, module, artifact)
        const second = yield* pushManifest(registry, module, artifact, {
          config: { architecture: "arm64", [field]: value }
        })
        const digest = yield* pushIndex(registry, [forArchitecture(first, "amd64"), forArchitecture(second, "arm64")])
        const source = yield* sourceOf(registry)
        assertRefused(
          yield* refusal(source.inspect(repositoryName, digest)),
          "malformed",
          `its arm64 and amd64 differ in ${field}`
        )
      }))
  }
})

describe("a manifest is refused", () => {
  const image = { mediaType: ModuleConfig.composefsMediaType, bytes: new Uint8Array([1]) }
  const files = { mediaType: ModuleConfig.fileLayerMediaType, bytes: new Uint8Array([2]) }
  const cases: ReadonlyArray<readonly [string, Parts, string]> = [
    ["of another artifact type", { artifactType: "application/vnd.example" }, "expected artifactType"],
    ["with a config of another type", { configMediaType: "application/json" }, "expected a config of type"],
    ["without its file layer", { layers: [image] }, "expected one further layer"],
    ["without its image", { layers: [files] }, "expected its first layer to be"],
    ["with its layers the wrong way round", { layers: [files, image] }, "expected its first layer to be"],
    ["with a third layer", { layers: [image, files, files] }, "expected one further layer"],
    [
      "with a file layer of another type",
      { layers: [image, { ...files, mediaType: "application/vnd.oci.image.layer.v1.tar+gzip" }] },
      "expected one further layer"
    ],
    [
      "whose config names another image than its layer",
      { config: { composefsDigest: `sha256:${"0".repeat(64)}` } },
      "its layer is sha256:"
    ],
    ["whose config is no JSON", { configText: "{" }, "read the config"],
    ["whose config lacks a field", { configText: "{}" }, "schemaVersion"],
    ["whose config has an odd architecture", { config: { architecture: "../amd64" } }, "architecture"],
    ["whose config has an endless name", { config: { module: "a".repeat(1000) } }, "module"],
    ["whose config has an odd commit", { config: { gitSha: "HEAD; rm" } }, "gitSha"],
    ["whose config has a time that is no date", { config: { builtAt: Number.MAX_SAFE_INTEGER } }, "builtAt"],
    ["whose config has an odd root hash", { config: { fsverityRootHash: "sha256:abc" } }, "fsverityRootHash"]
  ]
  for (const [name, parts, text] of cases) {
    it.effect(name, () =>
      Effect.gen(function*() {
        assertRefused(yield* refusal(inspectWith(yield* world, parts)), "malformed", text)
      }))
  }

  it.effect("whose config is larger than a config may be", () =>
    Effect.gen(function*() {
      const config = { manifest: "#".repeat(ModuleConfig.maximumBytes) }
      assertRefused(yield* refusal(inspectWith(yield* world, { config })), "limitExceeded", "config")
    }))
})

describe("computing again", () => {
  it.effect("gives the digests and the files, with and without a rebuild", () =>
    Effect.gen(function*() {
      const whole = yield* world
      for (const deep of [true, false]) {
        assert.deepStrictEqual(yield* recomputeWith(whole, {}, { deep }), {
          composefsDigest: whole.artifact.composefsDigest,
          fsverityRootHash: whole.artifact.fsverityRootHash,
          files: whole.artifact.files.map(({ path }) => path),
          rebuilt: deep
        })
      }
    }))

  it.effect("rebuilds an image in the version that it has", () =>
    Effect.gen(function*() {
      const whole = yield* world
      const { tree } = Result.getOrThrow(Image.read(whole.artifact.image))
      const image = Result.getOrThrow(Image.write(tree, { minVersion: 1 }))
      assert.notDeepEqual(image, whole.artifact.image)
      const recomputed = yield* recomputeWith(whole, { image, config: { composefsDigest: Digest.ofBytes(image) } })
      assert.deepStrictEqual([recomputed.rebuilt, recomputed.composefsDigest], [true, Digest.ofBytes(image)])
    }))

  it.effect("refuses a file layer that makes another image", () =>
    Effect.gen(function*() {
      const whole = yield* world
      const other = yield* Effect.flatMap(
        repository({ "rootfs/etc/redis/backdoor.conf": "open\n" }),
        (directory) => build(directory)
      )
      const [changed] = other.artifacts
      assert.isDefined(changed)
      const parts = {
        files: readFileSync(changed.fileLayer.path),
        config: { fileLayerDiffId: changed.fileLayer.info.diffId }
      }
      assertRefused(yield* refusal(recomputeWith(whole, parts)), "digestMismatch", "expected the image")
      assertRefused(
        yield* refusal(recomputeWith(whole, { files: parts.files })),
        "digestMismatch",
        "expected a file layer with diffId"
      )
    }))

  it.effect("refuses a file layer that is no archive, or is cut", () =>
    Effect.gen(function*() {
      const whole = yield* world
      const files = readFileSync(whole.artifact.fileLayer.path)
      for (const damaged of [new Uint8Array([1, 2, 3]), files.subarray(0, files.length / 2), new Uint8Array()]) {
        assertRefused(yield* refusal(recomputeWith(whole, { files: damaged })), "malformed", "rebuild")
      }
    }))

  it.effect("refuses a file layer that is larger than allowed, packed or unpacked", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const manifest = yield* pushManifest(registry, module, artifact)
      const { archiveSize, size } = artifact.fileLayer.info
      for (const maximumFileBytes of [size - 1, size + 1]) {
        assert.isBelow(maximumFileBytes, archiveSize)
        const source = yield* sourceOf(registry, { maximumFileBytes })
        const attempt = source.recompute(repositoryName, published(artifact, manifest), { deep: true })
        assertRefused(yield* refusal(attempt), "limitExceeded", "rebuild")
      }
    }))

  it.effect("refuses an image that is larger than allowed", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const manifest = yield* pushManifest(registry, module, artifact)
      const source = yield* sourceOf(registry, { maximumImageBytes: artifact.image.byteLength - 1 })
      const attempt = source.recompute(repositoryName, published(artifact, manifest), { deep: false })
      assertRefused(yield* refusal(attempt), "limitExceeded", "fetch the image")
    }))

  it.effect("refuses a truncated image", () =>
    Effect.gen(function*() {
      const whole = yield* world
      const image = whole.artifact.image.subarray(0, whole.artifact.image.length - 4096)
      assertRefused(yield* refusal(recomputeWith(whole, { image })), "malformed", "its composefs image")
    }))

  it.effect("refuses an image that hides something where nothing belongs, with and without a rebuild", () =>
    Effect.gen(function*() {
      const whole = yield* world
      const image = Uint8Array.from(whole.artifact.image)
      const unused = image.lastIndexOf(0)
      image[unused] = 1
      for (const deep of [true, false]) {
        const { kind } = yield* refusal(recomputeWith(whole, { image }, { deep }))
        assert.include(["malformed", "digestMismatch"], kind)
      }
    }))

  it.effect("never dies of hostile bytes, and believes none of them", () =>
    Effect.gen(function*() {
      const whole = yield* world
      const { image } = whole.artifact
      const change = fc.array(fc.tuple(fc.nat(image.length - 1), fc.nat(255)), { minLength: 1, maxLength: 8 })
      for (const changes of fc.sample(change, 100)) {
        const hostile = Uint8Array.from(image)
        for (const [at, byte] of changes) hostile[at] = byte
        if (Digest.ofBytes(hostile) === whole.artifact.composefsDigest) continue
        assert.isTrue(Result.isFailure(yield* Effect.result(recomputeWith(whole, { image: hostile }))))
      }
    }))

  it.effect("refuses bytes from the registry that are not those of the digest", () =>
    Effect.gen(function*() {
      const { artifact, module, registry } = yield* world
      const manifest = yield* pushManifest(registry, module, artifact)
      const swapped = artifact.image.slice().reverse()
      const lying: Registry.Registry = {
        ...registry,
        getBlob: (name, digest, options) =>
          digest !== artifact.composefsDigest
            ? registry.getBlob(name, digest, options)
            : Effect.fail(
              new RegistryError.RegistryError({
                operation: "getBlob",
                subject: name,
                reason: new RegistryError.DigestMismatch({ expected: digest, actual: Digest.ofBytes(swapped) })
              })
            )
      }
      const source = yield* sourceOf(lying)
      const attempt = source.recompute(repositoryName, published(artifact, manifest), { deep: true })
      assertRefused(yield* refusal(attempt), "digestMismatch", Digest.ofBytes(swapped))
    }))

  it.effect("rebuilds a layer of nothing but a root directory", () =>
    Effect.gen(function*() {
      const whole = yield* world
      const tree = { root: Node.directory() }
      const { bytes, info } = yield* FileLayer.toBytes(tree, { open: () => assert.fail("there are no contents") })
      const image = Result.getOrThrow(Image.write(tree))
      const config = { composefsDigest: Digest.ofBytes(image), fileLayerDiffId: info.diffId }
      const recomputed = yield* recomputeWith(whole, { image, files: bytes, config })
      assert.deepStrictEqual([recomputed.rebuilt, recomputed.files], [true, []])
    }))
})

describe("a registry", () => {
  const failing = (reason: RegistryError.Reason) =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const fail = () => Effect.fail(new RegistryError.RegistryError({ operation: "resolve", subject: "a", reason }))
      const source = yield* sourceOf({ ...registry, resolve: fail, listTags: fail })
      return yield* Effect.flip(source.resolve(repositoryName, "0.1.0"))
    })

  it.effect("that is away may be asked again; one that denies may not", () =>
    Effect.gen(function*() {
      const away = yield* failing(new RegistryError.Unavailable({ detail: "connection refused" }))
      assert.deepStrictEqual([away.kind, away.retryable], ["unavailable", true])
      const limited = yield* failing(new RegistryError.RateLimited({}))
      assert.deepStrictEqual([limited.kind, limited.retryable], ["unavailable", true])
    }))

  it.effect("with more tags than are read, or pages without end, is not read in part", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const endless: Registry.Registry = {
        ...registry,
        listTags: (_repository, options) =>
          Effect.succeed({ names: [`tag-${options?.last ?? ""}`], next: `${options?.last ?? ""}x` })
      }
      const idle: Registry.Registry = { ...registry, listTags: () => Effect.succeed({ names: [], next: "more" }) }
      for (const hostile of [endless, idle]) {
        const source = yield* sourceOf(hostile, { maximumTags: 100 })
        assertRefused(yield* refusal(source.listTags(repositoryName)), "limitExceeded", "at most 100 tags")
      }
    }))
})
