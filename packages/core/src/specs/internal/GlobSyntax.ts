// The syntax of one pattern: text -> brace alternatives -> components -> tokens.
import * as Result from "effect/Result"
import { expandBraces } from "./BraceExpansion.ts"
import type { SyntaxProblem } from "./SyntaxProblem.ts"

/** One thing that consumes characters of a name. `Star` takes any number of them, the others exactly one. */
export type Token =
  | { readonly _tag: "Character"; readonly codePoint: number }
  | { readonly _tag: "Any" }
  | { readonly _tag: "Class"; readonly negated: boolean; readonly ranges: ReadonlyArray<readonly [number, number]> }
  | { readonly _tag: "Star" }

/** What stands between two slashes. */
export type Component =
  | { readonly _tag: "Literal"; readonly text: string }
  | { readonly _tag: "Wildcard"; readonly tokens: ReadonlyArray<Token> }
  | { readonly _tag: "Globstar" }

/** A pattern without braces. `directoryOnly` comes from a trailing slash. */
export interface Alternative {
  readonly components: ReadonlyArray<Component>
  readonly directoryOnly: boolean
}

export const maximumLength = 4096

/**
 * How many brace-free forms one pattern may have, where each `**` in the middle counts twice: `rsync` knows neither
 * braces nor a `**` that stands for no directory at all, so this is the number of lines a rendered filter needs.
 */
export const maximumForms = 256
const maximumNamesBesideGlobstar = 256

const globstar: Component = { _tag: "Globstar" }

const codePointOf = (text: string, index: number): number => text.codePointAt(index) ?? 0
const widthOf = (codePoint: number): number => codePoint > 0xffff ? 2 : 1

const asciiEnd = 0x80

/** The characters of a class as few ranges: its members may be many, and stand in any order. */
const rangesOf = (members: Uint8Array): ReadonlyArray<readonly [number, number]> => {
  const ranges: Array<readonly [number, number]> = []
  for (let low = members.indexOf(1); low >= 0; low = members.indexOf(1, low)) {
    const end = members.indexOf(0, low)
    const high = (end < 0 ? members.length : end) - 1
    ranges.push([low, high])
    low = high + 1
  }
  return ranges
}

const isClassNameMark = (character: string | undefined): boolean =>
  character === ":" || character === "=" || character === "."

/** Reads `[…]` from the bracket on. Only ASCII members: `rsync` compares bytes, and a class must mean the same there. */
const parseClass = (
  text: string,
  open: number
): Result.Result<{ readonly token: Token; readonly next: number }, SyntaxProblem> => {
  let index = open + 1
  const negated = text[index] === "!" || text[index] === "^"
  if (negated) index++
  const first = index
  const members = new Uint8Array(asciiEnd)
  while (index < text.length && (text[index] !== "]" || index === first)) {
    if (text[index] === "[" && isClassNameMark(text[index + 1])) {
      return Result.fail({
        code: "named_class",
        detail: `named classes such as ${text.slice(index, index + 2)}…] are not supported`,
        hint: "write the range out, for example [a-z]"
      })
    }
    const lowAt = text[index] === "\\" ? index + 1 : index
    const isRange = text[lowAt + 1] === "-" && lowAt + 2 < text.length && text[lowAt + 2] !== "]"
    const highAt = !isRange ? lowAt : text[lowAt + 2] === "\\" ? lowAt + 3 : lowAt + 2
    const low = text.charCodeAt(lowAt)
    const high = text.charCodeAt(highAt)
    if (low >= asciiEnd || high >= asciiEnd) {
      return Result.fail({
        code: "class_not_ascii",
        detail: "a character class may list ASCII characters only",
        hint: "write the alternatives in braces, for example {é,è}"
      })
    }
    if (high < low) {
      return Result.fail({
        code: "class_range",
        detail: `the range ${text.slice(index, highAt + 1)} runs backwards and matches nothing`
      })
    }
    members.fill(1, low, high + 1)
    index = highAt + 1
  }
  if (index >= text.length) {
    return Result.fail({
      code: "unclosed_class",
      detail: "`[` is not closed by `]`",
      hint: "a literal bracket is `\\[`"
    })
  }
  const ranges = rangesOf(members)
  const [single, ...others] = ranges
  const isOneCharacter = !negated && others.length === 0 && single !== undefined && single[0] === single[1]
  const token: Token = isOneCharacter
    ? { _tag: "Character", codePoint: single[0] }
    : { _tag: "Class", negated, ranges }
  return Result.succeed({ token, next: index + 1 })
}

const parseTokens = (text: string): Result.Result<ReadonlyArray<Token>, SyntaxProblem> => {
  const tokens: Array<Token> = []
  let index = 0
  while (index < text.length) {
    const character = text[index]
    if (character === "*") {
      // `a**b` is `a*b`: only a component which is exactly `**` crosses slashes.
      if (tokens.at(-1)?._tag !== "Star") tokens.push({ _tag: "Star" })
      index++
    } else if (character === "?") {
      tokens.push({ _tag: "Any" })
      index++
    } else if (character === "[") {
      const parsed = parseClass(text, index)
      if (Result.isFailure(parsed)) return Result.fail(parsed.failure)
      tokens.push(parsed.success.token)
      index = parsed.success.next
    } else {
      const start = character === "\\" ? index + 1 : index
      const codePoint = codePointOf(text, start)
      tokens.push({ _tag: "Character", codePoint })
      index = start + widthOf(codePoint)
    }
  }
  return Result.succeed(tokens)
}

const parseComponent = (text: string): Result.Result<Component, SyntaxProblem> => {
  if (text === "**") return Result.succeed(globstar)
  if (!/[*?[\\]/.test(text)) return parseLiteral(text)
  const tokens = parseTokens(text)
  if (Result.isFailure(tokens)) return Result.fail(tokens.failure)
  let literal = ""
  for (const token of tokens.success) {
    if (token._tag !== "Character") return Result.succeed({ _tag: "Wildcard", tokens: tokens.success })
    literal += String.fromCodePoint(token.codePoint)
  }
  return parseLiteral(literal)
}

const parseLiteral = (literal: string): Result.Result<Component, SyntaxProblem> => {
  if (literal === "." || literal === "..") {
    return Result.fail({
      code: "dot_component",
      detail: `the component ${JSON.stringify(literal)} is not allowed`,
      hint: "write the path as it is from the module's root"
    })
  }
  return Result.succeed({ _tag: "Literal", text: literal })
}

const parseAlternative = (text: string): Result.Result<Alternative, SyntaxProblem> => {
  if (!text.startsWith("/")) {
    return Result.fail({
      code: "relative",
      detail: "a pattern is an absolute path from the module's root",
      hint: `did you mean /${text.replace(/^(?:\.?\/)+/, "")}?`
    })
  }
  const parts = text.split("/").slice(1)
  const directoryOnly = parts.length > 1 && parts.at(-1) === ""
  if (directoryOnly) parts.pop()
  if (parts.length === 1 && parts[0] === "") {
    return Result.fail({ code: "root", detail: "`/` names the root itself", hint: "everything is `/**`" })
  }
  const components: Array<Component> = []
  for (const part of parts) {
    if (part === "") return Result.fail({ code: "empty_component", detail: `two slashes follow each other in ${text}` })
    const component = parseComponent(part)
    if (Result.isFailure(component)) return Result.fail(component.failure)
    if (component.success._tag !== "Globstar" || components.at(-1)?._tag !== "Globstar") {
      components.push(component.success)
    }
  }
  return Result.succeed({ components, directoryOnly })
}

const checkText = (text: string): SyntaxProblem | undefined => {
  if (text.trim() === "") return { code: "empty", detail: "the pattern is empty" }
  if (text.length > maximumLength) {
    return {
      code: "too_long",
      detail: `the pattern has ${text.length} characters, at most ${maximumLength} are allowed`
    }
  }
  if (/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(text)) {
    return { code: "control_character", detail: "the pattern contains a control character" }
  }
  if (/\s$/u.test(text)) return { code: "trailing_blank", detail: "the pattern ends in a blank", hint: "remove it" }
  if (text.startsWith("!")) {
    return { code: "negation", detail: "a pattern cannot be negated", hint: "list the path under `mask` instead" }
  }
  if (/(?<!\\)(?:\\\\)*[!@+?*]\(/.test(text)) {
    return { code: "extglob", detail: "extended globs such as `@(a|b)` are not supported", hint: "write {a,b}" }
  }
  if (/(?<!\\)(?:\\\\)*\\(?:\/|$)/.test(text)) {
    return { code: "dangling_escape", detail: "a backslash must stand before the character that it makes literal" }
  }
  return undefined
}

const globstarsInside = ({ components }: Alternative): number =>
  components.slice(0, -1).filter((component) => component._tag === "Globstar").length

const formsOf = (alternative: Alternative): number => 2 ** globstarsInside(alternative)

/** Every name of a path may be any name of such a pattern, so that many names multiply. */
const isTooLong = (alternative: Alternative): boolean =>
  alternative.components.length > maximumNamesBesideGlobstar && globstarsInside(alternative) > 0

/** Parses a pattern into its alternatives, or says the first thing that is wrong with it. */
export const parse = (text: string): Result.Result<ReadonlyArray<Alternative>, SyntaxProblem> => {
  const problem = checkText(text)
  if (problem !== undefined) return Result.fail(problem)
  const texts = expandBraces(text, maximumForms)
  if (Result.isFailure(texts)) return Result.fail(texts.failure)
  const alternatives: Array<Alternative> = []
  let forms = 0
  for (const alternativeText of texts.success) {
    const alternative = parseAlternative(alternativeText)
    if (Result.isFailure(alternative)) return Result.fail(alternative.failure)
    if (isTooLong(alternative.success)) {
      return Result.fail({
        code: "too_complex",
        detail: `a pattern with \`**\` between slashes may have at most ${maximumNamesBesideGlobstar} names`
      })
    }
    alternatives.push(alternative.success)
    forms += formsOf(alternative.success)
  }
  if (forms > maximumForms) {
    return Result.fail({
      code: "too_complex",
      detail: `the pattern stands for ${forms} simpler ones, at most ${maximumForms} are allowed`,
      hint: "split it, or use fewer `**`"
    })
  }
  return Result.succeed(alternatives)
}
