/**
 * OCI registries: one interface over HTTP, memory and image layouts.
 *
 * @since 0.1.0
 */
export * as Descriptor from "./Descriptor.ts"
export * as Digest from "./Digest.ts"
export * as Registry from "./Registry.ts"
export * as RegistryError from "./RegistryError.ts"
