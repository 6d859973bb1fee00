import * as SemVer from "semver"

/** Newest first. A text that is not a semantic version is older than every one that is. */
export const newestFirst = (left: string, right: string): number => {
  const a = SemVer.parse(left)
  const b = SemVer.parse(right)
  if (a !== null && b !== null) return b.compare(a)
  if (a === null && b === null) return left < right ? 1 : left > right ? -1 : 0
  return a === null ? 1 : -1
}
