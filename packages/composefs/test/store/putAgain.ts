/** A writer that stores one content over and over, each time after the object has become old, and looks for it. */
import { existsSync, lutimesSync, mkdirSync } from "node:fs"
import { join } from "node:path"
import { parentPort, workerData } from "node:worker_threads"
import { ObjectWriter } from "../../src/internal/store/objectWriter.ts"

export interface PutAgain {
  readonly directory: string
  readonly digest: string
  readonly content: Uint8Array
  readonly times: number
}

const { content, digest, directory, times }: PutAgain = workerData
const temporary = join(directory, ".tmp-again")
mkdirSync(temporary)
const writer = new ObjectWriter({ directory, temporary, isForced: false })

const isThere = (): boolean => {
  // A collector that moved the object away before it was touched takes a moment to put it back.
  for (let look = 0; look < 1000; look++) {
    if (existsSync(writer.pathOf(digest))) return true
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1)
  }
  return false
}

const makeOld = (): void => {
  try {
    lutimesSync(writer.pathOf(digest), 0, 0)
  } catch {
    // The collector was quicker.
  }
}

let lost = 0
for (let time = 0; time < times; time++) {
  writer.put(digest, content)
  if (!isThere()) lost++
  makeOld()
}
parentPort?.postMessage(lost, [])
