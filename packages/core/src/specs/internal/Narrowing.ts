import type { Glob } from "../Glob.ts"
import * as Languages from "./Languages.ts"

/** A pattern for each of its brace-free alternatives; `pattern` keeps the text of the whole. */
export const split = (glob: Glob): ReadonlyArray<Glob> =>
  glob.alternatives.length === 1
    ? [glob]
    : glob.alternatives.map((alternative) => ({ pattern: glob.pattern, alternatives: [alternative] }))

const isInside = (inner: Glob, outer: Glob): boolean =>
  inner.alternatives.every((part) => outer.alternatives.some((whole) => Languages.contains(whole, part)))

/**
 * Patterns for what `glob` covers inside `window`: the pattern itself where it lies inside, else those of the window
 * that lie inside the pattern. Never too much; nothing where the two merely cross.
 */
export const narrow = (glob: Glob, window: ReadonlyArray<Glob>): ReadonlyArray<Glob> => {
  if (glob.alternatives.every((part) => window.some((outer) => isInside({ ...glob, alternatives: [part] }, outer)))) {
    return [glob]
  }
  return window.filter((outer) => isInside(outer, glob))
}
