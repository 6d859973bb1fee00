/**
 * A module that was built: what is pushed to a registry. Images are in memory, file layers in files.
 *
 * @since 0.1.0
 */
import type { Layer, Node } from "@lamina/composefs"

/**
 * A file of the module: its absolute path, size in bytes and kind.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuiltFile {
  readonly path: string
  readonly size: number
  readonly kind: Exclude<Node.Kind, "directory"> | "hard link"
}

/**
 * One architecture: the composefs image, the files it is made of, and their digests.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuiltArtifact {
  readonly architecture: string
  /** The composefs image: metadata, and files of at most 64 bytes. */
  readonly image: Uint8Array
  /** The files, `tar+zstd`: where the archive stands, and its digests and sizes. */
  readonly fileLayer: { readonly path: string; readonly info: Layer.LayerInfo }
  /** `sha256:` of the image. */
  readonly composefsDigest: string
  /** `sha256:` with the fs-verity digest of the image, as `fsverity digest` prints it. */
  readonly fsverityRootHash: string
  /** Everything but directories, sorted by path. */
  readonly files: ReadonlyArray<BuiltFile>
}

/**
 * A module that was built, for each architecture.
 *
 * @category models
 * @since 0.1.0
 */
export interface BuiltModule {
  readonly name: string
  readonly versionString: string
  /** `manifest.yaml` in canonical form. */
  readonly manifestText: string
  /** `sha256:` of what the specifications select by. */
  readonly fingerprint: string
  readonly gitSha: string | undefined
  /** Milliseconds since the epoch: of the commit, when there is one. */
  readonly builtAt: number | undefined
  readonly artifacts: ReadonlyArray<BuiltArtifact>
  /** The CycloneDX document. */
  readonly sbom: Uint8Array
}
