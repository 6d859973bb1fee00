/**
 * A dump of 64,000 lines to the digest of its image, beside mkcomposefs: `node packages/composefs/bench/Image.bench.ts`.
 *
 * Warm is within this process, which has done it before, against the whole process of the peer. Cold is a whole process
 * too: the bundled command line. Without mkcomposefs on the PATH its time is the reference's, scaled to this machine.
 */
import { Dump, Image, Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import {
  command,
  type Contender,
  contest,
  inProcess,
  isOnPath,
  type Measurement,
  reference,
  report
} from "lamina-bench"
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { gunzipSync } from "node:zlib"
import { buildCommand } from "./builtCommand.ts"
import { generateDump } from "./generateDump.ts"

/** What mkcomposefs took for the dump in the vectors (reference §6). */
const referenceSeconds = 0.255

const vectors = process.env["LAMINA_VECTORS"] ?? resolve(import.meta.dirname, "../../../../shared/vectors")
const vector = join(vectors, "composefs/cs9-x86_64-developer.dump.gz")

const hasVector = existsSync(vector)
if (!hasVector) console.log(`skipped: the vectors are not there, so the dump is generated (${vector})`)
const dump = new Uint8Array(hasVector ? gunzipSync(readFileSync(vector)) : generateDump(64_000))
const digest = Result.getOrThrow(Image.digestFromDump(dump))

const checkDigest = (output: string): void => {
  if (output.trim() !== digest) throw new Error(`expected ${digest}, got ${output}`)
}

const peer = (path: string): ReadonlyArray<Contender> => {
  if (isOnPath("mkcomposefs")) {
    const args = ["--from-file", "--print-digest-only", path]
    return [command("mkcomposefs", "mkcomposefs", args, { isPeer: true, check: checkDigest })]
  }
  console.log("skipped: mkcomposefs is not on the PATH")
  const scaled = reference("mkcomposefs", referenceSeconds)
  return scaled === undefined ? [] : [scaled]
}

interface ColdOptions {
  readonly check?: (output: string) => void
  /** Where Node keeps what it compiled for the next start; without, it keeps nothing. */
  readonly cache?: string
}

const cold = (program: string, args: ReadonlyArray<string>, { cache, check }: ColdOptions = {}): Contender =>
  command(
    `cold: lamina-composefs ${args[0]}${cache === undefined ? "" : ", compile cache"}`,
    process.execPath,
    [program, ...args],
    { check, env: cache === undefined ? {} : { NODE_COMPILE_CACHE: cache } }
  )

/** An image, read back. */
const reader = (path: string): ReadonlyArray<Contender> => {
  if (isOnPath("composefs-info")) {
    return [command("composefs-info dump", "composefs-info", ["dump", path], { isPeer: true })]
  }
  console.log("skipped: composefs-info is not on the PATH")
  return []
}

/** The memory of what runs here says nothing: it is that of all that ran here before. */
const withoutMemory = (measurements: ReadonlyArray<Measurement>): ReadonlyArray<Measurement> =>
  measurements.map((measurement) => ({ ...measurement, maxRssBytes: undefined }))

const warmUp = 10
const directory = mkdtempSync(join(tmpdir(), "lamina-bench-"))
try {
  const path = join(directory, "dump")
  writeFileSync(path, dump)
  const program = buildCommand(join(directory, "built"))
  const mkfs = ["mkfs", "--from-file", "--print-digest-only", path]
  const lines = dump.filter((byte) => byte === 0x0a).length
  report(
    `${lines} lines of dump to the digest of the image: median of 5, peak memory, and how many times as fast`,
    await contest([
      ...peer(path),
      inProcess("warm: Image.digestFromDump", () => Image.digestFromDump(dump), warmUp),
      cold(program, mkfs, { check: checkDigest }),
      cold(program, mkfs, { check: checkDigest, cache: join(directory, "cache") })
    ])
  )
  const tree = Result.getOrThrow(Dump.parse(dump))
  const image = Result.getOrThrow(Image.write(tree))
  const imagePath = join(directory, "image")
  writeFileSync(imagePath, image)
  report(
    "The image read back: median of 5, peak memory, and how many times as fast",
    await contest([
      ...reader(imagePath),
      inProcess("warm: Image.read", () => Image.read(image), warmUp),
      cold(program, ["dump", imagePath])
    ])
  )
  report(
    "The steps on their own, warm",
    withoutMemory(
      await contest([
        inProcess("Image.fromDump", () => Image.fromDump(dump), warmUp),
        inProcess("Dump.parse", () => Dump.parse(dump), warmUp),
        inProcess("Image.write", () => Image.write(tree), warmUp),
        inProcess("Image.read", () => Image.read(image), warmUp),
        inProcess("Dump.print", () => Dump.print(tree), warmUp),
        inProcess("Tree.walk", () => Array.from(Tree.walk(tree)), warmUp)
      ])
    )
  )
} finally {
  rmSync(directory, { recursive: true })
}
