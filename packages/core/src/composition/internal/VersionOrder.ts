import * as SemVer from "semver"

const byText = (left: string, right: string): number => left < right ? -1 : left > right ? 1 : 0

/**
 * Newest first. A text that is not a semantic version is older than every one that is. Build metadata say nothing of age,
 * but of two versions that differ in nothing else one has to be chosen, whatever order they come in.
 */
export const newestFirst = (left: string, right: string): number => {
  const a = SemVer.parse(left)
  const b = SemVer.parse(right)
  if (a !== null && b !== null) return b.compare(a) || b.compareBuild(a) || byText(right, left)
  if (a === null && b === null) return byText(right, left)
  return a === null ? 1 : -1
}
