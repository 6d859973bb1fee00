/**
 * Manifests: what an image, an artifact or an index of them consists of.
 *
 * A manifest is known by the digest of its bytes, so bytes are kept as they came and never serialised anew. `parse`
 * refuses what two parsers could read differently: a body that contradicts its media type, an image that is also an
 * index (CVE-2021-41190), equal keys, keys that differ from a known one only by case.
 *
 * @since 0.1.0
 */
import * as Predicate from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Descriptor from "./Descriptor.ts"
import * as strictJson from "./internal/strictJson.ts"
import * as MediaType from "./MediaType.ts"
import type { LimitExceeded } from "./RegistryError.ts"
import { Malformed } from "./RegistryError.ts"

/**
 * The largest manifest in bytes that is pushed or served; the specification asks registries for at least this much.
 *
 * @category constants
 * @since 0.1.0
 */
export const maximumPushBytes = 4 * 1024 * 1024

/**
 * The largest manifest in bytes that is read, unless a caller says otherwise.
 *
 * @category constants
 * @since 0.1.0
 */
export const maximumReadBytes = 8 * 1024 * 1024

const maximumDescriptors = 16_384

const Descriptors = Schema.Array(Descriptor.Descriptor).check(Schema.isMaxLength(maximumDescriptors))

const common = {
  schemaVersion: Schema.Literal(2),
  mediaType: Schema.optionalKey(Schema.String),
  artifactType: Schema.optionalKey(Schema.String),
  subject: Schema.optionalKey(Descriptor.Descriptor),
  annotations: Schema.optionalKey(Descriptor.Annotations)
}

/**
 * The document of an image or artifact manifest (image-spec `manifest.md`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const ImageManifest = Schema.Struct({ ...common, config: Descriptor.Descriptor, layers: Descriptors })

/**
 * The document of an image or artifact manifest (image-spec `manifest.md`).
 *
 * @category models
 * @since 0.1.0
 */
export type ImageManifest = typeof ImageManifest.Type

/**
 * The document of an index of manifests (image-spec `image-index.md`).
 *
 * @category schemas
 * @since 0.1.0
 */
export const ImageIndex = Schema.Struct({ ...common, manifests: Descriptors })

/**
 * The document of an index of manifests (image-spec `image-index.md`).
 *
 * @category models
 * @since 0.1.0
 */
export type ImageIndex = typeof ImageIndex.Type

/**
 * A parsed manifest: an image (or artifact), or an index.
 *
 * @category models
 * @since 0.1.0
 */
export type Manifest =
  | { readonly _tag: "Image"; readonly mediaType: string; readonly document: ImageManifest }
  | { readonly _tag: "Index"; readonly mediaType: string; readonly document: ImageIndex }

/**
 * A manifest that was built here: what `Registry.putManifest` takes, and the descriptor that it will have.
 *
 * @category models
 * @since 0.1.0
 */
export interface Encoded {
  readonly mediaType: string
  readonly bytes: Uint8Array
  readonly descriptor: Descriptor.Descriptor
}

const decodeImage = Schema.decodeUnknownResult(ImageManifest)
const decodeIndex = Schema.decodeUnknownResult(ImageIndex)

/**
 * Reads the bytes of a manifest which was served, or is to be pushed, as `mediaType`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parse = (
  bytes: Uint8Array,
  mediaType: string,
  options?: { readonly maximumBytes?: number | undefined }
): Result.Result<Manifest, Malformed | LimitExceeded> =>
  Result.gen(function*() {
    const type = MediaType.essence(mediaType)
    if (!MediaType.isManifest(type)) {
      return yield* refuse(`its media type ${JSON.stringify(type.slice(0, 120))} is not that of a manifest or index`)
    }
    const value = yield* strictJson.parse(bytes, "manifest", options?.maximumBytes ?? maximumReadBytes)
    if (!Predicate.isObject(value) || Array.isArray(value)) return yield* refuse("it is not a JSON object")
    const confusion = findConfusion(value, type)
    if (confusion !== undefined) return yield* refuse(confusion)
    const invalid = (error: { readonly message: string }) => malformed(error.message.slice(0, 1000))
    return MediaType.isImage(type)
      ? { _tag: "Image", mediaType: type, document: yield* Result.mapError(decodeImage(value), invalid) }
      : { _tag: "Index", mediaType: type, document: yield* Result.mapError(decodeIndex(value), invalid) }
  })

const malformed = (detail: string): Malformed => new Malformed({ what: "manifest", detail })

const refuse = (detail: string): Result.Result<never, Malformed> => Result.fail(malformed(detail))

const documentKeys = [
  "schemaVersion",
  "mediaType",
  "artifactType",
  "config",
  "layers",
  "manifests",
  "subject",
  "annotations"
] as const

const schema1Keys = ["fsLayers", "history", "signatures"]
const knownKeys = new Map([...documentKeys, ...schema1Keys].map((key) => [key.toLowerCase(), key]))

/** Finds what one parser would take for an image and another for an index. */
const findConfusion = (document: object, type: string): string | undefined => {
  for (const key of Object.keys(document)) {
    const known = knownKeys.get(key.toLowerCase())
    // Go's encoding/json matches keys regardless of case, so "Layers" means "layers" to half of the field.
    if (known !== undefined && known !== key) return `the key ${JSON.stringify(key)} is not ${JSON.stringify(known)}`
  }
  const declared: unknown = Reflect.get(document, "mediaType")
  if (declared !== undefined && declared !== type) {
    return `it was announced as ${type}, but its mediaType is ${JSON.stringify(declared)?.slice(0, 120)}`
  }
  const foreign = MediaType.isImage(type) ? ["manifests", "fsLayers"] : ["layers", "config", "fsLayers"]
  const present = foreign.find((key) => Object.hasOwn(document, key))
  return present === undefined ? undefined : `a document of type ${type} must not have ${JSON.stringify(present)}`
}

/**
 * What a manifest is made of, in the order of the document: config and layers, or the manifests of an index. The
 * `subject` is not part of it.
 *
 * @category getters
 * @since 0.1.0
 */
export const children = (manifest: Manifest): ReadonlyArray<Descriptor.Descriptor> =>
  manifest._tag === "Image" ? [manifest.document.config, ...manifest.document.layers] : manifest.document.manifests

/**
 * What the manifest says about itself: its own `artifactType`, else its config's media type. An index without one has
 * none (distribution-spec, "Listing Referrers").
 *
 * @category getters
 * @since 0.1.0
 */
export const artifactType = (manifest: Manifest): string | undefined =>
  manifest.document.artifactType ??
    (manifest._tag === "Image" ? manifest.document.config.mediaType : undefined)

/**
 * The bytes of the empty document, `{}`.
 *
 * @category constants
 * @since 0.1.0
 */
export const emptyBytes: Uint8Array = new TextEncoder().encode("{}")

/**
 * The descriptor of the empty document, `{}`.
 *
 * @category constants
 * @since 0.1.0
 */
export const emptyDescriptor: Descriptor.Descriptor = Descriptor.ofBytes(MediaType.empty, emptyBytes)

/**
 * Builds an image manifest.
 *
 * @category constructors
 * @since 0.1.0
 */
export const image = (options: {
  readonly config: Descriptor.Descriptor
  readonly layers: ReadonlyArray<Descriptor.Descriptor>
  readonly artifactType?: string | undefined
  readonly subject?: Descriptor.Descriptor | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}): Encoded =>
  encoded(MediaType.imageManifest, {
    schemaVersion: 2,
    mediaType: MediaType.imageManifest,
    config: options.config,
    layers: options.layers,
    ...optionalParts(options)
  })

/**
 * Builds an index of manifests.
 *
 * @category constructors
 * @since 0.1.0
 */
export const index = (options: {
  readonly manifests: ReadonlyArray<Descriptor.Descriptor>
  readonly artifactType?: string | undefined
  readonly subject?: Descriptor.Descriptor | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}): Encoded =>
  encoded(MediaType.imageIndex, {
    schemaVersion: 2,
    mediaType: MediaType.imageIndex,
    manifests: options.manifests,
    ...optionalParts(options)
  })

/**
 * Builds an artifact manifest: its config, and its only layer where it has none, are the empty document, which has to
 * be pushed too (`Artifact.push` does).
 *
 * @category constructors
 * @since 0.1.0
 */
export const artifact = (options: {
  readonly artifactType: string
  readonly config?: Descriptor.Descriptor | undefined
  readonly layers?: ReadonlyArray<Descriptor.Descriptor> | undefined
  readonly subject?: Descriptor.Descriptor | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}): Encoded =>
  image({
    ...options,
    config: options.config ?? emptyDescriptor,
    layers: options.layers === undefined || options.layers.length === 0 ? [emptyDescriptor] : options.layers
  })

const optionalParts = (options: {
  readonly artifactType?: string | undefined
  readonly subject?: Descriptor.Descriptor | undefined
  readonly annotations?: Readonly<Record<string, string>> | undefined
}) => ({
  ...(options.artifactType === undefined ? {} : { artifactType: options.artifactType }),
  ...(options.subject === undefined ? {} : { subject: plain(options.subject) }),
  ...(options.annotations === undefined ? {} : { annotations: options.annotations })
})

const plain = ({ mediaType, digest, size }: Descriptor.Descriptor): Descriptor.Descriptor => ({
  mediaType,
  digest,
  size
})

const encoded = (mediaType: string, document: ImageManifest | ImageIndex): Encoded => {
  const bytes = encode(document)
  return { mediaType, bytes, descriptor: Descriptor.ofBytes(mediaType, bytes) }
}

/**
 * Serialises a document that was built here: no blanks, keys in the order of the specification's tables, annotations
 * sorted, so that equal documents have equal bytes. Only for documents that have no bytes yet.
 *
 * @category destructors
 * @since 0.1.0
 */
export const encode = (document: ImageManifest | ImageIndex): Uint8Array =>
  new TextEncoder().encode(JSON.stringify(ordered(document, documentKeys)))

const descriptorKeys = [
  "mediaType",
  "digest",
  "size",
  "urls",
  "annotations",
  "data",
  "artifactType",
  "platform"
] as const

// Through entries, because an assignment to the key "__proto__" would not make a member of it.
const ordered = (value: object, keys: ReadonlyArray<string>): Record<string, unknown> =>
  Object.fromEntries(
    keys.filter((key) => Object.hasOwn(value, key))
      .map((key): [string, unknown] => [key, orderedMember(key, Reflect.get(value, key))])
      .filter(([, member]) => member !== undefined)
  )

const orderedMember = (key: string, member: unknown): unknown => {
  if (Array.isArray(member) && (key === "layers" || key === "manifests")) {
    return member.map((descriptor: object) => ordered(descriptor, descriptorKeys))
  }
  if (!Predicate.isObject(member)) return member
  if (key === "config" || key === "subject") return ordered(member, descriptorKeys)
  return key === "annotations" ? ordered(member, Object.keys(member).sort()) : member
}
