// The expressions of a manifest that say whom to trust: RE2, anchored, and small enough to be compiled in no time.
import * as Result from "effect/Result"
import { RE2JS } from "re2js"
import type { Finding, Path } from "./IssueSink.ts"

const unicodeClassSize = 80
const foldedRangeSize = 1000
const maximumSize = 2000

const countedRepetition = /\{([0-9]{1,4})(?:,([0-9]{0,4}))?\}/y
const characterClass = /\[\^?\]?(?:\\[\s\S]|\[:\^?[a-z]+:\]|[^\]\\])*\]?/y

// A count after one of these repeats what stands before it.
const flagsOrEmptyQuotation = /\(\?[A-Za-z-]*\)|\\Q\\E/y
const escape = /\\(?:[pPx]\{[^}]*\}|[\s\S]?)/y

const countOf = (pattern: RegExp, text: string): number => text.match(pattern)?.length ?? 0

/** Tables are made once, however often they are repeated. To ignore the case of a range, all its characters are looked up. */
const tablesSize = (text: string): number => {
  const foldedRanges = /\(\?[A-Za-z]*i/.test(text) ? countOf(/-(?:\\[x0-7]|[^\0-\x7f])/g, text) : 0
  return unicodeClassSize * countOf(/\\[pP]/g, text) + foldedRangeSize * foldedRanges
}

/**
 * About how many steps an expression is compiled to, without compiling it: RE2 writes a counted repetition out, and
 * classes of Unicode are tables.
 */
const sizeOf = (text: string): number => {
  const outer: Array<number> = []
  let size = tablesSize(text)
  let atom = 0
  let index = 0
  const take = (next: number, width: number): void => {
    size += next
    atom = next
    index += width
  }
  while (index < text.length && size <= maximumSize) {
    const character = text[index]
    countedRepetition.lastIndex = index
    const repetition = character === "{" ? countedRepetition.exec(text) : null
    flagsOrEmptyQuotation.lastIndex = index
    const nothing = flagsOrEmptyQuotation.exec(text)
    if (nothing !== null) {
      index += nothing[0].length
    } else if (repetition !== null) {
      const repeated = atom * Math.max(1, Number(repetition[1]), Number(repetition[2] ?? 0))
      take(repeated - atom, repetition[0].length)
      atom = repeated
    } else if (character === "[") {
      characterClass.lastIndex = index
      const [written = "["] = characterClass.exec(text) ?? []
      take(1, written.length)
    } else if (text.startsWith("\\Q", index)) {
      const end = text.indexOf("\\E", index)
      const width = (end < 0 ? text.length : end + 2) - index
      take(width, width)
      atom = 1
    } else if (character === "\\") {
      escape.lastIndex = index
      const [written = "\\"] = escape.exec(text) ?? []
      take(1, written.length)
    } else if (character === "(") {
      outer.push(size)
      size = 0
      index++
    } else if (character === ")" && outer.length > 0) {
      const inside = size + 1
      size = outer.pop() ?? 0
      take(inside, 1)
    } else if (character === "*" || character === "+" || character === "?") {
      size++
      atom++
      index++
    } else {
      take(1, 1)
    }
  }
  return outer.reduce((sum, before) => sum + before, size)
}

const compileProblem = (text: string): string | undefined => {
  const compiled = Result.try(() => RE2JS.compile(text))
  if (Result.isSuccess(compiled)) return undefined
  const { failure } = compiled
  return failure instanceof Error ? failure.message.replace(/^error parsing regexp: /, "") : "it cannot be compiled"
}

const isAnchored = (text: string): boolean => /^(?:\^|\\A)/.test(text) && /(?:(?<!\\)(?:\\\\)*\$|\\z)$/.test(text)

export const regexpFindings = (text: string | undefined, path: Path): ReadonlyArray<Finding> => {
  if (text === undefined || text.trim() === "") return []
  if (sizeOf(text) > maximumSize) {
    const message = `the expression stands for more than ${maximumSize} steps`
    return [{ code: "too_complex", path, message, hint: "write * or + for long counted repetitions" }]
  }
  const problem = compileProblem(text)
  if (problem !== undefined) return [{ code: "invalid_regexp", path, message: `not an RE2 expression: ${problem}` }]
  if (isAnchored(text)) return []
  const message = "the expression is not anchored at both ends; it will be read as if it were"
  return [{ code: "unanchored_regexp", path, message, hint: `write ^${text.replace(/^\^/, "").replace(/\$$/, "")}$` }]
}
