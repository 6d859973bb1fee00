/**
 * Images: a reference resolved to the manifest of one platform, its config and its layers, ready to be read.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { arch, endianness } from "node:os"
import * as Blob from "./Blob.ts"
import type * as Descriptor from "./Descriptor.ts"
import * as Digest from "./Digest.ts"
import { failing, orFail } from "./internal/failure.ts"
import * as strictJson from "./internal/strictJson.ts"
import * as Manifest from "./Manifest.ts"
import * as MediaType from "./MediaType.ts"
import type { Registry } from "./Registry.ts"
import { LimitExceeded, Malformed, NotFound } from "./RegistryError.ts"
import type { RegistryError } from "./RegistryError.ts"

const absentable = <S extends Schema.Top>(schema: S) => Schema.optionalKey(Schema.NullOr(schema))

/**
 * What a container is started with, as the image's config has it. Docker writes `null` for what is not set.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Execution = Schema.Struct({
  User: absentable(Schema.String),
  Env: absentable(Schema.Array(Schema.String)),
  Entrypoint: absentable(Schema.Array(Schema.String)),
  Cmd: absentable(Schema.Array(Schema.String)),
  WorkingDir: absentable(Schema.String),
  Labels: absentable(Schema.Record(Schema.String, Schema.String)),
  StopSignal: absentable(Schema.String)
})

/**
 * The config of an image (image-spec `config.md`); members this package has no use for are left out.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Config = Schema.Struct({
  architecture: Schema.String,
  os: Schema.String,
  variant: Schema.optionalKey(Schema.String),
  "os.version": Schema.optionalKey(Schema.String),
  created: absentable(Schema.String),
  config: absentable(Execution),
  rootfs: Schema.Struct({
    type: Schema.Literal("layers"),
    /** Digests of the uncompressed archives, base first. */
    diff_ids: Schema.NullOr(Schema.Array(Digest.Digest))
  })
})

/**
 * The config of an image (image-spec `config.md`).
 *
 * @category models
 * @since 0.1.0
 */
export type Config = typeof Config.Type

/**
 * A layer of an image. `@lamina/composefs`' `Tree.fromLayers` takes it as it is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Layer {
  readonly descriptor: Descriptor.Descriptor
  readonly mediaType: string
  /** The bytes as the registry has them; fails rather than end well with others than the descriptor says. */
  readonly content: Stream.Stream<Uint8Array, RegistryError>
  /** The digest of the archive inside, which whoever decompresses it can confirm. */
  readonly diffId: Digest.Digest
}

/**
 * An image of one platform.
 *
 * @category models
 * @since 0.1.0
 */
export interface Image {
  /** Of the manifest. */
  readonly descriptor: Descriptor.Descriptor
  readonly manifest: Manifest.ImageManifest
  readonly config: Config
  /** Base first. */
  readonly layers: ReadonlyArray<Layer>
}

/**
 * Which of an index's images is wanted. What is left out is Linux, and this machine's architecture; without a variant,
 * any will do.
 *
 * @category models
 * @since 0.1.0
 */
export interface PlatformChoice {
  readonly os?: string | undefined
  readonly architecture?: string | undefined
  readonly variant?: string | undefined
}

/**
 * How an image is resolved.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResolveOptions {
  readonly platform?: PlatformChoice | undefined
  /** The largest config in bytes. Default 4 MiB. */
  readonly maximumConfigBytes?: number | undefined
}

/**
 * Resolves a tag or digest to an image: through indexes to the manifest of the platform, then its config. Layers are
 * not read before somebody reads their `content`.
 *
 * An image that stands alone, without an index, is taken whatever its platform; its config tells.
 *
 * @example
 * ```ts
 * import { Image, MemoryRegistry } from "@lamina/oci"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const registry = yield* MemoryRegistry.make()
 *   const image = yield* Image.resolve(registry, "os/base", "1.2.0", { platform: { architecture: "arm64" } })
 *   return image.layers.length
 * })
 *
 * console.log((await Effect.runPromise(Effect.flip(program))).message)
 * // => getManifest os/base:1.2.0: tag 1.2.0 does not exist
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const resolve = Effect.fn("Image.resolve")(function*(
  registry: Registry,
  repository: string,
  reference: string,
  options?: ResolveOptions
): Effect.fn.Return<Image, RegistryError> {
  const { descriptor, document } = yield* manifestOf(registry, repository, reference, {
    os: options?.platform?.os ?? "linux",
    architecture: options?.platform?.architecture ?? hostArchitecture(),
    variant: options?.platform?.variant
  })
  const limit = options?.maximumConfigBytes ?? defaultMaximumConfigBytes
  const config = yield* configOf(registry, repository, document.config, limit)
  const diffIds = config.rootfs.diff_ids ?? []
  if (diffIds.length !== document.layers.length) {
    const detail = `it lists ${diffIds.length} layers, the manifest ${document.layers.length}`
    return yield* failing("resolveImage", repository, document.config.digest)(malformedConfig(detail))
  }
  const layers = document.layers.flatMap((layer, at) => {
    const diffId = diffIds[at]
    return diffId === undefined ? [] : [layerOf(registry, repository, layer, diffId)]
  })
  return { descriptor, manifest: document, config, layers }
})

const defaultMaximumConfigBytes = 4 * 1024 * 1024

/** An index of indexes is legal, a ladder of them has no use. */
const maximumIndexDepth = 4

interface Wanted {
  readonly os: string
  readonly architecture: string
  readonly variant: string | undefined
}

const manifestOf = Effect.fnUntraced(function*(
  registry: Registry,
  repository: string,
  reference: string,
  wanted: Wanted
) {
  const fail = failing("resolveImage", repository, reference)
  let chosen: Descriptor.Descriptor | undefined
  for (let depth = 0; depth <= maximumIndexDepth; depth++) {
    const { bytes, descriptor } = yield* registry.getManifest(repository, chosen?.digest ?? reference)
    // What the index calls it counts: a registry could call the same bytes something else.
    const manifest = yield* orFail(Manifest.parse(bytes, chosen?.mediaType ?? descriptor.mediaType), fail)
    if (manifest._tag === "Image") return { descriptor, document: manifest.document }
    chosen = choose(manifest.document.manifests, wanted)
    if (chosen === undefined) {
      const name = `for ${platformName(wanted)} (there is ${availableIn(manifest.document)})`
      return yield* fail(new NotFound({ kind: "manifest", name }))
    }
  }
  return yield* fail(new LimitExceeded({ what: "the depth of nested indexes", limit: maximumIndexDepth }))
})

/** The first that fits best. An index of one image may leave its platform out. */
const choose = (
  manifests: ReadonlyArray<Descriptor.Descriptor>,
  wanted: Wanted
): Descriptor.Descriptor | undefined => {
  const images = manifests.filter(({ mediaType }) => MediaType.isManifest(MediaType.essence(mediaType)))
  const ofPlatform = images.filter(({ platform }) =>
    platform?.os === wanted.os && platform.architecture === wanted.architecture
  )
  const [only] = images
  if (images.length === 1 && only?.platform === undefined) return only
  if (wanted.variant === undefined) return ofPlatform[0]
  return variantsOf(wanted.architecture, wanted.variant)
    .map((variant) => ofPlatform.find(({ platform }) => variantOf(platform) === variant))
    .find((found) => found !== undefined)
}

/** Variants from new to old: a newer processor runs what was built for an older one. */
const variants: ReadonlyMap<string, ReadonlyArray<string>> = new Map([
  ["amd64", ["v4", "v3", "v2", "v1"]],
  ["arm", ["v8", "v7", "v6", "v5"]],
  ["arm64", ["v9", "v8"]]
])

/** What is meant where a platform names no variant. */
const defaultVariants: ReadonlyMap<string, string> = new Map([["amd64", "v1"], ["arm", "v7"], ["arm64", "v8"]])

const variantsOf = (architecture: string, variant: string): ReadonlyArray<string> => {
  const known = variants.get(architecture) ?? []
  return known.includes(variant) ? known.slice(known.indexOf(variant)) : [variant]
}

const variantOf = (platform: Descriptor.Platform | undefined): string | undefined =>
  platform?.variant ?? defaultVariants.get(platform?.architecture ?? "")

const availableIn = ({ manifests }: Manifest.ImageIndex): string => {
  const names = manifests.slice(0, 20).map(({ platform }) =>
    platform === undefined ? "unknown" : platformName(platform)
  )
  return names.length === 0 ? "none" : Array.from(new Set(names)).join(", ").slice(0, 400)
}

const platformName = ({ architecture, os, variant }: { readonly [Key in keyof Wanted]?: Wanted[Key] }): string =>
  [os, architecture, ...(variant === undefined ? [] : [variant])].join("/")

/** Node's name of this machine's architecture as Go, and so OCI, has it. */
const hostArchitecture = (): string => {
  const name = arch()
  return name === "ppc64" && endianness() === "LE" ? "ppc64le" : goArchitectures.get(name) ?? name
}

const goArchitectures: ReadonlyMap<string, string> = new Map([["x64", "amd64"], ["ia32", "386"], ["mipsel", "mipsle"]])

const configTypes = [MediaType.imageConfig, MediaType.dockerConfig]
const decodeConfig = Schema.decodeUnknownResult(Config)

const configOf = Effect.fnUntraced(function*(
  registry: Registry,
  repository: string,
  descriptor: Descriptor.Descriptor,
  limit: number
) {
  const fail = failing("resolveImage", repository, descriptor.digest)
  const type = MediaType.essence(descriptor.mediaType)
  if (!configTypes.includes(type)) {
    return yield* fail(malformedConfig(`its media type is ${JSON.stringify(type.slice(0, 120))}: this is no image`))
  }
  const bytes = yield* Blob.getBytes(registry, repository, descriptor, { limit })
  const value = yield* orFail(strictJson.parse(bytes, "image config", limit), fail)
  return yield* orFail(
    Result.mapError(decodeConfig(value), (error) => malformedConfig(error.message.slice(0, 1000))),
    fail
  )
})

const malformedConfig = (detail: string): Malformed => new Malformed({ what: "image config", detail })

const layerOf = (
  registry: Registry,
  repository: string,
  descriptor: Descriptor.Descriptor,
  diffId: Digest.Digest
): Layer => ({
  descriptor,
  mediaType: descriptor.mediaType,
  content: Stream.unwrap(
    Effect.map(registry.getBlob(repository, descriptor.digest, { size: descriptor.size }), ({ stream }) => stream)
  ),
  diffId
})
