// Text -> tokens of YAML, under bounds. The parser behind recurses, and makes an object of every value and of every
// error, so that what it is given decides on its time and memory; the lexer does neither.
import * as Result from "effect/Result"
import { CST, Lexer } from "yaml"
import type { Finding } from "./IssueSink.ts"

// Blanks are not counted. The longest real manifest that is known has 483 tokens; one that lists 1,000 files, one on
// each line, has 3,000.
export const maximumTokens = 3200
export const maximumDepth = 64
const maximumIndent = 256
const maximumInvalidEscapes = 20
// Texts are read character by character, so that a long one is as much work as several tokens; most paths are shorter.
const charactersOfAToken = 64

/** Why a text is not given to the parser, and where. */
export interface TokenProblem {
  readonly offset: number
  readonly finding: Omit<Finding, "path">
}

/** Marks of the lexer's own, which stand for no text. */
const isMark = (type: string | null): boolean => type === "doc-mode" || type === "flow-error-end" || type === "scalar"

const isBlockIndicator = (type: string | null): boolean =>
  type === "seq-item-ind" || type === "explicit-key-ind" || type === "map-value-ind"

const lineFeeds = (text: string): number => {
  let count = 0
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++
  return count
}

/** How deep the tokens so far are nested: open brackets, and indicators and indentation of the line. */
class Depth {
  #flow = 0
  #indicators = 0
  #indent = 0
  #isLineStart = true

  get isTooDeep(): boolean {
    return this.#flow + this.#indicators > maximumDepth || this.#indent > maximumIndent
  }

  take(type: string | null, length: number): void {
    if (type === "newline") {
      this.#indicators = 0
      this.#indent = 0
      this.#isLineStart = true
    } else if (type === "space") {
      if (this.#isLineStart && this.#flow === 0) this.#indent = length
    } else if (type !== "comment" && !isMark(type)) {
      this.#isLineStart = false
      if (type === "flow-map-start" || type === "flow-seq-start") this.#flow++
      else if (type === "flow-map-end" || type === "flow-seq-end") this.#flow = Math.max(0, this.#flow - 1)
      else if (this.#flow === 0 && isBlockIndicator(type)) this.#indicators++
    }
  }
}

const escape = /\\(?:[0abt\tnvfre "/\\NLP_\n]|\r\n|x[0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|U[0-9A-Fa-f]{8})|(\\)/g

/** The escapes of a quoted text, and how many nobody can read; not more than matter are looked at. */
const escapesOf = (text: string): { readonly all: number; readonly invalid: number } => {
  let all = 0
  let invalid = 0
  for (const [, unreadable] of text.matchAll(escape)) {
    all++
    if (unreadable !== undefined) invalid++
    if (all > maximumTokens || invalid > maximumInvalidEscapes) break
  }
  return { all, invalid }
}

const tooComplex: Omit<Finding, "path"> = {
  code: "too_complex",
  message: `the manifest has more than ${maximumTokens} tokens`,
  hint: "let patterns stand for long lists, and say long texts and comments in fewer words"
}
const tooDeep: Omit<Finding, "path"> = {
  code: "too_deep",
  message: `the manifest is nested more than ${maximumDepth} deep`,
  hint: "only `skills` and `metadata` may be nested freely: make them flatter"
}
const badEscapes: Omit<Finding, "path"> = {
  code: "yaml_syntax",
  message: `the manifest has more than ${maximumInvalidEscapes} invalid escapes`,
  hint: "in double quotes a backslash is \\\\"
}

/** Where the text has had so many lines that it need not be read, since each takes a token at least. */
const endOfLines = (text: string): number => {
  let at = text.indexOf("\n")
  for (let line = 1; line <= maximumTokens && at >= 0; line++) at = text.indexOf("\n", at + 1)
  return at
}

/** What a token costs, as a number of short ones: every line of a text is as much work, and comments are skipped. */
const effortOf = (type: string | null, token: string): number => {
  if (isMark(type) || type === "space") return 0
  if (type === "newline" || type === "comment") return 1
  return 1 + lineFeeds(token) + Math.floor(token.length / charactersOfAToken)
}

/** The tokens, if they are not too much for the parser. An escape counts as a token too. */
export const read = (text: string): Result.Result<ReadonlyArray<string>, TokenProblem> => {
  const end = endOfLines(text)
  if (end >= 0) return Result.fail({ offset: end, finding: tooComplex })
  const tokens: Array<string> = []
  const depth = new Depth()
  let offset = 0
  let effort = 0
  let invalidEscapes = 0
  let isScalar = false
  const refuse = (finding: Omit<Finding, "path">) => Result.fail({ offset, finding })
  for (const token of new Lexer().lex(text)) {
    // The text of a scalar follows a mark of the lexer's own, and may look like any other token.
    const type: string | null = isScalar ? "scalar-text" : CST.tokenType(token)
    isScalar = type === "scalar"
    effort += effortOf(type, token)
    if (type === "double-quoted-scalar" && effort <= maximumTokens) {
      const { all, invalid } = escapesOf(token)
      effort += all
      invalidEscapes += invalid
    }
    if (invalidEscapes > maximumInvalidEscapes) return refuse(badEscapes)
    if (effort > maximumTokens) return refuse(tooComplex)
    depth.take(type, token.length)
    if (depth.isTooDeep) return refuse(tooDeep)
    tokens.push(token)
    if (!isMark(type)) offset += token.length
  }
  return Result.succeed(tokens)
}
