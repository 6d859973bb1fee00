/**
 * An in-memory file system tree: built from entries, a directory, a dump, a layer or an image, and written to any of
 * them.
 *
 * @since 0.1.0
 */
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as ByteString from "./internal/byteString.ts"
import { baseName, describe, join, parentOf, PathReason, quote } from "./internal/paths.ts"
import { TreeBuilder } from "./internal/treeBuilder.ts"
import * as Node from "./Node.ts"

/**
 * A tree: its root directory. Trees are immutable and share their nodes freely.
 *
 * @category models
 * @since 0.1.0
 */
export interface Tree {
  readonly root: Node.Directory
}

/**
 * A node and its absolute path.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  readonly path: string
  readonly node: Node.Node
}

/**
 * Why a tree could not be built, or a directory not be read.
 *
 * @category errors
 * @since 0.1.0
 */
export class TreeError extends Schema.TaggedError<TreeError>("@lamina/composefs/TreeError")("TreeError", {
  reason: Schema.Union([
    ...PathReason.members,
    Schema.TaggedStruct("Unreadable", { path: Schema.String, problem: Schema.String }),
    Schema.TaggedStruct("Changed", { path: Schema.String, problem: Schema.String })
  ])
}) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "Unreadable":
        return `cannot read ${quote(reason.path)}: ${reason.problem}`
      case "Changed":
        return `${quote(reason.path)} changed while it was read: ${reason.problem}; scan a directory that is at rest`
      default:
        return describe(reason)
    }
  }
}

/**
 * The tree of nothing but a root directory.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty: Tree = { root: Node.directory() }

/**
 * Builds a tree from entries, parents before what is in them; the first is the root, `/`.
 *
 * **Example**
 *
 * ```ts
 * import { Node, Tree } from "@lamina/composefs"
 *
 * const tree = Tree.fromEntries([
 *   { path: "/", node: Node.directory() },
 *   { path: "/etc", node: Node.directory() },
 *   { path: "/etc/hostname", node: Node.inlineFile("lamina\n") }
 * ])
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromEntries = (entries: Iterable<Entry>): Result.Result<Tree, TreeError> => {
  const builder = new TreeBuilder()
  for (const { path, node } of entries) {
    const reason = builder.add(path, node)
    if (reason !== undefined) return Result.fail(new TreeError({ reason }))
  }
  return Result.mapError(builder.finish(), (reason) => new TreeError({ reason }))
}

/**
 * Every entry of a tree, depth first, parents before what is in them, names in byte order.
 *
 * @category traversal
 * @since 0.1.0
 */
export function* walk(tree: Tree): Generator<Entry> {
  const pending: Array<Entry> = [{ path: "/", node: tree.root }]
  for (let entry = pending.pop(); entry !== undefined; entry = pending.pop()) {
    yield entry
    if (entry.node._tag !== "Directory") continue
    const children = sortedEntries(entry.node)
    for (let at = children.length - 1; at >= 0; at--) {
      const child = children[at]
      if (child !== undefined) pending.push({ path: join(entry.path, child[0]), node: child[1] })
    }
  }
}

/**
 * The entries of a directory, names in byte order.
 *
 * @category traversal
 * @since 0.1.0
 */
export const sortedEntries = (directory: Node.Directory): ReadonlyArray<readonly [name: string, node: Node.Node]> =>
  Array.from(directory.entries).sort(([left], [right]) =>
    ByteString.compare(ByteString.fromText(left), ByteString.fromText(right))
  )

/**
 * Every regular file whose content is in an object store, hard links left out.
 *
 * @category traversal
 * @since 0.1.0
 */
export function* externalFiles(tree: Tree): Generator<{ readonly path: string; readonly node: Node.ExternalFile }> {
  for (const { path, node } of walk(tree)) {
    if (node._tag === "ExternalFile") yield { path, node }
  }
}

/**
 * The node at an absolute path, links not followed.
 *
 * @category lookup
 * @since 0.1.0
 */
export const find = (tree: Tree, path: string): Option.Option<Node.Node> => {
  if (path === "/") return Option.some(tree.root)
  if (!path.startsWith("/")) return Option.none()
  let directory: Node.Node | undefined = tree.root
  for (const name of parentOf(path).split("/")) {
    if (name !== "") directory = directory?._tag === "Directory" ? directory.entries.get(name) : undefined
  }
  return Option.fromUndefinedOr(directory?._tag === "Directory" ? directory.entries.get(baseName(path)) : undefined)
}

/**
 * The inode at an absolute path and the path where it stands, hard links followed, symbolic links not.
 *
 * @category lookup
 * @since 0.1.0
 */
export const resolve = (
  tree: Tree,
  path: string
): Option.Option<{ readonly path: string; readonly node: Node.Inode }> => {
  const seen = new Set<string>()
  for (let at = path; !seen.has(at);) {
    seen.add(at)
    const node = Option.getOrUndefined(find(tree, at))
    if (node === undefined) return Option.none()
    if (node._tag !== "HardLink") return Option.some({ path: at, node })
    at = node.target
  }
  return Option.none()
}

/**
 * Changes the metadata of every inode, for instance to clamp times or owners of a tree read from elsewhere.
 *
 * @category transformation
 * @since 0.1.0
 */
export const mapMetadata = (
  tree: Tree,
  change: (metadata: Node.Metadata, path: string) => Node.Metadata
): Tree => ({ root: mapDirectory(tree.root, "/", change) })

const mapDirectory = (
  directory: Node.Directory,
  path: string,
  change: (metadata: Node.Metadata, path: string) => Node.Metadata
): Node.Directory => {
  const entries = new Map<string, Node.Node>()
  for (const [name, node] of directory.entries) {
    const at = join(path, name)
    entries.set(
      name,
      node._tag === "HardLink"
        ? node
        : node._tag === "Directory"
        ? mapDirectory(node, at, change)
        : { ...node, ...onlyMetadata(change(node, at)) }
    )
  }
  return { ...directory, ...onlyMetadata(change(directory, path)), entries }
}

const onlyMetadata = ({ mode, uid, gid, mtime, xattrs }: Node.Metadata): Node.Metadata => ({
  mode,
  uid,
  gid,
  mtime,
  xattrs
})
