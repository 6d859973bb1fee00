/**
 * What a host needs to test against registries in process.
 *
 * @since 0.1.0
 */
export * as Distribution28 from "./Distribution28.ts"
export * as Fault from "./Fault.ts"
export * as FaultyRegistry from "./FaultyRegistry.ts"
export * as RegistryContract from "./RegistryContract.ts"
