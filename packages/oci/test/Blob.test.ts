import { assert, describe, it } from "@effect/vitest"
import { Blob, Descriptor, MediaType, MemoryRegistry, RegistryError } from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"

const fail = (reason: RegistryError.Reason) =>
  new RegistryError.RegistryError({ operation: "test", subject: "blob", reason })
const chunks = fc.array(fc.uint8Array({ maxLength: 20 }), { maxLength: 8 })

const run = (parts: ReadonlyArray<Uint8Array>, expected: Blob.Expected) =>
  Effect.runSync(Effect.result(
    Blob.verified(Stream.fromIterable(parts).pipe(Stream.rechunk(3)), expected, fail).pipe(
      Stream.runCollect,
      Effect.map((passed) => Buffer.concat(passed))
    )
  ))

describe("Blob.verified", () => {
  it("lets right content through unchanged, however it is cut", () => {
    fc.assert(fc.property(chunks, (parts) => {
      const whole = Buffer.concat(parts)
      const result = run(parts, Descriptor.ofBytes(MediaType.octetStream, whole))
      assert.isTrue(result._tag === "Success" && result.success.equals(whole))
    }))
  })

  it("fails for any changed bit, missing or additional byte", () => {
    fc.assert(fc.property(chunks, fc.nat(), fc.constantFrom("flip", "drop", "add"), (parts, seed, change) => {
      const whole = Buffer.concat(parts)
      fc.pre(whole.byteLength > 0)
      const expected = Descriptor.ofBytes(MediaType.octetStream, whole)
      const index = seed % whole.byteLength
      const changed = Buffer.from(change === "drop" ? whole.subarray(0, index) : whole)
      if (change === "flip") changed[index] = (changed[index] ?? 0) ^ (1 << (seed % 8))
      const content = change === "add" ? [changed, Buffer.from("x")] : [changed]
      const result = run(content, expected)
      assert.isTrue(result._tag === "Failure")
      const withoutSize = run(content, { digest: expected.digest })
      assert.isTrue(withoutSize._tag === "Failure" && withoutSize.failure.reason._tag === "DigestMismatch")
    }))
  })
})

describe("Blob.getBytes", () => {
  it.effect("refuses a descriptor that is larger than the limit before it asks", () =>
    Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const huge = { ...Descriptor.ofBytes(MediaType.octetStream, new Uint8Array(0)), size: 2 ** 53 - 1 }
      const error = yield* Effect.flip(Blob.getBytes(registry, "nobody", huge))
      assert.strictEqual(error.reason._tag, "LimitExceeded")
    }))
})
