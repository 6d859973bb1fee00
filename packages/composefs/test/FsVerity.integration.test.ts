import { assert, describe, it } from "@effect/vitest"
import { FsVerity } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { execFileSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hasProgram } from "./tools.ts"

const sizes = [
  0,
  1,
  31,
  12_345,
  ...[1, 2, 16, 64, 128, 129, 256, 4096].flatMap((blocks) => [blocks * 4096 - 1, blocks * 4096, blocks * 4096 + 1]),
  128 * 128 * 4096 + 4097
]

describe.skipIf(!hasProgram("fsverity"))("FsVerity beside fsverity-utils", () => {
  it.live("gives the digests of `fsverity digest`, for files of many sizes", () =>
    Effect.gen(function*() {
      const directory = mkdtempSync(join(tmpdir(), "lamina-fsverity-"))
      yield* Effect.addFinalizer(() => Effect.sync(() => rmSync(directory, { recursive: true })))
      const path = join(directory, "file")
      for (const size of sizes) {
        const content = randomBytes(size)
        writeFileSync(path, content)
        for (const using of [FsVerity.sha256, FsVerity.sha512]) {
          const printed = execFileSync("fsverity", ["digest", `--hash-alg=${using.algorithm}`, path], {
            encoding: "utf8"
          })
          const digest = yield* FsVerity.digestFile(path, using)
          assert.strictEqual(FsVerity.format(digest), printed.split(" ")[0], `${size} bytes, ${using.algorithm}`)
          assert.strictEqual(FsVerity.digest(content, using), digest)
        }
      }
    }).pipe(Effect.scoped))

  it("gives the same digests with salts", () => {
    const directory = mkdtempSync(join(tmpdir(), "lamina-fsverity-"))
    try {
      const path = join(directory, "file")
      const content = randomBytes(1_000_000)
      writeFileSync(path, content)
      for (const algorithm of ["sha256", "sha512"] as const) {
        for (const size of [1, 16, 32]) {
          const salt = randomBytes(size)
          const using = Result.getOrThrow(FsVerity.parameters({ algorithm, salt }))
          const args = ["digest", "--compact", `--hash-alg=${algorithm}`, `--salt=${salt.toString("hex")}`, path]
          assert.strictEqual(
            FsVerity.digest(content, using),
            execFileSync("fsverity", args, { encoding: "utf8" }).trim().split(" ")[0]
          )
        }
      }
    } finally {
      rmSync(directory, { recursive: true })
    }
  })
})
