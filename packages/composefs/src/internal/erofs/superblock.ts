/** Reads the header and the superblock of an image (reference §3.1). */
import type { Timestamp } from "../../Node.ts"
import {
  blockSize,
  composefsFormatVersion,
  composefsMagic,
  erofsMagic,
  featureCompat,
  flagHasAcl,
  headerField,
  headerSize,
  superblockOffset,
  superblockSize,
  superField
} from "./format.ts"
import type { ImageBytes } from "./imageBytes.ts"

export interface Superblock {
  readonly version: number
  readonly hasAcl: boolean
  readonly rootNid: number
  readonly inodes: number
  /** The time of every compact inode. */
  readonly buildTime: Timestamp
  readonly xattrOffset: number
}

export const readSuperblock = (bytes: ImageBytes): Superblock => {
  const at = superblockOffset
  bytes.check(bytes.size % blockSize === 0 && bytes.size > 0, 0, "its size is not a multiple of 4096")
  bytes.check(bytes.u32(headerField.magic) === composefsMagic, 0, "the composefs magic number is missing")
  const formatVersion = bytes.u32(headerField.formatVersion)
  bytes.check(formatVersion === composefsFormatVersion, headerField.formatVersion, `format version ${formatVersion}`)
  const flags = bytes.u32(headerField.flags)
  bytes.check((flags & ~flagHasAcl) === 0, headerField.flags, `unknown header flags 0x${flags.toString(16)}`)
  bytes.check(
    bytes.isZero(headerField.reserved, superblockOffset - headerField.reserved),
    headerSize,
    "reserved bytes of the header are not zero"
  )
  bytes.check(bytes.u32(at + superField.magic) === erofsMagic, at, "the EROFS magic number is missing")
  const features = bytes.u32(at + superField.featureCompat)
  bytes.check(
    features === featureCompat,
    at + superField.featureCompat,
    `compatible features 0x${features.toString(16)}`
  )
  const incompatible = bytes.u32(at + superField.featureIncompat)
  bytes.check(
    incompatible === 0,
    at + superField.featureIncompat,
    `incompatible features 0x${incompatible.toString(16)}`
  )
  bytes.check(bytes.u8(at + superField.blockBits) === 12, at + superField.blockBits, "blocks are not of 4096 bytes")
  bytes.check(
    bytes.u32(at + superField.blocks) * blockSize === bytes.size,
    at + superField.blocks,
    "the number of blocks is not that of the image"
  )
  for (const [field, size] of zeroFields) {
    bytes.check(bytes.isZero(at + field, size), at + field, "a field of the superblock is not zero")
  }
  return {
    version: bytes.u32(headerField.composefsVersion),
    hasAcl: flags === flagHasAcl,
    rootNid: bytes.u16(at + superField.rootNid),
    inodes: bytes.u64(at + superField.inodes),
    buildTime: {
      seconds: bytes.i64(at + superField.buildTime),
      nanoseconds: bytes.u32(at + superField.buildTimeNsec)
    },
    xattrOffset: bytes.u32(at + superField.xattrBlock) * blockSize
  }
}

/** Checksum, extension slots, metadata block, uuid and volume name, and all behind the incompatible features. */
const zeroFields = [
  [superField.checksum, 4],
  [superField.extensionSlots, 1],
  [superField.metaBlock, 4],
  [superField.uuid, superField.featureIncompat - superField.uuid],
  [superField.featureIncompat + 4, superblockSize - superField.featureIncompat - 4]
] as const
