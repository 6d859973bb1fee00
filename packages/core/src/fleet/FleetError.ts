/**
 * What can be wrong with an instance.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Another instance has this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class InstanceNameTaken extends Schema.TaggedError<InstanceNameTaken>("@lamina/core/fleet/InstanceNameTaken")(
  "InstanceNameTaken",
  { name: Schema.String, instanceId: Schema.String }
) {
  override get message(): string {
    return `instance ${this.instanceId} is named ${JSON.stringify(this.name)} already; choose another name`
  }
}

/**
 * The token is not that of an instance. It is not said what is wrong with it.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotAuthenticated extends Schema.TaggedError<NotAuthenticated>("@lamina/core/fleet/NotAuthenticated")(
  "NotAuthenticated",
  {}
) {
  override get message(): string {
    return "the token is not that of an instance"
  }
}

/**
 * The instance's template cannot be composed: what runs keeps running until it can.
 *
 * @category errors
 * @since 0.1.0
 */
export class CompositionBlocked extends Schema.TaggedError<CompositionBlocked>("@lamina/core/fleet/CompositionBlocked")(
  "CompositionBlocked",
  { template: Schema.String, architecture: Schema.String, problems: Schema.Array(Schema.String) }
) {
  override get message(): string {
    return `template ${this.template} cannot be composed for ${this.architecture}:\n${this.problems.join("\n")}`
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([InstanceNameTaken, NotAuthenticated, CompositionBlocked])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Something about an instance was refused; nothing was changed.
 *
 * @category errors
 * @since 0.1.0
 */
export class FleetError extends Schema.TaggedError<FleetError>("@lamina/core/fleet/FleetError")("FleetError", {
  reason: Reason
}) {
  override get message(): string {
    return this.reason.message
  }
}
