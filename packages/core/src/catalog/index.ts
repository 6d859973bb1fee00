/**
 * Accounts, categories, modules and their versions.
 *
 * @since 0.1.0
 */
export * as Account from "./Account.ts"
export * as Accounts from "./Accounts.ts"
export * as CatalogError from "./CatalogError.ts"
export * as Category from "./Category.ts"
export * as Collections from "./Collections.ts"
export * as ManifestSeed from "./ManifestSeed.ts"
export * as Module from "./Module.ts"
export * as ModuleCatalog from "./ModuleCatalog.ts"
export * as ModuleDeletion from "./ModuleDeletion.ts"
export * as ModuleFiles from "./ModuleFiles.ts"
export * as ModuleVersion from "./ModuleVersion.ts"
