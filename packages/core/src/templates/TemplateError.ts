/**
 * What can be wrong with a template.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Another template has this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class TemplateNameTaken
  extends Schema.TaggedError<TemplateNameTaken>("@lamina/core/templates/TemplateNameTaken")(
    "TemplateNameTaken",
    { name: Schema.String, templateId: Schema.String }
  )
{
  override get message(): string {
    return `template ${this.templateId} is named ${JSON.stringify(this.name)} already; choose another name`
  }
}

/**
 * Instances follow the template.
 *
 * @category errors
 * @since 0.1.0
 */
export class TemplateInUse extends Schema.TaggedError<TemplateInUse>("@lamina/core/templates/TemplateInUse")(
  "TemplateInUse",
  { name: Schema.String, instances: Schema.Array(Schema.String) }
) {
  override get message(): string {
    return `template ${this.name} is followed by ${this.instances.join(", ")}; move those to another template first`
  }
}

/**
 * The version is in quarantine: no new use of it begins.
 *
 * @category errors
 * @since 0.1.0
 */
export class VersionQuarantined extends Schema.TaggedError<VersionQuarantined>(
  "@lamina/core/templates/VersionQuarantined"
)("VersionQuarantined", { module: Schema.String, versionString: Schema.String }) {
  override get message(): string {
    return `${this.module} ${this.versionString} is in quarantine; release it, or choose another version`
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([TemplateNameTaken, TemplateInUse, VersionQuarantined])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * A change of a template was refused; nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class TemplateError extends Schema.TaggedError<TemplateError>("@lamina/core/templates/TemplateError")(
  "TemplateError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
}
