/**
 * Which state a version is in, and how it gets into another.
 *
 * @since 0.1.0
 */
export * as DependencyReadiness from "./DependencyReadiness.ts"
export * as Promotion from "./Promotion.ts"
export * as PromotionError from "./PromotionError.ts"
export * as PromotionFacts from "./PromotionFacts.ts"
export * as Refusal from "./Refusal.ts"
export * as VersionLifecycle from "./VersionLifecycle.ts"
export * as VersionStep from "./VersionStep.ts"
export * as VersionUse from "./VersionUse.ts"
