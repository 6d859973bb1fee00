/** Trees that composefs-rs takes too, and writes in the same way: reference §2.2 and §4.1 say what it does differently. */
import { Node, Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import type * as fc from "fast-check"
import { sample } from "../test/trees.ts"

export const rustTree = (): fc.Arbitrary<Tree.Tree> =>
  sample.map(({ tree }) => {
    const earlier = withBackwardLinks(tree)
    const plain: Tree.Tree = { root: plainDirectory(earlier.root, true) }
    return Result.getOrThrow(Tree.withLinkCounts(plain))
  })

/** A link leads to a line that was there before, and not to another link. */
const withBackwardLinks = (tree: Tree.Tree): Tree.Tree => {
  const seen = new Set<string>()
  const builder: Array<Tree.Entry> = []
  for (const { node, path } of Tree.walk(tree)) {
    if (node._tag === "HardLink" && !seen.has(node.target)) continue
    const isDirectory = node._tag === "Directory"
    builder.push({ path, node: isDirectory ? Node.directory({}, node) : node })
    if (node._tag !== "HardLink") seen.add(path)
  }
  return Result.getOrThrow(Tree.fromEntries(builder))
}

const plainDirectory = (directory: Node.Directory, isRoot: boolean): Node.Directory =>
  Node.directory(
    new Map(
      Array.from(directory.entries)
        // A whiteout in the root that is named like one of the format's own is taken for it.
        .filter(([name, node]) => !isRoot || !Node.isWhiteout(node) || !/^[0-9a-f]{2}$/.test(name))
        .map(([name, node]) => [name, plainNode(node)] as const)
    ),
    plainMetadata(directory)
  )

const plainNode = (node: Node.Node): Node.Node => {
  switch (node._tag) {
    case "HardLink":
      return node
    case "Directory":
      return plainDirectory(node, false)
    case "Symlink":
      return { ...node, ...plainMetadata(node), target: node.target.slice(0, 1024) }
    default:
      return { ...node, ...plainMetadata(node) }
  }
}

/** No times before 1970, and no attributes of Lustre. */
const plainMetadata = (metadata: Node.Metadata) => ({
  mode: metadata.mode,
  uid: metadata.uid,
  gid: metadata.gid,
  mtime: metadata.mtime.seconds < 0n
    ? { ...metadata.mtime, seconds: -metadata.mtime.seconds }
    : metadata.mtime,
  xattrs: new Map(Array.from(metadata.xattrs).filter(([name]) => !name.startsWith("lustre.")))
})
