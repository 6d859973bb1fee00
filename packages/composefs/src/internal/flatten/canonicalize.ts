/** The rules that make one tree of an image's layers and of its mounted root (composefs reference §4.4). */
import type * as Node from "../../Node.ts"
import type { Branch, Leaf } from "./branch.ts"

/**
 * A directory whose content does not count: it is emptied, and gets the time of `/usr`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Emptied {
  readonly path: string
  /** Whether a tree without it is refused. */
  readonly isRequired: boolean
}

/**
 * What is done with a whole tree.
 *
 * @category models
 * @since 0.1.0
 */
export interface TreeRules {
  /** Whether the root's metadata is its own or that of `/usr`; tools disagree on the former. */
  readonly root: "as-found" | "like-usr"
  readonly emptied: ReadonlyArray<Emptied>
  /** Which extended attributes stay: all, or those listed by name, or by prefix with a dot at the end (`user.`). */
  readonly xattrs: "all" | ReadonlyArray<string>
  /** Whether a tree with `/etc/selinux/config` is refused. */
  readonly selinuxPolicy: "ignore" | "refuse"
}

/** What of a tree stands in the way of the rules. */
export interface Unsuitable {
  readonly path: string
  readonly problem: string
}

/** Applies the rules to an overlay, in place. */
export const applyRules = (root: Branch, rules: TreeRules): Unsuitable | undefined => {
  const problem = refuseByUsr(root, rules) ?? emptyAll(root, rules.emptied) ?? refuseByPolicy(root, rules)
  if (problem !== undefined) return problem
  if (rules.root === "like-usr") root.metadata = branchAt(root, "/usr")?.metadata ?? root.metadata
  if (rules.xattrs !== "all") filterXattrs(root, rules.xattrs)
  return undefined
}

/** Times come from /usr, and the root's metadata: what an image says of its root differs from tool to tool. */
const refuseByUsr = (root: Branch, rules: TreeRules): Unsuitable | undefined =>
  branchAt(root, "/usr") === undefined &&
    (rules.root === "like-usr" || rules.emptied.some(({ path }) => at(root, path)))
    ? { path: "/usr", problem: "it is not there, or no directory, but metadata is to be taken from it" }
    : undefined

const emptyAll = (root: Branch, emptied: ReadonlyArray<Emptied>): Unsuitable | undefined => {
  const mtime = branchAt(root, "/usr")?.metadata.mtime
  for (const { isRequired, path } of emptied) {
    const found = at(root, path)
    if (found === undefined && isRequired) return { path, problem: "the directory is missing" }
    if (found === undefined || mtime === undefined) continue
    if (found._tag !== "Branch") return { path, problem: "it is to be emptied, but it is not a directory" }
    found.entries.clear()
    found.metadata = { ...found.metadata, mtime }
  }
  return undefined
}

/** composefs-rs labels such an image by its policy; the digest of an image without labels would be another. */
const refuseByPolicy = (root: Branch, rules: TreeRules): Unsuitable | undefined =>
  rules.selinuxPolicy === "refuse" && at(root, "/etc/selinux/config") !== undefined
    ? { path: "/etc/selinux/config", problem: "labels by a SELinux policy are not supported" }
    : undefined

const at = (root: Branch, path: string): Branch | Leaf | undefined => {
  let found: Branch | Leaf | undefined = root
  for (const name of path.split("/")) {
    if (name !== "") found = found?._tag === "Branch" ? found.entries.get(name)?.child : undefined
  }
  return found
}

const branchAt = (root: Branch, path: string): Branch | undefined => {
  const found = at(root, path)
  return found?._tag === "Branch" ? found : undefined
}

const filterXattrs = (root: Branch, allowed: ReadonlyArray<string>): void => {
  const names = new Set(allowed)
  const prefixes = allowed.filter((name) => name.endsWith("."))
  const isAllowed = (name: string) => names.has(name) || prefixes.some((prefix) => name.startsWith(prefix))
  const pending: Array<Branch> = [root]
  for (const branch of pending) {
    branch.metadata = { ...branch.metadata, xattrs: filtered(branch.metadata.xattrs, isAllowed) }
    for (const { child } of branch.entries.values()) {
      if (child._tag === "Branch") pending.push(child)
      else child.inode = { ...child.inode, xattrs: filtered(child.inode.xattrs, isAllowed) }
    }
  }
}

const filtered = (xattrs: Node.Metadata["xattrs"], isAllowed: (name: string) => boolean): Node.Metadata["xattrs"] =>
  xattrs.size === 0 ? xattrs : new Map(Array.from(xattrs).filter(([name]) => isAllowed(name)))
