#!/usr/bin/env node
// lamina-composefs: the process around the command line.
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as zlib from "node:zlib"
import { exitCodes } from "../internal/failure.ts"
import { ofProcess } from "../internal/io.ts"
import { main } from "../internal/main.ts"
import { exactArguments } from "../internal/names.ts"

// An older Node fails in the middle of loading, with a message about a module that nobody has heard of.
if (!("createZstdDecompress" in zlib)) {
  process.stderr.write(`lamina-composefs: expected Node 22.19 or newer, got ${process.version}\n`)
  process.exit(exitCodes.failed)
}

// A signal interrupts the command, which then takes its temporary files away.
const interruption = new AbortController()
let signalCode: number | undefined
for (const [signal, number] of [["SIGINT", 2], ["SIGTERM", 15], ["SIGHUP", 1]] as const) {
  process.once(signal, () => {
    signalCode = 128 + number
    interruption.abort()
  })
}

const args = process.platform === "linux" ? exactArguments(process.argv.slice(2)) : process.argv.slice(2)
const exit = await Effect.runPromiseExit(main(args, ofProcess(process)), {
  signal: interruption.signal
})
// What was interrupted may have left a read of the standard input that nobody waits for any more.
if (signalCode !== undefined) process.exit(signalCode)
process.exitCode = Exit.isSuccess(exit) ? exit.value : exitCodes.defect
