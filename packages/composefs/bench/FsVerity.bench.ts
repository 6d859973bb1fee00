/** Prints how long the digest of a large file takes here and in `fsverity digest`. LAMINA_BENCH_MIB: its size, else 1024. */
import { FsVerity } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import { command, contest, inProcess, isOnPath, report } from "lamina-bench"
import { randomFillSync } from "node:crypto"
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs"
import { availableParallelism, tmpdir } from "node:os"
import { join } from "node:path"
import { buildBareLoop, buildCommand } from "./builtCommand.ts"

const mebibytes = Number(process.env["LAMINA_BENCH_MIB"] ?? 1024)
const cores = availableParallelism()

const writeRandom = (path: string): void => {
  const file = openSync(path, "w")
  const block = Buffer.alloc(1 << 20)
  for (let written = 0; written < mebibytes; written++) writeSync(file, randomFillSync(block))
  closeSync(file)
}

/** A figure for what another contender has computed differently is none. */
const sameAs = (expected: string) => (output: string): void => {
  if (!output.startsWith(expected)) throw new Error(`expected ${expected}, got ${output}`)
}

const directory = mkdtempSync(join(tmpdir(), "lamina-bench-"))
try {
  const path = join(directory, "file")
  writeRandom(path)
  const program = buildCommand(join(directory, "built"))
  const bareLoop = buildBareLoop(join(directory, "bare"))
  const hasPeer = isOnPath("fsverity")
  if (!hasPeer) console.log("skipped: fsverity is not installed")
  for (const using of [FsVerity.sha256, FsVerity.sha512]) {
    const check = sameAs(FsVerity.format(await Effect.runPromise(FsVerity.digestFile(path, using))))
    const args = ["digest", `--hash-alg=${using.algorithm}`, path]
    const peers = hasPeer ? [command("fsverity digest", "fsverity", args, { isPeer: true, check })] : []
    report(
      `fs-verity ${using.algorithm} digest of ${mebibytes} MiB, whole process`,
      await contest([
        ...peers,
        command("lamina-composefs digest", process.execPath, [program, ...args], { check }),
        command("the bare loop on all cores", process.execPath, [bareLoop, using.algorithm, path], { check })
      ]),
      mebibytes << 20
    )
    const digest = (threads: number) => () => Effect.runPromise(FsVerity.digestFile(path, using, { threads }))
    report(
      `the same in this process`,
      await contest([
        ...peers,
        inProcess("digestFile, one thread", digest(1)),
        inProcess(`digestFile, ${cores} threads`, digest(cores)),
        inProcess(
          `MerkleTree.fromFile, ${cores} threads`,
          () => Effect.runPromise(FsVerity.MerkleTree.fromFile(path, using))
        )
      ]),
      mebibytes << 20
    )
  }
  const content = randomFillSync(Buffer.alloc(64 << 20))
  report(
    "64 MiB in memory, one thread",
    await contest([
      inProcess("digest", () => FsVerity.digest(content), 1),
      inProcess("MerkleTree.make", () => FsVerity.MerkleTree.make(content), 1),
      inProcess("digest of 16,384 files of 4 KiB", () => {
        for (let at = 0; at < content.length; at += 4096) FsVerity.digest(content.subarray(at, at + 4096))
      }, 1)
    ]),
    content.length
  )
} finally {
  rmSync(directory, { recursive: true })
}
