/**
 * Media types of the OCI image specification, and those of Docker that registries still hold.
 *
 * @since 0.1.0
 */

/**
 * An OCI image manifest.
 *
 * @category constants
 * @since 0.1.0
 */
export const imageManifest = "application/vnd.oci.image.manifest.v1+json"

/**
 * An OCI image index.
 *
 * @category constants
 * @since 0.1.0
 */
export const imageIndex = "application/vnd.oci.image.index.v1+json"

/**
 * A Docker image manifest, version 2 schema 2.
 *
 * @category constants
 * @since 0.1.0
 */
export const dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"

/**
 * A Docker manifest list.
 *
 * @category constants
 * @since 0.1.0
 */
export const dockerManifestList = "application/vnd.docker.distribution.manifest.list.v2+json"

/**
 * An OCI image configuration.
 *
 * @category constants
 * @since 0.1.0
 */
export const imageConfig = "application/vnd.oci.image.config.v1+json"

/**
 * A Docker image configuration.
 *
 * @category constants
 * @since 0.1.0
 */
export const dockerConfig = "application/vnd.docker.container.image.v1+json"

/**
 * The empty document `{}`, which stands for a config or layer that an artifact does not have.
 *
 * @category constants
 * @since 0.1.0
 */
export const empty = "application/vnd.oci.empty.v1+json"

/**
 * A layer: a tar archive.
 *
 * @category constants
 * @since 0.1.0
 */
export const layerTar = "application/vnd.oci.image.layer.v1.tar"

/**
 * A layer: a tar archive, compressed with gzip.
 *
 * @category constants
 * @since 0.1.0
 */
export const layerTarGzip = "application/vnd.oci.image.layer.v1.tar+gzip"

/**
 * A layer: a tar archive, compressed with zstd.
 *
 * @category constants
 * @since 0.1.0
 */
export const layerTarZstd = "application/vnd.oci.image.layer.v1.tar+zstd"

/**
 * Bytes of which nothing is known.
 *
 * @category constants
 * @since 0.1.0
 */
export const octetStream = "application/octet-stream"

/**
 * Says whether a media type is that of an image manifest (OCI or Docker).
 *
 * @category guards
 * @since 0.1.0
 */
export const isImage = (mediaType: string): boolean => mediaType === imageManifest || mediaType === dockerManifest

/**
 * Says whether a media type is that of an index of manifests (OCI or Docker).
 *
 * @category guards
 * @since 0.1.0
 */
export const isIndex = (mediaType: string): boolean => mediaType === imageIndex || mediaType === dockerManifestList

/**
 * Says whether a media type is that of a manifest which this package reads.
 *
 * @category guards
 * @since 0.1.0
 */
export const isManifest = (mediaType: string): boolean => isImage(mediaType) || isIndex(mediaType)

/**
 * Says whether a layer is one that registries need not hold: it lives at the descriptor's `urls`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isNonDistributable = (mediaType: string): boolean =>
  mediaType.startsWith("application/vnd.oci.image.layer.nondistributable.") ||
  mediaType === "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"

/**
 * A media type without its parameters, in lower case: `Application/JSON; charset=utf-8` is `application/json`.
 *
 * @category getters
 * @since 0.1.0
 */
export const essence = (contentType: string): string => (contentType.split(";", 1)[0] ?? "").trim().toLowerCase()
