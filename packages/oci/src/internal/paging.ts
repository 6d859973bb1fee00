/** Pages of names, for registries that hold all of them. */
import type { Page, PageOptions } from "../Registry.ts"

/** How many names a page holds when nobody says. */
export const defaultLimit = 1000

/** The page of sorted names after `last`. A limit of 0 is an empty page without a next one (distribution-spec). */
export const page = (names: Iterable<string>, options: PageOptions | undefined): Page => {
  const limit = Math.max(0, options?.limit ?? defaultLimit)
  const last = options?.last
  const following = [...new Set(names)].sort(ascending).filter((name) => last === undefined || name > last)
  const taken = following.slice(0, limit)
  const next = taken.at(-1)
  return next !== undefined && following.length > limit ? { names: taken, next } : { names: taken }
}

/** ASCII order, not that of a locale. */
export const ascending = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
