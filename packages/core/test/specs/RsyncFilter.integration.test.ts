// The rendered filter against the real program: the same files, links and directories, on random trees and specs.
import { assert, describe, it } from "@effect/vitest"
import { FileSpec, ModuleSpecs } from "@lamina/core/specs/index"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { spawn, spawnSync } from "node:child_process"
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

const rsync = (...args: ReadonlyArray<string>) =>
  Effect.callback<{ readonly status: number | null; readonly errors: string }>((resume) => {
    const child = spawn("rsync", args, { stdio: ["ignore", "ignore", "pipe"] })
    let errors = ""
    child.stderr.on("data", (chunk: Buffer) => {
      errors += chunk.toString()
    })
    child.once("close", (status) => resume(Effect.succeed({ status, errors })))
  })

const copiedBy = Effect.fnUntraced(function*(spec: FileSpec.FileSpec, root: string) {
  const filter = join(root, "filter")
  writeFileSync(filter, spec.toRsyncFilter())
  const source = `${join(root, "source")}/`
  const target = `${join(root, "target")}/`
  const { errors, status } = yield* rsync("-a", "--prune-empty-dirs", `--filter=merge ${filter}`, source, target)
  assert.strictEqual(status, 0, errors)
  return listing(target)
})

const agree = Effect.fnUntraced(function*(compiled: ReturnType<typeof FileSpec.compile>, leaves: ReadonlyArray<Leaf>) {
  const spec = Result.getOrThrow(compiled)
  const root = mkdtempSync(join(tmpdir(), "lamina-rsync-"))
  mkdirSync(join(root, "source"))
  mkdirSync(join(root, "target"))
  const tree = build(join(root, "source"), leaves)
  const expected = spec.filter(tree).map(({ path }) => path).sort()
  const copied = yield* copiedBy(spec, root)
  rmSync(root, { recursive: true })
  assert.deepStrictEqual(copied, expected, spec.toRsyncFilter())
})

const patterns = fc.array(pattern, { maxLength: 3 })
const leaves = fc.array(leaf, { minLength: 1, maxLength: 25 })

// An rsync spends most of its time on waiting for its own processes, so many run beside each other.
const atOnce = 20

const agreeAlways = <Specs>(
  specs: fc.Arbitrary<Specs>,
  compile: (specs: Specs) => ReturnType<typeof FileSpec.compile>,
  cases: number
): Promise<void> => {
  const compiling = specs.filter((specs) => Result.isSuccess(compile(specs)))
  return fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(compiling, leaves), { minLength: atOnce, maxLength: atOnce }),
      (cases) =>
        Effect.runPromise(
          Effect.forEach(cases, ([specs, leaves]) => agree(compile(specs), leaves), {
            concurrency: atOnce,
            discard: true
          })
        )
    ),
    // The message names one filter already; to shrink twenty cases at once would take hours.
    { numRuns: cases / atOnce, endOnFailure: true }
  )
}

describe.skipIf(!hasRsync)("rsync under the rendered filter", () => {
  it("copies what the evaluator selects", () =>
    agreeAlways(
      fc.record({ mask: patterns, fileSpec: fc.array(pattern, { minLength: 1, maxLength: 3 }) }),
      (specs) => FileSpec.compile(ModuleSpecs.make(specs)),
      1200
    ))

  it("copies what the evaluator selects beside neighbours that claim, and with carve-outs", () =>
    agreeAlways(
      fc.array(
        fc.record({ mask: patterns, fileSpec: patterns, protectedSpec: patterns, dependencySpec: patterns }),
        { minLength: 2, maxLength: 3 }
      ),
      (modules) =>
        FileSpec.compileBeside(
          modules.map((specs, index) => ({
            moduleName: `m${index}`,
            specs: ModuleSpecs.make(specs),
            ...(index === 1 ? { parentModule: "m0" } : {})
          })),
          1
        ),
      800
    ))

  it.effect("copies nothing but the claimed file of the guides' example", () => {
    const spec = FileSpec.compile(ModuleSpecs.make({
      mask: ["/etc/redis/sentinel.conf"],
      fileSpec: ["/etc/redis/**", "/var/lib/redis/.gitkeep"]
    }))
    return agree(spec, [
      [["etc", "redis", "redis.conf"], "file"],
      [["etc", "redis", "sentinel.conf"], "file"],
      [["etc", "passwd"], "file"],
      [["var", "lib", "redis", ".gitkeep"], "file"]
    ])
  })
})
