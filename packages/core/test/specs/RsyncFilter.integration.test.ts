// The rendered filter against the real program: the same files, links and directories, on random trees and specs.
import { assert, describe, it } from "@effect/vitest"
import { FileSpec, ModuleSpecs } from "@lamina/core/specs/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { pattern } from "./Patterns.ts"

const hasRsync = spawnSync("rsync", ["--version"]).status === 0
if (!hasRsync) console.log("skipped: rsync is not installed")

const name = fc.constantFrom(
  "a",
  "b",
  "ab",
  "ba",
  "aa",
  ".a",
  "a.b",
  "x",
  "xa",
  "xb",
  "a b",
  "#a",
  "*",
  "[",
  "a*",
  "^",
  "~",
  "-",
  "(a)"
)
const leaf = fc.tuple(
  fc.array(name, { minLength: 1, maxLength: 4 }),
  fc.constantFrom("file" as const, "file" as const, "directory" as const, "link" as const)
)

type Leaf = readonly [ReadonlyArray<string>, "file" | "directory" | "link"]

const build = (root: string, leaves: ReadonlyArray<Leaf>): ReadonlyArray<FileSpec.TreeEntry> => {
  const entries = new Map<string, FileSpec.TreeEntry>()
  for (const [names, kind] of leaves) {
    const prefixes = names.map((_, index) => `/${names.slice(0, index + 1).join("/")}`)
    if (prefixes.some((path) => entries.get(path)?.kind === "file")) continue
    for (const [index, path] of prefixes.entries()) {
      if (entries.has(path)) continue
      const isLeaf = index === prefixes.length - 1
      entries.set(path, { path, kind: isLeaf && kind !== "directory" ? "file" : "directory" })
      if (!isLeaf || kind === "directory") mkdirSync(join(root, path))
      else if (kind === "link") symlinkSync("nowhere", join(root, path))
      else writeFileSync(join(root, path), "")
    }
  }
  return [...entries.values()]
}

const listing = (root: string): ReadonlyArray<string> =>
  readdirSync(root, { recursive: true, encoding: "utf8" }).map((path) => `/${path}`).sort()

const copiedBy = (spec: FileSpec.FileSpec, root: string): ReadonlyArray<string> => {
  const filter = join(root, "filter")
  writeFileSync(filter, spec.toRsyncFilter())
  const source = `${join(root, "source")}/`
  const target = `${join(root, "target")}/`
  const { status, stderr } = spawnSync("rsync", [
    "-a",
    "--prune-empty-dirs",
    `--filter=merge ${filter}`,
    source,
    target
  ])
  assert.strictEqual(status, 0, stderr.toString())
  return listing(target)
}

const agree = (spec: FileSpec.FileSpec, leaves: ReadonlyArray<Leaf>): void => {
  const root = mkdtempSync(join(tmpdir(), "lamina-rsync-"))
  mkdirSync(join(root, "source"))
  mkdirSync(join(root, "target"))
  const tree = build(join(root, "source"), leaves)
  const expected = spec.filter(tree).map(({ path }) => path).sort()
  const copied = copiedBy(spec, root)
  rmSync(root, { recursive: true })
  assert.deepStrictEqual(copied, expected, spec.toRsyncFilter())
}

const patterns = fc.array(pattern, { maxLength: 3 })
const leaves = fc.array(leaf, { minLength: 1, maxLength: 25 })

describe.skipIf(!hasRsync)("rsync under the rendered filter", () => {
  it("copies what the evaluator selects", () => {
    fc.assert(
      fc.property(patterns, fc.array(pattern, { minLength: 1, maxLength: 3 }), leaves, (mask, fileSpec, of) => {
        const spec = FileSpec.compile(ModuleSpecs.make({ mask, fileSpec }))
        fc.pre(Result.isSuccess(spec))
        agree(spec.success, of)
      }),
      { numRuns: 1200 }
    )
  })

  it("copies what the evaluator selects beside neighbours that claim, and with carve-outs", () => {
    const module = fc.record({ mask: patterns, fileSpec: patterns, protectedSpec: patterns, dependencySpec: patterns })
      .map(ModuleSpecs.make)
    fc.assert(
      fc.property(fc.array(module, { minLength: 2, maxLength: 3 }), leaves, (specs, of) => {
        const modules = specs.map((one, index) => ({
          moduleName: `m${index}`,
          specs: one,
          ...(index === 1 ? { parentModule: "m0" } : {})
        }))
        const spec = FileSpec.compileBeside(modules, 1)
        fc.pre(Result.isSuccess(spec))
        agree(spec.success, of)
      }),
      { numRuns: 800 }
    )
  })

  it("copies nothing but the claimed file of the guides' example", () => {
    const spec = Result.getOrThrow(FileSpec.compile(ModuleSpecs.make({
      mask: ["/etc/redis/sentinel.conf"],
      fileSpec: ["/etc/redis/**", "/var/lib/redis/.gitkeep"]
    })))
    agree(spec, [
      [["etc", "redis", "redis.conf"], "file"],
      [["etc", "redis", "sentinel.conf"], "file"],
      [["etc", "passwd"], "file"],
      [["var", "lib", "redis", ".gitkeep"], "file"]
    ])
  })
})
