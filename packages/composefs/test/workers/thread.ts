/** A thread for the tests: does what its data says. */
import { parentPort, workerData } from "node:worker_threads"

switch (workerData) {
  case "echo":
    parentPort?.on("message", (message) => parentPort?.postMessage(message, []))
    break
  case "throw":
    throw Object.assign(new Error("no luck"), { code: "ELUCK" })
  case "exit":
    process.exit(3)
    break
  case "spin":
    parentPort?.postMessage("spinning", [])
    for (;;) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000)
}
