/**
 * The inodes of an image in the legacy layout, in the order in which they are written: depth first, names in byte order,
 * and what has several names at the first of them (reference §4.2).
 */
import * as Result from "effect/Result"
import * as Node from "../../../Node.ts"
import type { Tree } from "../../../Tree.ts"
import * as ByteString from "../../byteString.ts"
import { join, nameProblem, pathProblem, quote } from "../../paths.ts"
import { inodeProblem, type Unwritable } from "../nodeProblem.ts"
import { metacopyName, redirectName } from "../overlay.ts"
import { type Xattr, XattrTable } from "../xattrs.ts"
import {
  leadsToObject,
  legacyXattrPrefixes,
  maxFileSize,
  maxInlineSize,
  maxSharedXattrs,
  maxTargetSize
} from "./format.ts"
import { type Links, linksOf } from "./links.ts"
import { escapeXattrs, metacopyValue } from "./overlay.ts"

/** An inode on its way into an image. */
export interface PlannedInode {
  readonly number: number
  readonly path: string
  readonly node: Node.Inode
  readonly nlink: number
  /** What composefs adds, then those of the tree by name. */
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
}

export const takeInventory = (tree: Tree): Result.Result<Inventory, Unwritable> =>
  Result.flatMap(linksOf(tree), (links) => {
    const builder = new Builder(links)
    const failure = builder.addTree(tree)
    return failure === undefined ? builder.finish() : Result.fail(failure)
  })

/** A directory whose children are being added. */
interface OpenDirectory {
  readonly inode: PlannedInode
  readonly children: ReadonlyArray<Child>
  next: number
}

interface Child {
  readonly path: string
  readonly name: ByteString.ByteString
  readonly node: Node.Node
}

class Builder {
  readonly #links: Links
  readonly #inodes: Array<PlannedInode> = []
  readonly #xattrs = new XattrTable(legacyXattrPrefixes)
  /** Trees share attribute maps between nodes; each is converted once. */
  readonly #converted = new Map<ReadonlyMap<string, Uint8Array>, Result.Result<ReadonlyArray<Xattr>, string>>()
  /** Inodes with several names, by the path at which the tree has them. */
  readonly #linked = new Map<string, PlannedInode>()

  constructor(links: Links) {
    this.#links = links
  }

  /** Depth first, with a stack of its own: trees may be deeper than that of the engine. */
  addTree(tree: Tree): Unwritable | undefined {
    const root = this.#open(tree.root, "/", undefined)
    if (Result.isFailure(root)) return root.failure
    const stack = [root.success]
    for (let directory = stack.at(-1); directory !== undefined; directory = stack.at(-1)) {
      const child = directory.children[directory.next++]
      if (child === undefined) {
        directory.inode.entries.sort(byName)
        stack.pop()
        continue
      }
      const opened = this.#add(child, directory.inode)
      if (Result.isFailure(opened)) return opened.failure
      if (opened.success !== undefined) stack.push(opened.success)
    }
    return undefined
  }

  finish(): Result.Result<Inventory, Unwritable> {
    for (const inode of this.#inodes) for (const xattr of inode.xattrs) xattr.uses++
    for (const { path, xattrs } of this.#inodes) {
      if (xattrs.length <= maxSharedXattrs) continue
      const shared = xattrs.filter(({ uses }) => uses > 1).length
      if (shared > maxSharedXattrs) return Result.fail({ path, problem: sharedProblem(shared) })
    }
    return Result.succeed({ inodes: this.#inodes, xattrs: this.#xattrs })
  }

  /** Adds a child to its directory; gives a directory of its own to go on with, if it is one. */
  #add({ name, node, path }: Child, parent: PlannedInode): Result.Result<OpenDirectory | undefined, Unwritable> {
    if (node._tag === "Directory") {
      return Result.map(this.#open(node, path, parent), (directory) => {
        parent.entries.push({ name, inode: directory.inode })
        return directory
      })
    }
    return Result.map(this.#addLeaf(node, path), (inode) => {
      parent.entries.push({ name, inode })
      return undefined
    })
  }

  #open(
    node: Node.Directory,
    path: string,
    parent: PlannedInode | undefined
  ): Result.Result<OpenDirectory, Unwritable> {
    const sorted = childrenOf(node, path)
    if (Result.isFailure(sorted)) return Result.fail(sorted.failure)
    const children = sorted.success
    const nlink = 2 + children.filter(({ node }) => node._tag === "Directory").length
    return Result.map(this.#plan(node, path, nlink), (inode) => {
      inode.entries.push({ name: ".", inode }, { name: "..", inode: parent ?? inode })
      return { inode, children, next: 0 }
    })
  }

  /** Where the tree has an inode does not matter, only which of its names comes first. */
  #addLeaf(node: Exclude<Node.Node, Node.Directory>, path: string): Result.Result<PlannedInode, Unwritable> {
    const link = node._tag === "HardLink" ? this.#links.targets.get(node) : undefined
    const place = link?.path ?? path
    const known = this.#linked.get(place)
    if (known !== undefined) return Result.succeed(known)
    const inode = link?.node ?? node
    if (inode._tag === "HardLink") return Result.fail({ path, problem: "its hard link was not resolved" })
    const nlink = this.#links.counts.get(place) ?? 1
    return Result.map(this.#plan(inode, path, nlink), (planned) => {
      if (nlink > 1) this.#linked.set(place, planned)
      return planned
    })
  }

  #plan(node: Node.Inode, path: string, nlink: number): Result.Result<PlannedInode, Unwritable> {
    const problem = inodeProblem(node) ?? legacyProblem(node, nlink)
    if (problem !== undefined) return Result.fail({ path, problem })
    return Result.mapBoth(this.#xattrsOf(node), {
      onFailure: (problem) => ({ path, problem }),
      onSuccess: (xattrs) => {
        const planned = { number: this.#inodes.length, path, node, nlink, xattrs, entries: [] }
        this.#inodes.push(planned)
        return planned
      }
    })
  }

  #xattrsOf(node: Node.Inode): Result.Result<ReadonlyArray<Xattr>, string> {
    let own = this.#converted.get(node.xattrs)
    if (own === undefined) this.#converted.set(node.xattrs, own = escapeXattrs(this.#xattrs, node.xattrs))
    return node._tag === "ExternalFile" ? Result.map(own, (own) => [...this.#redirect(node), ...own]) : own
  }

  #redirect({ digest, payload }: Node.ExternalFile): ReadonlyArray<Xattr> {
    const metacopy = this.#xattrs.intern(metacopyName, metacopyValue(digest))
    return payload === undefined ? [metacopy] : [metacopy, this.#xattrs.intern(redirectName, `/${payload}`)]
  }
}

const childrenOf = (directory: Node.Directory, path: string): Result.Result<ReadonlyArray<Child>, Unwritable> => {
  const children: Array<Child> = []
  for (const [name, node] of directory.entries) {
    const child = { path: join(path, name), name: ByteString.fromText(name), node }
    const problem = nameProblem(name) ?? pathProblem(child.path)
    if (problem !== undefined) return Result.fail({ path: child.path, problem })
    children.push(child)
  }
  children.sort(byName)
  const twin = children.find(({ name }, index) => name === children[index + 1]?.name)
  return twin === undefined
    ? Result.succeed(children)
    : Result.fail({ path: twin.path, problem: "two names in its directory are the same bytes" })
}

const byName = (
  left: { readonly name: ByteString.ByteString },
  right: { readonly name: ByteString.ByteString }
): number => ByteString.compare(left.name, right.name)

/** Why an inode that other layouts can store cannot be in this one: what composefs-rs refuses, or writes amiss. */
const legacyProblem = (node: Node.Inode, nlink: number): string | undefined => {
  switch (node._tag) {
    case "InlineFile":
      return node.content.length > maxInlineSize
        ? `${node.content.length} bytes inline, at most ${maxInlineSize} are allowed in version 2; make it external`
        : undefined
    case "Symlink": {
      const size = ByteString.fromText(node.target).length
      return size > maxTargetSize
        ? `the target of a symbolic link has at most ${maxTargetSize} bytes in version 2, this one has ${size}`
        : undefined
    }
    case "ExternalFile":
      return node.size > maxFileSize
        ? `an external file has at most ${maxFileSize} bytes in version 2, not ${node.size}`
        : payloadProblem(node)
    case "CharacterDevice": {
      const names = Math.max(nlink, node.nlink)
      return Node.isWhiteout(node) && names > 1
        ? `a whiteout has one name in version 2, this one has ${names}`
        : undefined
    }
    default:
      return undefined
  }
}

/** The redirect always leads to the object of the digest: a payload elsewhere would be lost. */
const payloadProblem = ({ digest, payload }: Node.ExternalFile): string | undefined => {
  if (leadsToObject(digest, payload)) return undefined
  const expected = digest === undefined ? "the path of an object, xx/rest of the digest" : Node.objectPath(digest)
  return `payload: expected ${expected} in version 2, got ${payload === undefined ? "none" : quote(payload)}`
}

const sharedProblem = (count: number): string =>
  `it shares ${count} extended attributes with other files, at most ${maxSharedXattrs} are possible in version 2`
