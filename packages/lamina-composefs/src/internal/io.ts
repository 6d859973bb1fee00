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

/**
 * A text that cannot steer a terminal or forge a line: control characters (ESC, C1 and the rest), marks that turn the
 * direction of writing, and bytes that are not UTF-8 become `\xHH`, as in a dump. Other languages stay readable.
 */
export const printable = (text: string): string => text.replace(unprintable, escapeCharacter)

// oxlint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]|\p{Surrogate}/gu

const escapeCharacter = (character: string): string => {
  const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[character]
  if (named !== undefined) return named
  const code = character.codePointAt(0) ?? 0
  // Bytes of names that are not UTF-8 stand as U+DC80..U+DCFF.
  const bytes = code >= 0xdc80 && code <= 0xdcff ? [code - 0xdc00] : Buffer.from(character)
  return Array.from(bytes, (byte) => `\\x${byte.toString(16).padStart(2, "0")}`).join("")
}

/** As {@link printable}, for a message of several lines. */
export const printableLines = (text: string): string => text.split("\n").map(printable).join("\n")
