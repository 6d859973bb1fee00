/**
 * What a host needs to test against registries in process.
 *
 * @since 0.1.0
 */
export * as RegistryContract from "./RegistryContract.ts"
