/** A command: what it takes, what it is for, and what it does. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { type Failure, Misuse } from "./failure.ts"
import type { Io } from "./io.ts"
import { describe, flag, type Options, parse, type Values } from "./options.ts"

export interface Command {
  readonly help: string
  /** Returns the exit code. */
  readonly run: (args: ReadonlyArray<string>, io: Io) => Effect.Effect<number, Failure, Scope.Scope>
}

export const command = <O extends Options>(specification: {
  /** The operands, as the help shows them. */
  readonly usage: string
  /** Paragraphs of the help. */
  readonly about: string
  readonly options: O
  readonly operands: { readonly least: number; readonly most: number }
  readonly run: (
    values: Values<O>,
    operands: ReadonlyArray<string>,
    io: Io
  ) => Effect.Effect<number, Failure, Scope.Scope>
}): Command => {
  const options = { ...specification.options, help: flag("Print this text") }
  const help = `Usage: lamina-composefs ${specification.usage}\n\n${specification.about}\n\nOptions:\n${
    describe(options)
  }`
  const { least, most } = specification.operands
  return {
    help,
    run: Effect.fnUntraced(function*(args, io) {
      if (asksForHelp(args)) return yield* Effect.as(io.print(help), 0)
      const { operands, values } = yield* Effect.fromResult(
        Result.mapError(parse(specification.options, args), (problem) => new Misuse({ problem }))
      )
      if (operands.length < least || operands.length > most) {
        return yield* new Misuse({ problem: `expected lamina-composefs ${specification.usage}` })
      }
      return yield* specification.run(values, operands, io)
    })
  }
}

/** Whatever else stands there, wrong options too. */
export const asksForHelp = (args: ReadonlyArray<string>): boolean => {
  const end = args.indexOf("--")
  return args.some((argument, at) => (argument === "--help" || argument === "-h") && (end === -1 || at < end))
}
