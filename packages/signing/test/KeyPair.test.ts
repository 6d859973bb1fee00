import { assert, describe, it } from "@effect/vitest"
import { KeyPair } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { generateKeyPairSync, sign, verify } from "node:crypto"

const password = Redacted.make("correct horse")

const tagOf = <A>(effect: Effect.Effect<A, { readonly reason: { readonly _tag: string } }>) =>
  Effect.match(effect, { onSuccess: () => "opened", onFailure: ({ reason }) => reason._tag })

const withJson = (pem: string, change: (json: { kdf: { params: object }; ciphertext: string }) => void): string => {
  const json = JSON.parse(Buffer.from(pem.replace(/-----.*-----/g, ""), "base64").toString())
  change(json)
  const base64 = Buffer.from(JSON.stringify(json)).toString("base64")
  return `-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----\n${base64}\n-----END ENCRYPTED SIGSTORE PRIVATE KEY-----\n`
}

describe("KeyPair", () => {
  it.live("comes back from its file with the right password", () =>
    Effect.gen(function*() {
      const keyPair = yield* KeyPair.generate
      const pem = yield* KeyPair.toPem(keyPair, password)
      const opened = yield* KeyPair.fromPem(pem, password)
      assert.strictEqual(KeyPair.publicKeyPem(opened), KeyPair.publicKeyPem(keyPair))
      const message = Buffer.from("message")
      assert.isTrue(verify("sha256", message, keyPair.publicKey, sign("sha256", message, opened.privateKey)))
    }))

  it.live("does not open with another password, nor when the file was changed", () =>
    Effect.gen(function*() {
      const pem = yield* KeyPair.toPem(yield* KeyPair.generate, password)
      assert.strictEqual(yield* tagOf(KeyPair.fromPem(pem, Redacted.make("wrong"))), "WrongPassword")
      const changed = withJson(pem, (json) => {
        const bytes = Buffer.from(json.ciphertext, "base64")
        bytes[20] = (bytes[20] ?? 0) ^ 1
        json.ciphertext = bytes.toString("base64")
      })
      assert.strictEqual(yield* tagOf(KeyPair.fromPem(changed, password)), "WrongPassword")
    }))

  it.live("takes the label that older versions of cosign wrote", () =>
    Effect.gen(function*() {
      const pem = yield* KeyPair.toPem(yield* KeyPair.generate, password)
      assert.strictEqual(yield* tagOf(KeyPair.fromPem(pem.replaceAll("SIGSTORE", "COSIGN"), password)), "opened")
    }))

  it.live("refuses parameters that would take any amount of memory", () =>
    Effect.gen(function*() {
      const pem = yield* KeyPair.toPem(yield* KeyPair.generate, password)
      const huge = withJson(pem, (json) => Object.assign(json.kdf.params, { N: 2 ** 30 }))
      assert.strictEqual(yield* tagOf(KeyPair.fromPem(huge, password)), "InvalidKeyFile")
    }))

  it.live("refuses what is no key file, and keys of other kinds", () =>
    Effect.gen(function*() {
      const plain = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey.export({
        type: "pkcs8",
        format: "pem"
      })
      assert.strictEqual(yield* tagOf(KeyPair.fromPem(plain.toString(), password)), "InvalidKeyFile")
      assert.strictEqual(yield* tagOf(KeyPair.fromPem("", password)), "InvalidKeyFile")
      const other = generateKeyPairSync("ed25519")
      assert.strictEqual(
        yield* tagOf(Effect.flatMap(KeyPair.toPem(other, password), (pem) => KeyPair.fromPem(pem, password))),
        "InvalidKeyFile"
      )
    }))

  it.live("never shows the password or the key in an error", () =>
    Effect.gen(function*() {
      const pem = yield* KeyPair.toPem(yield* KeyPair.generate, password)
      const error = yield* Effect.flip(KeyPair.fromPem(pem, Redacted.make("hunter2")))
      assert.notInclude(`${error.message} ${JSON.stringify(error)}`, "hunter2")
    }))
})
