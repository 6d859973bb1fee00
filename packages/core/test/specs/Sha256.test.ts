import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
import { digestOf } from "../../src/specs/internal/Sha256.ts"

describe("digestOf", () => {
  it("is SHA-256 of the UTF-8 bytes", () => {
    fc.assert(fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
      assert.strictEqual(digestOf(text), `sha256:${createHash("sha256").update(text).digest("hex")}`)
    }))
  })
})
