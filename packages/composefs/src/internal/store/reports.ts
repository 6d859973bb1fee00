import type * as Duration from "effect/Duration"
import type { Tree } from "../../Tree.ts"

/**
 * What `fsck` found.
 *
 * @category models
 * @since 0.1.0
 */
export interface FsckReport {
  readonly objects: number
  /** Bytes of all objects. */
  readonly size: number
  /** Objects whose content does not have the digest they are named after. */
  readonly corrupt: ReadonlyArray<{ readonly digest: string; readonly actual: string }>
  /** Objects that could not be read: the disk, or the permissions. */
  readonly unreadable: ReadonlyArray<{ readonly digest: string; readonly problem: string }>
  /** Digests that a root needs, and of which there is no object. */
  readonly missing: ReadonlyArray<string>
  /** Every file of a root whose content is corrupt, unreadable or missing. */
  readonly affected: ReadonlyArray<AffectedFile>
  /**
   * Paths, relative to the store, of directories for half-written objects that are not this process's own: of other
   * writers, or left over by dead ones, which `gc` removes.
   */
  readonly temporaries: ReadonlyArray<string>
  /** Paths, relative to the store, of what is not an object. */
  readonly foreign: ReadonlyArray<string>
}

/**
 * A file that cannot be read any more.
 *
 * @category models
 * @since 0.1.0
 */
export interface AffectedFile {
  /** The name of the root it belongs to. */
  readonly root: string
  readonly path: string
  readonly digest: string
  readonly problem: "corrupt" | "unreadable" | "missing"
}

/**
 * What is looked at, besides the objects themselves.
 *
 * @category models
 * @since 0.1.0
 */
export interface FsckOptions {
  /** Trees that need objects of the store, by the names that the report shall use: an image's path, for instance. */
  readonly roots?: Iterable<readonly [name: string, tree: Tree]> | undefined
  /** How many threads read at most, the calling one included; default: one for each core. */
  readonly threads?: number | undefined
  /** Told now and then how many objects were read, and their bytes. */
  readonly onProgress?: ((progress: { readonly objects: number; readonly bytes: number }) => void) | undefined
}

/**
 * What a garbage collection is to keep.
 *
 * @category models
 * @since 0.1.0
 */
export interface GcOptions {
  /** Trees whose contents are kept, or digests. Whatever else is old enough goes. */
  readonly roots: Iterable<Tree | string>
  /**
   * An object that was stored, or found to be stored, within this time is kept without a root: whoever stored it is
   * perhaps not done. It must be longer than that takes, from the first object until the tree is a root. Default: one
   * hour.
   */
  readonly grace?: Duration.Input | undefined
  /** Removes nothing, and tells what would go. */
  readonly dryRun?: boolean | undefined
}

/**
 * So many objects, and their bytes together.
 *
 * @category models
 * @since 0.1.0
 */
export interface ObjectCount {
  readonly objects: number
  readonly size: number
}

/**
 * What a garbage collection did, or would have done.
 *
 * @category models
 * @since 0.1.0
 */
export interface GcReport {
  /** Needed by a root. */
  readonly kept: ObjectCount
  /** Needed by no root, but too young to go. */
  readonly young: ObjectCount
  readonly removed: ObjectCount
  /** The digests of what was removed. */
  readonly digests: ReadonlyArray<string>
  /** Paths, relative to the store, of the directories of dead writers that were removed. */
  readonly temporaries: ReadonlyArray<string>
}
