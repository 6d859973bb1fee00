/** Walks two trees side by side, names in byte order. */
import * as Node from "../../Node.ts"
import { sortedEntries, type Tree } from "../../Tree.ts"
import * as ByteString from "../byteString.ts"
import { join } from "../paths.ts"
import type { Aspect, Change, Difference, Options } from "./difference.ts"
import { compareInodes } from "./inodes.ts"
import { type LinkGroup, LinkGroups } from "./linkGroups.ts"

export function* compareTrees(left: Tree, right: Tree, options: Options): Generator<Difference> {
  const comparison = new Comparison(left, right, options)
  const ignored = new Set(options.ignore)
  const pending: Array<Pair> = [{ path: "/", left: left.root, right: right.root }]
  for (let pair = pending.pop(); pair !== undefined; pair = pending.pop()) {
    if (comparison.isSame(pair)) continue
    for (const difference of comparison.compare(pair)) if (!isIgnored(difference, ignored)) yield difference
    const children = pairEntries(pair)
    for (let at = children.length - 1; at >= 0; at--) {
      const child = children[at]
      if (child !== undefined) pending.push(child)
    }
  }
}

/** What both trees have under a path. */
interface Pair {
  readonly path: string
  readonly left: Node.Node | undefined
  readonly right: Node.Node | undefined
}

class Comparison {
  readonly #left: LinkGroups
  readonly #right: LinkGroups
  readonly #names: SharedNames
  readonly #comparesPrimaries: boolean
  /** Pairs of linked inodes that were compared at another of their names. */
  readonly #met = new Map<LinkGroup, Set<LinkGroup>>()

  constructor(left: Tree, right: Tree, options: Options) {
    this.#left = new LinkGroups(left.root)
    this.#right = left.root === right.root ? this.#left : new LinkGroups(right.root)
    this.#names = new SharedNames(this.#left, this.#right)
    this.#comparesPrimaries = options.hardLinks === "primaries"
  }

  /** Shared subtrees need no look, unless a name in them may share its inode with different names. */
  isSame({ left, path, right }: Pair): boolean {
    return left === right && left?._tag === "Directory" &&
      !this.#left.reachesInto(path) && !this.#right.reachesInto(path)
  }

  compare(pair: Pair): ReadonlyArray<Difference> {
    const { path } = pair
    const left = pair.left && this.#left.inodeAt(path, pair.left)
    const right = pair.right && this.#right.inodeAt(path, pair.right)
    if (left !== undefined && right !== undefined) return this.#compareInodes(path, left, right)
    if (left !== undefined) return [{ _tag: "Removed", path, kind: Node.kindOf(left), node: left }]
    if (right !== undefined) return [{ _tag: "Added", path, kind: Node.kindOf(right), node: right }]
    return []
  }

  #compareInodes(path: string, left: Node.Inode, right: Node.Inode): ReadonlyArray<Difference> {
    const leftGroup = this.#left.groupAt(path)
    const rightGroup = this.#right.groupAt(path)
    if (left === right && leftGroup === undefined && rightGroup === undefined) return []
    if (leftGroup !== undefined && rightGroup !== undefined && !this.#isFirst(leftGroup, rightGroup)) return []
    const changes: Array<Change> = []
    compareInodes(path, left, right, changes)
    const at = { _tag: "Changed", path, kind: Node.kindOf(left) } as const
    const leftNames = this.#names.of(path, leftGroup)
    const rightNames = this.#names.of(path, rightGroup)
    if (leftNames.key !== rightNames.key) {
      changes.push({ ...at, field: "links", left: leftNames.names, right: rightNames.names })
    }
    const leftPrimary = leftGroup?.primary ?? path
    const rightPrimary = rightGroup?.primary ?? path
    if (this.#comparesPrimaries && leftPrimary !== rightPrimary) {
      changes.push({ ...at, field: "primary", left: leftPrimary, right: rightPrimary })
    }
    return changes
  }

  /** Whether this pair of inodes is met for the first time: what differs is told once, not for every name. */
  #isFirst(left: LinkGroup, right: LinkGroup): boolean {
    let others = this.#met.get(left)
    if (others === undefined) this.#met.set(left, others = new Set())
    if (others.has(right)) return false
    others.add(right)
    return true
  }
}

interface Names {
  readonly names: ReadonlyArray<string>
  /** Equal exactly for equal names, so that comparing large groups again and again stays cheap. */
  readonly key: string
}

/**
 * The names of linked inodes as far as both trees have them: a name that is missing on one side is told as such, and
 * does not make the links of all others differ.
 */
class SharedNames {
  readonly #left: LinkGroups
  readonly #right: LinkGroups
  readonly #known = new Map<LinkGroup, Names>()

  constructor(left: LinkGroups, right: LinkGroups) {
    this.#left = left
    this.#right = right
  }

  of(path: string, group: LinkGroup | undefined): Names {
    if (group === undefined) return { names: [path], key: path }
    let known = this.#known.get(group)
    if (known === undefined) {
      const names = group.names.filter((name) => this.#left.has(name) && this.#right.has(name))
      this.#known.set(group, known = { names, key: names.join("\0") })
    }
    return known
  }
}

/** The entries of both directories, merged in byte order. Where one is no directory, it has none. */
const pairEntries = ({ left, path, right }: Pair): ReadonlyArray<Pair> => {
  const lefts = left?._tag === "Directory" ? sortedEntries(left) : []
  const rights = right?._tag === "Directory" ? sortedEntries(right) : []
  const pairs: Array<Pair> = []
  let leftAt = 0
  let rightAt = 0
  while (leftAt < lefts.length || rightAt < rights.length) {
    const leftEntry = lefts[leftAt]
    const rightEntry = rights[rightAt]
    const order = compareNames(leftEntry?.[0], rightEntry?.[0])
    const name = order <= 0 ? leftEntry?.[0] : rightEntry?.[0]
    pairs.push({
      path: join(path, name ?? ""),
      left: order <= 0 ? leftEntry?.[1] : undefined,
      right: order >= 0 ? rightEntry?.[1] : undefined
    })
    if (order <= 0) leftAt++
    if (order >= 0) rightAt++
  }
  return pairs
}

/** Byte order; a list that is at its end comes last. */
const compareNames = (left: string | undefined, right: string | undefined): number => {
  if (left === right) return 0
  if (left === undefined) return 1
  if (right === undefined) return -1
  return ByteString.compare(ByteString.fromText(left), ByteString.fromText(right))
}

const isIgnored = (difference: Difference, ignored: ReadonlySet<Aspect>): boolean => {
  if (ignored.size === 0) return false
  switch (difference._tag) {
    case "Added":
      return ignored.has("added")
    case "Removed":
      return ignored.has("removed")
    case "Changed":
      return ignored.has(difference.field) ||
        (difference.field === "xattr" && ignored.has(`xattr:${difference.name}`))
  }
}
