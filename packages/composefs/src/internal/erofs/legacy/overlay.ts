/** The attributes of inodes as the legacy layout stores them. */
import * as Result from "effect/Result"
import * as ByteString from "../../byteString.ts"
import { XattrBudget, xattrBudgetProblem, xattrProblem } from "../../limits.ts"
import { escapedPrefix, overlayPrefix } from "../overlay.ts"
import type { Xattr, XattrTable } from "../xattrs.ts"

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
