/**
 * Compares what composefs-info prints of an image with the tree that is read here. Its reader departs from what was
 * written in ways that reference §3.13 lists; both sides are brought to the one form that these leave.
 */
import { Dump, Node, Tree } from "@lamina/composefs"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { fromText } from "../src/internal/byteString.ts"
import { view } from "../test/trees.ts"

/** What is behind what composefs-info prints of an image of a tree. */
export type Verdict = { readonly same: string } | { readonly difference: string }

export const compareDump = (theirs: Uint8Array, ours: Tree.Tree): Verdict => {
  const parsed = Dump.parse(theirs)
  if (Result.isFailure(parsed)) {
    const { message } = parsed.failure
    const reason = refusedEverywhere.find(([pattern]) => pattern.test(message))?.[1]
    return reason === undefined
      ? { difference: `its dump is refused: ${message}` }
      : { same: `dump of the image that no mkcomposefs takes: ${reason}` }
  }
  const left = view(comparable(parsed.success, payloads(ours)))
  const right = view(comparable(ours, new Map()))
  for (const path of new Set([...left.keys(), ...right.keys()])) {
    if (left.get(path) === right.get(path)) continue
    const sides = `${short(left.get(path))} there and ${short(right.get(path))} here`
    return { difference: `${JSON.stringify(path.slice(0, 300))} is ${sides}` }
  }
  return { same: "same dump of the image" }
}

const refusedEverywhere: ReadonlyArray<readonly [pattern: RegExp, reason: string]> = [
  [/PAYLOAD has 409[67] bytes|attributes take more than 32767 bytes/, "a mark or two stray bytes too long (§3.13)"],
  [/expected a hard link to anything but a directory/, "a hard link that shows the type of its directory (§2.1)"]
]

const short = (line: string | undefined): string =>
  line === undefined ? "missing" : `\n  ${line.replace(/(.{1,8})\1{20,}/g, "$1…$1").slice(-600)}`

type Payloads = ReadonlyMap<string, string>

/** Of each name: which of several names of a file comes first is not for sure. */
const payloads = (tree: Tree.Tree): Payloads => {
  const known = new Map<string, string>()
  for (const { path } of Tree.walk(tree)) {
    const node = Option.getOrUndefined(Tree.resolve(tree, path))?.node
    if (node?._tag === "ExternalFile" && node.payload !== undefined) known.set(path, node.payload)
  }
  return known
}

const comparable = (tree: Tree.Tree, known: Payloads): Tree.Tree => ({
  root: comparableDirectory(tree.root, "", known)
})

const comparableDirectory = (directory: Node.Directory, path: string, known: Payloads): Node.Directory => ({
  ...directory,
  xattrs: withoutLost(directory.xattrs),
  entries: new Map(
    Array.from(directory.entries, ([name, node]) => [name, comparableNode(node, `${path}/${name}`, known)] as const)
  )
})

const comparableNode = (node: Node.Node, path: string, known: Payloads): Node.Node => {
  if (node._tag === "HardLink") return node
  if (node._tag === "Directory") return comparableDirectory(node, path, known)
  const xattrs = withoutLost(node.xattrs)
  // The mark alone makes a whiteout, whatever is in the file and whatever its directory says.
  const isRegular = node._tag === "InlineFile" || node._tag === "ExternalFile"
  if (isRegular && node.xattrs.has("trusted.overlay.whiteout")) {
    return Node.characterDevice(0, { ...node, xattrs, size: 0 })
  }
  // Nor does it say that a device's size had more than 32 bits.
  if (node._tag === "Fifo" || node._tag === "Socket" || "rdev" in node) return { ...node, xattrs, size: 0 }
  return node._tag === "ExternalFile"
    ? { ...node, xattrs, payload: comparablePayload(node.payload, known.get(path)) }
    : { ...node, xattrs }
}

/** Slashes in front count for nothing, and a redirect of whole words of four bytes comes with two from behind it. */
const comparablePayload = (payload: string | undefined, written: string | undefined): string | undefined => {
  if (payload === undefined) return undefined
  const bare = withoutSlashes(payload)
  const expected = withoutSlashes(written ?? payload)
  const isOverread = fromText(written ?? payload).length % 4 === 3 && bare.startsWith(expected) &&
    bare.length <= expected.length + 2
  const shown = isOverread ? expected : bare
  return shown === "" ? undefined : shown
}

const withoutSlashes = (payload: string): string => fromText(payload).replace(/^\/+/, "")

/** What belongs to the format is dropped, also where it is the tree's own. */
const marks = [
  "trusted.overlay.whiteout",
  "trusted.overlay.whiteouts",
  "trusted.overlay.opaque",
  "user.overlay.whiteout",
  "user.overlay.whiteouts",
  "user.overlay.opaque"
]
/** Entries of four bytes, which are overlooked at the end of an inode's attributes. */
const empty = ["user.", "trusted.", "security.", "system.posix_acl_access", "system.posix_acl_default"]

const withoutLost = (xattrs: ReadonlyMap<string, Uint8Array>): ReadonlyMap<string, Uint8Array> =>
  new Map(
    Array.from(xattrs).filter(([name, value]) => !marks.includes(name) && !(value.length === 0 && empty.includes(name)))
  )
