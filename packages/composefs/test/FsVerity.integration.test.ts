import { assert, describe, it } from "@effect/vitest"
import { FsVerity } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { readFileSync, truncateSync, writeFileSync } from "node:fs"
import { hasProgram } from "./tools.ts"
import { everyParameters, salted, sizes, temporaryDirectory } from "./verity.ts"

/** What `fsverity digest` says and writes about a file. */
const fsverity = (path: (name: string) => string, { algorithm, salt }: FsVerity.Parameters) => {
  const printed = execFileSync("fsverity", [
    "digest",
    `--hash-alg=${algorithm}`,
    ...salt.length === 0 ? [] : [`--salt=${Buffer.from(salt).toString("hex")}`],
    `--out-merkle-tree=${path("tree")}`,
    `--out-descriptor=${path("descriptor")}`,
    path("file")
  ], { encoding: "utf8" })
  return {
    digest: printed.split(" ")[0] ?? "",
    descriptor: readFileSync(path("descriptor")),
    tree: readFileSync(path("tree"))
  }
}

describe.skipIf(!hasProgram("fsverity"))("FsVerity beside fsverity-utils", () => {
  it.live("gives the same digest, tree and descriptor at every border, from bytes and from files", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      for (const size of [...sizes, 128 * 128 * 4096 + 4097]) {
        const content = randomBytes(size)
        writeFileSync(path("file"), content)
        for (const using of everyParameters) {
          const peer = fsverity(path, using)
          const name = `${size} bytes, ${using.algorithm}`
          assert.strictEqual(FsVerity.format(FsVerity.digest(content, using)), peer.digest, name)
          assert.strictEqual(FsVerity.format(yield* FsVerity.digestFile(path("file"), using)), peer.digest, name)
          const tree = yield* FsVerity.MerkleTree.fromFile(path("file"), using)
          assert.isTrue(peer.tree.equals(tree.bytes), name)
          assert.isTrue(peer.descriptor.equals(tree.descriptor), name)
          assert.deepStrictEqual(Result.getOrThrow(FsVerity.MerkleTree.decode(peer, peer.digest)), tree, name)
        }
      }
    }).pipe(Effect.scoped))

  it("gives the same digest with any salt, in any number of threads", () =>
    fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: 20_000_000 }),
        fc.uint8Array({ maxLength: 32 }),
        fc.constantFrom("sha256", "sha512"),
        fc.integer({ min: 1, max: 4 }),
        (size, salt, algorithm, threads) =>
          Effect.gen(function*() {
            const path = yield* temporaryDirectory
            writeFileSync(path("file"), randomBytes(size))
            const using = salted(algorithm, salt)
            const digest = yield* FsVerity.digestFile(path("file"), using, { threads })
            assert.strictEqual(FsVerity.format(digest), fsverity(path, using).digest)
          }).pipe(Effect.scoped, Effect.runPromise)
      ),
      { numRuns: 15 }
    ))

  it.live("gives the same digest and tree for a file large enough for threads by itself", () =>
    Effect.gen(function*() {
      const path = yield* temporaryDirectory
      writeFileSync(path("file"), randomBytes(8 << 20))
      truncateSync(path("file"), (256 << 20) + 1)
      for (const using of everyParameters) {
        const peer = fsverity(path, using)
        assert.strictEqual(FsVerity.format(yield* FsVerity.digestFile(path("file"), using)), peer.digest)
        assert.isTrue(peer.tree.equals((yield* FsVerity.MerkleTree.fromFile(path("file"), using)).bytes))
      }
    }).pipe(Effect.scoped))
})
