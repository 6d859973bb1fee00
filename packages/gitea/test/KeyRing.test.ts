import { assert, describe, it } from "@effect/vitest"
import { KeyRing, WebhookKey } from "@lamina/gitea"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { inspect } from "node:util"
import { key, now, ring } from "./support.ts"

const reasonOf = (result: Result.Result<unknown, WebhookKey.InvalidWebhookKey>) =>
  Result.match(result, { onSuccess: () => "made", onFailure: (error) => error.reason._tag })

const make = (options: Partial<WebhookKey.WebhookKeyOptions>) =>
  WebhookKey.make({ id: "key", secret: Redacted.make("secret"), ...options })

describe("a webhook key", () => {
  it("has a secret that is not empty and not blank", () => {
    for (const secret of ["", " ", "\n\t"]) {
      assert.strictEqual(reasonOf(make({ secret: Redacted.make(secret) })), "EmptySecret")
    }
  })

  it("has an id that can stand in a log, and a validity that is not empty", () => {
    for (const id of ["", "a b", "a\nb", "x".repeat(129)]) assert.strictEqual(reasonOf(make({ id })), "InvalidId")
    assert.strictEqual(reasonOf(make({ notBefore: 5, notAfter: 5 })), "EmptyValidity")
  })

  it("behind whsec_ is base64 of 24 to 64 bytes", () => {
    const standard = (bytes: number) => Redacted.make(`whsec_${Buffer.alloc(bytes, 7).toString("base64")}`)
    assert.strictEqual(reasonOf(make({ secret: standard(24) })), "made")
    assert.strictEqual(reasonOf(make({ secret: standard(64) })), "made")
    for (const secret of [standard(23), standard(65), Redacted.make("whsec_not base64")]) {
      assert.strictEqual(reasonOf(make({ secret })), "MalformedStandardSecret")
    }
  })

  it("does not show its secret", () => {
    const one = key("key", "hush-hush")
    assert.notInclude(`${inspect(one, { depth: 9 })} ${JSON.stringify(one)}`, "hush")
  })
})

describe("a key ring", () => {
  it("is never empty, never large, and names its keys apart", () => {
    assert.strictEqual(reasonOf(KeyRing.make([])), "NoKeys")
    assert.strictEqual(reasonOf(KeyRing.make([key("a", "1"), key("a", "2")])), "DuplicateId")
    const many = Array.from({ length: KeyRing.maxKeys + 1 }, (_, index) => key(`k${index}`, "s"))
    assert.strictEqual(reasonOf(KeyRing.make(many)), "TooManyKeys")
  })

  it("rotates with an overlap and drops what has expired", () => {
    const before = ring(key("second", "2"), key("first", "1", { notAfter: now }))
    const after = Result.getOrThrow(KeyRing.rotate(before, key("third", "3"), { now, overlap: "7 days" }))
    assert.deepStrictEqual(after.keys.map(({ id, notAfter }) => [id, notAfter]), [
      ["third", undefined],
      ["second", now + 7 * 86_400_000]
    ])
    assert.deepStrictEqual(KeyRing.active(after, now + 8 * 86_400_000).map(({ id }) => id), ["third"])
  })

  it("drops a key that would begin only after the overlap", () => {
    const before = ring(key("later", "1", { notBefore: now + 86_400_000 }))
    const after = Result.getOrThrow(KeyRing.rotate(before, key("next", "2"), { now, overlap: "1 day" }))
    assert.deepStrictEqual(after.keys.map(({ id }) => id), ["next"])
  })

  it("does not prolong a key that runs out sooner than the overlap", () => {
    const after = Result.getOrThrow(
      KeyRing.rotate(ring(key("a", "1", { notAfter: now + 5 })), key("b", "2"), { now, overlap: "1 day" })
    )
    assert.strictEqual(after.keys[1]?.notAfter, now + 5)
  })
})
