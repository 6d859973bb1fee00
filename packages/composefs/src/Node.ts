/**
 * The nodes of a file system tree: immutable values which hold what a composefs image records of a file.
 *
 * Names, link targets and attribute names are strings. Bytes which are not UTF-8 appear in them as lone surrogates
 * U+DC80..U+DCFF, so that every name the kernel allows survives a round trip.
 *
 * @since 0.1.0
 */

/**
 * A point in time as file systems store it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timestamp {
  /** Seconds since 1970, negative before. */
  readonly seconds: bigint
  readonly nanoseconds: number
}

/**
 * What every inode carries.
 *
 * @category models
 * @since 0.1.0
 */
export interface Metadata {
  /** Permission bits, 0 to 0o7777; the file type is in the node's tag. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly mtime: Timestamp
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}

/**
 * A directory with its entries by name. Its link count follows from its entries.
 *
 * @category models
 * @since 0.1.0
 */
export interface Directory extends Metadata {
  readonly _tag: "Directory"
  readonly entries: ReadonlyMap<string, Node>
}

/**
 * A regular file whose bytes are in the image itself: at most 5000, by convention at most 64.
 *
 * @category models
 * @since 0.1.0
 */
export interface InlineFile extends Metadata {
  readonly _tag: "InlineFile"
  readonly nlink: number
  readonly content: Uint8Array
}

/**
 * A regular, non-empty file whose bytes are in an object store.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExternalFile extends Metadata {
  readonly _tag: "ExternalFile"
  readonly nlink: number
  /** Bytes. */
  readonly size: number
  /** fs-verity digest of the content, lower-case hex; undefined when nobody computed it. */
  readonly digest: string | undefined
  /** Where the content is, relative to the object store (`xx/rest of the digest`); undefined for a sparse file. */
  readonly payload: string | undefined
}

/**
 * A symbolic link.
 *
 * @category models
 * @since 0.1.0
 */
export interface Symlink extends Metadata {
  readonly _tag: "Symlink"
  readonly nlink: number
  readonly target: string
}

/**
 * A named pipe or a socket.
 *
 * @category models
 * @since 0.1.0
 */
export interface Special extends Metadata {
  readonly _tag: "Fifo" | "Socket"
  readonly nlink: number
  /** What `st_size` said, 0 on any real system; a dump may say otherwise. */
  readonly size: number
}

/**
 * A device. A character device numbered 0 is a whiteout: it hides the name in the layers below.
 *
 * @category models
 * @since 0.1.0
 */
export interface Device extends Metadata {
  readonly _tag: "CharacterDevice" | "BlockDevice"
  readonly nlink: number
  /** Device number in the kernel's 32-bit encoding. */
  readonly rdev: number
  /** What `st_size` said, 0 on any real system; a dump may say otherwise. */
  readonly size: number
}

/**
 * Another name of a node that stands elsewhere in the same tree.
 *
 * @category models
 * @since 0.1.0
 */
export interface HardLink {
  readonly _tag: "HardLink"
  /** Absolute path of the other name. */
  readonly target: string
}

/**
 * A node that is an inode of its own.
 *
 * @category models
 * @since 0.1.0
 */
export type Inode = Directory | InlineFile | ExternalFile | Symlink | Special | Device

/**
 * Anything a directory entry can name.
 *
 * @category models
 * @since 0.1.0
 */
export type Node = Inode | HardLink

/**
 * The file types of Unix.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind = "directory" | "file" | "symlink" | "fifo" | "socket" | "character device" | "block device"

/**
 * The Unix epoch.
 *
 * @category constants
 * @since 0.1.0
 */
export const epoch: Timestamp = { seconds: 0n, nanoseconds: 0 }

/**
 * Metadata of which the absent parts take their defaults: owner 0:0, the epoch, no attributes, and a mode by kind
 * (0755 directories, 0777 symlinks, 0644 the rest).
 *
 * @category models
 * @since 0.1.0
 */
export type MetadataOptions = Partial<Metadata>

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map()

const metadata = (options: MetadataOptions | undefined, mode: number): Metadata => ({
  mode: options?.mode ?? mode,
  uid: options?.uid ?? 0,
  gid: options?.gid ?? 0,
  mtime: options?.mtime ?? epoch,
  xattrs: options?.xattrs ?? noXattrs
})

/**
 * A directory of the given entries.
 *
 * @category constructors
 * @since 0.1.0
 */
export const directory = (
  entries: ReadonlyMap<string, Node> | Readonly<Record<string, Node>> = {},
  options?: MetadataOptions
): Directory => ({
  _tag: "Directory",
  ...metadata(options, 0o755),
  entries: isMap(entries) ? entries : new Map(Object.entries(entries))
})

const isMap = (
  entries: ReadonlyMap<string, Node> | Readonly<Record<string, Node>>
): entries is ReadonlyMap<string, Node> => entries instanceof Map

/**
 * A regular file with its bytes in the image.
 *
 * @category constructors
 * @since 0.1.0
 */
export const inlineFile = (
  content: Uint8Array | string,
  options?: MetadataOptions & { readonly nlink?: number }
): InlineFile => ({
  _tag: "InlineFile",
  ...metadata(options, 0o644),
  nlink: options?.nlink ?? 1,
  content: typeof content === "string" ? new TextEncoder().encode(content) : content
})

/**
 * A regular file of `size` bytes (more than 0) in the object store. With a digest, the payload defaults to its object
 * path.
 *
 * @category constructors
 * @since 0.1.0
 */
export const externalFile = (
  file: { readonly size: number; readonly digest?: string | undefined; readonly payload?: string | undefined },
  options?: MetadataOptions & { readonly nlink?: number }
): ExternalFile => ({
  _tag: "ExternalFile",
  ...metadata(options, 0o644),
  nlink: options?.nlink ?? 1,
  size: file.size,
  digest: file.digest,
  payload: file.payload ?? (file.digest === undefined ? undefined : objectPath(file.digest))
})

/**
 * A symbolic link.
 *
 * @category constructors
 * @since 0.1.0
 */
export const symlink = (target: string, options?: MetadataOptions & { readonly nlink?: number }): Symlink => ({
  _tag: "Symlink",
  ...metadata(options, 0o777),
  nlink: options?.nlink ?? 1,
  target
})

/**
 * A named pipe.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fifo = (options?: MetadataOptions & { readonly nlink?: number; readonly size?: number }): Special => ({
  _tag: "Fifo",
  ...metadata(options, 0o644),
  nlink: options?.nlink ?? 1,
  size: options?.size ?? 0
})

/**
 * A socket.
 *
 * @category constructors
 * @since 0.1.0
 */
export const socket = (options?: MetadataOptions & { readonly nlink?: number; readonly size?: number }): Special => ({
  ...fifo(options),
  _tag: "Socket"
})

/**
 * A character device.
 *
 * @category constructors
 * @since 0.1.0
 */
export const characterDevice = (
  rdev: number,
  options?: MetadataOptions & { readonly nlink?: number; readonly size?: number }
): Device => ({
  _tag: "CharacterDevice",
  ...metadata(options, 0o644),
  nlink: options?.nlink ?? 1,
  rdev,
  size: options?.size ?? 0
})

/**
 * A block device.
 *
 * @category constructors
 * @since 0.1.0
 */
export const blockDevice = (
  rdev: number,
  options?: MetadataOptions & { readonly nlink?: number; readonly size?: number }
): Device => ({ ...characterDevice(rdev, options), _tag: "BlockDevice" })

/**
 * A whiteout: hides the name in the layers below.
 *
 * @category constructors
 * @since 0.1.0
 */
export const whiteout = (options?: MetadataOptions): Device => characterDevice(0, options)

/**
 * Another name of the node at the absolute path `target`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const hardLink = (target: string): HardLink => ({ _tag: "HardLink", target })

/**
 * Whether a node is a whiteout.
 *
 * @category guards
 * @since 0.1.0
 */
export const isWhiteout = (node: Node): boolean => node._tag === "CharacterDevice" && node.rdev === 0

/**
 * The file type of an inode.
 *
 * @category inspection
 * @since 0.1.0
 */
export const kindOf = (node: Inode): Kind => kinds[node._tag]

const kinds = {
  Directory: "directory",
  InlineFile: "file",
  ExternalFile: "file",
  Symlink: "symlink",
  Fifo: "fifo",
  Socket: "socket",
  CharacterDevice: "character device",
  BlockDevice: "block device"
} as const satisfies Record<Inode["_tag"], Kind>

/**
 * The place of an object in a store: the first byte of its digest in hex, a slash, the rest.
 *
 * @category inspection
 * @since 0.1.0
 */
export const objectPath = (digest: string): string => `${digest.slice(0, 2)}/${digest.slice(2)}`

/**
 * Orders timestamps from past to future.
 *
 * @category inspection
 * @since 0.1.0
 */
export const compareTimestamps = (left: Timestamp, right: Timestamp): number =>
  left.seconds !== right.seconds ? (left.seconds < right.seconds ? -1 : 1) : left.nanoseconds - right.nanoseconds
