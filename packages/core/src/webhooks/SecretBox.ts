/**
 * The port that keeps secrets at rest: what is stored does not reveal them.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

/**
 * A sealed secret cannot be opened: another key, or damaged.
 *
 * @category errors
 * @since 0.1.0
 */
export class CannotOpen extends Schema.TaggedError<CannotOpen>("@lamina/core/webhooks/CannotOpen")("CannotOpen", {
  detail: Schema.String
}) {
  override get message(): string {
    return `cannot open a stored secret: ${this.detail}`
  }
}

/**
 * The port to encryption at rest. `purpose` is bound to the ciphertext: a secret sealed for one row opens for no other.
 *
 * @category services
 * @since 0.1.0
 */
export class SecretBox extends Context.Service<SecretBox, {
  readonly seal: (purpose: string, secret: Redacted.Redacted<string>) => Effect.Effect<string>
  readonly open: (purpose: string, sealed: string) => Effect.Effect<Redacted.Redacted<string>, CannotOpen>
  /** A new secret with at least 256 bits of randomness. */
  readonly generate: Effect.Effect<Redacted.Redacted<string>>
}>()("@lamina/core/webhooks/SecretBox") {}
