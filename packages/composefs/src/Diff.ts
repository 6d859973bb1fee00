/**
 * What differs between two trees, name by name and field by field, and between two images byte by byte.
 *
 * A composefs digest says that two trees differ, never where. Images, dumps, directories and layers all become trees
 * ({@link Image.read}, {@link Dump.parse}, {@link Tree.fromDirectory}), and trees are compared here.
 *
 * @since 0.1.0
 */
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
import { type Count, formatSummary as summaryText, summarize, type Summary } from "./internal/diff/summary.ts"
import { formatDifference } from "./internal/diff/text.ts"
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
