/**
 * Damaged images, dumps and layers through every reader:
 * `node packages/composefs/fuzz/Mutations.ts --runs 2000000 [--seed N] [--only CASE]`.
 *
 * Each case ends with an error of the reader's own or with a tree that can be written again. A thread that stays at one
 * case for `--budget` seconds hangs; one that needs more than `--heap` megabytes, or a process of more than `--memory`,
 * has no bounds. All of that ends the run with status 1, with the cases in files; the same seed and number bring a case
 * back.
 */
import { writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Worker } from "node:worker_threads"
import { Cases } from "./cases.ts"
import type { Report, WorkerTask } from "./mutationTask.ts"

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "2000000" },
    seed: { type: "string" },
    only: { type: "string" },
    jobs: { type: "string", default: "2" },
    budget: { type: "string", default: "20" },
    heap: { type: "string", default: "256" },
    memory: { type: "string", default: "1024" }
  }
})
const runs = Number(values.runs)
const seed = values.seed === undefined ? Date.now() | 0 : Number(values.seed)
const jobs = Number(values.jobs)
const megabyte = 2 ** 20

const counts = new Map<string, number>()
const failures: Array<string> = []

const fail = (number: number, problem: string): void => {
  const path = join(tmpdir(), `composefs-mutation-${seed}-${number}`)
  const { bytes, target } = new Cases(seed).make(number)
  writeFileSync(path, bytes)
  failures.push(`case ${number}, of ${target.name}: ${problem}\n  ${path}`)
}

/** A thread that has not come to its first case yet. */
const starting = -1
const progress = new Int32Array(new SharedArrayBuffer(4 * jobs))

/** Runs the cases of one thread; a hanging case is left behind, and a new thread goes on after it. */
const runCases = (slot: number, from: number): Promise<void> =>
  new Promise((resolve) => {
    const workerData: WorkerTask = { seed, from, to: runs, step: jobs, progress, slot }
    Atomics.store(progress, slot, starting)
    const worker = new Worker(new URL("./mutationWorker.ts", import.meta.url), {
      workerData,
      resourceLimits: { maxOldGenerationSizeMb: Number(values.heap) }
    })
    const goOn = (problem: string): void => {
      const number = Math.max(Atomics.load(progress, slot), from)
      fail(number, problem)
      resolve(failures.length > 20 ? undefined : runCases(slot, number + jobs))
    }
    let last = { number: starting, since: performance.now() }
    const watch = setInterval(() => {
      const number = Atomics.load(progress, slot)
      if (number !== last.number) last = { number, since: performance.now() }
      else if (number !== starting && number < runs && performance.now() - last.since > 1000 * Number(values.budget)) {
        clearInterval(watch)
        void worker.terminate().then(() => goOn(`takes more than ${values.budget} seconds`))
      }
    }, 500)
    worker.on("message", (report: Report) => {
      if (report.kind === "broken") return fail(report.number, report.problem)
      for (const [what, times] of report.counts) counts.set(what, (counts.get(what) ?? 0) + times)
      clearInterval(watch)
      resolve()
    })
    worker.on("error", (error) => {
      clearInterval(watch)
      goOn(String(error))
    })
  })

const runOne = (number: number): void => {
  const { name, outcome } = new Cases(seed).run(number)
  console.log(`case ${number}, of ${name}: ${outcome}`)
}

console.log(`seed ${seed}`)
if (values.only === undefined) {
  const start = performance.now()
  await Promise.all(Array.from({ length: jobs }, (_, slot) => runCases(slot, slot)))
  const seconds = (performance.now() - start) / 1000
  for (const [what, times] of [...counts].sort()) console.log(`${String(times).padStart(9)} ${what}`)
  const memory = process.resourceUsage().maxRSS * 1024
  if (memory > Number(values.memory) * megabyte) failures.push(`${Math.round(memory / megabyte)} MB of memory`)
  console.log(
    `${runs} cases in ${seconds.toFixed(0)} s, ${jobs} at a time; at most ${Math.round(memory / megabyte)} MB of memory`
  )
  for (const failure of failures) console.log(failure)
  console.log(`${failures.length} failures`)
  process.exitCode = failures.length > 0 ? 1 : 0
} else {
  runOne(Number(values.only))
}
