/** A thread that reads batch after batch. */
import { parentPort, workerData } from "node:worker_threads"
import type { Batch, BatchResult } from "./batch.ts"
import { FileReader } from "./fileReader.ts"

const reader = new FileReader(workerData)
parentPort?.on("message", (batch: Batch) => {
  const { contents, digests, first, outcomes, stats } = reader.read(batch)
  const result: BatchResult = { first, outcomes, stats, digests, contents }
  parentPort?.postMessage(result, [
    outcomes.buffer,
    stats.numbers.buffer,
    stats.integers.buffer,
    digests.buffer
  ])
})
