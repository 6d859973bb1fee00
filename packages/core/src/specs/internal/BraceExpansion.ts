// `{a,b}`, nested, and nothing else of the shell's brace syntax: no sequences, no `${…}`, no group of one.
import * as Result from "effect/Result"
import type { SyntaxProblem } from "./SyntaxProblem.ts"

type Group = { readonly choices: Array<Sequence> }
type Sequence = Array<string | Group>

const maximumDepth = 16

const fail = (detail: string, hint = "a literal brace is `\\{` or `\\}`") =>
  Result.fail<SyntaxProblem>({ code: "brace", detail, hint })

const append = (sequence: Sequence, text: string): void => {
  const last = sequence.at(-1)
  if (typeof last === "string") sequence[sequence.length - 1] = last + text
  else sequence.push(text)
}

const parse = (text: string): Result.Result<Sequence, SyntaxProblem> => {
  const root: Sequence = []
  const open: Array<{ readonly group: Group; readonly outer: Sequence }> = []
  let current = root
  for (let index = 0; index < text.length; index++) {
    const character = text.charAt(index)
    if (character === "\\") {
      append(current, text.slice(index, index + 2))
      index++
    } else if (character === "{") {
      if (text[index - 1] === "$") return fail("`${` starts a variable in other tools and is not supported")
      if (open.length === maximumDepth) return fail(`braces are nested more than ${maximumDepth} deep`)
      const choice: Sequence = []
      const group: Group = { choices: [choice] }
      current.push(group)
      open.push({ group, outer: current })
      current = choice
    } else if (character === "," && open.length > 0) {
      current = []
      open.at(-1)?.group.choices.push(current)
    } else if (character === "}") {
      const closed = open.pop()
      if (closed === undefined) return fail("`}` closes no brace")
      if (closed.group.choices.length === 1) {
        return fail("a brace group needs at least two alternatives", "write {a,b}; a literal brace is `\\{` or `\\}`")
      }
      current = closed.outer
    } else {
      append(current, character)
    }
  }
  return open.length > 0 ? fail("`{` is not closed by `}`") : Result.succeed(root)
}

// All texts of one pattern together, in characters.
const maximumText = 16_384

const isTooLong = (texts: ReadonlyArray<string>): boolean =>
  texts.length > 1 && texts.reduce((length, text) => length + text.length, 0) > maximumText

/** All texts of a sequence, or `undefined` when there are more than `limit`, or they are too long together. */
const expand = (sequence: Sequence, limit: number): ReadonlyArray<string> | undefined => {
  let texts: ReadonlyArray<string> = [""]
  for (const part of sequence) {
    if (isTooLong(texts)) return undefined
    if (typeof part === "string") {
      texts = texts.map((text) => text + part)
      continue
    }
    const choices: Array<string> = []
    for (const choice of part.choices) {
      const expanded = expand(choice, limit)
      if (expanded === undefined || choices.length + expanded.length > limit) return undefined
      choices.push(...expanded)
    }
    if (texts.length * choices.length > limit) return undefined
    texts = texts.flatMap((text) => choices.map((choice) => text + choice))
  }
  return isTooLong(texts) ? undefined : texts
}

/** The brace-free texts that a pattern stands for, without duplicates; escapes stay as written. */
export const expandBraces = (text: string, limit: number): Result.Result<ReadonlyArray<string>, SyntaxProblem> => {
  if (!/[{}]/.test(text)) return Result.succeed([text])
  const sequence = parse(text)
  if (Result.isFailure(sequence)) return Result.fail(sequence.failure)
  const texts = expand(sequence.success, limit)
  if (texts === undefined) {
    return Result.fail({
      code: "too_complex",
      detail: `the braces stand for more than ${limit} patterns, or very long ones`,
      hint: "split the pattern"
    })
  }
  return Result.succeed([...new Set(texts)])
}
