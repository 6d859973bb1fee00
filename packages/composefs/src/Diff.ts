/**
 * What differs between two trees, name by name and field by field, and between two images byte by byte.
 *
 * A composefs digest says that two trees differ, never where. Images, dumps, directories and layers all become trees
 * ({@link Image.read}, {@link Dump.parse}, {@link Tree.fromDirectory}, {@link Tree.fromLayers}), and trees are compared
 * here.
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Image from "./Image.ts"
import { compareTrees } from "./internal/diff/compareTrees.ts"
import type {
  Added,
  Aspect,
  Change,
  Changed,
  Content,
  Difference,
  Field,
  Options,
  Removed,
  XattrChange
} from "./internal/diff/difference.ts"
import { locate, type Place } from "./internal/diff/locate.ts"
import { type Count, formatSummary as summaryText, summarize, type Summary } from "./internal/diff/summary.ts"
import { formatDifference, formatImages as imagesText } from "./internal/diff/text.ts"
import type * as Tree from "./Tree.ts"

export type {
  Added,
  Aspect,
  Change,
  Changed,
  Content,
  Count,
  Difference,
  Field,
  Options,
  Place,
  Removed,
  Summary,
  XattrChange
}

/**
 * The differences between two trees, depth first with names in byte order.
 *
 * They are found while they are asked for, so the first comes soon and nothing piles up. Subtrees which both trees share
 * cost nothing. An inode with several names is compared once, at the first of them. A hard link to nowhere names
 * nothing.
 *
 * **Example**
 *
 * ```ts
 * import { Diff, Node } from "@lamina/composefs"
 *
 * const left = { root: Node.directory({ motd: Node.inlineFile("hello\n") }) }
 * const right = { root: Node.directory({ motd: Node.inlineFile("hello\n", { mode: 0o600 }) }) }
 * for (const difference of Diff.trees(left, right)) console.log(Diff.format(difference))
 * // => ~ /motd: mode 0644 -> 0600
 * ```
 *
 * @category comparison
 * @since 0.1.0
 */
export const trees = (left: Tree.Tree, right: Tree.Tree, options?: Options): Iterable<Difference> => ({
  [Symbol.iterator]: () => compareTrees(left, right, options ?? {})
})

/**
 * One line about a difference: `+ path: what`, `- path: what` or `~ path: field left -> right`.
 *
 * The line is plain ASCII, names and values escaped as in a dump, so that no file name can steer a terminal; long values
 * are cut off. Modes are octal, times seconds and nanoseconds, devices major:minor.
 *
 * @category text form
 * @since 0.1.0
 */
export const format = (difference: Difference): string => formatDifference(difference)

/**
 * Counts differences by what differs, and notes values that are the same in all of a sort.
 *
 * **Example**
 *
 * ```ts
 * import { Diff, Node, Tree } from "@lamina/composefs"
 *
 * const left = { root: Node.directory({ etc: Node.directory(), usr: Node.directory() }) }
 * const right = Tree.mapMetadata(left, (metadata) => ({ ...metadata, mtime: { seconds: 7n, nanoseconds: 0 } }))
 * console.log(Diff.formatSummary(Diff.summary(Diff.trees(left, right))).trimEnd())
 * // => 3 directory mtimes differ (left always 0.000000000, right always 7.000000000), first /
 * ```
 *
 * @category comparison
 * @since 0.1.0
 */
export const summary = (differences: Iterable<Difference>): Summary => summarize(differences)

/**
 * A line for each sort of difference, the most frequent first, as safe to print as {@link format}.
 *
 * @category text form
 * @since 0.1.0
 */
export const formatSummary = (summary: Summary): string => summaryText(summary)

/**
 * How two images differ, in their trees and as files.
 *
 * @category models
 * @since 0.1.0
 */
export interface ImageComparison {
  readonly left: Image.ReadImage
  readonly right: Image.ReadImage
  /** The differences of the trees; which name of an inode comes first counts, for it makes a different image. */
  readonly differences: Iterable<Difference>
  /** The first byte that differs; undefined if the images are identical. */
  readonly firstByte: FirstByte | undefined
}

/**
 * Where two images begin to differ.
 *
 * @category models
 * @since 0.1.0
 */
export interface FirstByte {
  readonly offset: number
  readonly left: Place
  readonly right: Place
  /** Whether an image is, byte for byte, what {@link Image.write} makes of its tree in its version. */
  readonly isCanonical: { readonly left: boolean; readonly right: boolean }
}

/**
 * Compares two images: their trees, and what a tree does not hold. Equal trees still give different images if the format
 * versions differ, or if one was not written by the rules.
 *
 * @category comparison
 * @since 0.1.0
 */
export const images = (
  left: Uint8Array,
  right: Uint8Array,
  options?: Pick<Options, "ignore">
): Result.Result<ImageComparison, Image.ImageError> =>
  Result.gen(function*() {
    const leftImage = yield* Image.read(left)
    const rightImage = yield* Image.read(right)
    return {
      left: leftImage,
      right: rightImage,
      differences: trees(leftImage.tree, rightImage.tree, { ...options, hardLinks: "primaries" }),
      firstByte: firstByteOf({ bytes: left, image: leftImage }, { bytes: right, image: rightImage })
    }
  })

const firstByteOf = (left: Written, right: Written): FirstByte | undefined => {
  const offset = firstDifference(left.bytes, right.bytes)
  return offset === undefined ? undefined : {
    offset,
    left: locate(left.bytes, offset),
    right: locate(right.bytes, offset),
    isCanonical: { left: isCanonical(left), right: isCanonical(right) }
  }
}

/** An image and what was read from it. */
interface Written {
  readonly bytes: Uint8Array
  readonly image: Image.ReadImage
}

const firstDifference = (left: Uint8Array, right: Uint8Array): number | undefined => {
  if (Buffer.compare(left, right) === 0) return undefined
  let offset = 0
  while (offset < left.length && offset < right.length && left[offset] === right[offset]) offset++
  return offset
}

const isCanonical = ({ bytes, image: { tree, version } }: Written): boolean => {
  const canonical = Image.write(tree, { version })
  return Result.isSuccess(canonical) && Buffer.compare(canonical.success, bytes) === 0
}

/**
 * A few lines about two images as files: their versions, where their bytes begin to differ, and which is not as it
 * should be. Empty for identical images; the differences of the trees are for {@link format} and {@link summary}.
 *
 * @category text form
 * @since 0.1.0
 */
export const formatImages = (comparison: ImageComparison): string => imagesText(comparison)
