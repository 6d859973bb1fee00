// How narrowly a pattern names what it covers, as a list of ranks from the root down, compared as words in a
// dictionary: a literal name before a wildcard with more fixed characters, before `*`, before `**`, before nothing more.
import type { Alternative, Component } from "./GlobSyntax.ts"

export type Specificity = ReadonlyArray<number>

const literalRank = 1_000_000
const fixedLengthRank = 500_000

const isAnything = (component: Component): boolean =>
  component._tag === "Globstar" ||
  (component._tag === "Wildcard" && component.tokens.length === 1 && component.tokens[0]?._tag === "Star")

const rankOf = (component: Component): number => {
  switch (component._tag) {
    case "Literal":
      return literalRank
    case "Wildcard": {
      const characters = component.tokens.filter((token) => token._tag === "Character").length
      const hasStar = component.tokens.some((token) => token._tag === "Star")
      return 1 + characters + (hasStar ? 0 : fixedLengthRank)
    }
    case "Globstar":
      return 0
  }
}

/** A trailing `*` or `**` says no more than the directory before it, whose contents are covered anyway. */
export const ofAlternative = (alternative: Alternative): Specificity => {
  const { components } = alternative
  const last = components.at(-1)
  const significant = last !== undefined && components.length > 1 && isAnything(last)
    ? components.slice(0, -1)
    : components
  return significant.map(rankOf)
}

/** The specificity of a pattern; of one with braces, that of its most specific alternative. */
export const ofGlob = (glob: { readonly alternatives: ReadonlyArray<Alternative> }): Specificity =>
  glob.alternatives.map(ofAlternative).reduce<Specificity>((best, next) => compare(next, best) > 0 ? next : best, [])

/** Positive when `left` is the more specific one, zero when they are equal. */
export const compare = (left: Specificity, right: Specificity): number => {
  const shared = Math.min(left.length, right.length)
  for (let index = 0; index < shared; index++) {
    const difference = (left[index] ?? 0) - (right[index] ?? 0)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}
