// Many paths told by few directories.
import type { PathChange } from "../PlanDiff.ts"

/** Paths that change in the same way. `directory` is where all of them lie; a single one is named itself. */
export interface PathGroup {
  readonly sample: PathChange
  readonly directory: string
  readonly count: number
}

const sameWay = ({ causes, from, kind, to }: PathChange): string =>
  JSON.stringify([kind, from?.owner, from?.visible, to?.owner, to?.visible, causes])

/** The first `depth` directories of a path, or all that it has. */
const directoryOf = (path: string, depth: number): string => {
  let end = 0
  for (let taken = 0; taken < depth; taken++) {
    const next = path.indexOf("/", end + 1)
    if (next < 0) break
    end = next
  }
  return path.slice(0, end) || "/"
}

const depthOf = (path: string): number => path.split("/").length - 2

/** The paths by the way in which they change and their directory, in the order in which each group is met first. */
const grouped = (changes: ReadonlyArray<PathChange>, ways: ReadonlyArray<string>, depth: number) => {
  const groups = new Map<string, { sample: PathChange; directory: string; count: number }>()
  for (const [index, change] of changes.entries()) {
    const directory = directoryOf(change.path, depth)
    const key = `${ways[index]}${directory}`
    const known = groups.get(key)
    if (known === undefined) groups.set(key, { sample: change, directory, count: 1 })
    else known.count++
  }
  return [...groups.values()]
}

/**
 * Each path by itself while there are at most `wanted`; else by directories, as deep as still gives at most so many
 * groups. More only where the changes are of more kinds than that.
 */
export const group = (changes: ReadonlyArray<PathChange>, wanted: number): ReadonlyArray<PathGroup> => {
  if (changes.length <= wanted) return changes.map((sample) => ({ sample, directory: sample.path, count: 1 }))
  const ways = changes.map(sameWay)
  const deepest = changes.reduce((depth, { path }) => Math.max(depth, depthOf(path)), 0)
  // Deeper never makes fewer groups, so the depth is searched by halves: a hostile tree may be a thousand deep.
  let depth = 0
  for (let tooDeep = deepest + 1; tooDeep - depth > 1;) {
    const middle = (depth + tooDeep) >> 1
    if (grouped(changes, ways, middle).length > wanted) tooDeep = middle
    else depth = middle
  }
  return grouped(changes, ways, depth)
}
