/**
 * A directory of 80,000 small files to the digest of its image, and into an object store, beside mkcomposefs: whole
 * processes, page cache warm. `node packages/composefs/bench/Directory.bench.ts`; LAMINA_BENCH_FILES: how many files.
 *
 * Every run with a store begins without one. Stores are removed at the end only: a file system which has just forgotten
 * a hundred thousand files is slow to make as many. Without mkcomposefs on the PATH, its times are the reference's, scaled
 * to this machine by the speed of its hashing (that says nothing about its disk).
 */
import { command, type Contender, contest, isOnPath, reference, report } from "lamina-bench"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { buildCommand } from "./builtCommand.ts"
import { generateTree } from "./generateTree.ts"

/** The tree of the reference (§6), and what mkcomposefs took for it. */
const referenceFiles = 79_977
const referenceDirectories = 4695
const referenceSeconds = { digest: 1.255, store: 17.2 }

const files = Number(process.env["LAMINA_BENCH_FILES"] ?? referenceFiles)
const directory = mkdtempSync(join(tmpdir(), "lamina-bench-"))
const tree = join(directory, "tree")

let digest: string | undefined
/** A figure for another digest than the one which the first contender found is none. */
const checkDigest = (output: string): void => {
  const printed = output.trim()
  digest ??= printed
  if (printed !== digest) throw new Error(`expected ${digest}, got ${printed}`)
}

let stores = 0
/** Like {@link command}, with an empty directory for a store as the last but one argument. */
const storing = (name: string, file: string, args: ReadonlyArray<string>, isPeer: boolean): Contender => ({
  name,
  isPeer,
  run: (watch) => {
    const store = join(directory, `store-${stores++}`)
    return command(name, file, [...args, `--digest-store=${store}`, tree], { isPeer, check: checkDigest }).run(watch)
  }
})

/** What it takes to make as many files without a look at what is in them, on one core: no peer, but a measure. */
const copying: Contender = {
  name: "cp -r, for comparison",
  run: (watch) => command("cp", "cp", ["-r", tree, join(directory, `store-${stores++}`)]).run(watch)
}

const scaled = (name: string, seconds: number): ReadonlyArray<Contender> => {
  console.log("skipped: mkcomposefs is not on the PATH")
  const contender = reference(name, seconds * files / referenceFiles)
  return contender === undefined ? [] : [contender]
}

try {
  const bytes = generateTree(tree, files, Math.ceil(files * referenceDirectories / referenceFiles))
  const program = buildCommand(join(directory, "built"))
  const hasPeer = isOnPath("mkcomposefs")
  const peerArgs = ["--skip-xattrs", "--print-digest-only"]
  const ownArgs = [program, "mkfs", ...peerArgs]
  report(
    `${files} files to the digest of their image`,
    await contest([
      ...hasPeer
        ? [command("mkcomposefs", "mkcomposefs", [...peerArgs, tree], { isPeer: true, check: checkDigest })]
        : scaled("mkcomposefs", referenceSeconds.digest),
      command("lamina-composefs mkfs", process.execPath, [...ownArgs, tree], { check: checkDigest })
    ]),
    bytes
  )
  report(
    `the same into an object store`,
    await contest([
      ...hasPeer
        ? [storing("mkcomposefs --digest-store", "mkcomposefs", peerArgs, true)]
        : scaled("mkcomposefs --digest-store", referenceSeconds.store),
      storing("durability end", process.execPath, ownArgs, false),
      storing("durability none", process.execPath, [...ownArgs, "--durability=none"], false),
      copying
    ]),
    bytes
  )
} finally {
  rmSync(directory, { recursive: true })
}
