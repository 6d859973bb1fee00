/**
 * A secret shared with a webhook sender, with a name for the logs and a time in which it is good.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { Buffer } from "node:buffer"
import { decodeCanonical } from "./internal/base64.ts"

const TypeId: unique symbol = Symbol("@lamina/gitea/WebhookKey")

/**
 * A checked key: the secret is never empty, so no signature can be made or accepted without one.
 *
 * `notBefore` is inclusive, `notAfter` exclusive; both are milliseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebhookKey {
  readonly [TypeId]: typeof TypeId
  readonly id: string
  readonly secret: Redacted.Redacted<string>
  readonly notBefore: number | undefined
  readonly notAfter: number | undefined
}

/**
 * What a key is made of; times are milliseconds since the epoch, and absent times do not bound.
 *
 * @category models
 * @since 0.1.0
 */
export interface WebhookKeyOptions {
  readonly id: string
  readonly secret: Redacted.Redacted<string>
  readonly notBefore?: number | undefined
  readonly notAfter?: number | undefined
}

/**
 * Why a key, or a ring of keys, was refused.
 *
 * @category errors
 * @since 0.1.0
 */
export const InvalidWebhookKeyReason = Schema.TaggedUnion({
  InvalidId: { id: Schema.String },
  EmptySecret: {},
  SecretTooLong: { limitBytes: Schema.Finite },
  MalformedStandardSecret: {},
  EmptyValidity: { notBefore: Schema.Finite, notAfter: Schema.Finite },
  NoKeys: {},
  TooManyKeys: { limit: Schema.Finite, actual: Schema.Finite },
  DuplicateId: { id: Schema.String }
})

/**
 * A key or a key ring that cannot be used; the secret is never part of it.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidWebhookKey extends Schema.TaggedError<InvalidWebhookKey>("@lamina/gitea/InvalidWebhookKey")(
  "InvalidWebhookKey",
  { keyId: Schema.String, reason: InvalidWebhookKeyReason }
) {
  override get message() {
    return `webhook key ${JSON.stringify(this.keyId)}: ${describe(this.reason)}`
  }
}

const describe = InvalidWebhookKeyReason.match({
  InvalidId: () => "id: expected 1 to 128 letters, digits or any of . _ : -",
  EmptySecret: () => "secret: expected a text, got an empty or blank one; without a secret every request would pass",
  SecretTooLong: ({ limitBytes }) => `secret: expected at most ${limitBytes} bytes`,
  MalformedStandardSecret: () => "secret: after whsec_ expected canonical base64 of 24 to 64 bytes",
  EmptyValidity: ({ notAfter, notBefore }) => `notAfter ${notAfter}: expected a time after notBefore ${notBefore}`,
  NoKeys: () => "a key ring needs at least one key",
  TooManyKeys: ({ actual, limit }) =>
    `a key ring holds at most ${limit} keys, got ${actual}; drop those that have expired`,
  DuplicateId: ({ id }) => `id: two keys of one ring are called ${JSON.stringify(id)}`
})

const idPattern = /^[A-Za-z0-9._:-]{1,128}$/
const standardPrefix = "whsec_"

/**
 * The longest secret, in UTF-8 bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxSecretBytes = 1024

/**
 * Checks a key: a usable id, a secret that is not blank, and a validity that is not empty.
 *
 * A secret that begins with `whsec_` is a Standard Webhooks secret and has to be one (24 to 64 bytes in base64).
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: WebhookKeyOptions): Result.Result<WebhookKey, InvalidWebhookKey> => {
  const reason = problemOf(options)
  if (reason !== undefined) return Result.fail(new InvalidWebhookKey({ keyId: options.id.slice(0, 128), reason }))
  return Result.succeed({
    [TypeId]: TypeId,
    id: options.id,
    secret: options.secret,
    notBefore: options.notBefore,
    notAfter: options.notAfter
  })
}

const problemOf = (options: WebhookKeyOptions): typeof InvalidWebhookKeyReason.Type | undefined => {
  const secret = Redacted.value(options.secret)
  const { notAfter, notBefore } = options
  if (!idPattern.test(options.id)) return { _tag: "InvalidId", id: options.id.slice(0, 128) }
  if (secret.trim() === "") return { _tag: "EmptySecret" }
  if (Buffer.byteLength(secret) > maxSecretBytes) return { _tag: "SecretTooLong", limitBytes: maxSecretBytes }
  if (secret.startsWith(standardPrefix) && !isStandardSecret(secret)) return { _tag: "MalformedStandardSecret" }
  if (notBefore !== undefined && notAfter !== undefined && notAfter <= notBefore) {
    return { _tag: "EmptyValidity", notBefore, notAfter }
  }
  return undefined
}

const isStandardSecret = (secret: string): boolean => {
  const bytes = decodeCanonical(secret.slice(standardPrefix.length))
  return bytes !== undefined && bytes.length >= 24 && bytes.length <= 64
}

/**
 * Whether a key is good at a time, in milliseconds since the epoch.
 *
 * @category predicates
 * @since 0.1.0
 */
export const isActive = (key: WebhookKey, now: number): boolean =>
  (key.notBefore === undefined || key.notBefore <= now) && (key.notAfter === undefined || now < key.notAfter)

/**
 * The key as Gitea uses it: the UTF-8 bytes of the whole secret, `whsec_` included.
 *
 * @category getters
 * @since 0.1.0
 */
export const hmacBytes = (key: WebhookKey): Uint8Array => Buffer.from(Redacted.value(key.secret), "utf8")

/**
 * The key as Standard Webhooks uses it: the decoded bytes behind `whsec_`, otherwise the UTF-8 bytes of the secret.
 *
 * @category getters
 * @since 0.1.0
 */
export const standardHmacBytes = (key: WebhookKey): Uint8Array => {
  const secret = Redacted.value(key.secret)
  return secret.startsWith(standardPrefix)
    ? Buffer.from(secret.slice(standardPrefix.length), "base64")
    : Buffer.from(secret, "utf8")
}
