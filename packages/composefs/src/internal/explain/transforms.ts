/**
 * What tools do to a tree before they write it. A transformation that changes nothing gives back the same nodes, so that
 * it is known to be without effect; undefined means that it cannot be done to this tree.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as FsVerity from "../../FsVerity.ts"
import * as Node from "../../Node.ts"
import * as Tree from "../../Tree.ts"
import { type LinkGroup, LinkGroups } from "../diff/linkGroups.ts"
import type { Combination, TreeDimension } from "./combination.ts"
import type { KnownContents } from "./contents.ts"

/** What transformations know besides the tree. */
export interface Context {
  readonly sourceDateEpoch: Node.Timestamp | undefined
  readonly contents: KnownContents
  /** How contents are hashed where the tree does not tell. */
  readonly algorithm: FsVerity.Algorithm
}

export const transform = (
  tree: Tree.Tree,
  dimension: TreeDimension,
  value: Combination[TreeDimension],
  context: Context
): Tree.Tree | undefined => {
  switch (value) {
    case "none":
      return filterXattrs(tree, () => false)
    case "user":
      return filterXattrs(tree, isUser)
    case "security.capability":
      return filterXattrs(tree, isCapability)
    case "security.capability and user":
      return filterXattrs(tree, (name) => isCapability(name) || isUser(name))
    case "without security.selinux":
      return filterXattrs(tree, (name) => name !== "security.selinux")
    case "without trusted":
      return filterXattrs(tree, (name) => !name.startsWith("trusted."))
    case "without overlay":
      return filterXattrs(tree, (name) => !/^(?:trusted|user)\.overlay\./.test(name))
    case "epoch":
      return dimension === "directoryMtimes"
        ? mapInodes(tree, (node) => node._tag === "Directory" ? withMtime(node, Node.epoch) : node)
        : mapInodes(tree, (node) => withMtime(node, Node.epoch))
    case "epoch unless whole seconds":
      return mapInodes(
        tree,
        (node) => node._tag === "Directory" && node.mtime.nanoseconds !== 0 ? withMtime(node, Node.epoch) : node
      )
    case "newest below":
      return mapInodes(tree, (node) => node._tag === "Directory" ? withNewestBelow(node) : node)
    case "whole seconds":
      return mapInodes(tree, (node) => withMtime(node, { seconds: node.mtime.seconds, nanoseconds: 0 }))
    case "SOURCE_DATE_EPOCH":
      return withSourceDateEpoch(tree, context, () => true)
    case "at most SOURCE_DATE_EPOCH":
      return withSourceDateEpoch(tree, context, (mtime, epoch) => Node.compareTimestamps(mtime, epoch) > 0)
    case "separate":
      return separate(tree)
    case "uncounted":
      return mapInodes(tree, (node) => withLinkCount(node, 1))
    case "counted":
      return Result.getOrUndefined(Tree.withLinkCounts(tree))
    case "first name":
      return withFirstNames(tree)
    case "of /usr":
      return withRootOfUsr(tree)
    case "default":
      return { root: Node.directory(tree.root.entries) }
    case "/run":
      return emptied(tree, ["/run"])
    case "/boot and /sysroot":
      return emptied(tree, ["/boot", "/sysroot"])
    case "/run, /boot and /sysroot":
      return emptied(tree, ["/run", "/boot", "/sysroot"])
    case "/run, /boot and /sysroot, own nanoseconds":
      return emptied(tree, ["/run", "/boot", "/sysroot"], ["/boot", "/sysroot"])
    case "root":
      return mapInodes(tree, (node) => node.uid === 0 && node.gid === 0 ? node : { ...node, uid: 0, gid: 0 })
    case "skipped":
      return without(tree, (_, node) => node._tag === "CharacterDevice" || node._tag === "BlockDevice")
    case "sha256":
    case "sha512":
      return withObjects(tree, value, context)
    case "0":
    case "64":
    case "512":
      return withInlineLimit(tree, Number(value), context)
    case "as is":
    case "all":
    case "nothing":
    case "kept":
      return tree
  }
}

const isUser = (name: string): boolean => name.startsWith("user.")
const isCapability = (name: string): boolean => name === "security.capability"

/** Changes inodes from the leaves up, and keeps what does not change. */
const mapInodes = (tree: Tree.Tree, change: (node: Node.Inode) => Node.Inode): Tree.Tree => {
  const mapNode = (node: Node.Node): Node.Node => {
    switch (node._tag) {
      case "HardLink":
        return node
      case "Directory":
        return change(mapDirectory(node))
      default:
        return change(node)
    }
  }
  const mapDirectory = (directory: Node.Directory): Node.Directory => {
    let entries: Map<string, Node.Node> | undefined
    for (const [name, node] of directory.entries) {
      const mapped = mapNode(node)
      if (mapped !== node) (entries ??= new Map(directory.entries)).set(name, mapped)
    }
    return entries === undefined ? directory : { ...directory, entries }
  }
  const root = mapNode(tree.root)
  return root === tree.root || root._tag !== "Directory" ? tree : { root }
}

const withMtime = <N extends Node.Inode>(node: N, mtime: Node.Timestamp): N =>
  Node.compareTimestamps(node.mtime, mtime) === 0 ? node : { ...node, mtime }

const withLinkCount = (node: Node.Inode, nlink: number): Node.Inode =>
  node._tag === "Directory" || node.nlink === nlink ? node : { ...node, nlink }

const filterXattrs = (tree: Tree.Tree, keeps: (name: string) => boolean): Tree.Tree => {
  // Trees share attribute maps between nodes, and writing is faster if they keep doing so.
  const filtered = new Map<Node.Metadata["xattrs"], Node.Metadata["xattrs"]>()
  const filter = (xattrs: Node.Metadata["xattrs"]): Node.Metadata["xattrs"] => {
    let kept = filtered.get(xattrs)
    if (kept === undefined) {
      const entries = Array.from(xattrs).filter(([name]) => keeps(name))
      filtered.set(xattrs, kept = entries.length === xattrs.size ? xattrs : new Map(entries))
    }
    return kept
  }
  return mapInodes(tree, (node) => {
    const xattrs = node.xattrs.size === 0 ? node.xattrs : filter(node.xattrs)
    return xattrs === node.xattrs ? node : { ...node, xattrs }
  })
}

const withNewestBelow = (directory: Node.Directory): Node.Directory => {
  let newest: Node.Timestamp | undefined
  for (const node of directory.entries.values()) {
    if (node._tag === "HardLink") continue
    if (newest === undefined || Node.compareTimestamps(node.mtime, newest) > 0) newest = node.mtime
  }
  return newest === undefined ? directory : withMtime(directory, newest)
}

const withSourceDateEpoch = (
  tree: Tree.Tree,
  { sourceDateEpoch }: Context,
  changes: (mtime: Node.Timestamp, epoch: Node.Timestamp) => boolean
): Tree.Tree | undefined =>
  sourceDateEpoch &&
  mapInodes(tree, (node) => changes(node.mtime, sourceDateEpoch) ? withMtime(node, sourceDateEpoch) : node)

/** As a scan that knows no hard links sees it: each name is a file, and each file has one name. */
const separate = (tree: Tree.Tree): Tree.Tree | undefined => {
  const groups = new LinkGroups(tree.root)
  return rebuild(tree, (path, node) => {
    const inode = groups.inodeAt(path, node)
    return inode === undefined || inode._tag === "Directory" ? node : withLinkCount(inode, 1)
  })
}

/** Gives every inode to the first of its names, in the order of {@link Tree.walk}, and counts its names. */
const withFirstNames = (tree: Tree.Tree): Tree.Tree | undefined => {
  const groups = new LinkGroups(tree.root)
  const firstNames = new Map<LinkGroup, string>()
  const moved = rebuild(tree, (path, node) => {
    const group = groups.groupAt(path)
    if (group === undefined || group.node._tag === "Directory") return node
    const first = firstNames.get(group)
    if (first !== undefined) return Node.hardLink(first)
    firstNames.set(group, path)
    return group.node
  })
  return moved && Result.getOrUndefined(Tree.withLinkCounts(moved))
}

const withRootOfUsr = (tree: Tree.Tree): Tree.Tree | undefined => {
  const usr = tree.root.entries.get("usr")
  return usr?._tag === "Directory" ? { root: { ...usr, entries: tree.root.entries } } : undefined
}

/** Empties top-level directories and gives them the time of /usr, as composefs-rs does; once, only its seconds. */
const emptied = (
  tree: Tree.Tree,
  paths: ReadonlyArray<string>,
  keepingNanoseconds: ReadonlyArray<string> = []
): Tree.Tree | undefined => {
  const present = paths.filter((path) => Option.exists(Tree.find(tree, path), (node) => node._tag === "Directory"))
  if (present.length === 0) return undefined
  const usr = tree.root.entries.get("usr")
  const bare = without(tree, (path) => present.some((directory) => path.startsWith(`${directory}/`)))
  if (bare === undefined || usr?._tag !== "Directory") return bare
  const entries = new Map(bare.root.entries)
  for (const path of present) {
    const directory = entries.get(path.slice(1))
    if (directory?._tag !== "Directory") continue
    const { nanoseconds } = keepingNanoseconds.includes(path) ? directory.mtime : usr.mtime
    entries.set(path.slice(1), withMtime(directory, { seconds: usr.mtime.seconds, nanoseconds }))
  }
  return { root: { ...bare.root, entries } }
}

/** Removes names, those in a directory before it. An inode that loses some of its names stands at the first left. */
const without = (
  tree: Tree.Tree,
  isRemoved: (path: string, node: Node.Inode) => boolean
): Tree.Tree | undefined => {
  const groups = new LinkGroups(tree.root)
  const firstNames = new Map<LinkGroup, string>()
  const counts = new Map<LinkGroup, number>()
  const namesLeft = (group: LinkGroup): number => {
    let count = counts.get(group)
    if (count === undefined) {
      counts.set(group, count = group.names.filter((name) => !isRemoved(name, group.node)).length)
    }
    return count
  }
  return rebuild(tree, (path, node) => {
    const inode = groups.inodeAt(path, node)
    if (inode === undefined || isRemoved(path, inode)) return undefined
    const group = groups.groupAt(path)
    if (group === undefined || node._tag === "Directory") return node
    const count = namesLeft(group)
    if (count === group.names.length) return node
    const first = firstNames.get(group)
    if (first !== undefined) return Node.hardLink(first)
    firstNames.set(group, path)
    return withLinkCount(group.node, count)
  })
}

/** Builds the tree anew from what becomes of each entry. */
const rebuild = (
  tree: Tree.Tree,
  change: (path: string, node: Node.Node) => Node.Node | undefined
): Tree.Tree | undefined => {
  const changed = function*(): Generator<Tree.Entry> {
    for (const { node, path } of Tree.walk(tree)) {
      const result = change(path, node)
      if (result === undefined) continue
      yield { path, node: result._tag === "Directory" ? { ...result, entries: new Map() } : result }
    }
  }
  return Result.getOrUndefined(Tree.fromEntries(changed()))
}

const withObjects = (
  tree: Tree.Tree,
  algorithm: FsVerity.Algorithm,
  { contents }: Context
): Tree.Tree | undefined => {
  let isComplete = true
  const changed = mapInodes(tree, (node) => {
    if (node._tag !== "ExternalFile") return node
    if (node.digest === undefined || algorithmOf(node.digest) === algorithm) return node
    const digest = contents.otherDigests.get(node.digest)
    isComplete &&= digest !== undefined
    return digest === undefined ? node : withDigest(node, digest)
  })
  return isComplete ? changed : undefined
}

const algorithmOf = (digest: string): FsVerity.Algorithm => digest.length === 128 ? "sha512" : "sha256"

/** Another digest; the payload follows if it followed before. */
const withDigest = (file: Node.ExternalFile, digest: string): Node.ExternalFile => ({
  ...file,
  digest,
  payload: file.digest !== undefined && file.payload === Node.objectPath(file.digest)
    ? Node.objectPath(digest)
    : file.payload
})

const withInlineLimit = (tree: Tree.Tree, limit: number, context: Context): Tree.Tree | undefined => {
  const algorithm = algorithmIn(tree) ?? context.algorithm
  const using = algorithm === "sha512" ? FsVerity.sha512 : FsVerity.sha256
  let isComplete = true
  const changed = mapInodes(tree, (node) => {
    if (node._tag === "InlineFile" && node.content.length > limit) {
      return Node.externalFile({ size: node.content.length, digest: FsVerity.digest(node.content, using) }, node)
    }
    if (node._tag !== "ExternalFile" || node.size > limit) return node
    const content = context.contents.small.get(node.digest ?? "")
    isComplete &&= content !== undefined
    return content === undefined ? node : Node.inlineFile(content, node)
  })
  return isComplete ? changed : undefined
}

/** The hash by which the tree's contents are known. */
const algorithmIn = (tree: Tree.Tree): FsVerity.Algorithm | undefined => {
  for (const { node } of Tree.externalFiles(tree)) if (node.digest !== undefined) return algorithmOf(node.digest)
  return undefined
}
