/**
 * From a registry into the catalog.
 *
 * @since 0.1.0
 */
export * as ArtifactSource from "./ArtifactSource.ts"
export * as IngestError from "./IngestError.ts"
export * as IngestRejection from "./IngestRejection.ts"
export * as IngestRejections from "./IngestRejections.ts"
export * as ModuleIngest from "./ModuleIngest.ts"
export * as ModuleInspection from "./ModuleInspection.ts"
export * as RegistryPoller from "./RegistryPoller.ts"
export * as SignatureVerifier from "./SignatureVerifier.ts"
