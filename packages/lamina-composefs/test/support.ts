/** Runs command lines in this process, on files of a scratch directory. */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll } from "vitest"
import { OutputClosed } from "../src/internal/failure.ts"
import type { Io } from "../src/internal/io.ts"
import { main } from "../src/internal/main.ts"

export interface Outcome {
  readonly code: number
  readonly output: string
  readonly bytes: Uint8Array
  readonly told: string
}

export interface Surroundings {
  readonly input?: string | Uint8Array
  readonly isTerminal?: boolean
  /** Nobody reads the output. */
  readonly closed?: boolean
}

export const run = async (args: ReadonlyArray<string>, surroundings: Surroundings = {}): Promise<Outcome> => {
  const printed: Array<Uint8Array> = []
  let told = ""
  const io: Io = {
    input: Stream.make(Buffer.from(surroundings.input ?? "")),
    print: (data) =>
      surroundings.closed === true
        ? Effect.fail(new OutputClosed())
        : Effect.sync(() => void printed.push(Buffer.from(data))),
    tell: (text) => {
      told += text
    },
    outputIsTerminal: surroundings.isTerminal ?? false,
    errorIsTerminal: surroundings.isTerminal ?? false,
    environment: {}
  }
  const code = await Effect.runPromise(main(args, io))
  const bytes = Buffer.concat(printed)
  return { code, output: bytes.toString(), bytes, told }
}

/** A directory that goes with the test file. */
export const scratchDirectory = (): string => {
  const directory = mkdtempSync(join(tmpdir(), "lamina-composefs-test-"))
  afterAll(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export const hasProgram = (name: string): boolean => {
  const isThere = spawnSync("sh", ["-c", `command -v ${name}`]).status === 0
  // oxlint-disable-next-line no-console
  if (!isThere) console.log(`skipped: ${name} is not installed`)
  return isThere
}
