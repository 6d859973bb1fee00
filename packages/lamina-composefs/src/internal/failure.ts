/** How a command ends: the exit codes, and the failures that are its own. */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"

/** What the process ends with. Signals add 128 and their number, as shells have it. */
export const exitCodes = {
  ok: 0,
  /** Two things differ, or one is not what it should be. */
  different: 1,
  /** The command line was not understood. */
  usage: 2,
  /** What was to be read or written could not be, or is malformed. */
  failed: 3,
  /** A defect of this program. */
  defect: 70,
  /** Nobody reads the output any more (SIGPIPE). */
  outputClosed: 141
} as const

/** The command line was not understood. */
export class Misuse extends Schema.TaggedError<Misuse>("lamina-composefs/Misuse")("Misuse", {
  problem: Schema.String
}) {
  override get message(): string {
    return this.problem
  }
}

/** A file could not be read or written, or is not what it should be. */
export class Unusable extends Schema.TaggedError<Unusable>("lamina-composefs/Unusable")("Unusable", {
  subject: Schema.String,
  problem: Schema.String
}) {
  override get message(): string {
    return `${this.subject}: ${this.problem}`
  }
}

/** Nobody reads the standard output any more, which is no reason to complain. */
export class OutputClosed
  extends Schema.TaggedError<OutputClosed>("lamina-composefs/OutputClosed")("OutputClosed", {})
{}

/** What every command may fail with: its own failures, and those of the packages, which all have a message. */
export type Failure = Misuse | Unusable | OutputClosed | { readonly _tag: string; readonly message: string }

/** The reason that the system gave. */
export const systemProblem = (cause: unknown): string => plain(cause instanceof Error ? cause.message : String(cause))

/** A message without the code, the call and the path that Node puts around what the system said. */
export const plain = (message: string): string =>
  message.replace(
    /(^|: )(E[A-Z][A-Z0-9]+): ([^:]+?)(?:, [a-z]+(?: '.*)?)?$/s,
    (_, before: string, code: string, problem: string) =>
      `${before}${code === "EISDIR" ? "it is a directory" : problem}`
  )

/** Calls the system about a file that a person named. */
export const attempt = <A>(subject: string, call: () => A): Effect.Effect<A, Unusable> =>
  Effect.try({ try: call, catch: (cause) => new Unusable({ subject, problem: systemProblem(cause) }) })

/** Why something could not be written: by a reader that is gone, or by a fault. */
export const writeFailure = (subject: string, error: Error): OutputClosed | Unusable =>
  "code" in error && (error.code === "EPIPE" || error.code === "ERR_STREAM_DESTROYED")
    ? new OutputClosed()
    : new Unusable({ subject, problem: systemProblem(error) })
