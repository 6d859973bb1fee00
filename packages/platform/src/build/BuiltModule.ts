/**
 * A module that was built: everything that is pushed to a registry, in memory.
 *
 * @since 0.1.0
 */

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
  /** The files, `tar+zstd`. */
  readonly fileLayer: Uint8Array
  /** `sha256:` of the image. */
  readonly composefsDigest: string
  /** `sha256:` with the fs-verity digest of the image, as `fsverity digest` prints it. */
  readonly fsverityRootHash: string
  /** `sha256:` of the file layer before compression. */
  readonly fileLayerDiffId: string
  /** Absolute paths of everything but directories, sorted. */
  readonly files: ReadonlyArray<string>
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
  /** SHA-256 in hexadecimal of what the specifications select by. */
  readonly fingerprint: string
  readonly gitSha: string | undefined
  /** Milliseconds since the epoch: of the commit, when there is one. */
  readonly builtAt: number | undefined
  readonly artifacts: ReadonlyArray<BuiltArtifact>
  /** The CycloneDX document. */
  readonly sbom: Uint8Array
}
