/**
 * Descriptors: media type, digest and size of a piece of content; the only key under which content is known.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Digest from "./Digest.ts"

/**
 * The platform that a manifest in an index is made for.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Platform = Schema.Struct({
  architecture: Schema.String,
  os: Schema.String,
  variant: Schema.optionalKey(Schema.String),
  "os.version": Schema.optionalKey(Schema.String),
  "os.features": Schema.optionalKey(Schema.Array(Schema.String))
})

/**
 * The platform that a manifest in an index is made for.
 *
 * @category models
 * @since 0.1.0
 */
export type Platform = typeof Platform.Type

/**
 * Annotations: text by text, for people and tools.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Annotations = Schema.Record(Schema.String, Schema.String)

/**
 * A content descriptor of the OCI image specification. `size` is in bytes.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Descriptor = Schema.Struct({
  mediaType: Schema.String,
  digest: Digest.Digest,
  size: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
  artifactType: Schema.optionalKey(Schema.String),
  annotations: Schema.optionalKey(Annotations),
  platform: Schema.optionalKey(Platform),
  urls: Schema.optionalKey(Schema.Array(Schema.String)),
  data: Schema.optionalKey(Schema.String)
})

/**
 * A content descriptor of the OCI image specification. `size` is in bytes.
 *
 * @category models
 * @since 0.1.0
 */
export type Descriptor = typeof Descriptor.Type

/**
 * Describes bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofBytes = (
  mediaType: string,
  bytes: Uint8Array,
  extra?: Omit<Descriptor, "mediaType" | "digest" | "size">
): Descriptor => ({ mediaType, digest: Digest.ofBytes(bytes), size: bytes.byteLength, ...extra })
