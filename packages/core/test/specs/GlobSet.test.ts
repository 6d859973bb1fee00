import { assert, describe, it } from "@effect/vitest"
import { Glob, GlobSet } from "@lamina/core/specs/index"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { kind, path, pattern } from "./Patterns.ts"

const globs = fc.array(pattern, { maxLength: 12 }).map((texts) =>
  texts.map(Glob.parse).filter(Result.isSuccess).map(({ success }) => success)
)

describe("GlobSet", () => {
  it("finds the patterns that each on its own would cover the path", () => {
    fc.assert(
      fc.property(globs, fc.array(fc.tuple(path, kind), { maxLength: 30 }), (patterns, paths) => {
        const set = GlobSet.make(patterns)
        for (const [of, of_kind] of paths) {
          const expected = patterns.flatMap((glob, index) => Glob.covers(glob, of, of_kind) ? [index] : [])
          assert.deepStrictEqual(set.covering(of, of_kind), expected, of)
          assert.strictEqual(set.first(of, of_kind), expected[0] ?? -1)
        }
      }),
      { numRuns: 2000 }
    )
  })

  it("never rules out a directory that has a covered path below it", () => {
    fc.assert(
      fc.property(globs, path, (patterns, of) => {
        const set = GlobSet.make(patterns)
        const parent = of.slice(0, of.lastIndexOf("/")) || "/"
        if (set.first(of) >= 0) assert.isTrue(set.mayCoverBelow(parent), `${of} in ${parent}`)
      }),
      { numRuns: 2000 }
    )
  })

  it("rules out what no pattern leads to", () => {
    const set = GlobSet.make([Result.getOrThrow(Glob.parse("/etc/nginx/**"))])
    assert.isTrue(set.mayCoverBelow("/"))
    assert.isTrue(set.mayCoverBelow("/etc"))
    assert.isFalse(set.mayCoverBelow("/usr"))
  })

  it.each(["a/b", "", "/", "/a/", "/a/../b"])("covers nothing that is no path: %s", (of) => {
    assert.deepStrictEqual(GlobSet.make([Result.getOrThrow(Glob.parse("/**"))]).covering(of, "directory"), [])
  })
})
