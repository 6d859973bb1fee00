/**
 * An in-memory file system tree: built from entries, a directory, a dump, a layer or an image, and written to any of
 * them.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { ContentError } from "./Content.ts"
import { oci as ociRules } from "./Flatten.ts"
import * as ByteString from "./internal/byteString.ts"
import type { FlattenError } from "./internal/flatten/flattenError.ts"
import {
  type FlattenedLayers,
  flattenLayers,
  type LayersOptions,
  type LayerSource
} from "./internal/flatten/flattenLayers.ts"
import { findNode, type Resolution, resolverOf } from "./internal/links.ts"
import { join } from "./internal/paths.ts"
import type { DirectoryOptions, ScannedDirectory, ScanProgress } from "./internal/scan/options.ts"
import { scanDirectory } from "./internal/scan/scanTree.ts"
import { TreeBuilder } from "./internal/treeBuilder.ts"
import { TreeError } from "./internal/treeError.ts"
import { filterTree } from "./internal/treeFilter.ts"
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

export type { DirectoryOptions, ScannedDirectory, ScanProgress }
export { TreeError }

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
 * Reads a directory of the file system. Files of more than 64 bytes become external, known by their fs-verity digest.
 *
 * The same files give the same tree wherever and whenever they are read, if `owner` and `mtime` are pinned; nothing
 * else of the machine enters it. The contents come along as a source that reads the files again, confirming their
 * digests; with `objects`, each is instead stored while it is read, once.
 *
 * **Example**
 *
 * ```ts
 * import { Tree } from "@lamina/composefs"
 *
 * const scan = Tree.fromDirectory("rootfs", {
 *   filter: (path) => path.startsWith("/etc/redis/"),
 *   owner: { uid: 0, gid: 0 },
 *   mtime: { atMost: { seconds: 1700000000n, nanoseconds: 0 } }
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromDirectory = <E = never, R = never>(
  directory: string,
  options?: DirectoryOptions<E, R>
): Effect.Effect<ScannedDirectory, TreeError | ContentError | E, R> => scanDirectory(directory, options ?? {})

/**
 * Flattens the layers of an image, base first, without touching the file system: one pass over each, memory bounded by
 * the tree. Files of more than 64 bytes become external, known by their fs-verity digest; with `objects`, each is also
 * stored while it is read.
 *
 * Layers are tar archives of any dialect (v7, ustar, GNU, PAX), compressed or not, and may be hostile: nothing of them
 * becomes a path of this machine. Sparse files have zeros in their holes, which count as bytes of the archive. Refused
 * are paths with `..`, sockets and other kinds of entries, bytes behind an archive, layers that are not distributable,
 * and what exceeds a limit.
 *
 * **Example**
 *
 * ```ts
 * import { Flatten, Image, Tree } from "@lamina/composefs"
 * import * as Effect from "effect/Effect"
 * import * as Stream from "effect/Stream"
 * import { gzipSync } from "node:zlib"
 *
 * const layer = {
 *   mediaType: "application/vnd.oci.image.layer.v1.tar+gzip",
 *   content: Stream.make(gzipSync(new Uint8Array(1024)))
 * }
 * const program = Effect.gen(function*() {
 *   const { tree } = yield* Tree.fromLayers([layer], { flatten: Flatten.oci })
 *   return yield* Effect.fromResult(Image.digest(tree))
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromLayers = <E = never, R = never>(
  layers: Iterable<LayerSource<E, R>>,
  options: LayersOptions = {}
): Effect.Effect<FlattenedLayers, FlattenError | ContentError | E, R> =>
  flattenLayers(layers, options, options.flatten ?? ociRules)

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
export const find = (tree: Tree, path: string): Option.Option<Node.Node> =>
  Option.fromUndefinedOr(findNode(tree.root, path))

/**
 * The inode at an absolute path and the path where it stands, hard links followed, symbolic links not.
 *
 * @category lookup
 * @since 0.1.0
 */
export const resolve = (
  tree: Tree,
  path: string
): Option.Option<{ readonly path: string; readonly node: Node.Inode }> => found(resolverOf(tree.root).resolve(path))

const found = (resolution: Resolution): Option.Option<{ readonly path: string; readonly node: Node.Inode }> =>
  resolution._tag === "Found" ? Option.some({ path: resolution.path, node: resolution.node }) : Option.none()

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

/**
 * The part of a tree that a predicate on absolute paths selects, as {@link fromDirectory} selects with the same one.
 * Directories on the way to what is selected come along, and so does the root; `descend` spares looking into others.
 *
 * A hard link is selected for itself. Without the inode it leads to, it takes its place, and the links that are left
 * lead there; an inode that lost names has as link count the number of those left. A link to a directory, which only
 * dumps have, is left out.
 *
 * **Example**
 *
 * ```ts
 * import { Tree } from "@lamina/composefs"
 *
 * const configuration = (tree: Tree.Tree) => Tree.filter(tree, (path) => path.startsWith("/etc/"))
 * ```
 *
 * @category transformation
 * @since 0.1.0
 */
export const filter = (
  tree: Tree,
  predicate: (path: string, kind: Node.Kind) => boolean,
  options?: { readonly descend?: ((path: string) => boolean) | undefined }
): Tree => ({
  root: filterTree(tree.root, { selects: predicate, descends: options?.descend ?? (() => true) })
})

/**
 * Gives every inode the number of names it has in the tree as its link count, and flattens links to links. Dumps may
 * claim other counts; an image records what the tree says.
 *
 * @category transformation
 * @since 0.1.0
 */
export const withLinkCounts = (tree: Tree): Result.Result<Tree, TreeError> => {
  const builder = new TreeBuilder()
  const resolver = resolverOf(tree.root)
  for (const { path, node } of walk(tree)) {
    const single = "nlink" in node ? { ...node, nlink: 1 } : node
    const target = node._tag === "HardLink"
      ? Option.getOrUndefined(found(resolver.resolve(node.target)))?.path
      : undefined
    const bare = node._tag === "Directory" ? { ...node, entries: new Map<string, Node.Node>() } : single
    const reason = builder.add(path, target === undefined ? bare : Node.hardLink(target))
    if (reason !== undefined) return Result.fail(new TreeError({ reason }))
  }
  const built = Result.mapError(builder.finish(), (reason) => new TreeError({ reason }))
  if (Result.isSuccess(built)) builder.countLinks()
  return built
}

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
