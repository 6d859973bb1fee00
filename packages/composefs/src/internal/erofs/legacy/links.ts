/** Which names of a tree are names of one inode, and how many each has. */
import * as Result from "effect/Result"
import type * as Node from "../../../Node.ts"
import type { Tree } from "../../../Tree.ts"
import { findNode, LinkResolver } from "../../links.ts"
import { join } from "../../paths.ts"
import type { Unwritable } from "../nodeProblem.ts"

/** An inode and the path at which the tree has it. */
interface LinkTarget {
  readonly path: string
  readonly node: Exclude<Node.Inode, Node.Directory>
}

export interface Links {
  /** By path of the hard link. */
  readonly byPath: ReadonlyMap<string, LinkTarget>
  /** How many names an inode has, by the path at which the tree has it; only if there is more than one. */
  readonly counts: ReadonlyMap<string, number>
}

/** Follows every hard link of a tree. */
export const linksOf = (tree: Tree): Result.Result<Links, Unwritable> => {
  const resolver = new LinkResolver((path) => findNode(tree.root, path))
  const byPath = new Map<string, LinkTarget>()
  const counts = new Map<string, number>()
  for (const [path, { target }] of hardLinks(tree)) {
    const found = resolver.resolve(path)
    if (found._tag === "Loop") return Result.fail({ path, problem: "its hard links form a loop" })
    if (found._tag === "Missing") {
      return Result.fail({ path, problem: `the hard link's target ${target} is missing` })
    }
    if (found.node._tag === "Directory") {
      return Result.fail({ path, problem: `the hard link's target ${target} is a directory` })
    }
    byPath.set(path, { path: found.path, node: found.node })
    counts.set(found.path, (counts.get(found.path) ?? 1) + 1)
  }
  return Result.succeed({ byPath, counts })
}

function* hardLinks(tree: Tree): Generator<readonly [path: string, link: Node.HardLink]> {
  const pending: Array<readonly [path: string, directory: Node.Directory]> = [["/", tree.root]]
  for (const [path, directory] of pending) {
    for (const [name, node] of directory.entries) {
      if (node._tag === "HardLink") yield [join(path, name), node]
      if (node._tag === "Directory") pending.push([join(path, name), node])
    }
  }
}
