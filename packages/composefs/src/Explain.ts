/**
 * Why a digest is not the expected one: finds what was done to the files, or in which format the image was written, so
 * that this tree gives that digest.
 *
 * Image digests agree only if everybody takes the same files in the same way. Tools differ in format version, extended
 * attributes, times, hard links and more (see `docs/why-digests-differ.md`); here their ways are tried one by one and in
 * combination. With the other image or its dump at hand, {@link Diff.trees} tells more directly what differs.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import type { ContentSource } from "./Content.ts"
import * as FsVerity from "./FsVerity.ts"
import type * as Image from "./Image.ts"
import { asIs, type Combination, type Deviation, type Dimension } from "./internal/explain/combination.ts"
import { noContents, readContents } from "./internal/explain/contents.ts"
import { hintsFor } from "./internal/explain/hints.ts"
import { deviationsOf, formatOptions, type Match, Search, transformTree } from "./internal/explain/search.ts"
import { formatExplanation } from "./internal/explain/text.ts"
import type { Context } from "./internal/explain/transforms.ts"
import type * as Node from "./Node.ts"
import type * as Tree from "./Tree.ts"

export type { Combination, Deviation, Dimension }

/**
 * What the search may use, and how far it goes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * How many images are made at most. Default 1000: all single deviations, the known ways of mkcomposefs and cfsctl,
   * most pairs. An image of 60,000 files takes about a quarter of a second.
   */
  readonly maxAttempts?: number | undefined
  /** What may deviate. Default: everything. */
  readonly dimensions?: ReadonlyArray<Dimension> | undefined
  /** The time that builds were given as SOURCE_DATE_EPOCH; without it, times are not clamped. */
  readonly sourceDateEpoch?: Node.Timestamp | undefined
  /** Where contents can be read: only then can they be known by another hash, or move into the image. */
  readonly contents?: ContentSource | undefined
  /** Called before every combination. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
}

/**
 * How far a search is.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly attempts: number
  readonly maxAttempts: number
  /** What is tried next. */
  readonly deviations: ReadonlyArray<Deviation>
}

/**
 * The combination that gives the expected digest.
 *
 * @category models
 * @since 0.1.0
 */
export interface Found {
  readonly _tag: "Found"
  /** As `sha256:<hex>` or `sha512:<hex>`. */
  readonly expected: string
  readonly combination: Combination
  /** What distinguishes the combination from the tree as it is; empty if nothing does. */
  readonly deviations: ReadonlyArray<Deviation>
  /** Other deviations that, each in the place of one of these, make the same tree. */
  readonly alternatives: ReadonlyArray<Deviation>
  /** The tree that gives the digest, and how to write it. */
  readonly tree: Tree.Tree
  readonly write: Image.WriteOptions
  readonly attempts: number
}

/**
 * Why no combination was found.
 *
 * @category models
 * @since 0.1.0
 */
export interface NotFound {
  readonly _tag: "NotFound"
  readonly expected: string
  readonly attempts: number
  /** Whether every combination was tried; otherwise the search ended at its limit. */
  readonly isExhausted: boolean
  /** Deviations that were tried, also in combination. */
  readonly tried: ReadonlyArray<Deviation>
  /** Deviations that make no difference to this tree. */
  readonly withoutEffect: ReadonlyArray<Deviation>
  /** Deviations that could not be tried, for want of contents for instance. */
  readonly impossible: ReadonlyArray<Deviation>
  /** What else may be the cause, judging by the tree and the digest. */
  readonly hints: ReadonlyArray<string>
}

/**
 * What came of a search.
 *
 * @category models
 * @since 0.1.0
 */
export type Explanation = Found | NotFound

/**
 * Searches the combination that makes a tree give the expected digest, which may be bare hex or `sha256:<hex>`; its
 * length tells the hash.
 *
 * The tree as it is comes first, then each deviation alone, then what mkcomposefs and cfsctl are known to do, then pairs
 * and more. The search can be interrupted between two images.
 *
 * **Example**
 *
 * ```ts
 * import { Explain, Image, Node, Tree } from "@lamina/composefs"
 * import * as Effect from "effect/Effect"
 * import * as Result from "effect/Result"
 *
 * const tree = { root: Node.directory({ motd: Node.inlineFile("hello\n", { mtime: { seconds: 7n, nanoseconds: 0 } }) }) }
 * const atEpoch = Tree.mapMetadata(tree, (metadata) => ({ ...metadata, mtime: Node.epoch }))
 * const expected = Result.getOrThrow(Image.digest(atEpoch, { minVersion: 1 }))
 * const explanation = await Effect.runPromise(Explain.digest(expected, tree))
 * console.log(explanation._tag === "Found" && explanation.deviations.map(({ meaning }) => meaning).join(" and "))
 * // => format version 1 even without whiteouts and all times at 1970
 * ```
 *
 * @category searching
 * @since 0.1.0
 */
export const digest = Effect.fnUntraced(function*(expected: string, tree: Tree.Tree, options: Options = {}) {
  const parsed = yield* Effect.fromResult(FsVerity.parse(expected))
  const context = yield* contextFor(tree, parsed.algorithm, options)
  const maxAttempts = options.maxAttempts ?? defaultMaxAttempts
  const search = new Search(tree, parsed, context, options.dimensions)
  let isExhausted = true
  let match: Match | undefined
  for (const combination of search.candidates()) {
    isExhausted = search.attempts < maxAttempts
    if (!isExhausted) break
    if (options.onProgress !== undefined) {
      const deviations = deviationsOf(combination)
      yield* options.onProgress({ attempts: search.attempts, maxAttempts, deviations })
    }
    yield* Effect.yieldNow
    match = search.attempt(combination)
    if (match !== undefined) break
  }
  const common = { expected: FsVerity.format(parsed.hex), attempts: search.attempts }
  const explanation: Explanation = match === undefined
    ? { _tag: "NotFound", ...common, isExhausted, ...report(search), hints: hintsFor(parsed, tree, context, search) }
    : {
      _tag: "Found",
      ...common,
      combination: match.combination,
      deviations: deviationsOf(match.combination),
      alternatives: search.alternatives(match),
      tree: match.tree,
      write: writeOptions(match.combination)
    }
  return explanation
})

const defaultMaxAttempts = 1000

const contextFor = (
  tree: Tree.Tree,
  algorithm: FsVerity.Algorithm,
  { contents, sourceDateEpoch }: Pick<Options, "contents" | "sourceDateEpoch">
): Effect.Effect<Context> =>
  Effect.map(
    contents === undefined ? Effect.succeed(noContents) : readContents(tree, contents),
    (known) => ({ sourceDateEpoch, contents: known, algorithm })
  )

const report = (search: Search): Pick<NotFound, "tried" | "withoutEffect" | "impossible"> => {
  const having = (...tags: ReadonlyArray<string>): ReadonlyArray<Deviation> =>
    search.deviations.filter((deviation) => tags.includes(search.outcomes.get(deviation)?._tag ?? ""))
  return {
    tried: having("Effective", "SameAs"),
    withoutEffect: having("WithoutEffect"),
    impossible: having("Impossible")
  }
}

/**
 * Does to a tree what a combination says, from whatever parts of it are given; undefined if that cannot be done, for
 * want of a /usr or of contents for instance. Write the result with {@link writeOptions}.
 *
 * @category searching
 * @since 0.1.0
 */
export const apply = (
  tree: Tree.Tree,
  combination: Partial<Combination>,
  options: Pick<Options, "contents" | "sourceDateEpoch"> & { readonly algorithm?: FsVerity.Algorithm } = {}
): Effect.Effect<Tree.Tree | undefined> =>
  Effect.map(
    contextFor(tree, options.algorithm ?? "sha256", options),
    (context) => transformTree(tree, { ...asIs, ...combination }, context)
  )

/**
 * How an image of a combination is written: its format version.
 *
 * @category searching
 * @since 0.1.0
 */
export const writeOptions = (combination: Pick<Combination, "format">): Image.WriteOptions => formatOptions(combination)

/**
 * The sentences of an explanation: what was found and by which options of the usual tools, or what was tried and what
 * else may be the cause.
 *
 * @category text form
 * @since 0.1.0
 */
export const format = (explanation: Explanation): string => formatExplanation(explanation)
