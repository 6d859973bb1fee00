/**
 * The registry interface: what HTTP, memory and OCI-layout registries have in common, and what the server serves.
 *
 * Content is known by its descriptor, tags point to manifests, a manifest with a `subject` is a referrer of it. Every
 * method names its repository, so that one value stands for a whole registry and a handler can serve it.
 * Implementations verify: bytes that come out have the digest that they were asked for, or the stream fails.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Descriptor } from "./Descriptor.ts"
import type { Algorithm, Digest } from "./Digest.ts"
import type { RegistryError } from "./RegistryError.ts"

/**
 * A manifest as it was pushed: the exact bytes, never serialised anew, and their descriptor.
 *
 * @category models
 * @since 0.1.0
 */
export interface RawManifest {
  readonly descriptor: Descriptor
  readonly bytes: Uint8Array
}

/**
 * A blob that is being read: its descriptor (the media type is `application/octet-stream`) and its verified bytes.
 *
 * The stream fails with `DigestMismatch` or `SizeMismatch` rather than end successfully with wrong content. With a
 * `range` the bytes are a part, which cannot be verified.
 *
 * @category models
 * @since 0.1.0
 */
export interface BlobContent {
  readonly descriptor: Descriptor
  readonly stream: Stream.Stream<Uint8Array, RegistryError>
}

/**
 * A part of a blob in bytes, both ends inclusive.
 *
 * @category models
 * @since 0.1.0
 */
export interface ByteRange {
  readonly start: number
  readonly end: number
}

/**
 * An upload in progress; closing its scope without `commit` cancels it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Upload {
  /** Appends bytes; `offset` must be what was written so far. Returns the new offset. */
  readonly write: (chunk: Uint8Array, offset: number) => Effect.Effect<number, RegistryError>
  /** Ends the upload; fails with `DigestMismatch`, and stores nothing, when the bytes are other ones. */
  readonly commit: (digest: Digest) => Effect.Effect<Descriptor, RegistryError>
}

/**
 * One page of names in ASCII order; `next` continues it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Page {
  readonly names: ReadonlyArray<string>
  readonly next?: string
}

/**
 * Where a page begins (after `last`) and how many names it holds.
 *
 * @category models
 * @since 0.1.0
 */
export interface PageOptions {
  readonly last?: string | undefined
  readonly limit?: number | undefined
}

/**
 * A registry.
 *
 * @category models
 * @since 0.1.0
 */
export interface Registry {
  /** The descriptor of a blob; `NotFound` when the repository does not hold it. */
  readonly headBlob: (repository: string, digest: Digest) => Effect.Effect<Descriptor, RegistryError>
  /** Opens a blob; a `size` known from a descriptor is a hard limit. */
  readonly getBlob: (
    repository: string,
    digest: Digest,
    options?: { readonly size?: number | undefined; readonly range?: ByteRange | undefined }
  ) => Effect.Effect<BlobContent, RegistryError, Scope.Scope>
  /** Pushes a blob whose descriptor is known; does nothing when it is there. */
  readonly putBlob: (
    repository: string,
    descriptor: Descriptor,
    content: Uint8Array | Stream.Stream<Uint8Array, RegistryError>
  ) => Effect.Effect<void, RegistryError>
  /** Begins an upload of content whose digest is not known yet; `algorithm` is that of the digest to come (sha256). */
  readonly startUpload: (
    repository: string,
    options?: { readonly algorithm?: Algorithm | undefined }
  ) => Effect.Effect<Upload, RegistryError, Scope.Scope>
  /** Makes a blob of another repository of the same registry available; `false` when it has to be pushed. */
  readonly mountBlob: (repository: string, from: string, digest: Digest) => Effect.Effect<boolean, RegistryError>
  /** Removes a blob from a repository. */
  readonly deleteBlob: (repository: string, digest: Digest) => Effect.Effect<void, RegistryError>
  /** The descriptor behind a tag or digest. */
  readonly resolve: (repository: string, reference: string) => Effect.Effect<Descriptor, RegistryError>
  /** A manifest by tag or digest. */
  readonly getManifest: (repository: string, reference: string) => Effect.Effect<RawManifest, RegistryError>
  /**
   * Pushes a manifest's exact bytes and points the tags to it; a `subject` in it makes it a referrer. `digest` is by
   * which it is known when that is not its sha256.
   */
  readonly putManifest: (
    repository: string,
    manifest: { readonly mediaType: string; readonly bytes: Uint8Array },
    options?: { readonly tags?: ReadonlyArray<string> | undefined; readonly digest?: Digest | undefined }
  ) => Effect.Effect<Descriptor, RegistryError>
  /** Deletes a manifest with all its tags (by digest), or one tag. */
  readonly deleteManifest: (repository: string, reference: string) => Effect.Effect<void, RegistryError>
  /** A page of the tags of a repository. */
  readonly listTags: (repository: string, options?: PageOptions) => Effect.Effect<Page, RegistryError>
  /** The manifests whose `subject` is the digest; with `artifactType` only those of that type. */
  readonly referrers: (
    repository: string,
    subject: Digest,
    options?: { readonly artifactType?: string | undefined }
  ) => Effect.Effect<ReadonlyArray<Descriptor>, RegistryError>
  /** A page of the names of the repositories. */
  readonly listRepositories: (options?: PageOptions) => Effect.Effect<Page, RegistryError>
}
