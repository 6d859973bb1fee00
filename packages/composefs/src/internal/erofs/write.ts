/** Writes a table of entries as an image of format version 0 or 1: what is in it, where it goes, and then the bytes. */
import * as Result from "effect/Result"
import { longPathProblem, maxPathSize } from "../paths.ts"
import { type EntryTable, rootEntry } from "../table/entryTable.ts"
import { type DeadLink, resolveLinks } from "../table/linkTargets.ts"
import { encode } from "./encode.ts"
import { takeInventory } from "./inventory.ts"
import type { Unwritable } from "./nodeProblem.ts"
import { rewriteForOverlay } from "./overlay.ts"
import { place } from "./placement.ts"
import { StoredAttributes } from "./storedAttributes.ts"

/** Places in an image are kept in 32 bits. */
const maxImageSize = 2 ** 32 - 1

/** The table is used up: it is rewritten on the way. */
export const writeTable = (table: EntryTable, version: number): Result.Result<Uint8Array, Unwritable> =>
  Result.flatMap(
    Result.mapError(resolveLinks(table), (dead) => unwritableLink(table, dead)),
    (targets) => writeLinked(table, targets, version)
  )

/** The same where it is known which inodes are behind hard links. */
export const writeLinked = (
  table: EntryTable,
  targets: Int32Array,
  version: number
): Result.Result<Uint8Array, Unwritable> => {
  const problem = findLongPath(table) ?? rewriteForOverlay(table, version)
  if (problem !== undefined) return Result.fail(problem)
  const inventory = takeInventory(table, targets)
  const attributes = new StoredAttributes(table, inventory.inodes)
  const placement = place(inventory, attributes)
  return placement.imageSize > maxImageSize
    ? Result.fail({ path: "/", problem: `the image would have ${placement.imageSize} bytes, at most ${maxImageSize}` })
    : Result.succeed(encode(inventory, attributes, placement, version))
}

/** A path that nobody could read again: not this package, not composefs-rs, not a kernel that is given it. */
const findLongPath = (table: EntryTable): Unwritable | undefined => {
  const { count, names: { from, owner, to } } = table
  const sizes = new Uint16Array(count)
  for (let entry = rootEntry + 1; entry < count; entry++) {
    const size = (sizes[owner[entry] ?? 0] ?? 0) + 1 + (to[entry] ?? 0) - (from[entry] ?? 0)
    if (size > maxPathSize) return { path: table.pathText(entry), problem: longPathProblem }
    sizes[entry] = size
  }
  return undefined
}

export const hasWhiteout = (table: EntryTable): boolean => {
  for (let entry = 0; entry < table.count; entry++) if (table.isWhiteout(entry)) return true
  return false
}

const unwritableLink = (table: EntryTable, { entry, reason }: DeadLink): Unwritable => ({
  path: table.pathText(entry),
  problem: reason._tag === "Missing"
    ? `the hard link's target ${table.dataText(entry)} is missing`
    : "its hard links form a loop"
})
