/**
 * What the legacy layout does its own way: composefs-rs wrote it before it took over that of mkcomposefs, and calls it
 * "V2" after the version in the header (reference §4.2).
 */
import { objectPath } from "../../../Node.ts"
import * as ByteString from "../../byteString.ts"
import { type XattrPrefix, xattrPrefixes } from "../format.ts"
import type { Xattr } from "../xattrs.ts"

export const legacyVersion = 2

/** Bytes a file may carry inside the image. */
export const maxInlineSize = 512

/** XFS keeps link targets to this size, and composefs-rs with it. */
export const maxTargetSize = 1024

/** All external files claim chunks of 2^43 bytes, whatever their size, and to have one of them. */
export const chunkFormat = 31

/** composefs-rs writes larger ones with that one chunk too, so that readers look for the others behind the inode. */
export const maxFileSize = 2 ** 43

/** The header of an inode's attributes counts the shared ones in a byte, and all that can be shared are. */
export const maxSharedXattrs = 255

/** Unlike mkcomposefs, composefs-rs stored `lustre.` as an index. */
export const legacyXattrPrefixes: ReadonlyArray<XattrPrefix> = [...xattrPrefixes, { index: 5, prefix: "lustre." }]

/** The order of shared attributes: by prefix index, then by the rest of the name, then by value. */
export const sharedOrder = (left: Xattr, right: Xattr): number =>
  left.index - right.index ||
  ByteString.compare(left.suffix, right.suffix) ||
  ByteString.compare(left.value, right.value)

/**
 * Bytes of the chunk table of an external file: one chunk which is not in the image. Without a digest composefs-rs
 * leaves out even that. Nothing reads the table as long as overlayfs redirects the file.
 */
export const chunkTableSize = (hasDigest: boolean): number => hasDigest ? 4 : 0

const objectPathPattern = /^[0-9a-f]{2}\/(?:[0-9a-f]{62}|[0-9a-f]{126})$/

/** Whether a redirect can say where a file is: composefs-rs always has it lead to the object of the digest. */
export const leadsToObject = (digest: string | undefined, payload: string | undefined): boolean =>
  digest === undefined ? payload === undefined || objectPathPattern.test(payload) : payload === objectPath(digest)
