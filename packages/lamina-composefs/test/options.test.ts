import { assert, describe, it } from "@effect/vitest"
import * as Result from "effect/Result"
import {
  choice,
  describe as describeOptions,
  flag,
  integer,
  nearestOf,
  parse,
  text,
  texts
} from "../src/internal/options.ts"

const options = {
  quiet: flag("Say nothing"),
  store: text("PATH", "Where"),
  root: texts("IMAGE", "What"),
  threads: integer("N", "How many", { least: 1, most: 64 }),
  mode: choice(["slow", "fast"], "How")
}

const problemOf = (...args: ReadonlyArray<string>): string =>
  Result.match(parse(options, args), { onSuccess: () => "", onFailure: (problem) => problem })

describe("options", () => {
  it("are read before, between and after operands, with and without an equals sign", () => {
    const { operands, values } = Result.getOrThrow(
      parse(options, ["a", "--quiet", "--store=x=y", "b", "--threads", "3", "-", "--root", "1", "--root=2"])
    )
    assert.deepStrictEqual(operands, ["a", "b", "-"])
    assert.deepStrictEqual(values, { quiet: true, store: "x=y", root: ["1", "2"], threads: 3, mode: undefined })
  })

  it("end at --", () => {
    assert.deepStrictEqual(Result.getOrThrow(parse(options, ["--", "--quiet", "--"])).operands, ["--quiet", "--"])
  })

  it("take a value that begins with a dash", () => {
    assert.strictEqual(Result.getOrThrow(parse(options, ["--store", "--quiet"])).values.store, "--quiet")
  })

  it("are refused by name", () => {
    assert.strictEqual(problemOf("--quite"), `unknown option "--quite"; did you mean --quiet?`)
    assert.strictEqual(problemOf("-q"), `unknown option "-q"`)
    assert.strictEqual(problemOf("--constructor"), `unknown option "--constructor"`)
    assert.strictEqual(problemOf("--quiet=yes"), "--quiet takes no value")
    assert.strictEqual(problemOf("--store"), "--store expects PATH")
    assert.strictEqual(problemOf("--mode=fats"), `--mode: expected slow, fast, got "fats"`)
    for (const wrong of ["0", "65", "1.5", "-1", "", "1e1", " 2"]) {
      assert.strictEqual(
        problemOf(`--threads=${wrong}`),
        `--threads: expected a number from 1 to 64, got ${JSON.stringify(wrong)}`
      )
    }
  })

  it("are proposed by nearness or by their beginning, and not at random", () => {
    assert.strictEqual(nearestOf("digset", ["digest", "diff"]), "digest")
    assert.strictEqual(nearestOf("thr", ["quiet", "threads"]), "threads")
    assert.strictEqual(nearestOf("zzz", ["quiet", "threads"]), undefined)
  })

  it("are described in two columns", () => {
    assert.strictEqual(
      describeOptions({ quiet: options.quiet, store: options.store }),
      "  --quiet       Say nothing\n  --store=PATH  Where\n"
    )
  })
})
