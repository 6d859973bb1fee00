/**
 * What overlayfs must find in an image. External files carry the redirect to the object store (lcfs-writer-erofs.c,
 * "rewrite tree for erofs"); attributes and whiteouts that the tree itself has are escaped, so that they come out of
 * the composefs mount instead of steering it.
 */
import * as Result from "effect/Result"
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { XattrBudget, xattrBudgetProblem, xattrProblem } from "../limits.ts"
import type { Xattr, XattrTable } from "./xattrs.ts"

export const overlayPrefix = "trusted.overlay."
export const escapedPrefix = "trusted.overlay.overlay."
export const metacopyName = "trusted.overlay.metacopy"
export const redirectName = "trusted.overlay.redirect"
export const opaqueName = "trusted.overlay.opaque"

/** Marks a regular file that stands for a whiteout, and the directory it is in. */
export const whiteoutMarks = ["trusted.overlay.overlay.whiteout", "user.overlay.whiteout"] as const
export const whiteoutsMarks = ["trusted.overlay.overlay.whiteouts", "user.overlay.whiteouts"] as const
/** From format version 1 on, a directory with whiteouts also says so in the way that kernels before 6.8 skip. */
export const opaqueMarks = ["trusted.overlay.overlay.opaque", "user.overlay.opaque"] as const

/** With one of these in it, an image says so in its header, or a mount would not enforce them. */
export const aclNames = ["system.posix_acl_access", "system.posix_acl_default"] as const

const selinuxName = "security.selinux"

/** Works out the stored attributes of each inode. */
export class OverlayXattrs {
  readonly #table: XattrTable
  readonly #version: number
  /** Trees share attribute maps between nodes; each is converted once. */
  readonly #converted = new Map<ReadonlyMap<string, Uint8Array>, Result.Result<ReadonlyArray<Xattr>, string>>()

  constructor(table: XattrTable, version: number) {
    this.#table = table
    this.#version = version
  }

  /** The attributes of a node, sorted by name, or why they cannot be stored. */
  of(node: Node.Inode, hasWhiteouts: boolean): Result.Result<ReadonlyArray<Xattr>, string> {
    return Result.flatMap(this.#convert(node.xattrs), (own) => {
      if (node._tag === "ExternalFile") return Result.succeed(this.#addRedirect(own, node))
      const marks: Array<readonly [name: string, value: string]> = []
      if (Node.isWhiteout(node)) { for (const name of whiteoutMarks) marks.push([name, ""]) }
      if (hasWhiteouts) {
        for (const name of whiteoutsMarks) marks.push([name, ""])
        if (this.#version >= 1) { for (const name of opaqueMarks) marks.push([name, "x"]) }
      }
      return marks.length === 0 ? Result.succeed(own) : this.#addMarks(own, marks)
    })
  }

  /** The root hides whatever is below the image in the stack. */
  withOpaque(own: ReadonlyArray<Xattr>): ReadonlyArray<Xattr> {
    return sortByName([...own, this.#table.intern(opaqueName, "y")])
  }

  /** Attributes of the stubs that hide the object store: the root's label, for SELinux to be content. */
  ofStub(root: Node.Directory): ReadonlyArray<Xattr> {
    const label = root.xattrs.get(selinuxName)
    return label === undefined ? [] : [this.#table.intern(selinuxName, ByteString.fromBytes(label))]
  }

  #convert(xattrs: ReadonlyMap<string, Uint8Array>): Result.Result<ReadonlyArray<Xattr>, string> {
    let converted = this.#converted.get(xattrs)
    if (converted === undefined) this.#converted.set(xattrs, converted = escapeXattrs(this.#table, xattrs))
    return converted
  }

  #addRedirect(own: ReadonlyArray<Xattr>, file: Node.ExternalFile): ReadonlyArray<Xattr> {
    const added = [...own, this.#table.intern(metacopyName, metacopyValue(file.digest))]
    if (file.payload !== undefined && file.payload !== "") {
      added.push(this.#table.intern(redirectName, `/${ByteString.fromText(file.payload)}`))
    }
    return sortByName(added)
  }

  #addMarks(
    own: ReadonlyArray<Xattr>,
    marks: ReadonlyArray<readonly [name: string, value: string]>
  ): Result.Result<ReadonlyArray<Xattr>, string> {
    const byName = new Map(own.map((xattr) => [xattr.name, xattr]))
    // The marks are set on a copy of the node, whose count starts from zero again.
    const budget = new XattrBudget()
    for (const [name, value] of marks) {
      const replaced = byName.get(name)
      const others = byName.size - (replaced === undefined ? 0 : 1)
      if (!budget.set(name, value.length, others, replaced?.value.length)) return Result.fail(xattrBudgetProblem)
      byName.set(name, this.#table.intern(name, value))
    }
    return Result.succeed(sortByName([...byName.values()]))
  }
}

/** The attributes that a tree gives a node, as they are stored, sorted by name; or why they cannot be. */
export const escapeXattrs = (
  table: XattrTable,
  xattrs: ReadonlyMap<string, Uint8Array>
): Result.Result<ReadonlyArray<Xattr>, string> => {
  const escaped: Array<Xattr> = []
  const budget = new XattrBudget()
  for (const [text, bytes] of xattrs) {
    const name = ByteString.fromText(text)
    const problem = name.includes("\0")
      ? "the name of an extended attribute contains a NUL byte"
      : xattrProblem(name, bytes.length)
    if (problem !== undefined) return Result.fail(problem)
    if (!budget.set(name, bytes.length, escaped.length, undefined)) return Result.fail(xattrBudgetProblem)
    const stored = name.startsWith(overlayPrefix) ? escapedPrefix + name.slice(overlayPrefix.length) : name
    escaped.push(table.intern(stored, ByteString.fromBytes(bytes)))
  }
  return Result.succeed(sortByName(escaped))
}

const sortByName = (xattrs: Array<Xattr>): ReadonlyArray<Xattr> =>
  xattrs.sort((left, right) => ByteString.compare(left.name, right.name))

/** struct ovl_metacopy: version 0, length, flags 0, digest algorithm, digest; empty where there is no digest. */
export const metacopyValue = (digest: string | undefined): ByteString.ByteString => {
  if (digest === undefined) return ""
  const bytes = Buffer.from(digest, "hex").toString("latin1")
  return `\0${String.fromCharCode(4 + bytes.length)}\0${bytes.length === 32 ? "\x01" : "\x02"}${bytes}`
}
