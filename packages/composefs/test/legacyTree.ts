/** Arbitrary trees of everything that the legacy layout can hold. */
import { Node, Tree } from "@lamina/composefs"
import type * as fc from "fast-check"
import { anyTree } from "./anyTree.ts"

const fit = (node: Node.Node): Node.Node => {
  switch (node._tag) {
    case "Directory":
      return fitDirectory(node)
    case "InlineFile":
      return { ...node, content: node.content.subarray(0, 512 - (node.content.length % 3)) }
    case "Symlink":
      return { ...node, target: "t".repeat(1 + (node.target.length % 1024)) }
    case "ExternalFile":
      return { ...node, size: Math.min(node.size, 2 ** 43), payload: payloadOf(node) }
    case "HardLink":
      return node
    default:
      return { ...node, size: 0, nlink: Node.isWhiteout(node) ? 1 : node.nlink }
  }
}

/** That of the digest; without one, none or the path of any object. */
const payloadOf = ({ digest, size }: Node.ExternalFile): string | undefined =>
  digest !== undefined
    ? Node.objectPath(digest)
    : size % 2 === 0
    ? undefined
    : Node.objectPath("5a".repeat(32))

const fitDirectory = (directory: Node.Directory): Node.Directory => ({
  ...directory,
  entries: new Map(Array.from(directory.entries, ([name, node]) => [name, fit(node)]))
})

export const legacyTree: fc.Arbitrary<Tree.Tree> = anyTree({ linkedWhiteouts: false }).map(({ root }) => ({
  root: fitDirectory(root)
}))

/** What the layout keeps of a tree: whole seconds, and of link counts only what the names say. */
export const asLegacy = (tree: Tree.Tree): Tree.Tree =>
  Tree.mapMetadata(tree, (metadata) => ({ ...metadata, mtime: { ...metadata.mtime, nanoseconds: 0 } }))
