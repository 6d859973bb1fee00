/**
 * The tar format: ustar headers with PAX records (POSIX.1-2008, pax(1), "Extended Description"), and what GNU tar and
 * star have of their own.
 */

export const blockSize = 512

/** Fields of a header: offset and size in bytes. */
export const field = {
  name: [0, 100],
  mode: [100, 8],
  uid: [108, 8],
  gid: [116, 8],
  size: [124, 12],
  mtime: [136, 12],
  checksum: [148, 8],
  typeFlag: [156, 1],
  linkName: [157, 100],
  magic: [257, 8],
  devMajor: [329, 8],
  devMinor: [337, 8],
  prefix: [345, 155],
  starPrefix: [345, 131],
  starTrailer: [508, 4]
} as const

/** "ustar", NUL, version "00". */
export const magic = "ustar\u000000"

/** "ustar", two blanks, NUL: the place of POSIX's prefix is used otherwise. */
export const gnuMagic = "ustar  \u0000"

/** star's own headers, at their end. */
export const starTrailer = "tar\u0000"

export const typeFlag = {
  regular: "0",
  hardLink: "1",
  symlink: "2",
  characterDevice: "3",
  blockDevice: "4",
  directory: "5",
  fifo: "6",
  contiguous: "7",
  pax: "x",
  globalPax: "g",
  gnuLongName: "L",
  gnuLongLink: "K",
  gnuSparse: "S"
} as const

export const xattrPrefix = "SCHILY.xattr."

/** An OCI whiteout is an empty file with this prefix; with an opaque directory's marker as the special case. */
export const whiteoutPrefix = ".wh."
export const opaqueMarker = ".wh..wh..opq"

/** Names of AUFS's own files, which old layers still hold; they are no part of the tree. */
export const aufsPrefix = ".wh..wh."

/** The end of an archive: two zero blocks. */
export const endSize = 2 * blockSize

export const padding = (size: number): number => (blockSize - (size % blockSize)) % blockSize

/** The sum of a header's bytes, its checksum counted as blanks. */
export const checksum = (header: Uint8Array): number => {
  const [start, size] = field.checksum
  let sum = 0
  for (let at = 0; at < blockSize; at++) sum += at >= start && at < start + size ? 0x20 : header[at] ?? 0
  return sum
}

export const isZero = (bytes: Uint8Array): boolean => bytes.every((byte) => byte === 0)
