// Relations between the sets of paths that two patterns cover. A pattern covers what it names and everything below,
// so one that ends early covers more, and a trailing `**` is as good as a trailing `*`.
import type { Alternative, Component, Token } from "./GlobSyntax.ts"
import { accepts, matcher } from "./NameMatching.ts"

const anything: Component = { _tag: "Wildcard", tokens: [{ _tag: "Star" }] }
const globstar: Component = { _tag: "Globstar" }

const isAnything = (component: Component | undefined): boolean =>
  component?._tag === "Wildcard" && component.tokens.length === 1 && component.tokens[0]?._tag === "Star"

/** The components of which some path that is covered has all; a directory-only pattern needs a name below it. */
const narrowest = ({ components }: Alternative): ReadonlyArray<Component> =>
  components.at(-1)?._tag === "Globstar" ? [...components.slice(0, -1), anything] : components

/** The same paths, said so that the end can take in a `**` of another pattern. */
const widest = (alternative: Alternative, isStrictlyBelow: boolean): ReadonlyArray<Component> => {
  const { components } = alternative
  const last = components.at(-1)
  if (isStrictlyBelow) return [...narrowest(alternative), globstar, anything]
  if (isAnything(last)) return [...components.slice(0, -1), globstar, anything]
  return last?._tag === "Globstar" ? [...components, anything] : components
}

const tokensOf = (component: Component): ReadonlyArray<Token> => {
  switch (component._tag) {
    case "Literal":
      return Array.from(
        component.text,
        (character) => ({ _tag: "Character", codePoint: character.codePointAt(0) ?? 0 })
      )
    case "Wildcard":
      return component.tokens
    case "Globstar":
      return [{ _tag: "Star" }]
  }
}

// Every class is made of ASCII characters, so one non-ASCII character stands for all of them.
const sampleCodePoints = Array.from({ length: 129 }, (_, codePoint) => codePoint).filter((point) => point !== 47)

const isSubset = (outer: Token, inner: Token): boolean => {
  if (outer._tag === "Any") return true
  if (inner._tag === "Character") return accepts(outer, inner.codePoint)
  if (inner._tag === "Any" || outer._tag === "Character") return false
  return sampleCodePoints.every((point) => !accepts(inner, point) || accepts(outer, point))
}

const haveCommon = (left: Token, right: Token): boolean => {
  if (left._tag === "Any" || right._tag === "Any") return true
  if (left._tag === "Character") return accepts(right, left.codePoint)
  if (right._tag === "Character") return accepts(left, right.codePoint)
  return sampleCodePoints.some((point) => accepts(left, point) && accepts(right, point))
}

/**
 * Walks an automaton whose states are the gaps of `outer` over the symbols of `inner`: a repeating symbol of `inner` is
 * taken only by a repeating symbol of `outer`. Sound: `true` means inclusion; a few true inclusions are missed.
 */
const includes = <A>(
  outer: ReadonlyArray<A>,
  inner: ReadonlyArray<A>,
  relation: {
    readonly repeats: (symbol: A) => boolean
    readonly includes: (outer: A, inner: A) => boolean
    readonly endCoversRest: boolean
  }
): boolean => {
  const closure = (states: Set<number>): Set<number> => {
    for (const state of states) {
      const symbol = outer[state]
      if (symbol !== undefined && relation.repeats(symbol)) states.add(state + 1)
    }
    return states
  }
  let states = closure(new Set([0]))
  for (const symbol of inner) {
    if (relation.endCoversRest && states.has(outer.length)) return true
    const next = new Set<number>()
    for (const state of states) {
      const own = outer[state]
      if (own === undefined) continue
      if (relation.repeats(own)) next.add(state)
      else if (!relation.repeats(symbol) && relation.includes(own, symbol)) next.add(state + 1)
    }
    if (next.size === 0) return false
    states = closure(next)
  }
  return states.has(outer.length)
}

/** Whether some word belongs to both. `endCoversRest`: a side which has ended takes whatever the other still says. */
const overlap = <A>(
  left: ReadonlyArray<A>,
  right: ReadonlyArray<A>,
  relation: {
    readonly repeats: (symbol: A) => boolean
    readonly common: (left: A, right: A) => boolean
    readonly endCoversRest: boolean
  }
): boolean => {
  const width = right.length + 1
  const seen = new Set<number>()
  const pending = [0]
  for (let state = pending.pop(); state !== undefined; state = pending.pop()) {
    if (seen.has(state)) continue
    seen.add(state)
    const i = Math.floor(state / width)
    const j = state % width
    const a = left[i]
    const b = right[j]
    if (a === undefined && b === undefined) return true
    if (relation.endCoversRest && (a === undefined || b === undefined)) return true
    const aRepeats = a !== undefined && relation.repeats(a)
    const bRepeats = b !== undefined && relation.repeats(b)
    if (aRepeats) pending.push(state + width)
    if (bRepeats) pending.push(state + 1)
    if (a === undefined || b === undefined) continue
    if (aRepeats && !bRepeats) pending.push(state + 1)
    else if (bRepeats && !aRepeats) pending.push(state + width)
    else if (!aRepeats && relation.common(a, b)) pending.push(state + width + 1)
  }
  return false
}

const isStar = (token: Token): boolean => token._tag === "Star"
const isGlobstar = (component: Component): boolean => component._tag === "Globstar"

const includesNames = (outer: Component, inner: Component): boolean =>
  inner._tag === "Literal"
    ? matcher(outer)(inner.text)
    : includes(tokensOf(outer), tokensOf(inner), { repeats: isStar, includes: isSubset, endCoversRest: false })

const haveCommonNames = (left: Component, right: Component): boolean => {
  if (left._tag === "Literal") return matcher(right)(left.text)
  if (right._tag === "Literal") return matcher(left)(right.text)
  return overlap(tokensOf(left), tokensOf(right), { repeats: isStar, common: haveCommon, endCoversRest: false })
}

/**
 * Whether `outer` certainly covers every path that `inner` covers. A directory-only pattern covers no file of its own
 * name, only what lies strictly below.
 */
export const contains = (outer: Alternative, inner: Alternative): boolean =>
  includes(widest(outer, outer.directoryOnly && !inner.directoryOnly), narrowest(inner), {
    repeats: isGlobstar,
    includes: includesNames,
    endCoversRest: true
  })

/** Whether some path is covered by both. */
export const overlaps = (left: Alternative, right: Alternative): boolean =>
  overlap(narrowest(left), narrowest(right), { repeats: isGlobstar, common: haveCommonNames, endCoversRest: true })
