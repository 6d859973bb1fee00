import type * as Effect from "effect/Effect"
import type { ContentSink, ContentSource } from "../../Content.ts"
import type * as FsVerity from "../../FsVerity.ts"
import type * as Node from "../../Node.ts"
import type { Tree } from "../../Tree.ts"

/**
 * What of a directory becomes the tree, and how.
 *
 * @category models
 * @since 0.1.0
 */
export interface DirectoryOptions<E = never, R = never> {
  /** Which files belong to the tree, by absolute path inside it. Directories on the way to one come along. Default: all. */
  readonly filter?: ((path: string, kind: Node.Kind) => boolean) | undefined
  /** Which directories are worth entering; spares the reading of what `filter` would refuse anyway. Default: all. */
  readonly descend?: ((path: string) => boolean) | undefined
  /** Leaves character and block devices out, as `mkcomposefs --skip-devices` does. Default: they belong to the tree. */
  readonly skipDevices?: boolean | undefined
  /** The owner of everything; default: as found. */
  readonly owner?: { readonly uid: number; readonly gid: number } | undefined
  /**
   * One time for everything (`exactly: Node.epoch` is `mkcomposefs --use-epoch`), or the latest that may stand (the
   * meaning of SOURCE_DATE_EPOCH); default: as found.
   */
  readonly mtime?: { readonly exactly: Node.Timestamp } | { readonly atMost: Node.Timestamp } | undefined
  /**
   * Extended attributes, which Node itself cannot read; default: none. The files are asked for one after the other once
   * all are read, so a provider should know them all already where there are many.
   */
  readonly xattrs?:
    | ((file: { readonly path: string; readonly source: string | Buffer }) => Effect.Effect<
      ReadonlyMap<string, Uint8Array>,
      E,
      R
    >)
    | undefined
  /** Whether names of one inode stay links (default) or become files of their own, as mkcomposefs has it. */
  readonly hardLinks?: "preserve" | "separate" | undefined
  /** Files up to this size, in bytes, go into the image. Default 64; another value gives another image. */
  readonly inlineLimit?: number | undefined
  /**
   * Stores every external content: an `ObjectStore` while it is read, by the thread that reads it; any other sink from a
   * second, confirmed reading.
   */
  readonly objects?: ContentSink | undefined
  /** How contents are hashed. Default: as `objects` hashes, or else SHA-256. */
  readonly using?: FsVerity.Parameters | undefined
  /**
   * How many threads read at most, the calling one included; default: one for each core. Where there is too little to
   * win back what their start costs, none is started.
   */
  readonly threads?: number | undefined
  /** Told now and then how far the reading is. */
  readonly onProgress?: ((progress: ScanProgress) => void) | undefined
}

/**
 * How far a scan is.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScanProgress {
  /** Files, links and devices read so far; directories do not count. */
  readonly files: number
  /** Bytes of those. */
  readonly bytes: number
}

/**
 * A tree read from a directory, and its contents.
 *
 * @category models
 * @since 0.1.0
 */
export interface ScannedDirectory {
  readonly tree: Tree
  readonly contents: ContentSource
}
