/**
 * The form in which a module stands in a registry: media types, annotations and the config blob.
 *
 * A tag points to an image index with one manifest per architecture. A manifest's first layer is the composefs image,
 * its second the files, from which the object store and the image can be made again. The config says from what.
 *
 * @since 0.1.0
 */
import { Digest } from "@lamina/oci"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * The artifact type of a module's manifests.
 *
 * @category constants
 * @since 0.1.0
 */
export const artifactType = "application/vnd.powernode.module.v1"

/**
 * The media type of the config blob.
 *
 * @category constants
 * @since 0.1.0
 */
export const configMediaType = "application/vnd.powernode.module.config.v1+json"

/**
 * The media type of the composefs image, the first layer.
 *
 * @category constants
 * @since 0.1.0
 */
export const composefsMediaType = "application/vnd.powernode.module.composefs.v1"

/**
 * The media type of the file layer, the second layer.
 *
 * @category constants
 * @since 0.1.0
 */
export const fileLayerMediaType = "application/vnd.oci.image.layer.v1.tar+zstd"

/**
 * The names of the annotations on manifests and index.
 *
 * @category constants
 * @since 0.1.0
 */
export const annotations = {
  module: "io.powernode.module",
  version: "io.powernode.version",
  fsverityRootHash: "io.powernode.fsverity_root_hash",
  composefsDigest: "io.powernode.composefs_digest",
  fingerprint: "io.powernode.fingerprint",
  builtAt: "io.powernode.built_at",
  gitSha: "io.powernode.git_sha"
} as const

/**
 * A config blob holds at most this many bytes: a manifest has at most 256 KiB, the rest is small.
 *
 * @category constants
 * @since 0.1.0
 */
export const maximumBytes = 1024 * 1024

/**
 * Whether a text can be a module's version: three numbers, then perhaps what semantic versions have behind them; at most
 * 128 characters.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isVersion = (text: string): boolean =>
  text.length <= 128 && /^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$/.test(text)

/**
 * Whether a text can be an architecture: `amd64`, `arm64`, `riscv64` and the like.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isArchitecture = (text: string): boolean => architecturePattern.test(text)

const architecturePattern = /^[a-z0-9][a-z0-9_]{0,31}$/

const Sha256 = Schema.String.check(Schema.isPattern(/^sha256:[a-f0-9]{64}$/))

/**
 * The config blob of one architecture. `fsverityRootHash` is `sha256:` with the fs-verity digest of the image blob.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ModuleConfig = Schema.Struct({
  schemaVersion: Schema.Literal(1),
  module: Schema.String.check(Schema.isMaxLength(64)),
  version: Schema.String.check(Schema.isMaxLength(128)),
  architecture: Schema.String.check(Schema.isPattern(architecturePattern)),
  os: Schema.Literal("linux"),
  /** `manifest.yaml` in canonical form. */
  manifest: Schema.String,
  fingerprint: Sha256,
  composefsDigest: Digest.Digest,
  fsverityRootHash: Sha256,
  /** Digest of the file layer before compression. */
  fileLayerDiffId: Digest.Digest,
  gitSha: Schema.optionalKey(Schema.String.check(Schema.isPattern(/^(?:[a-f0-9]{40}|[a-f0-9]{64})$/))),
  /** Milliseconds since the epoch: the time of the commit, so that a build can be repeated. */
  builtAt: Schema.optionalKey(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 8_640_000_000_000_000 })))
})

/**
 * The config blob of one architecture.
 *
 * @category models
 * @since 0.1.0
 */
export type ModuleConfig = typeof ModuleConfig.Type

const decodeJson = Schema.decodeUnknownResult(Schema.fromJsonString(ModuleConfig))

/**
 * Reads a config blob; the failure says which field is wrong.
 *
 * @category decoding
 * @since 0.1.0
 */
export const decode = (bytes: Uint8Array): Result.Result<ModuleConfig, string> =>
  bytes.byteLength > maximumBytes
    ? Result.fail(`expected at most ${maximumBytes} bytes of module config, got ${bytes.byteLength}`)
    : Result.mapError(decodeJson(new TextDecoder().decode(bytes)), (error) => error.message)

/**
 * Writes a config blob; the same config gives the same bytes.
 *
 * @category encoding
 * @since 0.1.0
 */
export const encode = (config: ModuleConfig): Uint8Array => {
  const ordered = {
    schemaVersion: config.schemaVersion,
    module: config.module,
    version: config.version,
    architecture: config.architecture,
    os: config.os,
    manifest: config.manifest,
    fingerprint: config.fingerprint,
    composefsDigest: config.composefsDigest,
    fsverityRootHash: config.fsverityRootHash,
    fileLayerDiffId: config.fileLayerDiffId,
    ...(config.gitSha === undefined ? {} : { gitSha: config.gitSha }),
    ...(config.builtAt === undefined ? {} : { builtAt: config.builtAt })
  }
  return new TextEncoder().encode(JSON.stringify(ordered))
}
