/**
 * Lamina wired together: adapters for core's ports, building and publishing, a facade of promises, HTTP handlers.
 *
 * @since 0.1.0
 */
export * as AesSecretBox from "./adapters/AesSecretBox.ts"
export * as GiteaAuthenticator from "./adapters/GiteaAuthenticator.ts"
export * as OciArtifactSource from "./adapters/OciArtifactSource.ts"
export * as SigstoreVerifier from "./adapters/SigstoreVerifier.ts"
export * as ModuleConfig from "./artifact/ModuleConfig.ts"
export * as Sbom from "./artifact/Sbom.ts"
export * as BuiltModule from "./build/BuiltModule.ts"
export * as ModuleBuilder from "./build/ModuleBuilder.ts"
export * as ModuleRepository from "./build/ModuleRepository.ts"
export * as SourceCommit from "./build/SourceCommit.ts"
export * as EventRelay from "./EventRelay.ts"
export * as NodeServer from "./http/NodeServer.ts"
export * as PlatformHandler from "./http/PlatformHandler.ts"
export * as Reply from "./http/Reply.ts"
export * as Router from "./http/Router.ts"
export * as Platform from "./Platform.ts"
export { createPlatform } from "./PlatformClient.ts"
export * as PlatformClient from "./PlatformClient.ts"
export * as PlatformOptions from "./PlatformOptions.ts"
export * as ModulePublisher from "./publish/ModulePublisher.ts"
export * as WebhookWorkLoop from "./WebhookWorkLoop.ts"
