/** What a tree and a digest let one suspect when the search found nothing. */
import * as FsVerity from "../../FsVerity.ts"
import * as Tree from "../../Tree.ts"
import { LinkGroups } from "../diff/linkGroups.ts"
import type { Expected, Search } from "./search.ts"
import type { Context } from "./transforms.ts"

export const hintsFor = (
  expected: Expected,
  tree: Tree.Tree,
  { contents }: Context,
  search: Search
): ReadonlyArray<string> => {
  const facts = survey(tree)
  const hints: Array<string> = [...problemsOf(search)]
  const known = knownDigests.get(expected.hex)
  if (known !== undefined) hints.push(known)
  if (expected.algorithm === "sha512" && facts.sha256 > 0) {
    hints.push(
      "the digest is SHA-512 and the contents are known by SHA-256; composefs-rs uses one hash for both, so give the " +
        "contents along, or read the tree with SHA-512"
    )
  }
  if (expected.algorithm === "sha256" && facts.sha512 > 0) {
    hints.push(
      "the digest is SHA-256 and the contents are known by SHA-512; give the contents along, or read the tree with SHA-256"
    )
  }
  if (facts.xattrs === 0) {
    hints.push(
      "the tree has no extended attributes at all; if the files have some, read them too (Node cannot by itself)"
    )
  }
  if (facts.withoutDigest > 0) {
    hints.push(`${facts.withoutDigest} files have no digest of their content; whoever made the image had them`)
  }
  if (facts.links === 0 && facts.countedLinks > 0) {
    hints.push(
      `${facts.countedLinks} files have a link count of more than 1 but no second name here; hard links may be lost`
    )
  }
  const [problem] = contents.missing.values()
  if (problem !== undefined) {
    hints.push(
      `contents could not be read, so that nothing was tried that needs them: ${contents.missing.size} in all, ` +
        `the first for this reason: ${problem}`
    )
  }
  hints.push("get the other image or its dump and compare: no way of reading the same files was found that leads there")
  return hints
}

/** What kept images from being written. */
const problemsOf = (search: Search): ReadonlyArray<string> => {
  const problems = new Set<string>()
  if (search.ordinaryProblem !== undefined) problems.add(`as it is: ${search.ordinaryProblem}`)
  for (const [{ meaning }, outcome] of search.outcomes) {
    if (outcome._tag !== "Impossible" || outcome.problem === undefined) continue
    if (outcome.problem !== search.ordinaryProblem) problems.add(`with ${meaning}: ${outcome.problem}`)
  }
  return [...problems]
}

/** Digests that are not of any image. */
const knownDigests: ReadonlyMap<string, string> = new Map([
  [FsVerity.digest(new Uint8Array(0)), "it is the fs-verity digest of an empty file: what was measured was empty"],
  [
    FsVerity.digest(new Uint8Array(0), FsVerity.sha512),
    "it is the fs-verity digest of an empty file: what was measured was empty"
  ],
  [
    // composefs issue 442: a block of zeros was hashed where there is none.
    "cfc3391077edfd51859f6e5e16e03f82b1da3ee1a35d418b0d0b3b57740b4405",
    "it is what composefs up to 1.0.8 takes for the fs-verity digest of an empty file: what was measured was empty"
  ]
])

interface Survey {
  xattrs: number
  sha256: number
  sha512: number
  withoutDigest: number
  links: number
  countedLinks: number
}

const survey = (tree: Tree.Tree): Readonly<Survey> => {
  const groups = new LinkGroups(tree.root)
  const facts: Survey = { xattrs: 0, sha256: 0, sha512: 0, withoutDigest: 0, links: 0, countedLinks: 0 }
  for (const { node, path } of Tree.walk(tree)) {
    if (node._tag === "HardLink") {
      facts.links++
      continue
    }
    facts.xattrs += node.xattrs.size
    if ("nlink" in node && node.nlink > 1 && groups.groupAt(path) === undefined) facts.countedLinks++
    if (node._tag !== "ExternalFile") continue
    if (node.digest === undefined) facts.withoutDigest++
    else if (node.digest.length === 128) facts.sha512++
    else facts.sha256++
  }
  return facts
}
