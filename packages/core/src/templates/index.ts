/**
 * Which modules a machine consists of.
 *
 * @since 0.1.0
 */
export * as Template from "./Template.ts"
export * as TemplateAssignment from "./TemplateAssignment.ts"
export * as TemplateComposition from "./TemplateComposition.ts"
export * as TemplateError from "./TemplateError.ts"
export * as Templates from "./Templates.ts"
