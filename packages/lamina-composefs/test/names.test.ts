import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { escape, printable, toBytes, toText } from "../src/internal/names.ts"

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array))

describe("names", () => {
  it("are their bytes, whatever these are", () => {
    fc.assert(fc.property(bytes, (name) => assert.isTrue(toBytes(toText(name)).equals(name))))
  })

  it("are escaped as plain ASCII without a blank, and differently if they differ", () => {
    fc.assert(fc.property(bytes, bytes, (one, other) => {
      const [left, right] = [escape(toText(one), "escaped"), escape(toText(other), "escaped")]
      assert.match(left, /^[!-~]*$/)
      assert.strictEqual(left === right, one.equals(other))
    }))
  })

  it("are told without anything that steers a terminal", () => {
    fc.assert(fc.property(fc.oneof(bytes.map(toText), fc.string({ unit: "binary" })), (name) => {
      // oxlint-disable-next-line no-control-regex
      assert.notMatch(printable(name), /[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]|\p{Surrogate}/u)
    }))
    assert.strictEqual(printable("Grüße, 世界 a b"), "Grüße, 世界 a b")
    assert.strictEqual(printable("\u001b[2J\u009b\\\n"), "\\x1b[2J\\xc2\\x9b\\\n".replace("\n", "\\n"))
  })
})
