/** How a command ends: the exit codes, and the failures that are its own. */
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

/** The reason that the system gave, without the call and the path that Node puts around it. */
export const systemProblem = (cause: unknown): string => {
  if (!(cause instanceof Error)) return String(cause)
  const [, problem] = /^E[A-Z0-9]+: (.+?)(?:, [a-z]+(?: '.*)?)?$/s.exec(cause.message) ?? []
  return problem ?? cause.message
}
