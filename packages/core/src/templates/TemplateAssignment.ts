/**
 * Assignments: a module in a template, and the channel by which its version is chosen.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * Which version of a module is followed: that of a state, or exactly one by its versionString.
 *
 * @category schemas
 * @since 0.1.0
 */
export const FollowedChannel = Schema.Union([
  Schema.Literals(["live", "blessed", "staging"]),
  Schema.Struct({ version: Schema.String })
])

/**
 * Which version of a module is followed.
 *
 * @category models
 * @since 0.1.0
 */
export type FollowedChannel = typeof FollowedChannel.Type

/**
 * A module in a template.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TemplateAssignment = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  templateId: Schema.String,
  moduleId: Schema.String,
  channel: FollowedChannel,
  /** Where it stands in the list of the template; layers are ordered by priority, not by this. */
  position: Schema.Int,
  /** Disabled assignments stay listed and are left out of the composition. */
  enabled: Schema.Boolean,
  /** Milliseconds since the epoch. */
  createdAt: Schema.Int
})

/**
 * A module in a template.
 *
 * @category models
 * @since 0.1.0
 */
export type TemplateAssignment = typeof TemplateAssignment.Type

/**
 * Where assignments are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("template_assignment", TemplateAssignment, {
  byTemplate: { fields: ["templateId"] },
  byModule: { fields: ["moduleId"] },
  byTemplateAndModule: { fields: ["templateId", "moduleId"], unique: true }
})
