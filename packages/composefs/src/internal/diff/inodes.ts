/** The fields in which two inodes differ. */
import * as FsVerity from "../../FsVerity.ts"
import * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import type { Change, Content } from "./difference.ts"

/** Appends every change to `changes`. Names and hard links are the caller's business. */
export const compareInodes = (path: string, left: Node.Inode, right: Node.Inode, changes: Array<Change>): void => {
  if (left === right) return
  const kind = Node.kindOf(left)
  const at = { _tag: "Changed", path, kind } as const
  if (kind !== Node.kindOf(right)) changes.push({ ...at, field: "type", left: kind, right: Node.kindOf(right) })
  if (left.mode !== right.mode) changes.push({ ...at, field: "mode", left: left.mode, right: right.mode })
  if (left.uid !== right.uid) changes.push({ ...at, field: "uid", left: left.uid, right: right.uid })
  if (left.gid !== right.gid) changes.push({ ...at, field: "gid", left: left.gid, right: right.gid })
  if (Node.compareTimestamps(left.mtime, right.mtime) !== 0) {
    changes.push({ ...at, field: "mtime", left: left.mtime, right: right.mtime })
  }
  if (left._tag !== "Directory" && right._tag !== "Directory" && left.nlink !== right.nlink) {
    changes.push({ ...at, field: "nlink", left: left.nlink, right: right.nlink })
  }
  compareData(at, left, right, changes)
  compareXattrs(at, left.xattrs, right.xattrs, changes)
}

/** What all changes of one inode begin with. */
type Place = Pick<Change, "_tag" | "path" | "kind">

const compareData = (at: Place, left: Node.Inode, right: Node.Inode, changes: Array<Change>): void => {
  if (isFile(left) && isFile(right)) return compareFiles(at, left, right, changes)
  if (left._tag === "Symlink" && right._tag === "Symlink") {
    if (left.target !== right.target) {
      changes.push({ ...at, field: "target", left: left.target, right: right.target })
    }
    return
  }
  if (left._tag !== right._tag) return
  if ("size" in left && "size" in right && left.size !== right.size) {
    changes.push({ ...at, field: "size", left: left.size, right: right.size })
  }
  if ("rdev" in left && "rdev" in right && left.rdev !== right.rdev) {
    changes.push({ ...at, field: "rdev", left: left.rdev, right: right.rdev })
  }
}

type File = Node.InlineFile | Node.ExternalFile

const isFile = (node: Node.Inode): node is File => node._tag === "InlineFile" || node._tag === "ExternalFile"

const compareFiles = (at: Place, left: File, right: File, changes: Array<Change>): void => {
  if (left._tag === "InlineFile" && right._tag === "InlineFile") {
    if (left.content !== right.content && Buffer.compare(left.content, right.content) !== 0) {
      changes.push({ ...at, field: "content", left: contentOf(left), right: contentOf(right) })
    }
    return
  }
  if (left._tag !== right._tag) {
    changes.push({ ...at, field: "storage", left: storageOf(left), right: storageOf(right) })
  }
  if (sizeOf(left) !== sizeOf(right)) changes.push({ ...at, field: "size", left: sizeOf(left), right: sizeOf(right) })
  const leftDigest = digestOf(left, right)
  const rightDigest = digestOf(right, left)
  if (leftDigest !== rightDigest) changes.push({ ...at, field: "digest", left: leftDigest, right: rightDigest })
  if (left._tag !== "ExternalFile" || right._tag !== "ExternalFile" || left.payload === right.payload) return
  // Where both payloads follow from the digests, the digests have said it.
  if (!hasUsualPayload(left) || !hasUsualPayload(right)) {
    changes.push({ ...at, field: "payload", left: left.payload, right: right.payload })
  }
}

const contentOf = ({ content }: Node.InlineFile): Content => ({
  size: content.length,
  digest: FsVerity.digest(content)
})

const storageOf = (file: File): "inline" | "external" => file._tag === "InlineFile" ? "inline" : "external"

const sizeOf = (file: File): number => file._tag === "InlineFile" ? file.content.length : file.size

/** The digest of a file by the hash of the other, so that equal contents are equal however they are stored. */
const digestOf = (file: File, other: File): string | undefined => {
  if (file._tag === "ExternalFile") return file.digest
  if (other._tag === "InlineFile" || other.digest === undefined) return undefined
  return FsVerity.digest(file.content, other.digest.length === 128 ? FsVerity.sha512 : FsVerity.sha256)
}

const hasUsualPayload = ({ digest, payload }: Node.ExternalFile): boolean =>
  digest !== undefined && payload === Node.objectPath(digest)

const compareXattrs = (
  at: Place,
  left: ReadonlyMap<string, Uint8Array>,
  right: ReadonlyMap<string, Uint8Array>,
  changes: Array<Change>
): void => {
  if (left === right || (left.size === 0 && right.size === 0)) return
  const differing: Array<string> = []
  for (const [name, value] of left) {
    const other = right.get(name)
    if (other === undefined || (other !== value && Buffer.compare(value, other) !== 0)) differing.push(name)
  }
  for (const name of right.keys()) if (!left.has(name)) differing.push(name)
  differing.sort((one, other) => ByteString.compare(ByteString.fromText(one), ByteString.fromText(other)))
  for (const name of differing) {
    changes.push({ ...at, field: "xattr", name, left: left.get(name), right: right.get(name) })
  }
}
