/** What a kernel shows of a file; texts are byte strings. */
export interface Observed {
  readonly path: string
  /** Type and permissions. */
  readonly mode: number
  readonly nlink: number
  readonly uid: number
  readonly gid: number
  readonly rdev: number
  /** Bytes; 0 for what is not a regular file. */
  readonly size: number
  /** Nanoseconds. */
  readonly mtime: string
  /** The first path with the same inode. */
  readonly first: string
  readonly target: string
  /** SHA-256 of the bytes; empty where they are too many to be read. */
  readonly content: string
  /** Values as hex. */
  readonly xattrs: Readonly<Record<string, string>>
}
