/**
 * Which layers make a machine: their order, their owners, and what they need of each other.
 *
 * @since 0.1.0
 */
export * as Channel from "./Channel.ts"
export * as Composition from "./Composition.ts"
export * as CompositionConflict from "./CompositionConflict.ts"
export * as LayerService from "./LayerService.ts"
export * as PlanDiff from "./PlanDiff.ts"
export * as Priority from "./Priority.ts"
export * as Requirement from "./Requirement.ts"
export * as Resolver from "./Resolver.ts"
