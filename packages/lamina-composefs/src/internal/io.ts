/** What a command reads from and writes to, besides files. */
import * as Effect from "effect/Effect"
import { OutputClosed, systemProblem, Unusable } from "./failure.ts"

/** The surroundings of a command: those of a process, or a test's. */
export interface Io {
  /** Everything on the standard input. */
  readonly input: Effect.Effect<Uint8Array, Unusable>
  /** Writes to the standard output, no faster than it is read. */
  readonly print: (data: string | Uint8Array) => Effect.Effect<void, OutputClosed | Unusable>
  /** Writes to the standard error output at once. */
  readonly tell: (text: string) => void
  readonly outputIsTerminal: boolean
  /** Whether a person may be looking at what is told: only then is progress shown. */
  readonly errorIsTerminal: boolean
  readonly environment: Readonly<Record<string, string | undefined>>
}

/** Enough for the dump of the largest distribution many times over. */
const largestInput = 1 << 30

const readAll = async (chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> => {
  const parts: Array<Uint8Array> = []
  let size = 0
  for await (const chunk of chunks) {
    size += chunk.length
    if (size > largestInput) throw new Error(`it has more than ${largestInput} bytes`)
    parts.push(chunk)
  }
  return Buffer.concat(parts)
}

/** The surroundings of this process. */
export const ofProcess = (process: NodeJS.Process): Io => {
  // A pipe that was closed is told to whoever writes; the event on top of that must not end the process.
  process.stdout.on("error", () => undefined)
  process.stderr.on("error", () => undefined)
  return {
    input: Effect.tryPromise({
      try: () => readAll(process.stdin),
      catch: (cause) => new Unusable({ subject: "standard input", problem: systemProblem(cause) })
    }),
    print: (data) =>
      Effect.callback<void, OutputClosed | Unusable>((resume) => {
        process.stdout.write(data, (error) => resume(error == null ? Effect.void : Effect.fail(writeFailure(error))))
      }),
    tell: (text) => void process.stderr.write(text),
    outputIsTerminal: process.stdout.isTTY === true,
    errorIsTerminal: process.stderr.isTTY === true,
    environment: process.env
  }
}

const writeFailure = (error: Error): OutputClosed | Unusable =>
  "code" in error && (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED")
    ? new OutputClosed()
    : new Unusable({ subject: "standard output", problem: systemProblem(error) })
