/**
 * The keys of one webhook endpoint: several while a secret is being rotated, never none.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import * as WebhookKey from "./WebhookKey.ts"

const TypeId: unique symbol = Symbol("@lamina/gitea/KeyRing")

/**
 * One to {@link maxKeys} keys with different ids, newest first by convention.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyRing {
  readonly [TypeId]: typeof TypeId
  readonly keys: readonly [WebhookKey.WebhookKey, ...ReadonlyArray<WebhookKey.WebhookKey>]
}

/**
 * The most keys of a ring: every one of them costs an HMAC for every request.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxKeys = 8

/**
 * Makes a ring; refuses an empty one, too many keys and two keys with one id.
 *
 * @example
 * ```ts
 * import { KeyRing, WebhookKey } from "@lamina/gitea"
 * import * as Redacted from "effect/Redacted"
 * import * as Result from "effect/Result"
 *
 * const ring = Result.flatMap(
 *   WebhookKey.make({ id: "2026-01", secret: Redacted.make("It's a Secret to Everybody") }),
 *   (key) => KeyRing.make([key])
 * )
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  keys: ReadonlyArray<WebhookKey.WebhookKey>
): Result.Result<KeyRing, WebhookKey.InvalidWebhookKey> => {
  const [first, ...rest] = keys
  if (first === undefined) return refuse("", { _tag: "NoKeys" })
  if (keys.length > maxKeys) return refuse(first.id, { _tag: "TooManyKeys", limit: maxKeys, actual: keys.length })
  const ids = new Set<string>()
  for (const { id } of keys) {
    if (ids.has(id)) return refuse(id, { _tag: "DuplicateId", id })
    ids.add(id)
  }
  return Result.succeed({ [TypeId]: TypeId, keys: [first, ...rest] })
}

const refuse = (
  keyId: string,
  reason: typeof WebhookKey.InvalidWebhookKeyReason.Type
): Result.Result<never, WebhookKey.InvalidWebhookKey> =>
  Result.fail(new WebhookKey.InvalidWebhookKey({ keyId, reason }))

/**
 * Makes a ring of one key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const single = (
  options: WebhookKey.WebhookKeyOptions
): Result.Result<KeyRing, WebhookKey.InvalidWebhookKey> =>
  Result.flatMap(WebhookKey.make(options), (key) => make([key]))

/**
 * Puts a new key first and lets the others run out after `overlap`; keys that have expired by `now` are dropped.
 *
 * Gitea cannot change the secret of a hook, so both keys must be good while the second hook replaces the first.
 *
 * @category combinators
 * @since 0.1.0
 */
export const rotate = (
  ring: KeyRing,
  next: WebhookKey.WebhookKey,
  options: { readonly now: number; readonly overlap: Duration.Input }
): Result.Result<KeyRing, WebhookKey.InvalidWebhookKey> => {
  const end = options.now + Duration.toMillis(options.overlap)
  const retiring = ring.keys
    .map((key) => ({ ...key, notAfter: Math.min(key.notAfter ?? end, end) }))
    .filter((key) => options.now < key.notAfter && (key.notBefore ?? options.now) < key.notAfter)
  return make([next, ...retiring])
}

/**
 * The keys that are good at a time, in milliseconds since the epoch.
 *
 * @category getters
 * @since 0.1.0
 */
export const active = (ring: KeyRing, now: number): ReadonlyArray<WebhookKey.WebhookKey> =>
  ring.keys.filter((key) => WebhookKey.isActive(key, now))
