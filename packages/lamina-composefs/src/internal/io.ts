/** What a command reads from and writes to, besides files. */
import * as Effect from "effect/Effect"
import type * as Stream from "effect/Stream"
import { type OutputClosed, type Unusable, writeFailure } from "./failure.ts"
import { streamReadable } from "./input.ts"

/** The surroundings of a command: those of a process, or a test's. */
export interface Io {
  /** The standard input. */
  readonly input: Stream.Stream<Uint8Array, Unusable>
  /** Writes to the standard output, no faster than it is read. */
  readonly print: (data: string | Uint8Array) => Effect.Effect<void, OutputClosed | Unusable>
  /** Writes to the standard error output at once. */
  readonly tell: (text: string) => void
  readonly outputIsTerminal: boolean
  /** Whether a person may be looking at what is told: only then is progress shown. */
  readonly errorIsTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** The surroundings of this process. */
export const ofProcess = (process: NodeJS.Process): Io => {
  // A pipe that was closed is told to whoever writes; the event on top of that must not end the process.
  process.stdout.on("error", () => undefined)
  process.stderr.on("error", () => undefined)
  return {
    input: streamReadable("standard input", () => process.stdin),
    print: (data) =>
      Effect.callback<void, OutputClosed | Unusable>((resume) => {
        process.stdout.write(data, (error) =>
          resume(error == null ? Effect.void : Effect.fail(writeFailure("standard output", error))))
      }),
    tell: (text) => void process.stderr.write(text),
    outputIsTerminal: process.stdout.isTTY === true,
    errorIsTerminal: process.stderr.isTTY === true,
    environment: process.env
  }
}
