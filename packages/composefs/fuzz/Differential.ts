/**
 * Compares this package with other programs over random dumps, in odd spellings and with faults:
 * `node packages/composefs/fuzz/Differential.ts --runs 10000`.
 *
 * With `mkcomposefs` (on the PATH, or `--mkcomposefs PATH`): the same dumps are refused, and all others give identical
 * images, in each format version. With `composefs-info` (on the PATH, or `--composefs-info PATH`): the dump of an image
 * is the one printed here. The mkcomposefs of composefs-rs is known by its help, and given only what both know.
 * Cases in which the reference says why the other is not followed are counted by name; any other difference ends the
 * run with status 1, and stays in a file.
 */
import { Dump, Image } from "@lamina/composefs"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { anyTree } from "../test/anyTree.ts"
import { accountFor, type Answer, type Kind } from "./accepted.ts"
import { compareDump } from "./composefsInfo.ts"
import { disturb, respell } from "./dumpTexts.ts"
import { Random } from "./Random.ts"
import { rustTree } from "./rustTrees.ts"

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "10000" },
    seed: { type: "string" },
    only: { type: "string" },
    jobs: { type: "string", default: "2" },
    mkcomposefs: { type: "string", default: "mkcomposefs" },
    "composefs-info": { type: "string", default: "composefs-info" }
  }
})
const runs = Number(values.runs)
const seed = values.seed === undefined ? Date.now() | 0 : Number(values.seed)

const kindOf = (program: string): Kind => {
  const { error, stdout } = spawnSync(program, ["--help"], { encoding: "utf8" })
  if (error !== undefined) throw error
  return stdout.includes("<DIGEST_STORE>") ? "rust" : "c"
}
const kind = kindOf(values.mkcomposefs)

/** Collects what a program prints, or undefined where it refused its input. */
const run = (
  program: string,
  args: ReadonlyArray<string>,
  input: Uint8Array,
  env: Readonly<Record<string, string>> = {}
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(program, args, { env: { ...process.env, ...env } })
    const output: Array<Buffer> = []
    const errors: Array<Buffer> = []
    child.stdout?.on("data", (chunk: Buffer) => output.push(chunk))
    child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk))
    child.on("error", reject)
    // Who refuses early does not read all.
    child.stdin?.on("error", () => undefined)
    child.on("close", (status, signal) =>
      resolve(
        status === 0
          ? { image: Buffer.concat(output) }
          : { refusal: signal === null ? Buffer.concat(errors).toString("latin1").trim() : `killed by ${signal}` }
      ))
    child.stdin?.end(input)
  })

interface Variant {
  readonly args: ReadonlyArray<string>
  readonly options: Image.WriteOptions
}
const variants: ReadonlyArray<Variant> = [
  { args: [], options: {} },
  { args: ["--min-version=0", "--max-version=0"], options: { minVersion: 0, maxVersion: 0 } },
  { args: ["--min-version=1"], options: { minVersion: 1 } },
  { args: ["--max-version=1"], options: { maxVersion: 1 } }
]
/** In composefs-rs version 0 has no whiteouts, and a minimum does not raise the maximum. */
const rustVariants: ReadonlyArray<Variant> = [
  { args: ["--min-version=1", "--max-version=1"], options: { minVersion: 1, maxVersion: 1 } }
]

interface Case {
  readonly text: Buffer
  readonly variant: Variant
  readonly isStrict: boolean
}

const trees = kind === "c" ? anyTree({ sha512: false }) : rustTree()

const makeCase = (number: number): Case => {
  const random = new Random(seed, number)
  const [tree] = fc.sample(trees, { numRuns: 1, seed: random.next() | 0 })
  const printed = tree === undefined ? "" : Dump.print(tree)
  const spelled = kind === "rust" || random.onceIn(3) ? printed : respell(printed, random)
  const text = kind === "c" && random.onceIn(2) ? disturb(spelled, random) : spelled
  const [first = { args: [], options: {} }] = variants
  return {
    text: Buffer.from(text, "latin1"),
    variant: random.oneOf(kind === "rust" ? rustVariants : variants, first),
    isStrict: kind === "c" && random.onceIn(4)
  }
}

const ours = ({ isStrict, text, variant }: Case): Answer => {
  const parsed = Dump.parse(text, { strict: isStrict })
  if (Result.isFailure(parsed)) return { refusal: parsed.failure.message }
  const image = Image.write(parsed.success, variant.options)
  return Result.isFailure(image) ? { refusal: image.failure.message } : { image: Buffer.from(image.success) }
}

/** The same without a tree on the way. */
const oursAtOnce = ({ isStrict, text, variant }: Case): Answer => {
  const image = Image.fromDump(text, { ...variant.options, strict: isStrict })
  return Result.isFailure(image) ? { refusal: image.failure.message } : { image: Buffer.from(image.success) }
}

const agree = (left: Answer, right: Answer): boolean =>
  "image" in left
    ? "image" in right && Buffer.compare(left.image, right.image) === 0
    : "refusal" in right && withoutPath(left.refusal) === withoutPath(right.refusal)

/** Of several paths that cannot be written, any may be the first to be found. */
const withoutPath = (refusal: string): string => refusal.replace(/^cannot write ".*" into/, "cannot write … into")

const counts = new Map<string, number>()
const count = (what: string): void => void counts.set(what, (counts.get(what) ?? 0) + 1)
let differences = 0

const report = (number: number, what: string, { text, variant }: Case): void => {
  differences++
  const path = join(tmpdir(), `composefs-difference-${seed}-${number}.dump`)
  writeFileSync(path, text)
  console.log(`case ${number}: ${what}\n  ${values.mkcomposefs} --from-file ${variant.args.join(" ")} ${path} -`)
}

const directory = mkdtempSync(join(tmpdir(), "composefs-differential-"))
const hasInfo = kind === "c" && spawnSync(values["composefs-info"], []).error === undefined

const compareDumps = async (number: number, image: Buffer, it: Case): Promise<void> => {
  const path = join(directory, `image-${number}`)
  writeFileSync(path, image)
  const answer = await run(values["composefs-info"], ["dump", path], Buffer.alloc(0))
  rmSync(path)
  const read = Image.read(image)
  if (Result.isFailure(read)) return count(`image not read here: ${read.failure.message.replace(/\d+/g, "…")}`)
  if ("refusal" in answer) return report(number, `composefs-info: ${answer.refusal}`, it)
  const verdict = compareDump(answer.image, read.success.tree)
  if ("same" in verdict) count(verdict.same)
  else report(number, `composefs-info: ${verdict.difference}`, it)
}

const compare = async (number: number): Promise<void> => {
  const it = makeCase(number)
  const args = ["--from-file", ...it.variant.args, "-", "-"]
  const theirs = await run(values.mkcomposefs, args, it.text, it.isStrict ? { CFS_PARSE_STRICT: "1" } : {})
  const here = ours(it)
  const atOnce = oursAtOnce(it)
  if (!agree(here, atOnce)) report(number, `through a tree ${describe(here)}, without one ${describe(atOnce)}`, it)
  if ("image" in theirs && "image" in here && Buffer.compare(theirs.image, here.image) === 0) {
    count("identical image")
    return hasInfo && number % 4 === 0 ? compareDumps(number, here.image, it) : undefined
  }
  if ("refusal" in theirs && "refusal" in here) return count("refused by both")
  const reason = accountFor(kind, it.text, theirs, here)
  if (reason !== undefined) return count(reason)
  report(number, `there ${describe(theirs)}, here ${describe(here)}`, it)
}

const describe = (answer: Answer): string =>
  "image" in answer ? `an image of ${answer.image.length} bytes` : `refused (${answer.refusal.slice(0, 200)})`

console.log(`seed ${seed}`)
let next = values.only === undefined ? 0 : Number(values.only)
const end = values.only === undefined ? runs : next + 1
const job = async (): Promise<void> => {
  while (next < end && differences < 20) await compare(next++)
}
try {
  await Promise.all(Array.from({ length: Number(values.jobs) }, job))
} finally {
  rmSync(directory, { recursive: true })
}
for (const [what, times] of [...counts].sort()) console.log(`${String(times).padStart(8)} ${what}`)
console.log(`${String(differences).padStart(8)} differences`)
process.exitCode = differences > 0 ? 1 : 0
