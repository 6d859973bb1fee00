/** Tries combinations, likely ones first, and learns on the way which deviations have no effect on the tree. */
import * as Result from "effect/Result"
import { hash } from "node:crypto"
import * as FsVerity from "../../FsVerity.ts"
import * as Image from "../../Image.ts"
import * as Node from "../../Node.ts"
import * as Tree from "../../Tree.ts"
import { compareTrees } from "../diff/compareTrees.ts"
import { asIs, type Combination, type Deviation, deviations, type Dimension, order, recipes } from "./combination.ts"
import { type Context, transform } from "./transforms.ts"

/** What became of a deviation when it was tried alone. */
export type Outcome =
  | { readonly _tag: "Effective" }
  | { readonly _tag: "WithoutEffect" }
  /** Does the same to this tree as another value of the dimension. */
  | { readonly _tag: "SameAs"; readonly other: Deviation }
  /** Cannot be done to this tree, or the result cannot be written for a reason. */
  | { readonly _tag: "Impossible"; readonly problem: string | undefined }

const effective: Outcome = { _tag: "Effective" }

export interface Match {
  readonly combination: Combination
  readonly tree: Tree.Tree
}

export interface Expected {
  readonly algorithm: FsVerity.Algorithm
  readonly hex: string
}

export class Search {
  attempts = 0
  /** Why the tree cannot be written as it is, if so. */
  ordinaryProblem: string | undefined
  readonly outcomes = new Map<Deviation, Outcome>()
  readonly #tree: Tree.Tree
  readonly #expected: Expected
  readonly #deviations: ReadonlyArray<Deviation>
  readonly #trees: TransformedTrees
  readonly #tried = new Set<string>()
  /** The digest of each deviation that was tried alone. */
  readonly #digests = new Map<Deviation, string>()
  #ordinaryDigest: string | undefined

  constructor(tree: Tree.Tree, expected: Expected, context: Context, dimensions: ReadonlyArray<Dimension> | undefined) {
    this.#tree = tree
    this.#expected = expected
    // Both measures are taken of every image, so they are nothing to try.
    this.#deviations = deviations.filter(({ dimension }) =>
      dimension !== "measure" && (dimensions === undefined || dimensions.includes(dimension))
    )
    this.#trees = new TransformedTrees(tree, context)
  }

  get deviations(): ReadonlyArray<Deviation> {
    return this.#deviations
  }

  /** The combinations in the order in which they should be tried; what comes next depends on what was found out. */
  *candidates(): Generator<Combination> {
    yield asIs
    for (const deviation of this.#deviations) yield withDeviations([deviation])
    for (const recipe of recipes) {
      const parts = this.#effectiveParts(recipe)
      if (parts === undefined) continue
      for (const variant of this.#recipeVariants()) yield withDeviations([...parts, ...variant])
    }
    const usable = this.#usable()
    for (let count = 2; count <= this.#deviations.length; count++) {
      for (const chosen of choose(usable, count)) yield withDeviations(chosen)
    }
  }

  /** Makes the image of a combination and looks at its digests; undefined is no match. */
  attempt(combination: Combination): Match | undefined {
    const alone = this.#soleDeviation(combination)
    const tree = this.#trees.get(combination)
    if (tree === undefined) return this.#note(alone, { _tag: "Impossible", problem: undefined })
    if (alone !== undefined && alone.dimension !== "format" && tree === this.#tree) {
      return this.#note(alone, { _tag: "WithoutEffect" })
    }
    if (this.#wasTried(combination, tree)) return this.#note(alone, effective)
    this.attempts++
    const image = Image.write(tree, formatOptions(combination))
    if (Result.isFailure(image)) return this.#noteUnwritable(combination, image.failure.message)
    const digest = FsVerity.digest(image.success, parametersFor(this.#expected.algorithm))
    if (digest === this.#expected.hex) return { combination, tree }
    if (hash(this.#expected.algorithm, image.success, "hex") === this.#expected.hex) {
      return { combination: { ...combination, measure: "plain hash" }, tree }
    }
    if (combination === asIs) this.#ordinaryDigest = digest
    if (alone !== undefined) this.#judge(alone, digest)
    return undefined
  }

  /** Deviations that would have made the same tree as those of the match. */
  alternatives({ combination, tree }: Match): ReadonlyArray<Deviation> {
    const changed = order.filter((dimension) => combination[dimension] !== asIs[dimension])
    return this.#deviations.filter(({ dimension, value }) => {
      if (!changed.some((other) => other === dimension) || combination[dimension] === value) return false
      const other = this.#trees.get({ ...combination, [dimension]: value })
      return other !== undefined && compareTrees(tree, other, { hardLinks: "primaries" }).next().done === true
    })
  }

  #note(deviation: Deviation | undefined, outcome: Outcome): undefined {
    if (deviation !== undefined && !this.outcomes.has(deviation)) this.outcomes.set(deviation, outcome)
    return undefined
  }

  #noteUnwritable(combination: Combination, problem: string): undefined {
    if (combination === asIs) this.ordinaryProblem = problem
    return this.#note(this.#soleDeviation(combination), { _tag: "Impossible", problem })
  }

  #judge(deviation: Deviation, digest: string): void {
    this.#digests.set(deviation, digest)
    // A format that makes no difference to this tree may make one to what the tree becomes.
    if (deviation.dimension === "format") return this.#note(deviation, effective)
    if (digest === this.#ordinaryDigest) return this.#note(deviation, { _tag: "WithoutEffect" })
    const other = this.#deviations.find((other) =>
      other !== deviation && other.dimension === deviation.dimension && this.#digests.get(other) === digest
    )
    this.#note(deviation, other === undefined ? effective : { _tag: "SameAs", other })
  }

  #soleDeviation(combination: Combination): Deviation | undefined {
    const differing = deviationsOf(combination)
    return differing.length === 1 ? differing[0] : undefined
  }

  /** The same tree in the same version may come from several combinations: `0..1` is one of the two. */
  #wasTried(combination: Combination, tree: Tree.Tree): boolean {
    const format = combination.format === "0..1" ? (hasWhiteout(tree) ? "1" : "0") : combination.format
    const key = JSON.stringify({ ...combination, format })
    if (this.#tried.has(key)) return true
    this.#tried.add(key)
    return false
  }

  /** What of a recipe has an effect; undefined if a part of it cannot be done. */
  #effectiveParts(recipe: Partial<Combination>): ReadonlyArray<Deviation> | undefined {
    const parts: Array<Deviation> = []
    for (const deviation of deviationsOf({ ...asIs, ...recipe })) {
      const outcome = this.outcomes.get(deviation)
      if (outcome === undefined || outcome._tag === "Impossible") return undefined
      if (outcome._tag === "Effective") parts.push(deviation)
      if (outcome._tag === "SameAs") parts.push(outcome.other)
    }
    return parts
  }

  /** What is worth combining. Whatever makes a tree unwritable in one format, another deviation may remove. */
  #usable(): ReadonlyArray<Deviation> {
    return this.#deviations.filter((deviation) =>
      deviation.dimension === "format" || this.outcomes.get(deviation)?._tag === "Effective"
    )
  }

  /** What a recipe leaves open: the format, and the hash of contents. */
  #recipeVariants(): ReadonlyArray<ReadonlyArray<Deviation>> {
    const open = this.#usable().filter(({ dimension }) => dimension === "format" || dimension === "objects")
    return [[], ...choose(open, 1), ...choose(open, 2)]
  }
}

const parametersFor = (algorithm: FsVerity.Algorithm): FsVerity.Parameters =>
  algorithm === "sha512" ? FsVerity.sha512 : FsVerity.sha256

export const formatOptions = ({ format }: Pick<Combination, "format">): Image.WriteOptions => {
  switch (format) {
    case "0..1":
      return {}
    case "0":
      return { version: 0 }
    case "1":
      return { version: 1 }
    case "2":
      return { version: 2 }
  }
}

const hasWhiteout = (tree: Tree.Tree): boolean => {
  const pending = [tree.root]
  for (const directory of pending) {
    for (const node of directory.entries.values()) {
      if (Node.isWhiteout(node)) return true
      if (node._tag === "Directory") pending.push(node)
    }
  }
  return false
}

const withDeviations = (chosen: ReadonlyArray<Deviation>): Combination => {
  if (chosen.length === 0) return asIs
  let combination = asIs
  for (const { dimension, value } of chosen) combination = { ...combination, [dimension]: value }
  return combination
}

/** What makes a combination other than the ordinary one. */
export const deviationsOf = (combination: Combination): ReadonlyArray<Deviation> =>
  deviations.filter(({ dimension, value }) => combination[dimension] === value)

/** Every choice of `count` deviations from different dimensions, likely ones first. */
function* choose(
  from: ReadonlyArray<Deviation>,
  count: number,
  start = 0,
  chosen: ReadonlyArray<Deviation> = []
): Generator<ReadonlyArray<Deviation>> {
  if (chosen.length === count) {
    yield chosen
    return
  }
  for (let at = start; at < from.length; at++) {
    const deviation = from[at]
    if (deviation === undefined || chosen.some(({ dimension }) => dimension === deviation.dimension)) continue
    yield* choose(from, count, at + 1, [...chosen, deviation])
  }
}

/** The last trees that were made: combinations that follow each other have most of their steps in common. */
class TransformedTrees {
  readonly #tree: Tree.Tree
  readonly #context: Context
  readonly #kept = new Map<string, Tree.Tree | undefined>()

  constructor(tree: Tree.Tree, context: Context) {
    this.#tree = tree
    this.#context = context
  }

  get(combination: Combination): Tree.Tree | undefined {
    let tree: Tree.Tree | undefined = this.#tree
    let steps = ""
    for (const dimension of order) {
      const value = combination[dimension]
      if (value === asIs[dimension]) continue
      steps += `${dimension}=${value};`
      tree = this.#step(steps, tree, (before) => transform(before, dimension, value, this.#context))
      if (tree === undefined) return undefined
    }
    return tree
  }

  #step(steps: string, before: Tree.Tree, make: (before: Tree.Tree) => Tree.Tree | undefined): Tree.Tree | undefined {
    const tree = this.#kept.has(steps) ? this.#kept.get(steps) : make(before)
    // What was used last stands last; the first goes.
    this.#kept.delete(steps)
    this.#kept.set(steps, tree)
    const [oldest] = this.#kept.keys()
    if (this.#kept.size > maxKeptTrees && oldest !== undefined) this.#kept.delete(oldest)
    return tree
  }
}

const maxKeptTrees = 8

/** The tree that a combination makes of a tree, if it can. */
export const transformTree = (tree: Tree.Tree, combination: Combination, context: Context): Tree.Tree | undefined =>
  new TransformedTrees(tree, context).get(combination)
