/**
 * Signs webhook requests the way each kind of sender does: for CI callers, for tests and for fakes.
 *
 * Every function gives the headers to add to a request that carries exactly the given bytes.
 *
 * @since 0.1.0
 */
import { Buffer } from "node:buffer"
import { createHmac } from "node:crypto"
import * as WebhookKey from "./WebhookKey.ts"

/**
 * HMAC-SHA256 of the bytes under the UTF-8 bytes of the secret, in lower-case hex.
 *
 * @category signing
 * @since 0.1.0
 */
export const hmacHex = (key: WebhookKey.WebhookKey, bytes: Uint8Array): string =>
  createHmac("sha256", WebhookKey.hmacBytes(key)).update(bytes).digest("hex")

/**
 * The signature headers of a native event. `payload` is the JSON document, also where the body is a form.
 *
 * @category signing
 * @since 0.1.0
 */
export const giteaEvent = (options: { readonly key: WebhookKey.WebhookKey; readonly payload: Uint8Array }) => {
  const digest = hmacHex(options.key, options.payload)
  return { "x-gitea-signature": digest, "x-hub-signature-256": `sha256=${digest}` } as const
}

/**
 * The header with which a module's build signs its callback.
 *
 * @example
 * ```ts
 * import { WebhookKey, WebhookSigner } from "@lamina/gitea"
 * import * as Redacted from "effect/Redacted"
 * import * as Result from "effect/Result"
 *
 * const body = new TextEncoder().encode(JSON.stringify({
 *   repository: { full_name: "acme/my-redis-module" },
 *   ref: "refs/tags/v0.1.0"
 * }))
 * const headers = Result.map(
 *   WebhookKey.make({ id: "ci", secret: Redacted.make("a shared secret") }),
 *   (key) => WebhookSigner.moduleCallback({ key, body })
 * )
 * ```
 *
 * @category signing
 * @since 0.1.0
 */
export const moduleCallback = (options: { readonly key: WebhookKey.WebhookKey; readonly body: Uint8Array }) =>
  ({ "x-gitea-signature": hmacHex(options.key, options.body) }) as const

/**
 * The header with which a disk image's build signs its callback.
 *
 * @category signing
 * @since 0.1.0
 */
export const diskImageCallback = (options: { readonly key: WebhookKey.WebhookKey; readonly body: Uint8Array }) =>
  ({ "x-powernode-signature": `sha256=${hmacHex(options.key, options.body)}` }) as const

/**
 * The three headers of Standard Webhooks; `id` stays the same when a message is sent again, the time does not.
 *
 * `id` holds 1 to 256 letters, digits or any of `_ : + / = -` (no dot: it parts the signed text); `timestampSeconds` is
 * in whole seconds since the epoch.
 *
 * @category signing
 * @since 0.1.0
 */
export const standardWebhooks = (options: {
  readonly key: WebhookKey.WebhookKey
  readonly id: string
  readonly timestampSeconds: number
  readonly body: Uint8Array
}) => {
  const timestamp = String(options.timestampSeconds)
  const signature = createHmac("sha256", WebhookKey.standardHmacBytes(options.key))
    .update(Buffer.from(`${options.id}.${timestamp}.`))
    .update(options.body)
    .digest("base64")
  return { "webhook-id": options.id, "webhook-timestamp": timestamp, "webhook-signature": `v1,${signature}` } as const
}
