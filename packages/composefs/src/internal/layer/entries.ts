/**
 * A tree as tar entries, and what of a tree a tar cannot carry. A layer must give back the tree it was made of, or the
 * image rebuilt from it has another digest: what would be lost is refused.
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Node from "../../Node.ts"
import * as Tree from "../../Tree.ts"
import * as ByteString from "../byteString.ts"
import { majorOf, minorOf } from "../deviceNumber.ts"
import { resolverOf } from "../links.ts"
import { baseName, parentOf, pathProblem } from "../paths.ts"
import { typeFlag, whiteoutPrefix } from "../tar/format.ts"
import type { TarEntry } from "../tar/write.ts"

/** What a tree has that a tar has not. */
export interface Unportable {
  readonly path: string
  readonly problem: string
}

export interface LayerEntry {
  readonly path: string
  readonly tar: TarEntry
  readonly content: Node.ExternalFile | Node.InlineFile | undefined
}

/** All entries: inodes in the order of the tree, then hard links, so that each finds its target. */
export const layerEntries = (
  tree: Tree.Tree,
  inlineLimit: number
): Result.Result<ReadonlyArray<LayerEntry>, Unportable> => {
  const inodes: Array<LayerEntry> = []
  const links: Array<LayerEntry> = []
  const names = new Map<string, number>()
  const resolver = resolverOf(tree.root)
  for (const { node, path } of Tree.walk(tree)) {
    const long = pathProblem(path)
    if (long !== undefined) return Result.fail({ path, problem: long })
    if (node._tag !== "HardLink") {
      const problem = inodeProblem(node, path, inlineLimit)
      if (problem !== undefined) return Result.fail({ path, problem })
      inodes.push(inodeEntry(node, path))
      continue
    }
    const target = resolver.resolve(node.target)
    if (target._tag !== "Found" || target.node._tag === "Directory" || Node.isWhiteout(target.node)) {
      return Result.fail({
        path,
        problem: "a hard link must lead to a file, not to a directory, a whiteout or nowhere"
      })
    }
    names.set(target.path, (names.get(target.path) ?? 1) + 1)
    links.push(linkEntry(path, target.path, target.node))
  }
  for (const { path, tar } of inodes) {
    const problem = tar.type === typeFlag.directory ? undefined : linkCountProblem(tree, path, names.get(path) ?? 1)
    if (problem !== undefined) return Result.fail({ path, problem })
  }
  return Result.succeed([...inodes, ...links])
}

const linkCountProblem = (tree: Tree.Tree, path: string, names: number): string | undefined => {
  const node = Option.getOrUndefined(Tree.find(tree, path))
  return node !== undefined && "nlink" in node && node.nlink !== names
    ? `its link count is ${node.nlink}, but it has ${names} name(s) in the tree; see Tree.withLinkCounts`
    : undefined
}

const inodeProblem = (node: Node.Inode, path: string, inlineLimit: number): string | undefined => {
  if (baseName(path).startsWith(whiteoutPrefix)) return `a name that starts with ${whiteoutPrefix} means a whiteout`
  if (node.mtime.nanoseconds >= 1_000_000_000) return "its time has a second's worth of nanoseconds or more"
  for (const name of node.xattrs.keys()) {
    if (name.includes("=")) return `the attribute ${JSON.stringify(name)} has an equals sign in its name`
  }
  switch (node._tag) {
    case "Socket":
      return "tar has no sockets"
    case "InlineFile":
      return node.content.length > inlineLimit
        ? `${node.content.length} bytes inline would come back external; the limit is ${inlineLimit}`
        : undefined
    case "ExternalFile":
      return externalFileProblem(node, inlineLimit)
    case "Fifo":
    case "CharacterDevice":
    case "BlockDevice":
      return node.size === 0 ? undefined : `a special file of ${node.size} bytes`
    default:
      return undefined
  }
}

const externalFileProblem = ({ digest, payload, size }: Node.ExternalFile, inlineLimit: number): string | undefined => {
  if (digest === undefined) return "its content is unknown: it has no digest"
  if (payload !== Node.objectPath(digest)) return `its payload is not its object path, ${Node.objectPath(digest)}`
  return size <= inlineLimit ? `an external file of ${size} bytes would come back inline` : undefined
}

const types = {
  Directory: typeFlag.directory,
  InlineFile: typeFlag.regular,
  ExternalFile: typeFlag.regular,
  Symlink: typeFlag.symlink,
  Fifo: typeFlag.fifo,
  Socket: typeFlag.regular,
  CharacterDevice: typeFlag.characterDevice,
  BlockDevice: typeFlag.blockDevice
} as const satisfies Record<Node.Inode["_tag"], string>

const inodeEntry = (node: Node.Inode, path: string): LayerEntry => {
  const isWhiteout = Node.isWhiteout(node)
  const rdev = "rdev" in node && !isWhiteout ? node.rdev : 0
  const content = node._tag === "InlineFile" || node._tag === "ExternalFile" ? node : undefined
  return {
    path,
    content,
    tar: {
      ...metadataOf(node),
      path: tarPath(isWhiteout ? whiteoutPath(path) : path, node._tag === "Directory"),
      type: isWhiteout ? typeFlag.regular : types[node._tag],
      size: content === undefined ? 0 : content._tag === "InlineFile" ? content.content.length : content.size,
      linkPath: node._tag === "Symlink" ? ByteString.fromText(node.target) : "",
      devMajor: majorOf(rdev),
      devMinor: minorOf(rdev)
    }
  }
}

const linkEntry = (path: string, target: string, inode: Node.Inode): LayerEntry => ({
  path,
  content: undefined,
  tar: {
    ...metadataOf(inode),
    xattrs: new Map(),
    path: tarPath(path, false),
    type: typeFlag.hardLink,
    size: 0,
    linkPath: tarPath(target, false),
    devMajor: 0,
    devMinor: 0
  }
})

const metadataOf = ({ gid, mode, mtime, uid, xattrs }: Node.Inode) => ({ mode, uid, gid, mtime, xattrs })

const whiteoutPath = (path: string): string =>
  `${path.slice(0, parentOf(path).length)}/${whiteoutPrefix}${baseName(path)}`.replace("//", "/")

/** Relative, directories with a slash at the end, the root as `./`. */
const tarPath = (path: string, isDirectory: boolean): ByteString.ByteString =>
  path === "/" ? "./" : `${ByteString.fromText(path.slice(1))}${isDirectory ? "/" : ""}`
