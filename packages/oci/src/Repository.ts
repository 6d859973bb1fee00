/**
 * One repository of a registry, for code that works with no other.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Artifact from "./Artifact.ts"
import * as Blob from "./Blob.ts"
import type { Descriptor } from "./Descriptor.ts"
import type { Digest } from "./Digest.ts"
import type { Page, PageOptions, RawManifest, Registry } from "./Registry.ts"
import type { RegistryError } from "./RegistryError.ts"

/**
 * A registry that is bound to the name of a repository.
 *
 * @category models
 * @since 0.1.0
 */
export interface Repository {
  readonly registry: Registry
  readonly name: string
  readonly resolve: (reference: string) => Effect.Effect<Descriptor, RegistryError>
  readonly getManifest: (reference: string) => Effect.Effect<RawManifest, RegistryError>
  readonly getBlobBytes: (
    descriptor: Descriptor,
    options?: { readonly limit?: number | undefined }
  ) => Effect.Effect<Uint8Array, RegistryError>
  readonly listTags: (options?: PageOptions) => Effect.Effect<Page, RegistryError>
  readonly referrers: (
    subject: Digest,
    options?: { readonly artifactType?: string | undefined }
  ) => Effect.Effect<ReadonlyArray<Descriptor>, RegistryError>
  readonly push: (
    options: Artifact.Options & { readonly tags?: ReadonlyArray<string> | undefined }
  ) => Effect.Effect<Descriptor, RegistryError>
  readonly attach: (subject: Descriptor, options: Artifact.Options) => Effect.Effect<Descriptor, RegistryError>
}

/**
 * Binds a registry to the name of a repository.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (registry: Registry, name: string): Repository => ({
  registry,
  name,
  resolve: (reference) => registry.resolve(name, reference),
  getManifest: (reference) => registry.getManifest(name, reference),
  getBlobBytes: (descriptor, options) => Blob.getBytes(registry, name, descriptor, options),
  listTags: (options) => registry.listTags(name, options),
  referrers: (subject, options) => registry.referrers(name, subject, options),
  push: (options) => Artifact.push(registry, name, options),
  attach: (subject, options) => Artifact.attach(registry, name, subject, options)
})
