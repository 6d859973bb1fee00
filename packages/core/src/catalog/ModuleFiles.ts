/**
 * The paths of the files that an artifact holds, in parts, since a module may hold a hundred thousand.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as Collection from "../storage/Collection.ts"

/**
 * A part of the paths of one artifact; the parts are in order of their number.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ModuleFiles = Schema.Struct({
  id: Schema.String,
  accountId: Schema.String,
  rev: Schema.Int,
  versionId: Schema.String,
  architecture: Schema.String,
  part: Schema.Int,
  /** Absolute paths, sorted. */
  paths: Schema.Array(Schema.String)
})

/**
 * A part of the paths of one artifact.
 *
 * @category models
 * @since 0.1.0
 */
export type ModuleFiles = typeof ModuleFiles.Type

/**
 * Where they are kept.
 *
 * @category collections
 * @since 0.1.0
 */
export const collection = Collection.make("module_files", ModuleFiles, {
  byArtifact: { fields: ["versionId", "architecture"] },
  byPart: { fields: ["versionId", "architecture", "part"], unique: true }
})

/**
 * The length of a part's paths together, in UTF-16 code units, at most.
 *
 * @category constants
 * @since 0.1.0
 */
export const partLength = 512 * 1024

/**
 * Cuts a list of paths into parts of at most `partLength`, one path at least in each.
 *
 * @category splitting
 * @since 0.1.0
 */
export const split = (paths: ReadonlyArray<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const parts: Array<Array<string>> = []
  let length = Number.POSITIVE_INFINITY
  for (const path of paths) {
    if (length + path.length > partLength) {
      parts.push([])
      length = 0
    }
    parts.at(-1)?.push(path)
    length += path.length
  }
  return parts
}
