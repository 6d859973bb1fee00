// One component against one name: no backtracking beyond the last star, so at most |tokens| * |name| steps, of which
// tokens at most 255 are not stars.
import type { Component, Token } from "./GlobSyntax.ts"

const codePointAt = (name: string, index: number): number => name.codePointAt(index) ?? 0
const widthOf = (codePoint: number): number => codePoint > 0xffff ? 2 : 1

/** Whether a token that stands for exactly one character stands for this one. */
export const accepts = (token: Token, codePoint: number): boolean => {
  switch (token._tag) {
    case "Character":
      return token.codePoint === codePoint
    case "Class":
      return token.ranges.some(([low, high]) => low <= codePoint && codePoint <= high) !== token.negated
    case "Any":
    case "Star":
      return true
  }
}

const matchTokens = (tokens: ReadonlyArray<Token>, name: string): boolean => {
  let token = 0
  let index = 0
  let lastStar = -1
  let starTakesUpTo = 0
  while (index < name.length) {
    const current = tokens[token]
    const codePoint = codePointAt(name, index)
    if (current?._tag === "Star") {
      lastStar = token++
      starTakesUpTo = index
    } else if (current !== undefined && accepts(current, codePoint)) {
      token++
      index += widthOf(codePoint)
    } else if (lastStar >= 0) {
      starTakesUpTo += widthOf(codePointAt(name, starTakesUpTo))
      index = starTakesUpTo
      token = lastStar + 1
    } else {
      return false
    }
  }
  while (tokens[token]?._tag === "Star") token++
  return token === tokens.length
}

const textOf = (tokens: ReadonlyArray<Token>): string =>
  tokens.map((token) => token._tag === "Character" ? String.fromCodePoint(token.codePoint) : "").join("")

/** The longest name that a file system can hold. */
export const maximumNameBytes = 255

/** Whether any name is long enough: every token but a star stands for a character. */
export const canMatch = (tokens: ReadonlyArray<Token>): boolean =>
  tokens.reduce((count, token) => token._tag === "Star" ? count : count + 1, 0) <= maximumNameBytes

const compile = (component: Component): (name: string) => boolean => {
  switch (component._tag) {
    case "Globstar":
      return () => true
    case "Literal":
      return (name) => name === component.text
    case "Wildcard": {
      const { tokens } = component
      if (!canMatch(tokens)) return () => false
      const star = tokens.findIndex((token) => token._tag === "Star")
      const others = [...tokens.slice(0, star), ...tokens.slice(star + 1)]
      if (star < 0 || others.some((token) => token._tag !== "Character")) return (name) => matchTokens(tokens, name)
      const prefix = textOf(tokens.slice(0, star))
      const suffix = textOf(tokens.slice(star + 1))
      if (prefix === "" && suffix === "") return () => true
      const least = prefix.length + suffix.length
      return (name) => name.length >= least && name.startsWith(prefix) && name.endsWith(suffix)
    }
  }
}

const compiled = new WeakMap<Component, (name: string) => boolean>()

/** A predicate for the names that a component stands for; the common forms `*`, `a*`, `*a` and `a*b` need no loop. */
export const matcher = (component: Component): (name: string) => boolean => {
  const known = compiled.get(component)
  if (known !== undefined) return known
  const made = compile(component)
  compiled.set(component, made)
  return made
}
