import { Layer as FileLayer } from "@lamina/composefs"
import { ArtifactSource } from "@lamina/core"
import { Artifact, type Descriptor, Manifest, type Registry } from "@lamina/oci"
import { type BuiltModule, ModuleConfig, OciArtifactSource } from "@lamina/platform"
import * as Effect from "effect/Effect"
import { readFileSync } from "node:fs"

export const repositoryName = "acme/my-redis"

/** The port over a registry. */
export const sourceOf = (registry: Registry.Registry, options: Omit<OciArtifactSource.Options, "registry"> = {}) =>
  Effect.provide(ArtifactSource.ArtifactSource, OciArtifactSource.layer({ ...options, registry }))

/** A good config of an artifact. */
const configOf = (module: BuiltModule.BuiltModule, artifact: BuiltModule.BuiltArtifact) => ({
  schemaVersion: 1,
  module: module.name,
  version: module.versionString,
  architecture: artifact.architecture,
  os: "linux",
  manifest: module.manifestText,
  fingerprint: module.fingerprint,
  composefsDigest: artifact.composefsDigest,
  fsverityRootHash: artifact.fsverityRootHash,
  fileLayerDiffId: artifact.fileLayer.info.diffId
})

/** What a hand-made manifest has; the parts that are not named are as a good one has them. */
export interface Parts {
  readonly artifactType?: string
  readonly config?: object
  readonly configText?: string
  readonly configMediaType?: string
  readonly layers?: ReadonlyArray<{ readonly mediaType: string; readonly bytes: Uint8Array }>
  readonly image?: Uint8Array
  readonly files?: Uint8Array
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text)

/** Pushes the manifest of an artifact, changed in some parts. */
export const pushManifest = (
  registry: Registry.Registry,
  module: BuiltModule.BuiltModule,
  artifact: BuiltModule.BuiltArtifact,
  parts: Parts = {}
) =>
  Artifact.push(registry, repositoryName, {
    artifactType: parts.artifactType ?? ModuleConfig.artifactType,
    config: {
      mediaType: parts.configMediaType ?? ModuleConfig.configMediaType,
      bytes: encode(parts.configText ?? JSON.stringify({ ...configOf(module, artifact), ...parts.config }))
    },
    layers: parts.layers ?? [
      { mediaType: ModuleConfig.composefsMediaType, bytes: parts.image ?? artifact.image },
      { mediaType: FileLayer.mediaType, bytes: parts.files ?? readFileSync(artifact.fileLayer.path) }
    ]
  })

/** Pushes an index and gives its digest. */
export const pushIndex = (registry: Registry.Registry, manifests: ReadonlyArray<Descriptor.Descriptor>) =>
  Effect.map(
    registry.putManifest(repositoryName, Manifest.index({ manifests })),
    ({ digest }) => digest
  )

/** The descriptor of a manifest for an architecture, as an index lists it. */
export const forArchitecture = (
  { digest, mediaType, size }: Descriptor.Descriptor,
  architecture: string
): Descriptor.Descriptor => ({ mediaType, digest, size, platform: { architecture, os: "linux" } })
