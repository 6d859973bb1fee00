/**
 * Which files a module ships, and whose they are beside other modules.
 *
 * @since 0.1.0
 */
export * as EffectiveMask from "./EffectiveMask.ts"
export * as FileSpec from "./FileSpec.ts"
export * as Glob from "./Glob.ts"
export * as GlobSet from "./GlobSet.ts"
export * as ModuleSpecs from "./ModuleSpecs.ts"
export * as Ownership from "./Ownership.ts"
export * as SpecRule from "./SpecRule.ts"
