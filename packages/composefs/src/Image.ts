/**
 * composefs images: EROFS file systems that hold names and metadata, while file contents stay in an object store.
 *
 * What is written is byte for byte what mkcomposefs writes for the same tree, in the format versions 0 and 1 (the
 * "composefs_version" of the header), or what composefs-rs writes in version 2, so that digests agree across
 * implementations.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type { ContentError } from "./Content.ts"
import * as Dump from "./Dump.ts"
import * as FsVerity from "./FsVerity.ts"
import { readDump } from "./internal/dump/parser.ts"
import { assemble, open } from "./internal/erofs/assemble.ts"
import { assembleLegacy } from "./internal/erofs/legacy/assemble.ts"
import { writeLegacy } from "./internal/erofs/legacy/write.ts"
import type { Unwritable } from "./internal/erofs/nodeProblem.ts"
import { hasWhiteout, writeLinked, writeTable } from "./internal/erofs/write.ts"
import { quote } from "./internal/paths.ts"
import { needsTree, scanTable } from "./internal/scan/scanTable.ts"
import { scanDirectory } from "./internal/scan/scanTree.ts"
import type { EntryTable } from "./internal/table/entryTable.ts"
import { fromTree } from "./internal/table/fromTree.ts"
import { toTree } from "./internal/table/toTree.ts"
import type * as Tree from "./Tree.ts"

/**
 * Why a tree cannot be an image, or bytes are not one.
 *
 * @category errors
 * @since 0.1.0
 */
export class ImageError extends Schema.TaggedError<ImageError>("@lamina/composefs/ImageError")("ImageError", {
  reason: Schema.Union([
    Schema.TaggedStruct("Unwritable", { path: Schema.String, problem: Schema.String }),
    Schema.TaggedStruct("UnsupportedVersion", { version: Schema.Finite }),
    Schema.TaggedStruct("Malformed", { offset: Schema.Finite, problem: Schema.String })
  ])
}) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "Unwritable":
        return `cannot write ${quote(reason.path)} into an image: ${reason.problem}`
      case "UnsupportedVersion":
        return `composefs format version: expected 0, 1 or 2, got ${reason.version}`
      case "Malformed":
        return `not a composefs image: at byte ${reason.offset}, ${reason.problem}`
    }
  }
}

/**
 * A version of the image format that mkcomposefs writes. Version 1 marks directories with whiteouts for more kernels.
 *
 * @category models
 * @since 0.1.0
 */
export type CommonVersion = 0 | 1

/**
 * A version of the image format: a common one, or the legacy layout of composefs-rs, 2.
 *
 * @category models
 * @since 0.1.0
 */
export type Version = CommonVersion | 2

/**
 * Which format version to write: the lowest, unless the tree has whiteouts and the highest allows for them.
 *
 * With neither bound given it is 0 to 1. A lone `minVersion` is also the highest, as `mkcomposefs --min-version` has it.
 *
 * @category models
 * @since 0.1.0
 */
export interface VersionRange {
  readonly minVersion?: CommonVersion | undefined
  readonly maxVersion?: CommonVersion | undefined
  readonly version?: undefined
}

/**
 * Exactly this format version, whatever the tree has.
 *
 * Version 2 is for composefs-rs repositories without `erofs_formats` in their `meta.json`, and for systems booted with
 * `composefs=<hex>`. It keeps times in whole seconds, counts the names of an inode itself, leaves whiteouts as they are,
 * and takes at most 512 bytes inline and link targets of at most 1024 bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface ExactVersion {
  readonly version: Version
  readonly minVersion?: undefined
  readonly maxVersion?: undefined
}

/**
 * Which format version to write: a range to choose from, or exactly one.
 *
 * @category models
 * @since 0.1.0
 */
export type WriteOptions = VersionRange | ExactVersion

/**
 * Writes a tree as an image. What cannot be read back is refused, with its path: mkcomposefs for one writes paths of more
 * than 4095 bytes, at which composefs-rs and composefs-info fail.
 *
 * **Example**
 *
 * ```ts
 * import { Image, Node } from "@lamina/composefs"
 *
 * const image = Image.write({ root: Node.directory({ motd: Node.inlineFile("hello\n") }) })
 * ```
 *
 * @category writing
 * @since 0.1.0
 */
export const write = (tree: Tree.Tree, options?: WriteOptions): Result.Result<Uint8Array, ImageError> => {
  const written = options?.version === 2
    ? writeLegacy(tree)
    : Result.flatMap(fromTree(tree), (table) => writeTable(table, chooseVersion(table, options)))
  return Result.mapError(written, unwritable)
}

/**
 * Writes the tree that a dump describes as an image. It is the same image as that of the parsed tree, but no tree is
 * made on the way, which is several times as fast.
 *
 * **Example**
 *
 * ```ts
 * import { Image } from "@lamina/composefs"
 *
 * const image = Image.fromDump("/ 0 40755 2 0 0 0 0.0 - - -\n/motd 6 100644 1 0 0 0 0.0 - hello\\n -\n")
 * ```
 *
 * @category writing
 * @since 0.1.0
 */
export const fromDump = (
  dump: string | Uint8Array,
  options?: WriteOptions & Dump.ParseOptions
): Result.Result<Uint8Array, ImageError | Dump.DumpError> => {
  const read = readDump(dump, options?.strict ?? false)
  if (Result.isFailure(read)) return Result.fail(new Dump.DumpError(read.failure))
  const { table, targets } = read.success
  const written = options?.version === 2
    ? writeLegacy(toTree(table))
    : writeLinked(table, targets, chooseVersion(table, options))
  return Result.mapError(written, unwritable)
}

/**
 * Writes the image of a directory of the file system. It is the same image as that of the tree which
 * `Tree.fromDirectory` reads with the same options, but no tree is made on the way where none is needed: not with
 * `filter`, `descend`, `xattrs` or `version` 2.
 *
 * **Example**
 *
 * ```ts
 * import { FsVerity, Image } from "@lamina/composefs"
 * import * as Effect from "effect/Effect"
 *
 * // What `mkcomposefs --skip-xattrs --print-digest-only rootfs` prints.
 * const digest = Image.fromDirectory("rootfs", { hardLinks: "separate" }).pipe(
 *   Effect.map((image) => FsVerity.digest(image))
 * )
 * ```
 *
 * @category writing
 * @since 0.1.0
 */
export const fromDirectory = <E = never, R = never>(
  directory: string,
  options: WriteOptions & Tree.DirectoryOptions<E, R> = {}
): Effect.Effect<Uint8Array, ImageError | Tree.TreeError | ContentError | E, R> => {
  if (needsTree(options) || options.version === 2) {
    return Effect.flatMap(scanDirectory(directory, options), ({ tree }) => Effect.fromResult(write(tree, options)))
  }
  return Effect.flatMap(
    scanTable(directory, options),
    ({ table, targets }) =>
      Effect.fromResult(Result.mapError(writeLinked(table, targets, chooseVersion(table, options)), unwritable))
  )
}

const unwritable = (reason: Unwritable): ImageError => new ImageError({ reason: { _tag: "Unwritable", ...reason } })

/**
 * The digest by which a tree is known: the fs-verity digest of its image.
 *
 * @category writing
 * @since 0.1.0
 */
export const digest = (
  tree: Tree.Tree,
  options?: WriteOptions & { readonly using?: FsVerity.Parameters | undefined }
): Result.Result<string, ImageError> =>
  Result.map(write(tree, options), (image) => FsVerity.digest(image, options?.using))

/**
 * The digest of the image of the tree that a dump describes.
 *
 * @category writing
 * @since 0.1.0
 */
export const digestFromDump = (
  dump: string | Uint8Array,
  options?: WriteOptions & Dump.ParseOptions & { readonly using?: FsVerity.Parameters | undefined }
): Result.Result<string, ImageError | Dump.DumpError> =>
  Result.map(fromDump(dump, options), (image) => FsVerity.digest(image, options?.using))

/**
 * A tree read from an image, and the format version it was in.
 *
 * @category models
 * @since 0.1.0
 */
export interface ReadImage {
  readonly tree: Tree.Tree
  readonly version: Version
}

/**
 * Reads an image, which may come from anywhere: every offset, size, order and reserved field is checked, no byte is
 * read twice for two inodes, and time and memory stay in proportion to the image.
 *
 * What {@link write} makes is always read, and gives the same image when it is written again. Some that is the same in an
 * image may be another way in the tree: which of several names of a file is the first, and a device's size, which no image
 * keeps (of one of more than 32 bits it shows that it was so).
 *
 * With `canonical`, the image must also be exactly what {@link write} makes of the tree: then nothing hides in padding,
 * and a kernel cannot see anything else in it.
 *
 * @category reading
 * @since 0.1.0
 */
export const read = (
  bytes: Uint8Array,
  options?: { readonly canonical?: boolean | undefined }
): Result.Result<ReadImage, ImageError> =>
  Result.gen(function*() {
    const opened = yield* Result.mapError(open(bytes), malformed)
    const version = opened.superblock.version
    if (version !== 0 && version !== 1 && version !== 2) {
      return yield* Result.fail(new ImageError({ reason: { _tag: "UnsupportedVersion", version } }))
    }
    const tree = yield* Result.mapError(version === 2 ? assembleLegacy(opened) : assemble(opened), malformed)
    if (options?.canonical === true) yield* checkCanonical(bytes, tree, version)
    return { tree, version }
  })

const malformed = (reason: { readonly offset: number; readonly problem: string }): ImageError =>
  new ImageError({ reason: { _tag: "Malformed", ...reason } })

const checkCanonical = (bytes: Uint8Array, tree: Tree.Tree, version: Version): Result.Result<void, ImageError> =>
  Result.flatMap(write(tree, { version }), (canonical) => {
    if (Buffer.compare(bytes, canonical) === 0) return Result.succeed(undefined)
    const offset = canonical.findIndex((byte, at) => byte !== bytes[at])
    return Result.fail(malformed({ offset: Math.max(offset, 0), problem: "it is not in its one canonical form" }))
  })

const chooseVersion = (table: EntryTable, options: WriteOptions | undefined): number => {
  if (options?.version !== undefined) return options.version
  const lowest = options?.minVersion ?? 0
  const highest = options?.maxVersion ?? options?.minVersion ?? 1
  return lowest === 0 && highest >= 1 && hasWhiteout(table) ? 1 : lowest
}
