/** Between the overlay, where names share inodes, and the immutable tree, where one name has the inode. */
import * as Node from "../../Node.ts"
import type { Tree } from "../../Tree.ts"
import * as ByteString from "../byteString.ts"
import { resolverOf } from "../links.ts"
import { join } from "../paths.ts"
import { type Branch, type Leaf, newBranch } from "./branch.ts"

/**
 * The tree of an overlay. The first of several names, depth first and in byte order, has the inode (composefs-rs
 * chooses the same), the others are hard links to it; link counts are what the tree says.
 */
export const freeze = (root: Branch): Tree => {
  const names = new Map<Leaf, number>()
  countNames(root, names)
  return { root: freezeBranch(root, "/", names, new Map()) }
}

const countNames = (branch: Branch, names: Map<Leaf, number>): void => {
  for (const { child } of branch.entries.values()) {
    if (child._tag === "Branch") countNames(child, names)
    else names.set(child, (names.get(child) ?? 0) + 1)
  }
}

/** Paths have at most 4095 bytes, so this is at most some 2000 calls deep. */
const freezeBranch = (
  branch: Branch,
  path: string,
  names: ReadonlyMap<Leaf, number>,
  firstPaths: Map<Leaf, string>
): Node.Directory => {
  const entries = new Map<string, Node.Node>()
  const sorted = Array.from(branch.entries).sort(([left], [right]) =>
    ByteString.compare(ByteString.fromText(left), ByteString.fromText(right))
  )
  for (const [name, { child }] of sorted) {
    const at = join(path, name)
    entries.set(
      name,
      child._tag === "Branch"
        ? freezeBranch(child, at, names, firstPaths)
        : freezeLeaf(child, at, names.get(child) ?? 1, firstPaths)
    )
  }
  return Node.directory(entries, branch.metadata)
}

const freezeLeaf = (leaf: Leaf, path: string, nlink: number, firstPaths: Map<Leaf, string>): Node.Node => {
  const first = firstPaths.get(leaf)
  if (first !== undefined) return Node.hardLink(first)
  if (nlink > 1) firstPaths.set(leaf, path)
  return leaf.inode.nlink === nlink ? leaf.inode : { ...leaf.inode, nlink }
}

/** The overlay of a tree. A hard link that leads to no file, which only a dump can have, is left out. */
export const thaw = (tree: Tree): Branch => {
  const resolver = resolverOf(tree.root)
  const leaves = new Map<Node.Inode, Leaf>()
  return thawDirectory(tree.root, (node) => {
    if (node._tag !== "HardLink") return leafOf(node, leaves)
    const target = resolver.resolve(node.target)
    return target._tag === "Found" && target.node._tag !== "Directory" ? leafOf(target.node, leaves) : undefined
  })
}

type NotDirectory = Exclude<Node.Node, Node.Directory>

const thawDirectory = (
  directory: Node.Directory,
  leafFor: (node: NotDirectory) => Leaf | undefined
): Branch => {
  const branch = newBranch(metadataOf(directory), 0)
  for (const [name, node] of directory.entries) {
    const child = node._tag === "Directory" ? thawDirectory(node, leafFor) : leafFor(node)
    if (child !== undefined) branch.entries.set(name, { child, layer: 0 })
  }
  return branch
}

const leafOf = (inode: Leaf["inode"], leaves: Map<Node.Inode, Leaf>): Leaf => {
  const known = leaves.get(inode)
  if (known !== undefined) return known
  const leaf: Leaf = { _tag: "Leaf", inode }
  leaves.set(inode, leaf)
  return leaf
}

const metadataOf = ({ gid, mode, mtime, uid, xattrs }: Node.Metadata): Node.Metadata => ({
  mode,
  uid,
  gid,
  mtime,
  xattrs
})
