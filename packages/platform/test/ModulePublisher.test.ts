import { assert, describe, it } from "@effect/vitest"
import { Blob, Digest, Manifest, MemoryRegistry, type Registry } from "@lamina/oci"
import { ModuleConfig, ModulePublisher, Sbom } from "@lamina/platform"
import { Statement, TrustPolicy, Verifier } from "@lamina/signing"
import { PrivateSigstore } from "@lamina/signing/testing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { build, builtModule, commitAll, repository } from "./support/modules.ts"
import { repositoryName } from "./support/publications.ts"

const parseManifest = Effect.fnUntraced(function*(registry: Registry.Registry, reference: string) {
  const { bytes, descriptor } = yield* registry.getManifest(repositoryName, reference)
  return yield* Effect.fromResult(Manifest.parse(bytes, descriptor.mediaType))
})

const imageManifest = Effect.fnUntraced(function*(registry: Registry.Registry, reference: string) {
  const manifest = yield* parseManifest(registry, reference)
  return manifest._tag === "Image" ? manifest.document : assert.fail(`${reference} is an index`)
})

const indexManifest = Effect.fnUntraced(function*(registry: Registry.Registry, reference: string) {
  const manifest = yield* parseManifest(registry, reference)
  return manifest._tag === "Index" ? manifest.document : assert.fail(`${reference} is no index`)
})

const published = Effect.gen(function*() {
  const directory = yield* repository()
  const gitSha = commitAll(directory)
  const module = yield* build(directory)
  const registry = yield* MemoryRegistry.make()
  const result = yield* ModulePublisher.push(module, { registry, repository: repositoryName })
  return { gitSha, module, registry, ...result }
})

const common = (gitSha: string, fingerprint: string) => ({
  "io.powernode.module": "my-redis",
  "io.powernode.version": "0.1.0",
  "io.powernode.fingerprint": fingerprint,
  "io.powernode.built_at": "2023-11-14T22:13:20.000Z",
  "io.powernode.git_sha": gitSha
})

describe("a published module", () => {
  it.effect("is an index behind its version's tag, with one manifest for each architecture", () =>
    Effect.gen(function*() {
      const { gitSha, index, manifests, module, registry } = yield* published
      assert.strictEqual((yield* registry.resolve(repositoryName, "0.1.0")).digest, index.digest)
      const document = yield* indexManifest(registry, "0.1.0")
      assert.deepStrictEqual(document, {
        schemaVersion: 2,
        mediaType: "application/vnd.oci.image.index.v1+json",
        manifests: manifests.map(({ architecture, descriptor }) => ({
          mediaType: "application/vnd.oci.image.manifest.v1+json",
          digest: descriptor.digest,
          size: descriptor.size,
          platform: { architecture, os: "linux" }
        })),
        annotations: common(gitSha, module.fingerprint)
      })
      assert.deepStrictEqual(manifests.map(({ architecture }) => architecture), ["amd64", "arm64"])
    }))

  it.effect("has manifests of config, composefs image and file layer, with the digests in annotations", () =>
    Effect.gen(function*() {
      const { gitSha, manifests, module, registry } = yield* published
      for (const [position, { descriptor }] of manifests.entries()) {
        const artifact = module.artifacts[position]
        assert.isDefined(artifact)
        const { annotations, artifactType, config, layers } = yield* imageManifest(registry, descriptor.digest)
        assert.strictEqual(artifactType, "application/vnd.powernode.module.v1")
        assert.strictEqual(config.mediaType, "application/vnd.powernode.module.config.v1+json")
        assert.deepStrictEqual(layers.map(({ digest, mediaType, size }) => [mediaType, digest, size]), [
          ["application/vnd.powernode.module.composefs.v1", artifact.composefsDigest, artifact.image.byteLength],
          [
            "application/vnd.oci.image.layer.v1.tar+zstd",
            artifact.fileLayer.info.digest,
            artifact.fileLayer.info.size
          ]
        ])
        assert.deepStrictEqual(annotations, {
          ...common(gitSha, module.fingerprint),
          "io.powernode.fsverity_root_hash": artifact.fsverityRootHash,
          "io.powernode.composefs_digest": artifact.composefsDigest
        })
      }
    }))

  it.effect("says in each config from what it was built, and which digests it has", () =>
    Effect.gen(function*() {
      const { gitSha, manifests, module, registry } = yield* published
      for (const [position, { architecture, descriptor }] of manifests.entries()) {
        const { config } = yield* imageManifest(registry, descriptor.digest)
        const bytes = yield* Blob.getBytes(registry, repositoryName, config)
        const artifact = module.artifacts[position]
        assert.deepStrictEqual<unknown>(JSON.parse(new TextDecoder().decode(bytes)), {
          schemaVersion: 1,
          module: "my-redis",
          version: "0.1.0",
          architecture,
          os: "linux",
          manifest: module.manifestText,
          fingerprint: module.fingerprint,
          composefsDigest: artifact?.composefsDigest,
          fsverityRootHash: artifact?.fsverityRootHash,
          fileLayerDiffId: artifact?.fileLayer.info.diffId,
          gitSha,
          builtAt: 1_700_000_000_000
        })
        assert.deepStrictEqual(ModuleConfig.encode(Result.getOrThrow(ModuleConfig.decode(bytes))), bytes)
      }
    }))

  it.effect("claims neither commit nor time when it was built from none", () =>
    Effect.gen(function*() {
      const module = yield* builtModule
      const registry = yield* MemoryRegistry.make()
      const { index } = yield* ModulePublisher.push(module, { registry, repository: repositoryName })
      const { annotations } = yield* indexManifest(registry, index.digest)
      assert.deepStrictEqual(Object.keys(annotations ?? {}).sort(), [
        "io.powernode.fingerprint",
        "io.powernode.module",
        "io.powernode.version"
      ])
    }))

  it.effect("has its bill of materials as a referrer of the index", () =>
    Effect.gen(function*() {
      const { index, module, registry, sbom } = yield* published
      const referrers = yield* registry.referrers(repositoryName, index.digest, { artifactType: Sbom.mediaType })
      assert.deepStrictEqual(referrers.map(({ digest }) => digest), [sbom.digest])
      const { layers } = yield* imageManifest(registry, sbom.digest)
      const [layer] = layers
      assert.strictEqual(layer?.mediaType, "application/vnd.cyclonedx+json")
      assert.strictEqual(layer?.digest, Digest.ofBytes(module.sbom))
    }))

  it.effect("gets the tags that were asked for; a version with a plus gets an underscore, as tags have no plus", () =>
    Effect.gen(function*() {
      const module = { ...yield* builtModule, versionString: "1.0.0+build.5" }
      const registry = yield* MemoryRegistry.make()
      yield* ModulePublisher.push(module, { registry, repository: repositoryName })
      yield* ModulePublisher.push(module, { registry, repository: "acme/other", tags: ["latest", "1.0"] })
      assert.deepStrictEqual((yield* registry.listTags(repositoryName)).names, ["1.0.0_build.5"])
      assert.deepStrictEqual((yield* registry.listTags("acme/other")).names, ["1.0", "latest"])
    }))

  it.effect("is pushed twice without a change", () =>
    Effect.gen(function*() {
      const { index, module, registry, sbom } = yield* published
      const again = yield* ModulePublisher.push(module, { registry, repository: repositoryName })
      assert.deepStrictEqual([again.index, again.sbom], [index, sbom])
    }))
})

describe("pushing", () => {
  it.effect("makes the tag appear last, when everything behind it is there", () =>
    Effect.gen(function*() {
      const module = yield* builtModule
      const registry = yield* MemoryRegistry.make()
      const log: Array<string> = []
      const recording: Registry.Registry = {
        ...registry,
        putBlob: (repository, descriptor, content) =>
          Effect.tap(registry.putBlob(repository, descriptor, content), () => Effect.sync(() => log.push("blob"))),
        putManifest: (repository, manifest, options) =>
          Effect.tap(
            registry.putManifest(repository, manifest, options),
            () => Effect.sync(() => log.push(options?.tags === undefined ? "manifest" : `tag ${options.tags.join()}`))
          )
      }
      yield* ModulePublisher.push(module, { registry: recording, repository: repositoryName })
      assert.strictEqual(log.at(-1), "tag 0.1.0")
      assert.strictEqual(log.filter((entry) => entry.startsWith("tag")).length, 1)
    }))

  it.effect("leaves no tag behind when it breaks off", () =>
    Effect.gen(function*() {
      const module = yield* builtModule
      const registry = yield* MemoryRegistry.make()
      const [artifact] = module.artifacts
      assert.isDefined(artifact)
      const vanished = { ...artifact, fileLayer: { ...artifact.fileLayer, path: "/nonexistent/layer.tar.zst" } }
      const error = yield* Effect.flip(
        ModulePublisher.push({ ...module, artifacts: [vanished] }, { registry, repository: repositoryName })
      )
      assert.strictEqual(error.reason._tag, "Unavailable")
      assert.include(error.message, "/nonexistent/layer.tar.zst")
      const tags = yield* Effect.option(registry.listTags(repositoryName))
      assert.deepStrictEqual(tags._tag === "Some" ? tags.value.names : [], [])
    }))

  it.effect("refuses a file layer that is not the one that was built", () =>
    Effect.gen(function*() {
      const module = yield* builtModule
      const other = yield* Effect.flatMap(
        repository({ "rootfs/etc/redis/x": "other" }),
        (directory) => build(directory)
      )
      const registry = yield* MemoryRegistry.make()
      const artifacts = module.artifacts.map((artifact, position) => ({
        ...artifact,
        fileLayer: { ...artifact.fileLayer, path: other.artifacts[position]?.fileLayer.path ?? "" }
      }))
      const error = yield* Effect.flip(
        ModulePublisher.push({ ...module, artifacts }, { registry, repository: repositoryName })
      )
      assert.include(["DigestMismatch", "SizeMismatch"], error.reason._tag)
    }))

  it.effect("tells how many bytes are pushed, up to all", () =>
    Effect.gen(function*() {
      const module = yield* builtModule
      const progress: Array<readonly [number, number]> = []
      yield* ModulePublisher.push(module, {
        registry: yield* MemoryRegistry.make(),
        repository: repositoryName,
        onProgress: (pushed, total) => progress.push([pushed, total])
      })
      const total = module.artifacts.reduce(
        (sum, { fileLayer, image }) => sum + fileLayer.info.size + image.byteLength,
        0
      )
      assert.deepStrictEqual(progress, [[total / 2, total], [total, total]])
    }))
})

const decodeBill = Schema.decodeUnknownSync(Schema.fromJsonString(Schema.Struct({
  bomFormat: Schema.Literal("CycloneDX"),
  metadata: Schema.Struct({ component: Schema.Struct({ name: Schema.String, version: Schema.String }) }),
  components: Schema.Array(Schema.Struct({ type: Schema.String, name: Schema.String }))
})))

describe("a bill of materials", () => {
  it.effect("names packages and files, with the hash of each content", () =>
    Effect.gen(function*() {
      const { sbom } = yield* builtModule
      const bill = decodeBill(new TextDecoder().decode(sbom))
      assert.deepStrictEqual(bill.metadata.component, { name: "my-redis", version: "0.1.0" })
      assert.deepStrictEqual(bill.components.map(({ name, type }) => `${type} ${name}`), [
        "library redis-server",
        "library redis-tools",
        "file /etc/redis/redis.conf",
        "file /etc/redis/users.acl",
        "file /usr/bin/redis-check"
      ])
    }))

  it("is the same for the same materials in any order", () => {
    const materials = {
      moduleName: "a",
      versionString: "1.0.0",
      description: undefined,
      license: undefined,
      builtAt: undefined
    }
    const files = [{ path: "/b", sha256: "2" }, { path: "/a", sha256: "1" }]
    const one = Sbom.encode({ ...materials, packages: ["y", "x"], files })
    const other = Sbom.encode({ ...materials, packages: ["x", "y"], files: [...files, ...files].reverse() })
    assert.deepStrictEqual(one, other)
  })
})

describe("signing", () => {
  it.effect("covers the index and every manifest, and attests the bill of materials to the index", () =>
    Effect.gen(function*() {
      const { module, registry, ...result } = yield* published
      const sigstore = yield* PrivateSigstore.make()
      const progress: Array<string> = []
      const { signatures } = yield* ModulePublisher.sign(module, { ...result, repository: repositoryName }, {
        registry,
        signer: sigstore.signer({ repository: repositoryName }),
        onProgress: (made, total) => progress.push(`${made}/${total}`)
      })
      assert.deepStrictEqual(progress, ["1/4", "2/4", "3/4", "4/4"])
      const policy = yield* Effect.fromResult(TrustPolicy.decode({
        signers: [{
          kind: "keyless",
          issuer: { exact: sigstore.issuer },
          identity: { pattern: "https://git\\.example/acme/my-redis/.+" }
        }]
      }))
      const subjects = [result.index.digest, ...result.manifests.map(({ descriptor }) => descriptor.digest)]
      assert.deepStrictEqual(signatures.map(({ subject }) => subject.digest), subjects)
      const options = { registry, repository: repositoryName, policy, trustRoot: sigstore.trustRoot }
      for (const digest of subjects) {
        assert.strictEqual((yield* Verifier.verifyImage({ ...options, digest })).digest, digest)
      }
      const { attestations: [attestation] } = yield* Verifier.verifyAttestation({
        ...options,
        digest: result.index.digest,
        predicateType: Sbom.predicateType
      })
      const statement: Statement.Statement = attestation.statement
      assert.deepStrictEqual<unknown>(statement.predicate, JSON.parse(new TextDecoder().decode(module.sbom)))
    }))

  it.effect("is stored in the older form too, when both are asked for", () =>
    Effect.gen(function*() {
      const { module, registry, ...result } = yield* published
      const sigstore = yield* PrivateSigstore.make()
      yield* ModulePublisher.sign(module, { ...result, repository: repositoryName }, {
        registry,
        signer: sigstore.signer({ repository: repositoryName }),
        form: "both"
      })
      const { names } = yield* registry.listTags(repositoryName)
      for (const digest of [result.index.digest, ...result.manifests.map(({ descriptor }) => descriptor.digest)]) {
        assert.include(names, `${digest.replace(":", "-")}.sig`)
      }
    }))
})
