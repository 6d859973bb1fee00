import { Reply } from "@lamina/platform"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"

/** What a step has to say: fields for machines, lines for people. */
interface StepResult {
  readonly fields: Readonly<Record<string, unknown>>
  readonly lines: ReadonlyArray<string>
}

/** Work in bytes or items whose end is known. */
type Progress = (done: number, total: number) => void

/** Prints steps as they end, with their time; as text with progress bars on a terminal, or as JSON lines. */
export interface Report {
  readonly title: (text: string) => Effect.Effect<void>
  readonly step: <A extends { readonly report: StepResult }, E, R>(
    name: string,
    work: (progress: Progress) => Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E, R>
  readonly refusal: (name: string, reason: string, detail: string) => Effect.Effect<void>
  readonly note: (text: string) => Effect.Effect<void>
  readonly summary: (result: StepResult) => Effect.Effect<void>
}

const barWidth = 24

/** Makes the report of a run. Progress goes to stderr and only to a terminal, so that stdout is the same everywhere. */
export const make = (options: { readonly json: boolean }): Report => {
  const print = (text: string) => Effect.sync(() => void process.stdout.write(`${text}\n`))
  const printJson = (value: unknown) => print(JSON.stringify(Reply.toSnakeCase(value)))
  const showsProgress = process.stderr.isTTY && !options.json
  const progressOf = (name: string): Progress => (done, total) => {
    if (!showsProgress || total <= 0) return
    const filled = Math.round((Math.min(done, total) / total) * barWidth)
    const bar = "█".repeat(filled) + "░".repeat(barWidth - filled)
    process.stderr.write(
      `\r   ${bar} ${String(Math.floor((Math.min(done, total) / total) * 100)).padStart(3)} %  ${name}\x1b[K`
    )
  }
  const clearProgress = Effect.sync(() => {
    if (showsProgress) process.stderr.write("\r\x1b[K")
  })
  let number = 0

  const step: Report["step"] = Effect.fnUntraced(function*(name, work) {
    number += 1
    const current = number
    const started = yield* Clock.currentTimeMillis
    const result = yield* Effect.ensuring(work(progressOf(name)), clearProgress)
    const milliseconds = (yield* Clock.currentTimeMillis) - started
    if (options.json) {
      yield* printJson({ step: current, name, milliseconds, ...result.report.fields })
      return result
    }
    yield* print(`${String(current).padStart(2)}. ${name} ${dim(`${milliseconds} ms`)}`)
    for (const line of result.report.lines) yield* print(`    ${line}`)
    return result
  })

  return {
    step,
    title: (text) => options.json ? Effect.void : print(`\n${bold(text)}`),
    summary: ({ fields, lines }) =>
      options.json
        ? printJson({ done: true, ...fields })
        : Effect.forEach(lines, (line) => print(`    ${line}`), { discard: true }),
    note: (text) => options.json ? printJson({ note: text }) : print(`    ${text}`),
    refusal: (name, reason, detail) =>
      options.json ? printJson({ refusal: name, reason, detail }) : print(` ✗  ${name}: ${bold(reason)}\n    ${detail}`)
  }
}

const isStyled = process.stdout.isTTY && process.env["NO_COLOR"] === undefined
const bold = (text: string): string => isStyled ? `\x1b[1m${text}\x1b[22m` : text
const dim = (text: string): string => isStyled ? `\x1b[2m${text}\x1b[22m` : text
