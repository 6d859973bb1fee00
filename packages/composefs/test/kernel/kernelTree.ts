/** Makes a tree one that a kernel can show whole: it knows fewer attributes than the format, and owners and times. */
import { Node, type Tree } from "@lamina/composefs"

/** A valid access control list: u::rwx, u:7:r-x, g::r-x, m::r-x, o::---. */
const acl = Buffer.from(
  "0200000001000700ffffffff020005000700000004000500ffffffff10000500ffffffff20000000ffffffff",
  "hex"
)
/** cap_net_bind_service=ep */
const capability = Buffer.from("0100000200040000000000000000000000000000", "hex")

const valid: Readonly<Record<string, Uint8Array>> = {
  "system.posix_acl_access": acl,
  "security.capability": capability
}
const shown = /^(?:user|trusted|security)\.[^]/
/** The kernel's limit for names, less the escape of overlay attributes. */
const maxNameSize = 255 - "overlay.".length

export const kernelTree = ({ root }: Tree.Tree): Tree.Tree => ({ root: fitDirectory(root) })

/**
 * Version 2 stores whiteouts as the devices that they are, and devices have no user attributes. Files without a digest
 * have no table of chunks in it, which no kernel can read.
 */
export const legacyKernelTree = (tree: Tree.Tree): Tree.Tree => ({ root: legacyDirectory(kernelTree(tree).root) })

const legacyDirectory = (directory: Node.Directory): Node.Directory => ({
  ...directory,
  entries: new Map(Array.from(directory.entries, ([name, node]) => [name, legacyNode(node)]))
})

const legacyNode = (node: Node.Node): Node.Node => {
  if (node._tag === "Directory") return legacyDirectory(node)
  if (Node.isWhiteout(node)) return Node.whiteout()
  return node._tag === "ExternalFile" && node.digest === undefined
    ? Node.externalFile({ size: node.size, digest: "5a".repeat(32) }, node)
    : node
}

/**
 * A tree's own overlay attributes lose their escape when it becomes a layer of another overlay, and there they act: a
 * redirect cuts its directory off from the layers below, or is refused as invalid. In a stack a tree has none.
 */
export const layerTree = (tree: Tree.Tree): Tree.Tree => ({ root: withoutOverlayAttributes(kernelTree(tree).root) })

const withoutOverlayAttributes = (directory: Node.Directory): Node.Directory => ({
  ...directory,
  xattrs: ownAttributes(directory),
  entries: new Map(
    Array.from(directory.entries, ([name, node]) => [
      name,
      node._tag === "HardLink"
        ? node
        : node._tag === "Directory"
        ? withoutOverlayAttributes(node)
        : { ...node, xattrs: ownAttributes(node) }
    ])
  )
})

const ownAttributes = ({ xattrs }: Node.Inode): Node.Inode["xattrs"] =>
  new Map(Array.from(xattrs).filter(([name]) => !/^(?:trusted|user)\.overlay\./.test(name)))

const fitDirectory = (directory: Node.Directory): Node.Directory => ({
  ...directory,
  ...fitMetadata(directory),
  entries: new Map(Array.from(directory.entries, ([name, node]) => [name, fit(node)]))
})

const fit = (node: Node.Node): Node.Node => {
  switch (node._tag) {
    case "HardLink":
      return node
    case "Directory":
      return fitDirectory(node)
    case "Symlink":
      return { ...node, ...fitMetadata(node), nlink: fitCount(node.nlink), target: node.target.replaceAll("\0", "0") }
    default:
      return { ...node, ...fitMetadata(node), nlink: fitCount(node.nlink) }
  }
}

/** A file without names is gone. */
const fitCount = (nlink: number): number => Math.max(nlink, 1)

/** No owner is -1. */
const fitOwner = (id: number): number => id === 0xffffffff ? 0xfffffffd : id

const fitMetadata = (node: Node.Inode): Node.Metadata => ({
  mode: node.mode,
  uid: fitOwner(node.uid),
  gid: fitOwner(node.gid),
  mtime: {
    seconds: BigInt.asIntN(32, node.mtime.seconds),
    nanoseconds: node.mtime.nanoseconds % 1_000_000_000
  },
  xattrs: new Map(
    Array.from(node.xattrs, ([name, value]) => [name, valid[name] ?? value] as const)
      .filter(([name]) => Buffer.byteLength(name) <= maxNameSize)
      .filter(([name]) => shown.test(name) || (name in valid && node._tag !== "Symlink"))
      .filter(([name]) => !name.startsWith("user.") || isFileOrDirectory(node))
  )
})

/** Others have no user attributes, and a whiteout is a file. */
const isFileOrDirectory = (node: Node.Inode): boolean =>
  node._tag === "Directory" || node._tag === "InlineFile" || node._tag === "ExternalFile" || Node.isWhiteout(node)
