/** Reads a directory into a table of entries. */
import * as Effect from "effect/Effect"
import { maxInlineSize } from "../limits.ts"
import type { EntryTable } from "../table/entryTable.ts"
import type { DirectoryOptions } from "./options.ts"
import { readDirectory } from "./readDirectory.ts"
import { TableListing } from "./tableListing.ts"

/** The options of a scan that a table has no place for; with one of them, a tree must be made. */
export const needsTree = <E, R>(options: DirectoryOptions<E, R>): boolean =>
  options.filter !== undefined || options.descend !== undefined || options.xattrs !== undefined ||
  (options.inlineLimit ?? 0) > maxInlineSize

export interface ScannedTable {
  readonly table: EntryTable
  /** By entry: the inode behind a hard link. */
  readonly targets: Int32Array
}

export const scanTable = Effect.fnUntraced(function*<E, R>(directory: string, options: DirectoryOptions<E, R>) {
  const listing = new TableListing(options)
  const { readings, walk } = yield* readDirectory(directory, options, listing)
  yield* Effect.fromResult(walk.confirm())
  const { table } = listing
  const targets = options.hardLinks === "separate" ? new Int32Array(table.count).fill(-1) : listing.link(readings)
  return { table, targets } satisfies ScannedTable
})
