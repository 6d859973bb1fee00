/**
 * What a module's author writes, and everything that is wrong with it.
 *
 * @since 0.1.0
 */
export * as Manifest from "./Manifest.ts"
export * as ManifestIssue from "./ManifestIssue.ts"
export * as ModuleManifest from "./ModuleManifest.ts"
