/** File types as the high bits of st_mode (inode(7)). */
import type { Inode } from "../Node.ts"

export const typeMask = 0o170000

export const fileType = {
  socket: 0o140000,
  symlink: 0o120000,
  regular: 0o100000,
  blockDevice: 0o060000,
  directory: 0o040000,
  characterDevice: 0o020000,
  fifo: 0o010000
} as const

const typeOfTag = {
  Directory: fileType.directory,
  InlineFile: fileType.regular,
  ExternalFile: fileType.regular,
  Symlink: fileType.symlink,
  Fifo: fileType.fifo,
  Socket: fileType.socket,
  CharacterDevice: fileType.characterDevice,
  BlockDevice: fileType.blockDevice
} as const satisfies Record<Inode["_tag"], number>

/** st_mode: type and permission bits. */
export const modeOf = (node: Inode): number => typeOfTag[node._tag] | (node.mode & 0o7777)

const fileTypes = new Set<number>(Object.values(fileType))

/** Whether a mode has one of the seven types. */
export const isFileType = (mode: number): boolean => fileTypes.has(mode & typeMask)
