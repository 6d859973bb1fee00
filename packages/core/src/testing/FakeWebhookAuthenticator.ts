/**
 * A webhook authenticator for tests: the secret itself is the signature, and the body is the content in JSON.
 *
 * @since 0.1.0
 */
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { digestOf } from "../specs/internal/Sha256.ts"
import {
  type IncomingWebhook,
  WebhookAuthenticator,
  WebhookContent,
  WebhookRefused
} from "../webhooks/WebhookAuthenticator.ts"

const header = "x-fake-secret"

/**
 * A webhook with a content, as a sender who knows the secret sends it. `messageId` tells messages apart.
 *
 * @category constructors
 * @since 0.1.0
 */
export const send = (
  content: WebhookContent,
  secret: Redacted.Redacted<string>,
  options: { readonly receivedAt: number; readonly messageId?: string }
): IncomingWebhook => ({
  headers: {
    [header]: Redacted.value(secret),
    ...(options.messageId === undefined ? {} : { "x-fake-id": options.messageId })
  },
  body: new TextEncoder().encode(JSON.stringify(content)),
  receivedAt: options.receivedAt
})

const decodeContent = Schema.decodeUnknownResult(Schema.fromJsonString(WebhookContent))

/**
 * Compares secrets, then reads the body.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<WebhookAuthenticator> = Layer.succeed(
  WebhookAuthenticator,
  WebhookAuthenticator.of({
    authenticate: (webhook, keys) => {
      const text = new TextDecoder().decode(webhook.body)
      const bodySha256 = digestOf(text)
      const refuse = (reason: string, detail: string) => Result.fail(new WebhookRefused({ reason, detail, bodySha256 }))
      const key = keys.find(({ secret }) => Redacted.value(secret) === webhook.headers[header])
      if (key === undefined) return refuse("SignatureMismatch", `none of ${keys.length} keys fits`)
      const content = decodeContent(text)
      if (Result.isFailure(content)) return refuse("MalformedBody", content.failure.message)
      return Result.succeed({
        keyId: key.id,
        family: "fake",
        messageId: webhook.headers["x-fake-id"],
        bodySha256,
        content: content.success
      })
    }
  })
)
