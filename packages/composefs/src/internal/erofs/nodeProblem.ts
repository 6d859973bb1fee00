/** What cannot be stored: trees may be made by hand, and nothing is truncated silently. */
import type * as Node from "../../Node.ts"
import * as ByteString from "../byteString.ts"
import { maxFileSize, maxInlineSize, maxTargetSize } from "../limits.ts"

/** Why a tree cannot be an image, and which of its paths is to blame. */
export interface Unwritable {
  readonly path: string
  readonly problem: string
}

const isUnsigned32 = (value: number): boolean => Number.isInteger(value) && value >= 0 && value <= 0xffffffff

/** Why an inode cannot be stored, if it cannot. */
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
  return payload !== undefined && (ByteString.fromText(payload).length > maxTargetSize || payload.includes("\0"))
    ? `a payload has at most ${maxTargetSize} bytes and no NUL`
    : undefined
}
