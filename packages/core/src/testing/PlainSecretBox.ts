/**
 * A secret box for tests that encrypts nothing. It keeps the promise about purposes, and no other.
 *
 * @since 0.1.0
 */
import * as SecureRandom from "effect/crypto/SecureRandom"
import * as Effect from "effect/Effect"
import * as Base64Url from "effect/encoding/Base64Url"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { CannotOpen, SecretBox } from "../webhooks/SecretBox.ts"

/**
 * A box that anybody can look into.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<SecretBox> = Layer.succeed(
  SecretBox,
  SecretBox.of({
    seal: (purpose, secret) => Effect.succeed(`${purpose}\n${Redacted.value(secret)}`),
    open: (purpose, sealed) => {
      const prefix = `${purpose}\n`
      return sealed.startsWith(prefix)
        ? Effect.succeed(Redacted.make(sealed.slice(prefix.length)))
        : Effect.fail(new CannotOpen({ detail: "it was sealed for another purpose" }))
    },
    generate: Effect.sync(() => Redacted.make(Base64Url.encode(SecureRandom.randomBytesUnsafe(32))))
  })
)
