import { assert, describe, it } from "@effect/vitest"
import { SecretBox } from "@lamina/core"
import { AesSecretBox } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as fc from "fast-check"

const key = "0123456789abcdef0123456789abcdef"
const otherKey = "fedcba9876543210fedcba9876543210"
const secret = "whsec_a very secret secret"
const purpose = "webhook-endpoint/1/2"

const boxWith = (text: string, ...previous: ReadonlyArray<string>) =>
  Effect.provide(
    SecretBox.SecretBox,
    AesSecretBox.layer({ key: Redacted.make(text), previousKeys: previous.map((key) => Redacted.make(key)) })
  )

const sealed = Effect.gen(function*() {
  const box = yield* boxWith(key)
  return { box, text: yield* box.seal(purpose, Redacted.make(secret)) }
})

const refused = (box: SecretBox.SecretBox["Service"], purpose: string, text: string) =>
  Effect.map(Effect.flip(box.open(purpose, text)), (error) => {
    assert.strictEqual(error._tag, "CannotOpen")
    assert.notInclude(`${error.message} ${JSON.stringify(error)}`, secret)
    assert.notInclude(`${error.message} ${JSON.stringify(error)}`, key)
    return error.message
  })

describe("a secret box", () => {
  it.effect("opens what it sealed, whatever it is and whatever for", () =>
    Effect.gen(function*() {
      const box = yield* boxWith(key)
      const texts = fc.sample(fc.tuple(fc.string({ unit: "binary" }), fc.string({ unit: "binary" })), 200)
      for (const [purpose, plain] of texts) {
        const text = yield* box.seal(purpose, Redacted.make(plain))
        assert.strictEqual(Redacted.value(yield* box.open(purpose, text)), plain)
      }
    }))

  it.effect("does not show the secret in what is stored, nor the same for the same", () =>
    Effect.gen(function*() {
      const { box, text } = yield* sealed
      assert.match(text, /^v1\.[\w-]{16}\.[\w-]+$/)
      assert.notInclude(Buffer.from(text, "base64url").toString("latin1"), "secret")
      assert.notStrictEqual(yield* box.seal(purpose, Redacted.make(secret)), text)
    }))

  it.effect("does not open for another purpose", () =>
    Effect.gen(function*() {
      const { box, text } = yield* sealed
      assert.include(yield* refused(box, "webhook-endpoint/1/3", text), "no configured key opens it")
    }))

  it.effect("does not open under another key, and does once that key is among the previous ones", () =>
    Effect.gen(function*() {
      const { text } = yield* sealed
      assert.include(yield* refused(yield* boxWith(otherKey), purpose, text), "previousKeys")
      const box = yield* boxWith(otherKey, key)
      assert.strictEqual(Redacted.value(yield* box.open(purpose, text)), secret)
    }))

  it.effect("seals under the first key only", () =>
    Effect.gen(function*() {
      const both = yield* boxWith(otherKey, key)
      const text = yield* both.seal(purpose, Redacted.make(secret))
      yield* refused(yield* boxWith(key), purpose, text)
      assert.strictEqual(Redacted.value(yield* (yield* boxWith(otherKey)).open(purpose, text)), secret)
    }))

  it.effect("does not open what was tampered with, at any bit", () =>
    Effect.gen(function*() {
      const { box, text } = yield* sealed
      const [version, nonce = "", ciphertext = ""] = text.split(".")
      const parts = [Buffer.from(nonce, "base64url"), Buffer.from(ciphertext, "base64url")] as const
      for (const [part, bytes] of parts.entries()) {
        for (let bit = 0; bit < bytes.length * 8; bit++) {
          const changed = parts.map((original) => Buffer.from(original))
          changed[part]?.writeUInt8((bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)), bit >> 3)
          yield* refused(box, purpose, [version, ...changed.map((buffer) => buffer.toString("base64url"))].join("."))
        }
      }
    }))

  for (const text of ["", "v1", "v1..", "v2.AAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAAAA", secret, "v1.a.b.c"]) {
    it.effect(`does not open ${JSON.stringify(text)}, which has no such form`, () =>
      Effect.gen(function*() {
        assert.include(yield* refused(yield* boxWith(key), purpose, text), "v1.nonce.ciphertext")
      }))
  }

  it.effect("does not open what was cut, wherever", () =>
    Effect.gen(function*() {
      const { box, text } = yield* sealed
      for (let length = 0; length < text.length - 1; length++) yield* refused(box, purpose, text.slice(0, length))
    }))

  it.effect("makes secrets of 256 bits in the form of Standard Webhooks", () =>
    Effect.gen(function*() {
      const box = yield* boxWith(key)
      const made = new Set<string>()
      for (let count = 0; count < 100; count++) made.add(Redacted.value(yield* box.generate))
      assert.strictEqual(made.size, 100)
      for (const text of made) assert.strictEqual(Buffer.from(text.replace(/^whsec_/, ""), "base64").length, 32)
    }))

  it.effect("is not made with a key that could be guessed", () =>
    Effect.gen(function*() {
      const short = yield* Effect.flip(boxWith("hunter2"))
      assert.deepStrictEqual([short._tag, short.position], ["WeakKey", 0])
      assert.notInclude(short.message, "hunter2")
      assert.include((yield* Effect.flip(boxWith(key, key, ""))).message, "previousKeys[1]: expected at least 32")
    }))
})
