/**
 * OCI registries: one interface over HTTP, memory and image layouts.
 *
 * @since 0.1.0
 */
export * as Artifact from "./Artifact.ts"
export * as Blob from "./Blob.ts"
export * as Copy from "./Copy.ts"
export * as Credentials from "./Credentials.ts"
export * as Descriptor from "./Descriptor.ts"
export * as Digest from "./Digest.ts"
export * as HttpRegistry from "./HttpRegistry.ts"
export * as Image from "./Image.ts"
export * as LayoutRegistry from "./LayoutRegistry.ts"
export * as Manifest from "./Manifest.ts"
export * as MediaType from "./MediaType.ts"
export * as MemoryRegistry from "./MemoryRegistry.ts"
export * as Reference from "./Reference.ts"
export * as Referrers from "./Referrers.ts"
export * as Registry from "./Registry.ts"
export * as RegistryError from "./RegistryError.ts"
export * as RegistryServer from "./RegistryServer.ts"
export * as Repository from "./Repository.ts"
