/** Differences as text that is safe on a terminal: plain ASCII, escaped as in a dump, whatever a name or value holds. */
import type { ImageComparison } from "../../Diff.ts"
import * as FsVerity from "../../FsVerity.ts"
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { majorOf, minorOf } from "../deviceNumber.ts"
import { escape, escapeOptional } from "../dump/escape.ts"
import type { Change, Difference } from "./difference.ts"
import type { Place } from "./locate.ts"

/** One line, without a newline. */
export const formatDifference = (difference: Difference): string => {
  switch (difference._tag) {
    case "Added":
      return `+ ${escapeText(difference.path)}: ${describeNode(difference.node)}`
    case "Removed":
      return `- ${escapeText(difference.path)}: ${describeNode(difference.node)}`
    case "Changed": {
      const { left, right } = formatValues(difference)
      return `~ ${escapeText(difference.path)}: ${formatField(difference)} ${left} -> ${right}`
    }
  }
}

export const escapeText = (text: string): string => escape(ByteString.fromText(text))

const formatField = (change: Change): string =>
  change.field === "xattr" ? `xattr ${shorten(escapeText(change.name))}` : fieldNames[change.field]

/** What fields are called: in one line, and with an "s" in a summary. */
export const fieldNames = {
  type: "type",
  mode: "mode",
  uid: "uid",
  gid: "gid",
  nlink: "link count",
  size: "size",
  rdev: "device number",
  mtime: "mtime",
  content: "content",
  storage: "storage place",
  digest: "digest",
  payload: "payload",
  target: "target",
  primary: "primary name",
  links: "hard link group"
} as const satisfies Record<Exclude<Change["field"], "xattr">, string>

export const formatValues = (change: Change): { readonly left: string; readonly right: string } => {
  switch (change.field) {
    case "type":
    case "storage":
      return both(change, String)
    case "mode":
      return both(change, (mode) => `0${mode.toString(8).padStart(3, "0")}`)
    case "uid":
    case "gid":
    case "nlink":
    case "size":
      return both(change, String)
    case "rdev":
      return both(change, formatDevice)
    case "mtime":
      return both(change, formatTimestamp)
    case "content":
      return both(change, ({ digest, size }) => `${formatSize(size)} with ${FsVerity.format(digest)}`)
    case "digest":
      return both(change, (digest) => digest === undefined ? "none" : FsVerity.format(digest))
    case "payload":
      return both(
        change,
        (payload) => payload === undefined ? "none" : shorten(escapeOptional(ByteString.fromText(payload)))
      )
    case "target":
      return both(change, (target) => shorten(escapeText(target)))
    case "primary":
      return both(change, escapeText)
    case "links":
      return both(change, formatNames)
    case "xattr":
      return both(change, (value) => value === undefined ? "absent" : formatBytes(value))
  }
}

const both = <Value>(
  { left, right }: { readonly left: Value; readonly right: Value },
  format: (value: Value) => string
) => ({ left: format(left), right: format(right) })

/** Seconds and nanoseconds: the nanoseconds always count forward, also before 1970. */
export const formatTimestamp = ({ nanoseconds, seconds }: Node.Timestamp): string =>
  `${seconds}.${nanoseconds.toString().padStart(9, "0")}`

const formatDevice = (rdev: number): string => `${majorOf(rdev)}:${minorOf(rdev)}`

const formatSize = (size: number): string => `${size} ${size === 1 ? "byte" : "bytes"}`

const formatNames = (names: ReadonlyArray<string>): string => {
  const shown = names.slice(0, 3).map(escapeText).join(" = ")
  return names.length > 3 ? `${shown} = ... (${names.length} names)` : shown
}

const formatBytes = (bytes: Uint8Array): string =>
  bytes.length === 0 ? "empty" : shorten(escape(ByteString.fromBytes(bytes.subarray(0, maxShown + 1))), bytes.length)

/** Values longer than this, in characters, are cut off. */
const maxShown = 120

const shorten = (escaped: string, size?: number): string =>
  escaped.length > maxShown
    ? `${escaped.slice(0, maxShown)}...${size === undefined ? "" : ` (${formatSize(size)})`}`
    : escaped

const describeNode = (node: Node.Inode): string => {
  switch (node._tag) {
    case "InlineFile":
      return `file of ${formatSize(node.content.length)}`
    case "ExternalFile":
      return `file of ${formatSize(node.size)}`
    case "Symlink":
      return `symlink to ${shorten(escapeText(node.target))}`
    case "CharacterDevice":
    case "BlockDevice":
      return Node.isWhiteout(node) ? "whiteout" : `${Node.kindOf(node)} ${formatDevice(node.rdev)}`
    default:
      return Node.kindOf(node)
  }
}

/** Lines about what the trees of two images do not hold. */
export const formatImages = ({ firstByte, left, right }: ImageComparison): string => {
  const lines: Array<string> = []
  if (left.version !== right.version) lines.push(`format version ${left.version} -> ${right.version}`)
  if (firstByte !== undefined) {
    const places = [formatPlace(firstByte.left), formatPlace(firstByte.right)]
    const place = places[0] === places[1] ? places[0] : `left ${places[0]}, right ${places[1]}`
    lines.push(`bytes differ from ${firstByte.offset} on: ${place}`)
    for (const side of ["left", "right"] as const) {
      if (!firstByte.isCanonical[side]) lines.push(`the ${side} image is not what its tree should give in its version`)
    }
  }
  return lines.map((line) => `${line}\n`).join("")
}

const formatPlace = ({ field, part, path }: Place): string =>
  `${part}${field === undefined ? "" : `, field ${field}`}${path === undefined ? "" : ` of ${escapeText(path)}`}`
