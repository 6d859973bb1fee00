/**
 * What holds for every tree. The unit tests try each property on some trees, `fuzz/Properties.ts` on as many as it is
 * told to.
 */
import { Dump, Image, type Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { respell } from "../../fuzz/dumpTexts.ts"
import { Random } from "../../fuzz/Random.ts"
import { anyTree } from "../anyTree.ts"
import { legacyTree } from "../legacyTree.ts"

export interface Property {
  /** A sentence: "image …", "dump …". */
  readonly name: string
  /** Tries the property on so many trees; throws with the smallest tree for which it does not hold. */
  readonly check: (runs: number, seed?: number) => void
}

const property = <A>(
  name: string,
  arbitrary: fc.Arbitrary<A>,
  holds: (value: A) => string | undefined,
  show: (value: A) => string
): Property => ({
  name,
  check: (runs, seed) => {
    const details = fc.check(
      fc.property(arbitrary, (value) => {
        const problem = holds(value)
        if (problem !== undefined) throw new Error(problem)
      }),
      { numRuns: runs, ...(seed === undefined ? {} : { seed }) }
    )
    if (!details.failed) return
    const [value] = details.counterexample ?? []
    throw new Error(
      `${name}: ${String(details.errorInstance)}\nseed ${details.seed}, path ${details.counterexamplePath}\n` +
        (value === undefined ? "" : show(value))
    )
  }
})

/** A tree as its dump, long runs cut short. */
const showTree = (tree: Tree.Tree): string => Dump.print(tree).replace(/(.{1,8})\1{20,}/g, "$1…$1").slice(0, 10_000)

const isSame = (left: Uint8Array, right: Uint8Array): boolean => Buffer.compare(left, right) === 0

/** An image of each version, or none where the tree has attributes that leave no room for the format's own. */
const imageIn = (tree: Tree.Tree, version: Image.Version): Uint8Array | string | undefined => {
  const image = Image.write(tree, { version })
  if (Result.isSuccess(image)) return image.success
  const reason = image.failure.reason
  return reason._tag === "Unwritable" && reason.problem.includes("more than 32767 bytes")
    ? undefined
    : image.failure.message
}

const writeReadWrite = (version: Image.Version) => (tree: Tree.Tree): string | undefined => {
  const image = imageIn(tree, version)
  if (image === undefined || typeof image === "string") return image
  const read = Image.read(image)
  if (Result.isFailure(read)) return read.failure.message
  if (read.success.version !== version) return `version ${read.success.version}`
  const again = imageIn(read.success.tree, version)
  if (again === undefined || typeof again === "string") return again ?? "the tree that was read cannot be written"
  return isSame(image, again) ? undefined : "another image"
}

const dumpParseDump = (tree: Tree.Tree): string | undefined => {
  const text = Dump.print(tree)
  const parsed = Dump.parse(text, { strict: true })
  if (Result.isFailure(parsed)) return parsed.failure.message
  return Dump.print(parsed.success) === text ? undefined : "another dump"
}

/** Neither parsing nor printing loses anything that an image has. */
const sameImageThroughDump = (tree: Tree.Tree): string | undefined => {
  const image = imageIn(tree, 1)
  if (image === undefined || typeof image === "string") return image
  const parsed = Result.getOrThrow(Dump.parse(Dump.print(tree)))
  const again = imageIn(parsed, 1)
  if (!(again instanceof Uint8Array) || !isSame(image, again)) return "another image"
  const atOnce = Result.getOrThrow(Image.fromDump(Dump.print(tree), { version: 1 }))
  return isSame(image, atOnce) ? undefined : "another image without a tree on the way"
}

/** Neither writing nor reading loses anything that a dump has, once a tree has been through an image. */
const sameDumpThroughImage = (tree: Tree.Tree): string | undefined => {
  const image = imageIn(tree, 1)
  if (image === undefined || typeof image === "string") return image
  const { tree: read } = Result.getOrThrow(Image.read(image))
  const text = Dump.print(read)
  const again = imageIn(Result.getOrThrow(Dump.parse(text)), 1)
  if (!(again instanceof Uint8Array)) return "the dump of an image cannot be written"
  return Dump.print(Result.getOrThrow(Image.read(again)).tree) === text ? undefined : "another dump"
}

/** Whatever spelling a dump comes in, it is the same tree. */
const sameTreeInAnySpelling = ([tree, seed]: readonly [Tree.Tree, number]): string | undefined => {
  const text = Dump.print(tree)
  const spelling = respell(text, new Random(seed))
  const parsed = Dump.parse(Buffer.from(spelling, "latin1"))
  if (Result.isFailure(parsed)) {
    const { line, message } = parsed.failure
    return `${message}, in ${JSON.stringify(spelling.split("\n")[line - 1]?.slice(0, 1000))}`
  }
  return Dump.print(parsed.success) === text ? undefined : `another tree: ${spelling.slice(0, 5000)}`
}

export const properties: ReadonlyArray<Property> = [
  property(
    "image of version 0 → tree → the same image",
    anyTree({ linkedDirectories: true }),
    writeReadWrite(0),
    showTree
  ),
  property(
    "image of version 1 → tree → the same image",
    anyTree({ linkedDirectories: true }),
    writeReadWrite(1),
    showTree
  ),
  property("image of version 2 → tree → the same image", legacyTree, writeReadWrite(2), showTree),
  property("dump → tree → the same dump", anyTree(), dumpParseDump, showTree),
  property(
    "dump in any spelling → the same tree",
    fc.tuple(anyTree(), fc.nat()),
    sameTreeInAnySpelling,
    ([tree, seed]) => `spelling ${seed} of\n${showTree(tree)}`
  ),
  property("tree → dump → tree: the same image", anyTree(), sameImageThroughDump, showTree),
  property("image → tree → dump → image: the same dump", anyTree(), sameDumpThroughImage, showTree)
]
