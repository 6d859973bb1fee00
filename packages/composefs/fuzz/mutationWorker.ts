/** Runs every so-manieth case in a thread of its own, saying which one it is at. */
import { parentPort, workerData } from "node:worker_threads"
import { Cases } from "./cases.ts"
import type { Report, WorkerTask } from "./mutationTask.ts"

const { from, progress, seed, slot, step, to }: WorkerTask = workerData

// Most cases end in an error; where it was made is not looked at.
Error.stackTraceLimit = 0

const cases = new Cases(seed)
const counts = new Map<string, number>()
const say = (report: Report): void => parentPort?.postMessage(report, [])

for (let number = from; number < to; number += step) {
  Atomics.store(progress, slot, number)
  try {
    const { name, outcome } = cases.run(number)
    const what = `${name} ${outcome}`
    counts.set(what, (counts.get(what) ?? 0) + 1)
  } catch (error) {
    say({ kind: "broken", number, problem: String(error) })
  }
}
Atomics.store(progress, slot, to)
say({ kind: "done", counts: [...counts] })
