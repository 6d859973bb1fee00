/** What two trees can differ in. */
import type * as Node from "../../Node.ts"

/**
 * A name that only the right tree has.
 *
 * @category models
 * @since 0.1.0
 */
export interface Added {
  readonly _tag: "Added"
  readonly path: string
  readonly kind: Node.Kind
  /** The inode behind the name, hard links followed. */
  readonly node: Node.Inode
}

/**
 * A name that only the left tree has.
 *
 * @category models
 * @since 0.1.0
 */
export interface Removed {
  readonly _tag: "Removed"
  readonly path: string
  readonly kind: Node.Kind
  /** The inode behind the name, hard links followed. */
  readonly node: Node.Inode
}

/**
 * A field in which the inodes behind a name differ.
 *
 * `kind` is what the name is in the left tree; only where `field` is `"type"` it is something else in the right one.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changed<Name extends string, Value> {
  readonly _tag: "Changed"
  readonly path: string
  readonly kind: Node.Kind
  readonly field: Name
  readonly left: Value
  readonly right: Value
}

/**
 * The bytes of an inline file, told by what identifies them.
 *
 * @category models
 * @since 0.1.0
 */
export interface Content {
  /** Bytes. */
  readonly size: number
  /** fs-verity digest (SHA-256), lower-case hex. */
  readonly digest: string
}

/**
 * A change of any field, to be told apart by `field`.
 *
 * `"storage"` is whether a file's bytes are in the image, `"links"` all names of the inode (as far as both trees have
 * them), `"primary"` the name that holds the inode, at which it stands in an image.
 *
 * @category models
 * @since 0.1.0
 */
export type Change =
  | Changed<"type", Node.Kind>
  | Changed<"mode" | "uid" | "gid" | "nlink" | "size" | "rdev", number>
  | Changed<"mtime", Node.Timestamp>
  | Changed<"content", Content>
  | Changed<"storage", "inline" | "external">
  | Changed<"digest" | "payload", string | undefined>
  | Changed<"target" | "primary", string>
  | Changed<"links", ReadonlyArray<string>>
  | XattrChange

/**
 * An extended attribute that differs or that one tree lacks.
 *
 * @category models
 * @since 0.1.0
 */
export interface XattrChange extends Changed<"xattr", Uint8Array | undefined> {
  readonly name: string
}

/**
 * One difference between two trees.
 *
 * @category models
 * @since 0.1.0
 */
export type Difference = Added | Removed | Change

/**
 * The fields that can change.
 *
 * @category models
 * @since 0.1.0
 */
export type Field = Change["field"]

/**
 * What a comparison can leave out: names that only one tree has, a field, or a single extended attribute.
 *
 * @category models
 * @since 0.1.0
 */
export type Aspect = "added" | "removed" | Field | `xattr:${string}`

/**
 * How trees are compared.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** What does not count. Default: everything counts. */
  readonly ignore?: ReadonlyArray<Aspect> | undefined
  /**
   * Hard links are the same if the same names share an inode (`"groups"`, the default). With `"primaries"` it also
   * counts which of the names holds the inode: no file system shows that, but images depend on it.
   */
  readonly hardLinks?: "groups" | "primaries" | undefined
}
