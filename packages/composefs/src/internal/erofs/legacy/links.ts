/** Which names of a tree are names of one inode, and how many each has. */
import * as Result from "effect/Result"
import type * as Node from "../../../Node.ts"
import type { Tree } from "../../../Tree.ts"
import { hardLinks, resolverOf } from "../../links.ts"
import type { Unwritable } from "../nodeProblem.ts"

/** An inode and the path at which the tree has it. */
interface LinkTarget {
  readonly path: string
  readonly node: Exclude<Node.Inode, Node.Directory>
}

export interface Links {
  /** Where each hard link leads. */
  readonly targets: ReadonlyMap<Node.HardLink, LinkTarget>
  /** How many names an inode has, by the path at which the tree has it; only if there is more than one. */
  readonly counts: ReadonlyMap<string, number>
}

/** Follows every hard link of a tree. */
export const linksOf = (tree: Tree): Result.Result<Links, Unwritable> => {
  const resolver = resolverOf(tree.root)
  const targets = new Map<Node.HardLink, LinkTarget>()
  const counts = new Map<string, number>()
  for (const [path, link] of hardLinks(tree.root)) {
    const found = resolver.resolve(link.target)
    if (found._tag === "Loop") return Result.fail({ path, problem: "its hard links form a loop" })
    if (found._tag === "Missing") {
      return Result.fail({ path, problem: `the hard link's target ${link.target} is missing` })
    }
    if (found.node._tag === "Directory") {
      return Result.fail({ path, problem: `the hard link's target ${link.target} is a directory` })
    }
    targets.set(link, { path: found.path, node: found.node })
    counts.set(found.path, (counts.get(found.path) ?? 1) + 1)
  }
  return Result.succeed({ targets, counts })
}
