import { assert, describe, it } from "@effect/vitest"
import { KeyRing, WebhookSignature, WebhookSigner } from "@lamina/gitea"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { bytes, key, now, ring, text } from "./support.ts"

const secret = key("first", "It's a Secret to Everybody")
const keys = ring(secret)
const hello = bytes("Hello, World!")
const helloDigest = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"

type Options = WebhookSignature.VerifyOptions

const verifyModule = (options: Partial<Options>) =>
  WebhookSignature.verify({ kind: "module-callback", headers: {}, body: hello, keys, now, ...options })

const verifyNative = (options: Partial<Options>) =>
  WebhookSignature.verify({ kind: "gitea-event", headers: {}, body: hello, keys, now, ...options })

const reasonOf = (result: ReturnType<typeof WebhookSignature.verify>): string =>
  Result.match(result, { onSuccess: () => "accepted", onFailure: (error) => error.reason._tag })

const formOf = (payload: string): Uint8Array => bytes(`payload=${encodeURIComponent(payload).replaceAll("%20", "+")}`)

const formHeaders = (payload: string) => ({
  "content-type": "application/x-www-form-urlencoded",
  ...WebhookSigner.giteaEvent({ key: secret, payload: bytes(payload) })
})

describe("the signature of Gitea", () => {
  it("agrees with the published HMAC vector and names key, family and hash", () => {
    const verified = Result.getOrThrow(verifyModule({ headers: { "X-Gitea-Signature": helloDigest } }))
    assert.strictEqual(verified.keyId, "first")
    assert.strictEqual(verified.family, "module-callback")
    assert.strictEqual(verified.bodyHash, "dffd6021bb2bd5b0af676290809ec3a53191dd81c7f70a4b28688a362182986f")
    assert.strictEqual(verified.dedupeKey, `sha256:${verified.bodyHash}`)
    assert.isFalse(verified.keyIsRetiring)
  })

  it("is accepted from each of its headers, in upper-case hex too", () => {
    for (
      const headers of [
        { "x-gitea-signature": helloDigest.toUpperCase() },
        { "x-forgejo-signature": helloDigest },
        { "x-hub-signature-256": `sha256=${helloDigest}` },
        new Headers({ "X-Gitea-Signature": helloDigest, "X-Hub-Signature-256": `sha256=${helloDigest}` })
      ]
    ) {
      assert.strictEqual(reasonOf(verifyNative({ headers })), "accepted")
    }
  })

  it("covers the decoded payload of a form, and the body as it is otherwise", () => {
    const payload = `{"a":"ü & <b> + 100%"}`
    const verified = Result.getOrThrow(verifyNative({ headers: formHeaders(payload), body: formOf(payload) }))
    assert.strictEqual(text(verified.payload), payload)
    const json = WebhookSigner.giteaEvent({ key: secret, payload: bytes(payload) })
    assert.strictEqual(
      Result.getOrThrow(verifyNative({ headers: json, body: bytes(payload) })).bodyHash,
      verified.bodyHash
    )
  })

  it("covers the raw body of a callback even where curl called it a form", () => {
    const body = bytes(`{"a":1}`)
    const headers = {
      "content-type": "application/x-www-form-urlencoded",
      ...WebhookSigner.moduleCallback({ key: secret, body })
    }
    assert.strictEqual(reasonOf(verifyModule({ headers, body })), "accepted")
  })

  it("refuses a form with a second field, a broken escape or another field", () => {
    const payload = `{"a":1}`
    const headers = formHeaders(payload)
    for (const suffix of ["&payload=x", "&other=1", "%", "%4", "%zz"]) {
      const body = new Uint8Array([...formOf(payload), ...bytes(suffix)])
      assert.strictEqual(reasonOf(verifyNative({ headers, body })), "MalformedBody", suffix)
    }
    assert.strictEqual(reasonOf(verifyNative({ headers, body: bytes(payload) })), "MalformedBody")
  })

  it("does not fall back from a hollow header to a good one", () => {
    const good = { "x-hub-signature-256": `sha256=${helloDigest}` }
    assert.strictEqual(reasonOf(verifyNative({ headers: { ...good, "x-gitea-signature": "" } })), "MalformedSignature")
    const hollow = { "x-gitea-signature": helloDigest, "x-hub-signature-256": "sha256=" }
    assert.strictEqual(reasonOf(verifyNative({ headers: hollow })), "MalformedSignature")
  })

  it("has to hold in every header that is present", () => {
    const other = WebhookSigner.giteaEvent({ key: secret, payload: bytes("something else") })
    const headers = { "x-gitea-signature": helloDigest, "x-hub-signature-256": other["x-hub-signature-256"] }
    assert.strictEqual(reasonOf(verifyNative({ headers })), "SignatureMismatch")
  })

  it("is never SHA-1, and never anything but 64 hex digits", () => {
    const sha1 = { "x-hub-signature": "sha1=33f9d709782f62b8b4a0178586c65ab098a39fe2" }
    assert.strictEqual(reasonOf(verifyNative({ headers: sha1 })), "MissingSignature")
    for (
      const value of [
        helloDigest.slice(1),
        `${helloDigest}0`,
        `sha256=${helloDigest}`,
        ` ${helloDigest}`,
        `${helloDigest}\n`,
        `g${helloDigest.slice(1)}`,
        `${helloDigest}, ${helloDigest}`
      ]
    ) {
      assert.strictEqual(reasonOf(verifyNative({ headers: { "x-gitea-signature": value } })), "MalformedSignature")
    }
  })

  it("is refused when the header came twice, however the host joins it", () => {
    const web = new Headers()
    web.append("x-gitea-signature", helloDigest)
    web.append("x-gitea-signature", helloDigest)
    const variants = [
      web,
      { "x-gitea-signature": [helloDigest, helloDigest] },
      { "x-gitea-signature": helloDigest, "X-Gitea-Signature": helloDigest }
    ]
    for (const headers of variants) assert.strictEqual(reasonOf(verifyNative({ headers })), "MalformedSignature")
  })
})

describe("the signature of a disk image's build", () => {
  const verifyImage = (headers: Options["headers"]) =>
    WebhookSignature.verify({ kind: "disk-image-callback", headers, body: hello, keys, now })

  it("is behind sha256= in X-Powernode-Signature and nowhere else", () => {
    const signed = WebhookSigner.diskImageCallback({ key: secret, body: hello })
    assert.strictEqual(reasonOf(verifyImage(signed)), "accepted")
    assert.strictEqual(reasonOf(verifyImage({ "x-powernode-signature": helloDigest })), "MalformedSignature")
    assert.strictEqual(reasonOf(verifyImage({ "x-gitea-signature": helloDigest })), "MissingSignature")
  })
})

describe("Standard Webhooks", () => {
  const vectorKey = key("vector", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
  const body = bytes(`{"test": 2432232314}`)
  const vector = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
  }
  const verifyVector = (headers: Record<string, string>, seconds = 1614265330, options: Partial<Options> = {}) =>
    verifyModule({ headers, body, keys: ring(vectorKey), now: seconds * 1000, ...options })

  it("agrees with the published vector, both ways", () => {
    const verified = Result.getOrThrow(verifyVector(vector))
    assert.strictEqual(verified.family, "standard-webhooks")
    assert.strictEqual(verified.dedupeKey, "id:msg_p5jXN8AQM9LWM0D4loKWxJek")
    const id = vector["webhook-id"]
    const signed = WebhookSigner.standardWebhooks({ key: vectorKey, id, timestampSeconds: 1614265330, body })
    assert.deepStrictEqual({ ...signed }, vector)
  })

  it("takes a request for five minutes in both directions", () => {
    for (const seconds of [-300, 0, 300]) {
      assert.strictEqual(reasonOf(verifyVector(vector, 1614265330 + seconds)), "accepted")
    }
    for (const seconds of [-301, 301, 1e6]) {
      assert.strictEqual(reasonOf(verifyVector(vector, 1614265330 + seconds)), "TimestampOutOfWindow")
    }
  })

  it("tells a late request from a forged one: the signature is looked at first", () => {
    const forged = { ...vector, "webhook-id": "msg_other" }
    assert.strictEqual(reasonOf(verifyVector(forged, 1)), "SignatureMismatch")
  })

  it("reads the timestamp strictly", () => {
    for (
      const timestamp of ["1614265330junk", "+1614265330", "01614265330", "1614265330.0", "1.6e9", "", " 1614265330"]
    ) {
      assert.strictEqual(reasonOf(verifyVector({ ...vector, "webhook-timestamp": timestamp })), "MalformedSignature")
    }
  })

  it("takes one right signature among several and skips other versions", () => {
    const wrong = `v1,${"A".repeat(43)}=`
    const list = `${wrong} v1a,c29tZXRoaW5n ${vector["webhook-signature"]}`
    assert.strictEqual(reasonOf(verifyVector({ ...vector, "webhook-signature": list })), "accepted")
    assert.strictEqual(reasonOf(verifyVector({ ...vector, "webhook-signature": wrong })), "SignatureMismatch")
    assert.strictEqual(reasonOf(verifyVector({ ...vector, "webhook-signature": "v1a,c29t" })), "MalformedSignature")
  })

  it("refuses joined duplicates, loose base64, too many signatures and absent headers", () => {
    const signature = vector["webhook-signature"]
    const many = Array.from({ length: 17 }, () => signature).join(" ")
    for (const value of [`${signature}, ${signature}`, signature.slice(0, -1), signature.replace("/", "_"), many, ""]) {
      assert.strictEqual(reasonOf(verifyVector({ ...vector, "webhook-signature": value })), "MalformedSignature")
    }
    for (const name of Object.keys(vector)) {
      const { [name]: _, ...rest } = vector as Record<string, string>
      assert.strictEqual(reasonOf(verifyVector(rest)), "MalformedSignature", name)
    }
  })

  it("can be required, and then the plain signature is not enough", () => {
    const plain = WebhookSigner.moduleCallback({ key: vectorKey, body })
    assert.strictEqual(reasonOf(verifyVector(plain)), "accepted")
    assert.strictEqual(reasonOf(verifyVector(plain, 0, { replayProtection: "required" })), "MissingSignature")
    assert.strictEqual(
      reasonOf(verifyVector({ ...plain, ...vector }, 1614265330, { replayProtection: "required" })),
      "accepted"
    )
  })

  it("has to hold beside a plain signature that is present, and the other way round", () => {
    const plain = WebhookSigner.moduleCallback({ key: vectorKey, body: bytes("other") })
    assert.strictEqual(reasonOf(verifyVector({ ...plain, ...vector })), "SignatureMismatch")
  })

  it("leaves no room to read a document that was signed plainly as id, time and body", () => {
    const document = `{"x":"a.${Math.floor(now / 1000)}.{}`
    const digest = Buffer.from(WebhookSigner.hmacHex(secret, bytes(document)), "hex").toString("base64")
    const headers = {
      "webhook-id": `{"x":"a`,
      "webhook-timestamp": String(Math.floor(now / 1000)),
      "webhook-signature": `v1,${digest}`
    }
    assert.strictEqual(reasonOf(verifyModule({ headers, body: bytes("{}") })), "MalformedSignature")
  })
})

describe("the keys", () => {
  const old = key("old", "the old secret", { notAfter: now + 1000 })
  const next = key("next", "the next secret", { notBefore: now })
  const signedBy = (by: typeof old, at: number) =>
    verifyModule({ headers: WebhookSigner.moduleCallback({ key: by, body: hello }), keys: ring(next, old), now: at })

  it("overlap during a rotation, and the answer tells when the old one was used", () => {
    const byOld = Result.getOrThrow(signedBy(old, now))
    const byNext = Result.getOrThrow(signedBy(next, now))
    assert.deepStrictEqual([byOld.keyId, byOld.keyIsRetiring], ["old", true])
    assert.deepStrictEqual([byNext.keyId, byNext.keyIsRetiring], ["next", false])
  })

  it("are not good before and after their time", () => {
    assert.strictEqual(reasonOf(signedBy(next, now - 1)), "SignatureMismatch")
    assert.strictEqual(reasonOf(signedBy(old, now + 999)), "accepted")
    assert.strictEqual(reasonOf(signedBy(old, now + 1000)), "SignatureMismatch")
    const expired = verifyModule({
      headers: WebhookSigner.moduleCallback({ key: old, body: hello }),
      keys: ring(old),
      now: now + 1000
    })
    assert.strictEqual(reasonOf(expired), "NoActiveKey")
  })

  it("do not mix: two headers under two keys of the ring do not make one signature", () => {
    const headers = {
      "x-gitea-signature": WebhookSigner.hmacHex(old, hello),
      "x-hub-signature-256": `sha256=${WebhookSigner.hmacHex(next, hello)}`
    }
    assert.strictEqual(reasonOf(verifyModule({ headers, keys: ring(next, old) })), "SignatureMismatch")
  })
})

describe("a refusal", () => {
  it("never carries the secret or the digest that was expected", () => {
    const result = verifyModule({ headers: { "x-gitea-signature": "0".repeat(64) } })
    const shown = Result.match(result, {
      onSuccess: () => "accepted",
      onFailure: (error) => `${error.message} ${JSON.stringify(error)}`
    })
    assert.notInclude(shown, helloDigest.slice(0, 8))
    assert.notInclude(shown, "Everybody")
    assert.include(shown, "x-gitea-signature")
  })

  it("is the same for an endpoint that does not exist, also with a signature of the decoy", () => {
    const decoy = Result.getOrThrow(
      KeyRing.single({ id: "d", secret: Redacted.make("the key of an endpoint that does not exist") })
    )
    for (const headers of [{}, WebhookSigner.moduleCallback({ key: decoy.keys[0], body: hello })]) {
      const result = WebhookSignature.dummyVerify({ kind: "module-callback", headers, body: hello, now })
      assert.strictEqual(Result.isFailure(result) && result.failure.reason._tag, "UnknownEndpoint")
      assert.strictEqual(Result.isFailure(result) && result.failure.status, 401)
    }
    const forged = WebhookSigner.moduleCallback({ key: decoy.keys[0], body: hello })
    assert.strictEqual(reasonOf(verifyModule({ headers: forged })), "SignatureMismatch")
    const expired = ring(key("old", "an old secret", { notAfter: now }))
    assert.strictEqual(reasonOf(verifyModule({ headers: forged, keys: expired })), "NoActiveKey")
  })
})

describe("properties", () => {
  const document = fc.uint8Array({ minLength: 1, maxLength: 300 })

  it("one flipped bit of body, signature or key is refused", () => {
    fc.assert(
      fc.property(document, fc.nat(), fc.constantFrom("body", "signature", "key"), (body, bit, where) => {
        const flip = (value: Uint8Array) => {
          const copy = Uint8Array.from(value)
          const index = Math.floor(bit / 8) % copy.length
          copy[index] = (copy[index] ?? 0) ^ (1 << (bit % 8))
          return copy
        }
        const digest = Buffer.from(WebhookSigner.hmacHex(secret, body), "hex")
        const usedKeys = where === "key"
          ? ring(key("k", Buffer.from(flip(bytes("a-long-ascii-secret-0123456789"))).toString("latin1")))
          : keys
        const signature = where === "key"
          ? WebhookSigner.hmacHex(key("k", "a-long-ascii-secret-0123456789"), body)
          : Buffer.from(where === "signature" ? flip(digest) : digest).toString("hex")
        const result = verifyModule({
          headers: { "x-gitea-signature": signature },
          body: where === "body" ? flip(body) : body,
          keys: usedKeys
        })
        assert.strictEqual(reasonOf(result), "SignatureMismatch")
      }),
      { numRuns: 2000 }
    )
  })

  it("whatever is sent, nothing is accepted without the key and nothing throws", () => {
    const headerName = fc.constantFrom(
      "x-gitea-signature",
      "x-forgejo-signature",
      "x-hub-signature-256",
      "x-hub-signature",
      "x-powernode-signature",
      "webhook-id",
      "webhook-timestamp",
      "webhook-signature",
      "content-type"
    )
    const hex = fc.string({ unit: fc.constantFrom(..."0123456789abcdefABCDEF"), minLength: 63, maxLength: 65 })
    const value = fc.oneof(
      fc.string({ unit: "binary" }),
      hex,
      hex.map((digits) => `sha256=${digits}`),
      fc.base64String({ minLength: 44, maxLength: 44 }).map((digits) => `v1,${digits}`),
      fc.constantFrom("", "sha256=", "application/x-www-form-urlencoded", String(now / 1000), "msg_1"),
      fc.array(hex, { maxLength: 3 })
    )
    const kind = fc.constantFrom("gitea-event" as const, "module-callback" as const, "disk-image-callback" as const)
    fc.assert(
      fc.property(kind, fc.dictionary(headerName, value), document, (kind, headers, body) => {
        assert.notStrictEqual(reasonOf(WebhookSignature.verify({ kind, headers, body, keys, now })), "accepted")
      }),
      { numRuns: 4000 }
    )
  })

  it("what a holder of the key signs is accepted, whatever the bytes", () => {
    fc.assert(
      fc.property(document, fc.integer({ min: 1, max: 99_999_999_999 }), (body, timestampSeconds) => {
        const callback = verifyModule({ headers: WebhookSigner.moduleCallback({ key: secret, body }), body })
        const headers = WebhookSigner.standardWebhooks({ key: secret, id: "msg_1", timestampSeconds, body })
        const standard = verifyModule({ headers, body, now: timestampSeconds * 1000 })
        assert.deepStrictEqual([reasonOf(callback), reasonOf(standard)], ["accepted", "accepted"])
      }),
      { numRuns: 500 }
    )
  })
})
