import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
import { ByteArena } from "../src/internal/table/byteArena.ts"
import { ByteIndex } from "../src/internal/table/byteIndex.ts"

const makeIndex = () => new ByteIndex(new ByteArena(Uint8Array.of(), 1), 1)
const key = (owner: number, bytes: Uint8Array): string => `${owner}:${Buffer.from(bytes).toString("hex")}`

describe("ByteIndex", () => {
  it("numbers what is new, and knows everything again, however it grows", () => {
    const pair = fc.tuple(fc.nat(3), fc.uint8Array({ maxLength: 6 }))
    fc.assert(fc.property(fc.array(pair, { maxLength: 200 }), (pairs) => {
      const index = makeIndex()
      const numbers = new Map<string, number>()
      for (const [owner, bytes] of pairs) {
        const number = index.internBytes(owner, bytes, 0, bytes.length)
        assert.strictEqual(number, numbers.get(key(owner, bytes)) ?? numbers.size)
        numbers.set(key(owner, bytes), number)
      }
      assert.strictEqual(index.count, numbers.size)
      for (const [owner, bytes] of pairs) {
        assert.strictEqual(index.findBytes(owner, bytes, 0, bytes.length), numbers.get(key(owner, bytes)))
        assert.strictEqual(index.findBytes(4, bytes, 0, bytes.length), -1)
      }
    }))
  })

  it("keeps nothing of what it knew before", () => {
    const arena = new ByteArena(Uint8Array.of(), 1)
    const index = new ByteIndex(arena, 1)
    const bytes = Buffer.from("name")
    index.internBytes(0, bytes, 0, 4)
    const { size } = arena
    assert.strictEqual(index.internBytes(0, bytes, 0, 4), 0)
    assert.strictEqual(arena.size, size)
  })

  it("finds what was added unseen", () => {
    const arena = new ByteArena(Uint8Array.of(), 1)
    const index = new ByteIndex(arena, 1)
    const names = Array.from({ length: 100 }, (_, at) => Buffer.from(`name ${at}`))
    for (const name of names) {
      const from = arena.append(name, 0, name.length)
      index.append(7, from, arena.size)
    }
    names.forEach((name, at) => assert.strictEqual(index.findBytes(7, name, 0, name.length), at))
    assert.strictEqual(index.internBytes(7, Buffer.from("name 42"), 0, 7), 42)
    assert.strictEqual(index.internBytes(8, Buffer.from("name 42"), 0, 7), 100)
  })
})
