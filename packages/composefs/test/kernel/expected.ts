/** What a kernel has to show of a tree, worked out from the tree and reference §3.2 alone. */
import { type Image, Node, Tree } from "@lamina/composefs"
import * as Option from "effect/Option"
import { createHash } from "node:crypto"
import { fromText } from "../../src/internal/byteString.ts"
import type { Observed } from "./observed.ts"

type Xattrs = Readonly<Record<string, string>>

const hex = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString("hex")
const hash = (content: Uint8Array): string => createHash("sha256").update(content).digest("hex")

const types = {
  Directory: 0o040000,
  InlineFile: 0o100000,
  ExternalFile: 0o100000,
  Symlink: 0o120000,
  Fifo: 0o010000,
  Socket: 0o140000,
  CharacterDevice: 0o020000,
  BlockDevice: 0o060000
} as const satisfies Record<Node.Inode["_tag"], number>

/** What the bare EROFS file system shows, contents of external files being holes there. */
export const inErofs = (tree: Tree.Tree, version: Image.Version): ReadonlyMap<string, Observed> => {
  const shown = new Map<string, Observed>()
  const first = new Map<string, string>()
  for (const { path } of Tree.walk(tree)) {
    const { node, path: place } = Option.getOrThrow(Tree.resolve(tree, path))
    const bytes = fromText(path)
    if (!first.has(place)) first.set(place, bytes)
    shown.set(bytes, { ...show(node, path === "/", version), path: bytes, first: first.get(place) ?? bytes })
  }
  if (version === 2) return shown
  for (const name of stubs) if (!tree.root.entries.has(name)) shown.set(`/${name}`, stubOf(tree.root, name))
  return shown
}

const show = (node: Node.Inode, isRoot: boolean, version: Image.Version): Omit<Observed, "path" | "first"> => {
  const type = Node.isWhiteout(node) && version !== 2 ? types.InlineFile : types[node._tag]
  return {
    mode: type | node.mode,
    nlink: node._tag === "Directory" ? 0 : node.nlink,
    uid: node.uid,
    gid: node.gid,
    rdev: "rdev" in node ? node.rdev : 0,
    size: node._tag === "InlineFile" ? node.content.length : node._tag === "ExternalFile" ? node.size : 0,
    mtime: String(node.mtime.seconds * 1_000_000_000n + BigInt(node.mtime.nanoseconds)),
    target: node._tag === "Symlink" ? fromText(node.target) : "",
    content: type === types.InlineFile ? contentOf(node) : "",
    xattrs: xattrsOf(node, isRoot, version)
  }
}

const contentOf = (node: Node.Inode): string => {
  if (node._tag === "InlineFile") return hash(node.content)
  const size = node._tag === "ExternalFile" ? node.size : 0
  return size < 1_000_000 ? hash(new Uint8Array(size)) : ""
}

const xattrsOf = (node: Node.Inode, isRoot: boolean, version: Image.Version): Xattrs => {
  const own = Array.from(node.xattrs, ([name, value]) => [fromText(escapeOverlay(name)), hex(value)] as const)
  const opaque: ReadonlyArray<Pair> = isRoot && version !== 2 ? [["trusted.overlay.opaque", hex("y")]] : []
  return Object.fromEntries([...own, ...marksOf(node, version), ...opaque])
}

const escapeOverlay = (name: string): string => name.replace(/^trusted\.overlay\./, "trusted.overlay.overlay.")

type Pair = readonly [name: string, value: string]

const marksOf = (node: Node.Inode, version: Image.Version): ReadonlyArray<Pair> => {
  if (node._tag === "ExternalFile") return redirectOf(node)
  if (version === 2) return []
  if (Node.isWhiteout(node)) return [["trusted.overlay.overlay.whiteout", ""], ["user.overlay.whiteout", ""]]
  if (node._tag !== "Directory" || !Array.from(node.entries.values()).some(Node.isWhiteout)) return []
  const marks: ReadonlyArray<Pair> = [["trusted.overlay.overlay.whiteouts", ""], ["user.overlay.whiteouts", ""]]
  const opaque: ReadonlyArray<Pair> = [["trusted.overlay.overlay.opaque", hex("x")], ["user.overlay.opaque", hex("x")]]
  return version === 0 ? marks : [...marks, ...opaque]
}

const redirectOf = ({ digest, payload }: Node.ExternalFile): ReadonlyArray<Pair> => {
  const header = digest?.length === 128 ? "00440002" : "00240001"
  const metacopy: Pair = ["trusted.overlay.metacopy", digest === undefined ? "" : header + digest]
  if (payload === undefined || payload === "") return [metacopy]
  return [metacopy, ["trusted.overlay.redirect", Buffer.from(`/${fromText(payload)}`, "latin1").toString("hex")]]
}

const stubs = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

const stubOf = (root: Node.Directory, name: string): Observed => {
  const label = root.xattrs.get("security.selinux")
  const { gid, mtime, uid } = root
  const shown = show(Node.blockDevice(0, { mode: 0o644, uid, gid, mtime }), false, 0)
  return {
    ...shown,
    path: `/${name}`,
    first: `/${name}`,
    mode: types.CharacterDevice | 0o644,
    xattrs: label === undefined ? {} : { "security.selinux": hex(label) }
  }
}

/**
 * What the overlay of that file system and an object store shows: contents come from the store, the attributes of
 * overlayfs are hidden and escaped ones lose one escape, and the whiteouts that hide the store have done their work.
 */
export const inOverlay = (
  erofs: ReadonlyMap<string, Observed>,
  tree: Tree.Tree,
  contents: ReadonlyMap<string, Uint8Array>
): ReadonlyMap<string, Observed> => {
  const shown = new Map<string, Observed>()
  for (const [path, entry] of erofs) {
    const node = Option.getOrUndefined(Tree.resolve(tree, textPaths(tree).get(path) ?? ""))?.node
    if (node === undefined) continue
    const content = node._tag === "ExternalFile" ? contents.get(node.digest ?? "") : undefined
    shown.set(path, {
      ...entry,
      content: content === undefined ? entry.content : hash(content),
      xattrs: Object.fromEntries(Object.entries(entry.xattrs).flatMap(unescapeOverlay))
    })
  }
  return shown
}

const paths = new WeakMap<Tree.Tree, ReadonlyMap<string, string>>()

const textPaths = (tree: Tree.Tree): ReadonlyMap<string, string> => {
  let known = paths.get(tree)
  if (known === undefined) {
    known = new Map(Array.from(Tree.walk(tree), ({ path }) => [fromText(path), path]))
    paths.set(tree, known)
  }
  return known
}

const unescapeOverlay = ([name, value]: Pair): ReadonlyArray<Pair> =>
  name.startsWith("trusted.overlay.overlay.")
    ? [[name.replace("trusted.overlay.overlay.", "trusted.overlay."), value]]
    : name.startsWith("trusted.overlay.")
    ? []
    : [[name, value]]
