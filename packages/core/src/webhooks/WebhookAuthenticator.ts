/**
 * The port that knows webhook signatures; core knows what to do with a delivery that is authentic.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Redacted from "effect/Redacted"
import type * as Result from "effect/Result"
import * as Schema from "effect/Schema"

/**
 * A secret of an endpoint: several are valid while one is being rotated. Times are milliseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebhookKey {
  readonly id: string
  readonly secret: Redacted.Redacted<string>
  readonly notBefore: number | undefined
  readonly notAfter: number | undefined
}

/**
 * A request as it came in: header names in lower case, the body's exact bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface IncomingWebhook {
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Milliseconds since the epoch. */
  readonly receivedAt: number
}

/**
 * What an authentic delivery says, reduced to what the domain acts upon; its claims are hints.
 *
 * @category schemas
 * @since 0.1.0
 */
export const WebhookContent = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("moduleTag"), repositoryFullName: Schema.String, tag: Schema.String }),
  Schema.Struct({
    kind: Schema.Literal("diskImage"),
    platformName: Schema.String,
    ociRef: Schema.String,
    gitSha: Schema.String,
    sha256: Schema.String,
    sizeBytes: Schema.Finite,
    architecture: Schema.String
  }),
  Schema.Struct({ kind: Schema.Literal("ignored"), event: Schema.String, why: Schema.String })
])

/**
 * What an authentic delivery says.
 *
 * @category models
 * @since 0.1.0
 */
export type WebhookContent = typeof WebhookContent.Type

/**
 * An authentic delivery. `messageId` is the sender's own, signed together with the time of sending; where there is none,
 * the body is all that is signed, and whoever has it can send it again.
 *
 * @category models
 * @since 0.1.0
 */
export interface AuthenticWebhook {
  readonly keyId: string
  readonly family: string
  readonly messageId: string | undefined
  readonly bodySha256: string
  readonly content: WebhookContent
}

/**
 * Why a delivery is not accepted: for logs and operators; the sender always gets the same answer.
 *
 * @category errors
 * @since 0.1.0
 */
export class WebhookRefused extends Schema.TaggedError<WebhookRefused>("@lamina/core/webhooks/WebhookRefused")(
  "WebhookRefused",
  {
    /** Tag of the reason, e.g. `SignatureMismatch`, `TimestampOutOfWindow`. */
    reason: Schema.String,
    detail: Schema.String,
    bodySha256: Schema.optionalKey(Schema.String)
  }
) {
  override get message(): string {
    return `webhook refused (${this.reason}): ${this.detail}`
  }
}

/**
 * The port to webhook signatures.
 *
 * @category services
 * @since 0.1.0
 */
export class WebhookAuthenticator extends Context.Service<WebhookAuthenticator, {
  /**
   * Checks the signature against every key, then reads the content. With no keys (an unknown endpoint) it does the
   * same work and refuses, so that time does not tell which endpoints exist.
   */
  readonly authenticate: (
    webhook: IncomingWebhook,
    keys: ReadonlyArray<WebhookKey>
  ) => Result.Result<AuthenticWebhook, WebhookRefused>
}>()("@lamina/core/webhooks/WebhookAuthenticator") {}
