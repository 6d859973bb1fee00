/** Prints how long the digest of a large file takes here and in `fsverity digest`, in the same run. */
import { FsVerity } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import { spawnSync } from "node:child_process"
import { randomBytes } from "node:crypto"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const mebibytes = 256
const runs = 5

const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0

const seconds = async (run: () => unknown): Promise<number> => {
  const start = process.hrtime.bigint()
  await run()
  return Number(process.hrtime.bigint() - start) / 1e9
}

const print = (name: string, time: number): void =>
  console.log(`${name.padEnd(20)} ${time.toFixed(3)} s  ${(mebibytes / 1024 / time).toFixed(2)} GiB/s`)

const directory = mkdtempSync(join(tmpdir(), "lamina-bench-"))
try {
  const path = join(directory, "file")
  writeFileSync(path, Buffer.concat(Array.from({ length: mebibytes }, () => randomBytes(1 << 20))))
  const peerDigest = () => spawnSync("fsverity", ["digest", "--compact", path], { encoding: "utf8" })
  const hasPeer = peerDigest().status === 0
  const own: Array<number> = []
  const peer: Array<number> = []
  // One after the other in each round: a busy moment of the machine hits both. The first round warms up.
  for (let run = 0; run <= runs; run++) {
    const ownTime = await seconds(() => Effect.runPromise(FsVerity.digestFile(path)))
    const peerTime = hasPeer ? await seconds(peerDigest) : 0
    if (run === 0) continue
    own.push(ownTime)
    peer.push(peerTime)
  }
  console.log(`fs-verity sha256 digest of ${mebibytes} MiB, median of ${runs}`)
  print("@lamina/composefs", median(own))
  if (hasPeer) {
    print("fsverity digest", median(peer))
    console.log(`ratio                ${(median(peer) / median(own)).toFixed(2)} x fsverity (above 1: faster than it)`)
  } else {
    console.log("skipped: fsverity is not installed")
  }
} finally {
  rmSync(directory, { recursive: true })
}
