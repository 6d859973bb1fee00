/** Constants of the EROFS on-disk format (erofs_fs.h) and of the composefs header in front of it (lcfs-erofs.h). */

export const blockSize = 4096
export const slotSize = 32

export const composefsMagic = 0xd078629a
export const composefsFormatVersion = 1
/** Header flag: some inode has a POSIX ACL. */
export const flagHasAcl = 1

export const superblockOffset = 1024
export const superblockSize = 128
export const erofsMagic = 0xe0f5e1e2
/** MTIME (2) | XATTR_FILTER (4) */
export const featureCompat = 6

/** Byte offsets inside the composefs header. */
export const headerField = { magic: 0, formatVersion: 4, flags: 8, composefsVersion: 12, reserved: 16 } as const
export const headerSize = 32

/** Byte offsets inside the superblock. */
export const superField = {
  magic: 0,
  checksum: 4,
  featureCompat: 8,
  blockBits: 12,
  extensionSlots: 13,
  rootNid: 14,
  inodes: 16,
  buildTime: 24,
  buildTimeNsec: 32,
  blocks: 36,
  metaBlock: 40,
  xattrBlock: 44,
  uuid: 48,
  volumeName: 64,
  featureIncompat: 80
} as const

/** The first inode stands right behind the superblock. */
export const inodesOffset = superblockOffset + superblockSize

export const compactInodeSize = 32
export const extendedInodeSize = 64

export const layout = { flatPlain: 0, flatInline: 2, chunkBased: 4 } as const

/** Chunks have 2^12 to 2^43 bytes. */
export const minChunkBits = 12
export const maxChunkBits = 43
/** The address of a chunk that is not in the image. */
export const nullChunk = 0xffffffff
/** Room for the addresses of one block of chunks. */
export const maxChunks = blockSize / 4

export const direntSize = 12
export const dirType = {
  regular: 1,
  directory: 2,
  characterDevice: 3,
  blockDevice: 4,
  fifo: 5,
  socket: 6,
  symlink: 7
} as const

export const xattrHeaderSize = 12
export const xattrEntrySize = 4
/** The header counts shared attributes in a byte; the composefs writer stops at 128. */
export const maxSharedXattrs = 128
/** Seed of the name filter's xxHash32. */
export const xattrFilterSeed = 0x25bbe08f

/**
 * Name prefixes that are stored as an index. A prefix matches wherever the name starts with it, so even the two ACL
 * names can have a rest. Index 5 (`lustre.`) exists but the composefs writer does not use it.
 */
export const xattrPrefixes: ReadonlyArray<XattrPrefix> = [
  { index: 1, prefix: "user." },
  { index: 2, prefix: "system.posix_acl_access" },
  { index: 3, prefix: "system.posix_acl_default" },
  { index: 4, prefix: "trusted." },
  { index: 6, prefix: "security." }
]

export interface XattrPrefix {
  readonly index: number
  readonly prefix: string
}

/** Rounds up to a multiple of a power of two. */
export const alignUp = (value: number, to: number): number => value + (-value & (to - 1))

/** How a file of `size` bytes is divided into chunks. */
export const chunking = (size: number): { readonly bits: number; readonly count: number } => {
  const bits = Math.min(maxChunkBits, Math.max(minChunkBits, bitLength(size - 1)))
  return { bits, count: Math.ceil(size / 2 ** bits) }
}

const bitLength = (value: number): number =>
  value < 2 ** 32 ? 32 - Math.clz32(value) : 64 - Math.clz32(Math.floor(value / 2 ** 32))
