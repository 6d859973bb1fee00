import { assert, describe, it } from "@effect/vitest"
import { FsVerity } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { byDefinition, everyParameters, pattern, sizes, temporaryDirectory, utf8 } from "./verity.ts"

const { MerkleTree } = FsVerity

const flipped = (bytes: Uint8Array, at: number): Uint8Array =>
  Uint8Array.from(bytes, (byte, index) => index === at ? byte ^ 1 : byte)

const cut = (bytes: Uint8Array, steps: ReadonlyArray<number>): ReadonlyArray<Uint8Array> => {
  const chunks: Array<Uint8Array> = []
  for (let at = 0, step = 0; at < bytes.length; step++) {
    const size = steps[step % steps.length] ?? 1
    chunks.push(bytes.subarray(at, at + size))
    at += size
  }
  return chunks
}

const reasonOf = (result: Result.Result<unknown, FsVerity.FsVerityError>) =>
  Result.getOrThrow(Result.flip(result)).reason

/** What passes of a stream, and what ends it. */
const run = Effect.fnUntraced(function*(stream: Stream.Stream<Uint8Array, FsVerity.FsVerityError>) {
  const passed: Array<Uint8Array> = []
  const end = yield* Effect.result(Stream.runForEach(stream, (chunk) => Effect.sync(() => passed.push(chunk))))
  return { passed: Buffer.concat(passed), error: Result.isFailure(end) ? end.failure : undefined }
})

describe("MerkleTree", () => {
  it("has the bytes, descriptor and digest of the definition at every border", () => {
    for (const size of sizes) {
      for (const using of everyParameters) {
        const data = pattern(size)
        const tree = MerkleTree.make(data, using)
        const expected = byDefinition(data, using)
        assert.strictEqual(tree.digest, expected.digest, `${size} bytes`)
        assert.isTrue(expected.tree.equals(tree.bytes), `${size} bytes`)
        assert.isTrue(expected.descriptor.equals(tree.descriptor), `${size} bytes`)
        assert.strictEqual(tree.rootHash, expected.descriptor.toString("hex", 16, 16 + tree.rootHash.length / 2))
        assert.strictEqual(
          tree.bytes.length,
          tree.levels.reduce((total, level) => total + level.bytes.length, 0)
        )
      }
    }
  })

  it.effect("is the same of a stream, however it is cut, up to the size that is allowed", () =>
    Effect.gen(function*() {
      const data = pattern(300_000)
      const stream = Stream.fromIterable(cut(data, [1, 5000, 4095]))
      const tree = yield* MerkleTree.fromStream(stream)
      assert.deepStrictEqual(tree, MerkleTree.make(data))
      assert.deepStrictEqual(
        yield* MerkleTree.fromStream(stream, FsVerity.sha256, { maxTreeSize: tree.bytes.length }),
        tree
      )
      const error = yield* Effect.flip(MerkleTree.fromStream(stream, FsVerity.sha256, { maxTreeSize: 4095 }))
      assert.strictEqual(error.reason._tag, "TreeTooLarge")
    }))

  it.effect("ends an endless stream once its tree is too large", () =>
    Effect.gen(function*() {
      const zeros = Stream.forever(Stream.make(new Uint8Array(1 << 20)))
      const error = yield* Effect.flip(MerkleTree.fromStream(zeros, FsVerity.sha512, { maxTreeSize: 1 << 20 }))
      assert.strictEqual(error.reason._tag, "TreeTooLarge")
    }))

  it.live("of a file is bounded as well, and names a file that is not there", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      const error = yield* Effect.flip(MerkleTree.fromFile(path("absent")))
      assert.strictEqual(error.reason._tag, "Unreadable")
      const self = yield* Effect.flip(
        MerkleTree.fromFile(process.execPath, FsVerity.sha256, { maxTreeSize: 1 << 12 })
      )
      assert.strictEqual(self.reason._tag, "TreeTooLarge")
      // A device without an end.
      const zeros = yield* Effect.flip(MerkleTree.fromFile("/dev/zero", FsVerity.sha512, { maxTreeSize: 1 << 16 }))
      assert.strictEqual(zeros.reason._tag, "TreeTooLarge")
    }).pipe(Effect.scoped))

  it("comes back from its bytes and descriptor, checked against the digest", () => {
    for (const size of sizes) {
      for (const using of everyParameters) {
        const tree = MerkleTree.make(pattern(size), using)
        const decoded = MerkleTree.decode({ descriptor: tree.descriptor, tree: tree.bytes }, tree.digest)
        assert.deepStrictEqual(Result.getOrThrow(decoded), tree)
      }
    }
  })

  it("is refused with any bit of it or of its descriptor wrong, or another size", () => {
    const tree = MerkleTree.make(pattern(128 * 4096 + 1))
    const decode = (descriptor: Uint8Array, bytes: Uint8Array) =>
      reasonOf(MerkleTree.decode({ descriptor, tree: bytes }, tree.digest))._tag
    for (let at = 0; at < tree.bytes.length; at += 13) {
      assert.strictEqual(decode(tree.descriptor, flipped(tree.bytes, at)), "InvalidTree", `byte ${at}`)
    }
    for (let at = 0; at < 256; at++) {
      assert.include(["InvalidDescriptor", "Mismatch"], decode(flipped(tree.descriptor, at), tree.bytes), `byte ${at}`)
    }
    for (const size of [0, tree.bytes.length - 4096, tree.bytes.length - 1]) {
      assert.strictEqual(decode(tree.descriptor, tree.bytes.subarray(0, size)), "InvalidTree")
    }
    assert.strictEqual(decode(tree.descriptor.subarray(1), tree.bytes), "InvalidDescriptor")
    assert.strictEqual(decode(MerkleTree.make(utf8("a")).descriptor, tree.bytes), "Mismatch")
  })

  it("is refused by its descriptor's size before anything of that size is looked at", () => {
    const descriptor = Buffer.from(MerkleTree.make(utf8("a")).descriptor)
    const decode = (size: bigint) => {
      descriptor.writeBigUInt64LE(size, 8)
      const digest = FsVerity.format("0".repeat(64))
      return reasonOf(MerkleTree.decode({ descriptor, tree: new Uint8Array(0) }, digest))._tag
    }
    assert.strictEqual(decode(2n ** 63n), "InvalidDescriptor")
    assert.strictEqual(decode(2n ** 53n), "InvalidDescriptor")
    assert.strictEqual(decode(2n ** 52n), "Mismatch")
  })

  it("verifies any range of whole blocks, and names the first wrong one", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 600_000 }),
        fc.nat(),
        fc.nat(),
        fc.nat(),
        fc.constantFrom(...everyParameters),
        (size, first, last, wrong, using) => {
          const data = pattern(size)
          const tree = MerkleTree.make(data, using)
          const offset = first % size
          const range = Result.getOrThrow(
            MerkleTree.blocksAround(tree, { offset, length: last % (size - offset) + 1 })
          )
          const bytes = data.subarray(range.offset, range.offset + range.length)
          assert.isTrue(Result.isSuccess(MerkleTree.verifyRange(tree, range.offset, bytes)))
          const at = wrong % bytes.length
          const block = Math.floor((range.offset + at) / 4096)
          const reason = reasonOf(MerkleTree.verifyRange(tree, range.offset, flipped(bytes, at)))
          assert.include(reason, { _tag: "WrongBlock", block, offset: block * 4096 })
        }
      ),
      { numRuns: 60 }
    )
  })

  it("refuses ranges that are no whole blocks, or lie outside", () => {
    const data = pattern(10_000)
    const tree = MerkleTree.make(data)
    for (const [start, end] of [[1, 4096], [0, 4095], [4096, 9_999], [8192, 8193]] as const) {
      const reason = reasonOf(MerkleTree.verifyRange(tree, start, data.subarray(start, end)))
      assert.strictEqual(reason._tag, "InvalidRange", `${start} to ${end}`)
    }
    for (const offset of [12_288, -4096, 0.5, Number.NaN, 2 ** 53]) {
      assert.strictEqual(reasonOf(MerkleTree.verifyRange(tree, offset, new Uint8Array(4096)))._tag, "InvalidRange")
    }
    assert.isTrue(Result.isSuccess(MerkleTree.verifyRange(tree, 8192, data.subarray(8192))))
    assert.isTrue(Result.isSuccess(MerkleTree.verifyRange(MerkleTree.make(new Uint8Array(0)), 0, new Uint8Array(0))))
  })

  it.effect("reads odd ranges from a source that gives whole blocks", () =>
    Effect.gen(function*() {
      const data = pattern(20_000)
      const tree = MerkleTree.make(data)
      const source = (bytes: Uint8Array) => ({ length, offset }: FsVerity.MerkleTree.Range) =>
        Effect.succeed(bytes.subarray(offset, offset + length))
      for (const [offset, length] of [[0, 20_000], [5000, 1], [4095, 2], [19_999, 1], [20_000, 0]] as const) {
        const bytes = yield* MerkleTree.readRange(tree, { offset, length }, source(data))
        assert.deepStrictEqual(Buffer.from(bytes), Buffer.from(data.subarray(offset, offset + length)))
      }
      const range = { offset: 5000, length: 1 }
      const wrong = yield* Effect.flip(MerkleTree.readRange(tree, range, source(flipped(data, 8191))))
      assert.include(wrong.reason, { _tag: "WrongBlock", block: 1 })
      const short = yield* Effect.flip(MerkleTree.readRange(tree, range, source(data.subarray(0, 6000))))
      assert.include(short.reason, { _tag: "WrongSize", expected: 4096, actual: 1904 })
    }))

  it("lets a stream pass up to its first wrong block, however it is cut", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 300_000 }),
        fc.array(fc.integer({ min: 1, max: 20_000 }), { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.constantFrom(...everyParameters),
        (size, steps, wrong, using) => Effect.runPromise(streamsOf(size, steps, wrong, using))
      ),
      { numRuns: 40 }
    ))

  const streamsOf = Effect.fnUntraced(
    function*(size: number, steps: ReadonlyArray<number>, wrong: number, using: FsVerity.Parameters) {
      const data = pattern(size)
      const tree = MerkleTree.make(data, using)
      const verified = (bytes: Uint8Array) => run(MerkleTree.verifyStream(Stream.fromIterable(cut(bytes, steps)), tree))
      const whole = yield* verified(data)
      assert.isUndefined(whole.error)
      assert.isTrue(whole.passed.equals(data))
      const long = yield* verified(Buffer.concat([data, utf8("x")]))
      assert.include(long.error?.reason, { _tag: "WrongSize", expected: size })
      assert.isTrue(long.passed.equals(data))
      if (size === 0) return
      const at = wrong % size
      const block = Math.floor(at / 4096)
      const tampered = yield* verified(flipped(data, at))
      assert.include(tampered.error?.reason, { _tag: "WrongBlock", block, offset: block * 4096 })
      assert.isTrue(tampered.passed.equals(data.subarray(0, block * 4096)))
      const short = yield* verified(data.subarray(0, at))
      assert.include(short.error?.reason, { _tag: "WrongSize", expected: size, actual: at })
      assert.isTrue(short.passed.equals(data.subarray(0, block * 4096)))
    }
  )

  it.effect("verifies the stream of a range, and says which blocks it would take", () =>
    Effect.gen(function*() {
      const data = pattern(20_000)
      const tree = MerkleTree.make(data)
      const part = (offset: number, length: number) =>
        run(MerkleTree.verifyStream(Stream.make(data.subarray(offset, offset + length)), tree, { offset, length }))
      assert.isTrue((yield* part(8192, 4096)).passed.equals(data.subarray(8192, 12_288)))
      assert.isTrue((yield* part(16_384, 3_616)).passed.equals(data.subarray(16_384)))
      const { error } = yield* part(8192, 100)
      assert.strictEqual(error?.message, "bytes 8192 to 8292: expected whole blocks of 4096 bytes, here 8192 to 12288")
    }))

  it.effect("passes on what it has verified, though the source fills one buffer again and again", () =>
    Effect.gen(function*() {
      const data = pattern(20_000)
      const buffer = Buffer.alloc(1000)
      const reused = Stream.map(Stream.rechunk(Stream.fromIterable(cut(data, [1000])), 1), (chunk) => {
        buffer.set(chunk)
        return buffer
      })
      const passed: Array<Buffer> = []
      yield* Stream.runForEach(
        MerkleTree.verifyStream(reused, MerkleTree.make(data)),
        (bytes) => Effect.sync(() => passed.push(Buffer.from(bytes)))
      )
      assert.isTrue(Buffer.concat(passed).equals(data))
    }))

  it("tells both hashes of a wrong block", () => {
    const tree = MerkleTree.make(new Uint8Array(8192))
    const error = Result.getOrThrow(Result.flip(MerkleTree.verifyRange(tree, 4096, flipped(new Uint8Array(4096), 0))))
    assert.match(error.message, /^block 1 \(byte 4096 on\): expected the hash ad7facb2586f.*, got [0-9a-f]{64}$/)
  })
})
