/**
 * What can be wrong with an endpoint or an incoming webhook.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import { CannotOpen } from "./SecretBox.ts"
import { WebhookRefused } from "./WebhookAuthenticator.ts"

/**
 * Another endpoint has this name.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndpointNameTaken extends Schema.TaggedError<EndpointNameTaken>("@lamina/core/webhooks/EndpointNameTaken")(
  "EndpointNameTaken",
  { name: Schema.String, endpointId: Schema.String }
) {
  override get message(): string {
    return `endpoint ${this.endpointId} is named ${JSON.stringify(this.name)} already; choose another name`
  }
}

/**
 * The endpoint was revoked for good.
 *
 * @category errors
 * @since 0.1.0
 */
export class EndpointRevoked extends Schema.TaggedError<EndpointRevoked>("@lamina/core/webhooks/EndpointRevoked")(
  "EndpointRevoked",
  { endpointId: Schema.String }
) {
  override get message(): string {
    return `endpoint ${this.endpointId} was revoked; create a new one`
  }
}

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export const Reason = Schema.Union([EndpointNameTaken, EndpointRevoked, WebhookRefused, CannotOpen])

/**
 * Every such reason.
 *
 * @category errors
 * @since 0.1.0
 */
export type Reason = typeof Reason.Type

/**
 * Something about a webhook was refused. A sender is told no more than that.
 *
 * @category errors
 * @since 0.1.0
 */
export class WebhookError extends Schema.TaggedError<WebhookError>("@lamina/core/webhooks/WebhookError")(
  "WebhookError",
  { reason: Reason }
) {
  override get message(): string {
    return this.reason.message
  }
}
