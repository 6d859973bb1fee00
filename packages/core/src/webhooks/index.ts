/**
 * Hints from outside, taken in only when they are authentic.
 *
 * @since 0.1.0
 */
export * as SecretBox from "./SecretBox.ts"
export * as WebhookAuthenticator from "./WebhookAuthenticator.ts"
export * as WebhookDelivery from "./WebhookDelivery.ts"
export * as WebhookEndpoint from "./WebhookEndpoint.ts"
export * as WebhookEndpoints from "./WebhookEndpoints.ts"
export * as WebhookError from "./WebhookError.ts"
export * as WebhookInbox from "./WebhookInbox.ts"
export * as WebhookRefusals from "./WebhookRefusals.ts"
export * as WebhookWorker from "./WebhookWorker.ts"
