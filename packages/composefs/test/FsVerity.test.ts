import { assert, describe, it } from "@effect/vitest"
import { FsVerity } from "@lamina/composefs"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { execFileSync } from "node:child_process"
import { appendFileSync, closeSync, openSync, truncateSync, writeFileSync, writeSync } from "node:fs"
import { byDefinition, everyParameters, pattern, sizes, temporaryDirectory, utf8 } from "./verity.ts"

describe("FsVerity", () => {
  it("gives the known digests", () => {
    assert.strictEqual(
      FsVerity.digest(utf8("hello world")),
      "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"
    )
    assert.strictEqual(
      FsVerity.digest(utf8("hello world\n")),
      "37061ef2ac4c21bec68489b56138c5780306a4ad7fe6676236ecdf2c9027cd92"
    )
    assert.strictEqual(
      FsVerity.digest(utf8("foo bar baz\n")),
      "91e7d88cb7bc9cf6d8db3b0ecf89af4abf204bef5b3ade5113d5b62ef374e70b"
    )
    assert.strictEqual(
      FsVerity.digest(utf8("hello world"), FsVerity.sha512),
      "18430270729d162d4e469daca123ae61893db4b0583d8f7081e3bf4f92b88ba514e7982f10733fb6aa895195c5ae8fd2eb2c47a8be05513ce5a0c51a6f570409"
    )
  })

  it("hashes an empty file as a tree without blocks, as the kernel does", () => {
    assert.strictEqual(
      FsVerity.digest(new Uint8Array(0)),
      "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"
    )
    assert.isTrue(FsVerity.digest(new Uint8Array(0), FsVerity.sha512).startsWith("ccf9e5aea1c2a64efa2f2354a6024b90"))
  })

  it("agrees with the definition at every border, with and without salt", () => {
    for (const size of sizes) {
      for (const using of everyParameters) {
        const data = pattern(size)
        assert.strictEqual(FsVerity.digest(data, using), byDefinition(data, using).digest, `${size} bytes`)
      }
    }
  })

  it("does not depend on how the bytes arrive", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 700_000 }),
        fc.array(fc.integer({ min: 1, max: 50_000 }), { minLength: 1 }),
        fc.constantFrom(...everyParameters),
        (size, steps, using) => {
          const data = pattern(size)
          const hasher = FsVerity.hasher(using)
          for (let at = 0, step = 0; at < size; step++) {
            const next = at + (steps[step % steps.length] ?? 1)
            hasher.update(data.subarray(at, next))
            at = next
          }
          assert.strictEqual(hasher.digest(), FsVerity.digest(data, using))
          assert.strictEqual(FsVerity.MerkleTree.make(data, using).digest, hasher.digest())
        }
      ),
      { numRuns: 40 }
    )
  })

  it("tells the digest so far and goes on", () => {
    const data = pattern(600_000)
    const hasher = FsVerity.hasher().update(data.subarray(0, 540_000))
    assert.strictEqual(hasher.digest(), FsVerity.digest(data.subarray(0, 540_000)))
    assert.strictEqual(hasher.update(data.subarray(540_000)).digest(), FsVerity.digest(data))
  })

  it.effect("hashes streams and async iterables of odd chunks", () =>
    Effect.gen(function*() {
      const data = pattern(10_001)
      const chunks = Array.from({ length: 1_429 }, (_, at) => data.subarray(at * 7, at * 7 + 7))
      const expected = FsVerity.digest(data)
      assert.strictEqual(yield* FsVerity.digestStream(Stream.fromIterable(chunks)), expected)
      const iterable = (async function*() {
        yield* chunks
      })()
      assert.strictEqual(yield* FsVerity.digestAsyncIterable(iterable, String), expected)
    }))

  it.live("hashes files, and names the one it cannot read", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      for (const size of [0, 1, 4096, 3_000_001]) {
        writeFileSync(path("file"), pattern(size))
        assert.strictEqual(yield* FsVerity.digestFile(path("file")), FsVerity.digest(pattern(size)))
      }
      for (const absent of [path("absent"), path("")]) {
        const error = yield* Effect.flip(FsVerity.digestFile(absent))
        assert.strictEqual(error.reason._tag, "Unreadable")
        assert.include(error.message, absent)
      }
    }).pipe(Effect.scoped))

  it.live("refuses a pipe at once, whether somebody writes to it or not", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      execFileSync("mkfifo", [path("pipe")])
      const digest = FsVerity.digestFile(path("pipe"))
      const tree = FsVerity.MerkleTree.fromFile(path("pipe"))
      const refuses = Effect.gen(function*() {
        for (const error of [yield* Effect.flip(digest), yield* Effect.flip(tree)]) {
          assert.strictEqual(error.reason._tag, "Unreadable")
          assert.match(error.message, /it is a pipe; .* digestStream/)
        }
      })
      yield* refuses
      // Of a pipe that is open for both nobody is waited for.
      const writer = yield* Effect.acquireRelease(
        Effect.sync(() => openSync(path("pipe"), "r+")),
        (file) => Effect.sync(() => closeSync(file))
      )
      writeSync(writer, "content")
      yield* refuses
    }).pipe(Effect.scoped))

  const segment = 4 << 20
  const segmented = [segment - 1, segment, segment + 1, 2 * segment - 4095, 2 * segment, 3 * segment + 524_289]
  it.live("hashes files in several threads to the same digest and tree", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      for (const size of segmented) {
        const data = pattern(size)
        writeFileSync(path("file"), data)
        for (const using of everyParameters) {
          const tree = FsVerity.MerkleTree.make(data, using)
          assert.strictEqual(tree.digest, FsVerity.digest(data, using))
          for (const threads of [1, 3]) {
            assert.strictEqual(yield* FsVerity.digestFile(path("file"), using, { threads }), tree.digest)
            assert.deepStrictEqual(yield* FsVerity.MerkleTree.fromFile(path("file"), using, { threads }), tree)
          }
        }
      }
    }).pipe(Effect.scoped))

  it.live("leaves reads that wait for a disk to other threads, with the same digest", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      const data = pattern(9_000_001)
      writeFileSync(path("file"), data)
      let now = 0n
      const clock = yield* Clock.Clock
      const slow = { ...clock, currentTimeNanos: Effect.sync(() => now += 1_000_000_000n) }
      const digest = FsVerity.digestFile(path("file")).pipe(Effect.provideService(Clock.Clock, slow))
      assert.strictEqual(yield* digest, FsVerity.digest(data))
      assert.isAbove(Number(now), 0)
    }).pipe(Effect.scoped))

  it.live("refuses a file that changes while it is read, in whatever thread", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      const changes = [
        () => appendFileSync(path("file"), "x"),
        () => [5_000_000, 16_000_000].forEach((size) => truncateSync(path("file"), size))
      ]
      for (const threads of [1, 3]) {
        for (const change of changes) {
          writeFileSync(path("file"), new Uint8Array(16_000_000))
          const changing = Effect.forever(Effect.andThen(Effect.sync(change), Effect.yieldNow))
          const hashing = FsVerity.digestFile(path("file"), FsVerity.sha256, { threads })
          const error = yield* Effect.raceFirst(Effect.flip(hashing), changing)
          assert.strictEqual(error.reason._tag, "Changed")
          assert.include(error.message, path("file"))
        }
      }
    }).pipe(Effect.scoped))

  it("verifies bytes against both text forms, and shows both sides of a mismatch", () => {
    const hex = FsVerity.digest(utf8("a"))
    assert.isTrue(Result.isSuccess(FsVerity.verify(utf8("a"), hex)))
    assert.isTrue(Result.isSuccess(FsVerity.verify(utf8("a"), FsVerity.format(hex))))
    const error = Result.getOrThrow(Result.flip(FsVerity.verify(utf8("b"), hex)))
    assert.strictEqual(
      error.message,
      `fs-verity digest: expected sha256:${hex}, got sha256:${FsVerity.digest(utf8("b"))}`
    )
    assert.isTrue(Result.isFailure(FsVerity.verify(utf8("a"), `sha512:${hex}`)))
  })

  it.effect("lets a stream pass and fails at its end on a mismatch", () =>
    Effect.gen(function*() {
      const stream = Stream.make(utf8("a"), utf8("b"))
      const chunks = yield* Stream.runCollect(FsVerity.verifyStream(stream, FsVerity.digest(utf8("ab"))))
      assert.strictEqual(Buffer.concat(Array.from(chunks)).toString(), "ab")
      const error = yield* Effect.flip(Stream.runDrain(FsVerity.verifyStream(stream, FsVerity.digest(utf8("a")))))
      assert.strictEqual(error.reason._tag, "Mismatch")
    }))

  it("refuses malformed digests and long salts", () => {
    for (
      const text of ["", "sha256:", "AB".repeat(32), "a".repeat(63), `sha1:${"a".repeat(64)}`, `${"a".repeat(64)}\n`]
    ) {
      assert.isTrue(Result.isFailure(FsVerity.parse(text)), text)
    }
    assert.isTrue(Result.isFailure(FsVerity.parameters({ salt: new Uint8Array(33) })))
  })
})
