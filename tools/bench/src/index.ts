/**
 * How the benchmarks measure: contenders take turns, so that a busy moment of the machine hits all of them; the first
 * round warms caches up and is watched for memory instead of time; of the others the median counts.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readFileSync } from "node:fs"
import { delimiter, join } from "node:path"

/** One that does the work. A peer is what the others are compared with. */
export interface Contender {
  readonly name: string
  readonly isPeer?: boolean
  /** Does the work once. */
  readonly run: (watch: boolean) => Promise<Run>
}

export interface Run {
  readonly seconds: number
  /** The most memory the process ever held, where it was watched. */
  readonly maxRssBytes?: number | undefined
}

export interface Measurement {
  readonly name: string
  readonly isPeer: boolean
  /** Median over the rounds. */
  readonly seconds: number
  readonly maxRssBytes: number | undefined
}

export const defaultRounds = 5

export const median = (values: ReadonlyArray<number>): number =>
  values.toSorted((left, right) => left - right)[values.length >> 1] ?? 0

/** Lets the contenders take turns. */
export const contest = async (
  contenders: ReadonlyArray<Contender>,
  rounds: number = defaultRounds
): Promise<ReadonlyArray<Measurement>> => {
  const memory = new Map<Contender, number | undefined>()
  const times = new Map<Contender, Array<number>>()
  for (const contender of contenders) memory.set(contender, (await contender.run(true)).maxRssBytes)
  for (let round = 0; round < rounds; round++) {
    for (const contender of contenders) {
      const { seconds } = await contender.run(false)
      times.set(contender, [...times.get(contender) ?? [], seconds])
    }
  }
  return contenders.map((contender) => ({
    name: contender.name,
    isPeer: contender.isPeer ?? false,
    seconds: median(times.get(contender) ?? []),
    maxRssBytes: memory.get(contender)
  }))
}

/** Work inside this process. Its memory is that of the whole process so far, and grows with whatever ran before. */
export const inProcess = (name: string, work: () => unknown, warmUp: number = 0): Contender => ({
  name,
  run: async (watch) => {
    // Some work needs more than one round until the compiler has done its own.
    if (watch) { for (let time = 0; time < warmUp; time++) await work() }
    const start = process.hrtime.bigint()
    await work()
    const seconds = Number(process.hrtime.bigint() - start) / 1e9
    return { seconds, maxRssBytes: process.resourceUsage().maxRSS * 1024 }
  }
})

export interface CommandOptions {
  readonly isPeer?: boolean | undefined
  /** What may be thrown away between runs, or must be there before each: not part of the time. */
  readonly before?: (() => unknown) | undefined
  /** Looks at what the command printed; throws if that is wrong, because a fast wrong answer is no figure. */
  readonly check?: ((output: string) => void) | undefined
  readonly env?: Readonly<Record<string, string>> | undefined
}

/** A whole process from start to end. */
export const command = (
  name: string,
  file: string,
  args: ReadonlyArray<string>,
  options?: CommandOptions
): Contender => ({
  name,
  isPeer: options?.isPeer ?? false,
  run: async (watch) => {
    await options?.before?.()
    const { output, ...run } = await runCommand(file, args, watch, options?.env)
    options?.check?.(output)
    return run
  }
})

const runCommand = (
  file: string,
  args: ReadonlyArray<string>,
  watch: boolean,
  env: Readonly<Record<string, string>> | undefined
): Promise<Run & { readonly output: string }> =>
  new Promise((resolve, reject) => {
    const start = process.hrtime.bigint()
    const child = spawn(file, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] })
    let maxRssBytes: number | undefined
    const timer = watch
      ? setInterval(() => maxRssBytes = peakMemory(child.pid) ?? maxRssBytes, 1)
      : undefined
    let output = ""
    let problem = ""
    child.stdout.on("data", (chunk: Buffer) => output += chunk.toString())
    child.stderr.on("data", (chunk: Buffer) => problem += chunk.toString())
    child.on("error", reject)
    child.on("close", (code) => {
      const seconds = Number(process.hrtime.bigint() - start) / 1e9
      clearInterval(timer)
      if (code === 0) resolve({ seconds, maxRssBytes, output })
      else reject(new Error(`${file} ${args.join(" ")}: exit code ${code}: ${problem.slice(0, 500)}`))
    })
  })

/** The kernel keeps the high-water mark, so looking often loses only what is added in the last millisecond. */
const peakMemory = (pid: number | undefined): number | undefined => {
  const status = `/proc/${pid}/status`
  try {
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(readFileSync(status, "utf8"))?.[1]
    return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
  } catch {
    return undefined
  }
}

export const isOnPath = (file: string): boolean =>
  (process.env["PATH"] ?? "").split(delimiter).some((folder) => existsSync(join(folder, file)))

/** Where the reference's figures were measured, `openssl speed -evp sha256 -bytes 16384` made so many bytes a second. */
const referenceHashSpeed = 1.86e9

/** A time of the reference as it would be on this machine, or undefined without openssl to compare the two. */
export const scaledReference = (seconds: number): number | undefined => {
  const speed = hashSpeed()
  return speed === undefined ? undefined : seconds * referenceHashSpeed / speed
}

let knownHashSpeed: number | undefined
const hashSpeed = (): number | undefined => {
  if (knownHashSpeed === undefined && isOnPath("openssl")) {
    const args = ["speed", "-seconds", "1", "-bytes", "16384", "-evp", "sha256"]
    const { stdout } = spawnSync("openssl", args, { encoding: "utf8" })
    const thousands = /^sha256\s+([\d.]+)k/im.exec(stdout)?.[1]
    if (thousands !== undefined) knownHashSpeed = Number(thousands) * 1000
  }
  return knownHashSpeed
}

/** A peer that is not installed: its time comes from the reference, scaled to this machine. */
export const reference = (name: string, seconds: number): Contender | undefined => {
  const scaled = scaledReference(seconds)
  if (scaled === undefined) return undefined
  return { name: `${name} (reference's figure, scaled)`, isPeer: true, run: async () => ({ seconds: scaled }) }
}

/** Prints each time beside every peer's. */
export const report = (title: string, measurements: ReadonlyArray<Measurement>, bytes?: number): void => {
  const width = Math.max(...measurements.map(({ name }) => name.length))
  console.log(`\n${title}`)
  for (const measurement of measurements) {
    const { isPeer, maxRssBytes, name, seconds } = measurement
    const columns = [
      name.padEnd(width),
      `${seconds.toFixed(3)} s`,
      bytes === undefined ? "" : `${(bytes / 1e9 / seconds).toFixed(2)} GB/s`,
      maxRssBytes === undefined ? "" : `${Math.round(maxRssBytes / 2 ** 20)} MiB`,
      isPeer ? "" : measurements.filter((peer) => peer.isPeer)
        .map((peer) => `${(peer.seconds / seconds).toFixed(2)} x ${peer.name}`).join(", ")
    ]
    console.log(`  ${columns.filter((column) => column !== "").join("  ")}`)
  }
}
