/**
 * cosign key pairs: ECDSA on P-256, the private half in an encrypted PEM file that cosign reads and writes too.
 *
 * The file is a PEM block around JSON: a key derived by scrypt opens a NaCl secretbox (XSalsa20-Poly1305) with the
 * PKCS #8 form of the private key.
 *
 * @since 0.1.0
 */
import { secretbox } from "@noble/ciphers/salsa.js"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  scrypt
} from "node:crypto"
import { SigningError } from "./SigningError.ts"

/**
 * A private key and its public half.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyPair {
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
}

/**
 * Makes a new key pair on P-256.
 *
 * @category constructors
 * @since 0.1.0
 */
export const generate: Effect.Effect<KeyPair> = Effect.sync(() => generateKeyPairSync("ec", { namedCurve: "P-256" }))

/**
 * The public key as PEM (`cosign.pub`).
 *
 * @category encoding
 * @since 0.1.0
 */
export const publicKeyPem = ({ publicKey }: KeyPair): string =>
  publicKey.export({ type: "spki", format: "pem" }).toString()

/**
 * The private key, encrypted with a password, as PEM (`cosign.key`).
 *
 * @category encoding
 * @since 0.1.0
 */
export const toPem = Effect.fnUntraced(
  function*(keyPair: KeyPair, password: Redacted.Redacted): Effect.fn.Return<string, SigningError> {
    const { nonce, salt } = yield* Effect.sync(() => ({ salt: randomBytes(32), nonce: randomBytes(24) }))
    const key = yield* deriveKey(password, salt, newFileParameters)
    const plain = keyPair.privateKey.export({ type: "pkcs8", format: "der" })
    const file: typeof KeyFile.Encoded = {
      kdf: { name: "scrypt", params: newFileParameters, salt: salt.toString("base64") },
      cipher: { name: "nacl/secretbox", nonce: nonce.toString("base64") },
      ciphertext: Buffer.from(secretbox(key, nonce).seal(plain)).toString("base64")
    }
    const base64 = Buffer.from(JSON.stringify(file)).toString("base64")
    return [`-----BEGIN ${label}-----`, ...(base64.match(/.{1,64}/g) ?? []), `-----END ${label}-----`, ""].join("\n")
  }
)

/**
 * Opens a private key file with its password.
 *
 * @category parsing
 * @since 0.1.0
 */
export const fromPem = Effect.fnUntraced(
  function*(pem: string, password: Redacted.Redacted): Effect.fn.Return<KeyPair, SigningError> {
    const { cipher, ciphertext, kdf } = yield* Effect.fromResult(parseFile(pem))
    const key = yield* deriveKey(password, kdf.salt, kdf.params)
    const plain = yield* Effect.try({
      try: () => secretbox(key, cipher.nonce).open(ciphertext),
      catch: () => new SigningError({ reason: { _tag: "WrongPassword" } })
    })
    return yield* Effect.try({
      try: () => {
        const privateKey = createPrivateKey({ key: Buffer.from(plain), format: "der", type: "pkcs8" })
        return { privateKey, publicKey: createPublicKey(privateKey) }
      },
      catch: () => invalid("what it holds is no PKCS #8 private key")
    }).pipe(Effect.filterOrFail(isP256, () => invalid("expected an ECDSA key on P-256")))
  }
)

const label = "ENCRYPTED SIGSTORE PRIVATE KEY"

const newFileParameters = { N: 65536, r: 8, p: 1 } as const

const bytesOfLength = (length: number) =>
  Schema.Uint8ArrayFromBase64.check(
    Schema.makeFilter((bytes) => bytes.byteLength === length || `expected ${length} bytes, got ${bytes.byteLength}`)
  )

/** cosign's parameters and nothing larger: a hostile file must not choose how much memory opening it takes. */
const KeyFile = Schema.Struct({
  kdf: Schema.Struct({
    name: Schema.Literal("scrypt"),
    params: Schema.Struct({ N: Schema.Literals([32768, 65536]), r: Schema.Literal(8), p: Schema.Literal(1) }),
    salt: bytesOfLength(32)
  }),
  cipher: Schema.Struct({ name: Schema.Literal("nacl/secretbox"), nonce: bytesOfLength(24) }),
  ciphertext: Schema.Uint8ArrayFromBase64
})

const decodeFile = Schema.decodeUnknownResult(Schema.fromJsonString(KeyFile))

const armor =
  /^\s*-----BEGIN ENCRYPTED (SIGSTORE|COSIGN) PRIVATE KEY-----\s([A-Za-z0-9+/=\s]+)-----END ENCRYPTED \1 PRIVATE KEY-----\s*$/

const parseFile = (pem: string): Result.Result<typeof KeyFile.Type, SigningError> => {
  const base64 = pem.length > 16384 ? undefined : armor.exec(pem)?.[2]
  return base64 === undefined
    ? Result.fail(invalid(`expected one PEM block ${label}`))
    : Result.mapError(decodeFile(Buffer.from(base64, "base64").toString("utf8")), (error) => invalid(error.message))
}

/** 128 * N * r bytes are 64 MiB at most; Node's own limit of 32 MiB would refuse cosign's files. */
const maximumMemory = 128 * 1024 * 1024

const deriveKey = (
  password: Redacted.Redacted,
  salt: Uint8Array,
  { N, p, r }: typeof KeyFile.Type["kdf"]["params"]
): Effect.Effect<Buffer, SigningError> =>
  Effect.callback((resume) =>
    scrypt(
      Redacted.value(password),
      salt,
      32,
      { N, r, p, maxmem: maximumMemory },
      (error, key) => resume(error === null ? Effect.succeed(key) : Effect.fail(invalid("scrypt failed")))
    )
  )

const isP256 = ({ publicKey }: KeyPair): boolean => publicKey.asymmetricKeyDetails?.namedCurve === "prime256v1"

const invalid = (detail: string): SigningError => new SigningError({ reason: { _tag: "InvalidKeyFile", detail } })
