/**
 * Publishing: pushes a built module to a registry, attaches its bill of materials, signs index and manifests.
 *
 * @since 0.1.0
 */
import { Artifact, type Descriptor, Digest, Manifest, type Registry, RegistryError } from "@lamina/oci"
import type { Signer, SigningError } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { createReadStream } from "node:fs"
import * as ModuleConfig from "../artifact/ModuleConfig.ts"
import * as Sbom from "../artifact/Sbom.ts"
import type { BuiltArtifact, BuiltModule } from "../build/BuiltModule.ts"

/**
 * Where to publish. `tags` default to the version; `+`, which no tag can have, becomes `_` there.
 *
 * @category models
 * @since 0.1.0
 */
export interface Target {
  readonly registry: Registry.Registry
  readonly repository: string
  readonly tags?: ReadonlyArray<string>
  /** Bytes of the blobs that were pushed so far, and of all. */
  readonly onProgress?: (pushed: number, total: number) => void
}

/**
 * A published module; every later step uses these digests, not the tag.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublishedModule {
  readonly repository: string
  readonly index: Descriptor.Descriptor
  readonly manifests: ReadonlyArray<PublishedManifest>
  /** The referrer that holds the bill of materials. */
  readonly sbom: Descriptor.Descriptor
}

/**
 * The manifest of one architecture.
 *
 * @category models
 * @since 0.1.0
 */
export interface PublishedManifest {
  readonly architecture: string
  readonly descriptor: Descriptor.Descriptor
}

/**
 * Pushes blobs, manifests, then the index under its tags, and attaches the SBOM to the index. The tag appears last, so
 * that whoever sees it finds everything.
 *
 * @category operations
 * @since 0.1.0
 */
export const push = Effect.fn("ModulePublisher.push")(
  function*(module: BuiltModule, target: Target): Effect.fn.Return<PublishedModule, RegistryError.RegistryError> {
    const { registry, repository } = target
    const report = progressOf(module, target)
    const manifests = yield* Effect.forEach(
      module.artifacts,
      Effect.fnUntraced(function*(artifact) {
        const descriptor = yield* pushArtifact(module, artifact, target)
        yield* report(artifact)
        return { architecture: artifact.architecture, descriptor }
      })
    )
    const index = indexOf(module, manifests)
    const pushed = yield* registry.putManifest(repository, index)
    const sbom = yield* Artifact.attach(registry, repository, pushed, {
      artifactType: Sbom.mediaType,
      layers: [{ mediaType: Sbom.mediaType, bytes: module.sbom }]
    })
    yield* registry.putManifest(repository, index, { tags: target.tags ?? [module.versionString.replaceAll("+", "_")] })
    return { repository, index: pushed, manifests, sbom }
  }
)

const progressOf = (module: BuiltModule, { onProgress }: Target) => {
  const sizeOf = (artifact: BuiltArtifact) => artifact.image.byteLength + artifact.fileLayer.info.size
  const total = module.artifacts.reduce((sum, artifact) => sum + sizeOf(artifact), 0)
  let pushed = 0
  return (artifact: BuiltArtifact) =>
    Effect.sync(() => {
      pushed += sizeOf(artifact)
      onProgress?.(pushed, total)
    })
}

const pushArtifact = Effect.fnUntraced(function*(module: BuiltModule, artifact: BuiltArtifact, target: Target) {
  const { registry, repository } = target
  const config = ModuleConfig.encode(configOf(module, artifact))
  return yield* Artifact.push(registry, repository, {
    artifactType: ModuleConfig.artifactType,
    config: { mediaType: ModuleConfig.configMediaType, bytes: config },
    layers: [
      { mediaType: ModuleConfig.composefsMediaType, bytes: artifact.image },
      { descriptor: fileLayerDescriptor(artifact), stream: fileLayerStream(artifact) }
    ],
    annotations: {
      ...commonAnnotations(module),
      [ModuleConfig.annotations.fsverityRootHash]: artifact.fsverityRootHash,
      [ModuleConfig.annotations.composefsDigest]: artifact.composefsDigest
    }
  })
})

const fileLayerDescriptor = ({ fileLayer: { info } }: BuiltArtifact): Descriptor.Descriptor => ({
  mediaType: ModuleConfig.fileLayerMediaType,
  digest: Result.getOrThrow(Digest.parse(info.digest)),
  size: info.size
})

const fileLayerStream = (
  { fileLayer: { path } }: BuiltArtifact
): Stream.Stream<Uint8Array, RegistryError.RegistryError> =>
  Stream.fromAsyncIterable<Uint8Array, RegistryError.RegistryError>(
    { [Symbol.asyncIterator]: () => createReadStream(path, { highWaterMark: 1024 * 1024 })[Symbol.asyncIterator]() },
    (cause) =>
      new RegistryError.RegistryError({
        operation: "read the file layer",
        subject: path,
        reason: new RegistryError.Unavailable({ detail: cause instanceof Error ? cause.message : String(cause) })
      })
  )

const configOf = (module: BuiltModule, artifact: BuiltArtifact): ModuleConfig.ModuleConfig => ({
  schemaVersion: 1,
  module: module.name,
  version: module.versionString,
  architecture: artifact.architecture,
  os: "linux",
  manifest: module.manifestText,
  fingerprint: module.fingerprint,
  composefsDigest: Digest.ofBytes(artifact.image),
  fsverityRootHash: artifact.fsverityRootHash,
  fileLayerDiffId: Result.getOrThrow(Digest.parse(artifact.fileLayer.info.diffId)),
  ...(module.gitSha === undefined ? {} : { gitSha: module.gitSha }),
  ...(module.builtAt === undefined ? {} : { builtAt: module.builtAt })
})

const indexOf = (module: BuiltModule, manifests: ReadonlyArray<PublishedManifest>): Manifest.Encoded =>
  // No artifactType here: skopeo writes an index anew from the fields that it knows, and drops this one with the digest.
  Manifest.index({
    manifests: manifests.map(({ architecture, descriptor }) => ({
      mediaType: descriptor.mediaType,
      digest: descriptor.digest,
      size: descriptor.size,
      platform: { architecture, os: "linux" }
    })),
    annotations: commonAnnotations(module)
  })

const commonAnnotations = (module: BuiltModule): Readonly<Record<string, string>> => ({
  [ModuleConfig.annotations.module]: module.name,
  [ModuleConfig.annotations.version]: module.versionString,
  [ModuleConfig.annotations.fingerprint]: module.fingerprint,
  ...(module.builtAt === undefined
    ? {}
    : { [ModuleConfig.annotations.builtAt]: new Date(module.builtAt).toISOString() }),
  ...(module.gitSha === undefined ? {} : { [ModuleConfig.annotations.gitSha]: module.gitSha })
})

/**
 * How to sign. `form` is how cosign v3 finds signatures (`bundle`, the default), the older tags, or both.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignOptions {
  readonly registry: Registry.Registry
  readonly signer: Signer.Signer
  readonly form?: "bundle" | "simplesigning" | "both"
  /** Signatures made so far, and of all. */
  readonly onProgress?: (made: number, total: number) => void
}

/**
 * What was signed, with the descriptor of what holds the signature.
 *
 * @category models
 * @since 0.1.0
 */
export interface ModuleSignatures {
  readonly signatures: ReadonlyArray<{ readonly subject: Descriptor.Descriptor; readonly stored: Signer.Stored }>
  /** The attestation that binds the bill of materials to the index under the signer's identity. */
  readonly sbomAttestation: Descriptor.Descriptor
}

/**
 * Signs the index and each manifest, and attests the SBOM to the index. A machine that pulls one architecture by its
 * digest can then verify that alone.
 *
 * @category operations
 * @since 0.1.0
 */
export const sign = Effect.fn("ModulePublisher.sign")(
  function*(
    module: BuiltModule,
    published: PublishedModule,
    options: SignOptions
  ): Effect.fn.Return<ModuleSignatures, RegistryError.RegistryError | SigningError.SigningError> {
    const { registry, signer } = options
    const { repository } = published
    const subjects = [published.index, ...published.manifests.map(({ descriptor }) => descriptor)]
    const signatures: Array<ModuleSignatures["signatures"][number]> = []
    for (const subject of subjects) {
      const stored = yield* signer.sign({ registry, repository, digest: subject.digest, form: options.form })
      signatures.push({ subject, stored })
      options.onProgress?.(signatures.length, subjects.length + 1)
    }
    const sbomAttestation = yield* signer.attest({
      registry,
      repository,
      digest: published.index.digest,
      predicateType: Sbom.predicateType,
      predicate: JSON.parse(new TextDecoder().decode(module.sbom))
    })
    options.onProgress?.(subjects.length + 1, subjects.length + 1)
    return { signatures, sbomAttestation }
  }
)
