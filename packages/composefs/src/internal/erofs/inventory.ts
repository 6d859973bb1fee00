/** The inodes of an image in the order in which they are numbered and written: breadth first, names in byte order. */
import * as Result from "effect/Result"
import * as Node from "../../Node.ts"
import type { Tree } from "../../Tree.ts"
import * as ByteString from "../byteString.ts"
import { fileType, modeOf } from "../fileType.ts"
import { maxFileSize, maxInlineSize, maxTargetSize } from "../limits.ts"
import { findNode, LinkResolver } from "../links.ts"
import { join, nameProblem } from "../paths.ts"
import { aclNames, OverlayXattrs } from "./overlay.ts"
import { type Xattr, XattrTable } from "./xattrs.ts"

/** Why a tree cannot be an image, and which of its paths is to blame. */
export interface Unwritable {
  readonly path: string
  readonly problem: string
}

/** An inode on its way into an image. */
export interface PlannedInode {
  readonly number: number
  readonly node: Node.Inode
  /** st_mode as stored: a whiteout is stored as a regular file. */
  readonly mode: number
  readonly nlink: number
  readonly xattrs: ReadonlyArray<Xattr>
  /** Of a directory: its entries in byte order, `.` and `..` included. */
  readonly entries: Array<PlannedEntry>
}

export interface PlannedEntry {
  readonly name: ByteString.ByteString
  readonly inode: PlannedInode
}

export interface Inventory {
  readonly inodes: ReadonlyArray<PlannedInode>
  readonly xattrs: XattrTable
  readonly hasAcl: boolean
  /** The earliest modification time; inodes that have it can be compact. */
  readonly earliest: Node.Timestamp
}

export const takeInventory = (tree: Tree, version: number): Result.Result<Inventory, Unwritable> => {
  const inventory = new Builder(version)
  const failure = inventory.addTree(tree)
  return failure === undefined ? Result.succeed(inventory.finish()) : Result.fail(failure)
}

/** A directory whose entries are still to be looked at. */
interface OpenDirectory {
  readonly path: string
  readonly node: Node.Directory
  readonly inode: PlannedInode
  readonly parent: PlannedInode | undefined
}

/** A hard link whose inode may not have been met yet. */
interface OpenLink {
  readonly path: string
  readonly target: string
  readonly directory: PlannedInode
  readonly name: ByteString.ByteString
}

class Builder {
  readonly #inodes: Array<PlannedInode> = []
  readonly #xattrs = new XattrTable()
  readonly #overlay: OverlayXattrs
  readonly #links: Array<OpenLink> = []
  #hasAcl = false
  #earliest: Node.Timestamp | undefined

  constructor(version: number) {
    this.#overlay = new OverlayXattrs(this.#xattrs, version)
  }

  addTree(tree: Tree): Unwritable | undefined {
    const root = this.#addInode(tree.root, "/")
    if (Result.isFailure(root)) return root.failure
    const queue: Array<OpenDirectory> = [{ path: "/", node: tree.root, inode: root.success, parent: undefined }]
    for (const directory of queue) {
      const failure = this.#addEntries(directory, queue)
      if (failure !== undefined) return failure
    }
    return this.#closeLinks(tree, root.success)
  }

  finish(): Inventory {
    for (const inode of this.#inodes) for (const xattr of inode.xattrs) xattr.uses++
    return {
      inodes: this.#inodes,
      xattrs: this.#xattrs,
      hasAcl: this.#hasAcl,
      earliest: this.#earliest ?? Node.epoch
    }
  }

  #addEntries({ inode, node, parent, path }: OpenDirectory, queue: Array<OpenDirectory>): Unwritable | undefined {
    inode.entries.push({ name: ".", inode }, { name: "..", inode: parent ?? inode })
    for (const [name, child] of this.#children(node, parent === undefined)) {
      const childPath = join(path, name)
      const bytes = ByteString.fromText(name)
      const problem = nameProblem(name)
      if (problem !== undefined) return { path: childPath, problem }
      if (child._tag === "HardLink") {
        this.#links.push({ path: childPath, target: child.target, directory: inode, name: bytes })
        continue
      }
      const added = child === stub ? Result.succeed(this.#addStub(node)) : this.#addInode(child, childPath)
      if (Result.isFailure(added)) return added.failure
      inode.entries.push({ name: bytes, inode: added.success })
      if (child._tag === "Directory") queue.push({ path: childPath, node: child, inode: added.success, parent: inode })
    }
    inode.entries.sort(byName)
    return undefined
  }

  /** Entries in byte order; in the root also the stubs that hide the directories of the object store. */
  #children(directory: Node.Directory, isRoot: boolean): ReadonlyArray<readonly [name: string, node: Node.Node]> {
    const children = Array.from(directory.entries)
    if (isRoot) {
      for (const name of stubNames) if (!directory.entries.has(name)) children.push([name, stub])
    }
    return children.sort(([left], [right]) => ByteString.compare(ByteString.fromText(left), ByteString.fromText(right)))
  }

  #addInode(node: Node.Inode, path: string): Result.Result<PlannedInode, Unwritable> {
    const problem = inodeProblem(node)
    if (problem !== undefined) return Result.fail({ path, problem })
    const xattrs = Result.mapError(
      this.#overlay.of(node, node._tag === "Directory" && hasWhiteouts(node)),
      (problem) => ({ path, problem })
    )
    return Result.map(xattrs, (xattrs) => {
      this.#hasAcl ||= aclNames.some((name) => node.xattrs.has(name))
      return this.#plan(node, path === "/" ? this.#overlay.withOpaque(xattrs) : xattrs)
    })
  }

  #addStub(root: Node.Directory): PlannedInode {
    const { gid, mtime, uid } = root
    return { ...this.#plan(Node.whiteout({ mode: 0o644, uid, gid, mtime }), this.#overlay.ofStub(root), true) }
  }

  #plan(node: Node.Inode, xattrs: ReadonlyArray<Xattr>, isStub = false): PlannedInode {
    if (this.#earliest === undefined || Node.compareTimestamps(node.mtime, this.#earliest) < 0) {
      this.#earliest = node.mtime
    }
    const isEscapedWhiteout = !isStub && Node.isWhiteout(node)
    const inode: PlannedInode = {
      number: this.#inodes.length,
      node,
      mode: isEscapedWhiteout ? fileType.regular | node.mode : modeOf(node),
      nlink: node._tag === "Directory" ? 2 + subdirectories(node) : node.nlink,
      xattrs,
      entries: []
    }
    this.#inodes.push(inode)
    return inode
  }

  #closeLinks(tree: Tree, root: PlannedInode): Unwritable | undefined {
    const resolver = new LinkResolver((path) => findNode(tree.root, path))
    const directories = new DirectoryIndex(root)
    const closed: Array<readonly [link: OpenLink, inode: PlannedInode]> = []
    for (const link of this.#links) {
      const target = resolver.resolve(link.path)
      if (target._tag === "Loop") return { path: link.path, problem: "its hard links form a loop" }
      const inode = target._tag === "Found" ? directories.lookup(target.path) : undefined
      if (inode === undefined) return { path: link.path, problem: `the hard link's target ${link.target} is missing` }
      closed.push([link, inode])
    }
    for (const [{ directory, name }, inode] of closed) directory.entries.push({ name, inode })
    for (const directory of new Set(this.#links.map(({ directory }) => directory))) directory.entries.sort(byName)
    return undefined
  }
}

const stub = Node.whiteout()
const stubNames = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"))

const byName = (left: PlannedEntry, right: PlannedEntry): number => ByteString.compare(left.name, right.name)

const hasWhiteouts = (directory: Node.Directory): boolean => {
  for (const node of directory.entries.values()) if (Node.isWhiteout(node)) return true
  return false
}

const subdirectories = (directory: Node.Directory): number => {
  let count = 0
  for (const node of directory.entries.values()) if (node._tag === "Directory") count++
  return count
}

/** Finds inodes by path. Directories are indexed when first asked for: most trees have few links. */
class DirectoryIndex {
  readonly #root: PlannedInode
  readonly #byName = new Map<PlannedInode, ReadonlyMap<ByteString.ByteString, PlannedInode>>()

  constructor(root: PlannedInode) {
    this.#root = root
  }

  lookup(path: string): PlannedInode | undefined {
    let inode: PlannedInode | undefined = this.#root
    for (const name of path.split("/")) {
      if (name === "" || inode === undefined) continue
      inode = this.#namesOf(inode).get(ByteString.fromText(name))
    }
    return inode
  }

  #namesOf(directory: PlannedInode): ReadonlyMap<ByteString.ByteString, PlannedInode> {
    let names = this.#byName.get(directory)
    if (names === undefined) {
      names = new Map(directory.entries.map(({ inode, name }) => [name, inode]))
      this.#byName.set(directory, names)
    }
    return names
  }
}

const isUnsigned32 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffffffff

/** Why an inode cannot be stored: trees may be made by hand, and nothing is truncated silently. */
export const inodeProblem = (node: Node.Inode): string | undefined => {
  const { gid, mode, mtime, uid } = node
  if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) return `mode ${mode} is not within 0 to 0o7777`
  if (!isUnsigned32(uid) || !isUnsigned32(gid)) return `owner ${uid}:${gid} is not within 32 bits`
  if (BigInt.asIntN(64, mtime.seconds) !== mtime.seconds || !isUnsigned32(mtime.nanoseconds)) {
    return `mtime ${mtime.seconds}.${mtime.nanoseconds} does not fit 64 and 32 bits`
  }
  if (node._tag !== "Directory" && !isUnsigned32(node.nlink)) return `link count ${node.nlink} is not within 32 bits`
  switch (node._tag) {
    case "InlineFile":
      return node.content.length > maxInlineSize
        ? `${node.content.length} bytes inline, at most ${maxInlineSize} are allowed; make it an external file`
        : undefined
    case "ExternalFile":
      return externalFileProblem(node)
    case "Symlink": {
      const size = ByteString.fromText(node.target).length
      return size === 0 || size > maxTargetSize || node.target.includes("\0")
        ? `the target of a symbolic link has 1 to ${maxTargetSize} bytes and no NUL, this one has ${size} bytes`
        : undefined
    }
    case "CharacterDevice":
    case "BlockDevice":
      return isUnsigned32(node.rdev) ? undefined : `device number ${node.rdev} is not within 32 bits`
    default:
      return undefined
  }
}

const externalFileProblem = ({ digest, payload, size }: Node.ExternalFile): string | undefined => {
  if (!Number.isInteger(size) || size < 1 || size > maxFileSize) {
    return `an external file has 1 to ${maxFileSize} bytes, not ${size}`
  }
  if (digest !== undefined && !/^(?:[0-9a-f]{64}){1,2}$/.test(digest)) {
    return `digest: expected 64 or 128 lower-case hex digits, got ${JSON.stringify(digest.slice(0, 140))}`
  }
  return payload !== undefined && (payload.length > maxTargetSize || payload.includes("\0"))
    ? `a payload has at most ${maxTargetSize} bytes and no NUL`
    : undefined
}
