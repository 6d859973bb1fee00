/**
 * Secrets at rest under AES-256-GCM with a key that the host keeps outside of the database.
 *
 * @since 0.1.0
 */
import { SecretBox } from "@lamina/core"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from "node:crypto"

/**
 * The keys: `key` seals and opens, `previousKeys` only open, for as long as secrets sealed with them are stored.
 * Each has at least 32 bytes of randomness, as text in any form (base64, hexadecimal).
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly key: Redacted.Redacted<string>
  readonly previousKeys?: ReadonlyArray<Redacted.Redacted<string>>
}

/**
 * The fewest characters of a key.
 *
 * @category constants
 * @since 0.1.0
 */
export const minimumKeyLength = 32

/**
 * A key that could be guessed. `position` is 0 for `key`, and counts on through `previousKeys`.
 *
 * @category errors
 * @since 0.1.0
 */
export class WeakKey extends Schema.TaggedError<WeakKey>("@lamina/platform/adapters/WeakKey")("WeakKey", {
  position: Schema.Int,
  length: Schema.Int
}) {
  override get message(): string {
    const name = this.position === 0 ? "key" : `previousKeys[${this.position - 1}]`
    return `secret box ${name}: expected at least ${minimumKeyLength} random characters, got ${this.length}`
  }
}

const algorithm = "aes-256-gcm"
const nonceLength = 12
const tagLength = 16
const version = "v1"

/**
 * Provides `SecretBox`. The sealed form is `v1.<nonce>.<ciphertext and tag>` in base64url; the purpose is bound to it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options): Layer.Layer<SecretBox.SecretBox, WeakKey> =>
  Layer.effect(SecretBox.SecretBox, make(options))

const make = Effect.fnUntraced(function*({ key, previousKeys = [] }: Options) {
  for (const [position, { length }] of [key, ...previousKeys].map(Redacted.value).entries()) {
    if (length < minimumKeyLength) return yield* new WeakKey({ position, length })
  }
  const sealingKey = deriveKey(key)
  const openingKeys = [sealingKey, ...previousKeys.map(deriveKey)]
  return SecretBox.SecretBox.of({
    seal: (purpose, secret) => Effect.sync(() => seal(sealingKey, purpose, Redacted.value(secret))),
    open: (purpose, sealed) => Effect.suspend(() => open(openingKeys, purpose, sealed)),
    generate: Effect.sync(() => Redacted.make(`whsec_${randomBytes(32).toString("base64")}`))
  })
})

// The host's key may have any length and form; the cipher wants 32 bytes that serve no other purpose.
const deriveKey = (key: Redacted.Redacted<string>): Uint8Array =>
  new Uint8Array(hkdfSync("sha256", Redacted.value(key), "", "lamina secret box v1", 32))

const seal = (key: Uint8Array, purpose: string, secret: string): string => {
  const nonce = randomBytes(nonceLength)
  const cipher = createCipheriv(algorithm, key, nonce).setAAD(Buffer.from(purpose))
  const ciphertext = Buffer.concat([cipher.update(secret, "utf8"), cipher.final(), cipher.getAuthTag()])
  return [version, nonce.toString("base64url"), ciphertext.toString("base64url")].join(".")
}

const open = Effect.fnUntraced(function*(keys: ReadonlyArray<Uint8Array>, purpose: string, sealed: string) {
  const [actualVersion, nonceText, ciphertextText, ...rest] = sealed.split(".")
  const nonce = Buffer.from(nonceText ?? "", "base64url")
  const ciphertext = Buffer.from(ciphertextText ?? "", "base64url")
  const isWellFormed = actualVersion === version && rest.length === 0 && nonce.length === nonceLength &&
    ciphertext.length >= tagLength
  if (!isWellFormed) return yield* new SecretBox.CannotOpen({ detail: "it does not have the form v1.nonce.ciphertext" })
  for (const key of keys) {
    const secret = yield* Effect.option(Effect.try({
      try: () => decrypt(key, purpose, nonce, ciphertext),
      catch: () => new SecretBox.CannotOpen({ detail: "wrong key" })
    }))
    if (secret._tag === "Some") return Redacted.make(secret.value)
  }
  return yield* new SecretBox.CannotOpen({
    detail: "no configured key opens it; was the key changed without keeping it in previousKeys?"
  })
})

const decrypt = (key: Uint8Array, purpose: string, nonce: Uint8Array, ciphertext: Buffer): string => {
  const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagLength }).setAAD(Buffer.from(purpose))
  decipher.setAuthTag(ciphertext.subarray(ciphertext.length - tagLength))
  const plain = decipher.update(ciphertext.subarray(0, ciphertext.length - tagLength))
  return Buffer.concat([plain, decipher.final()]).toString("utf8")
}
