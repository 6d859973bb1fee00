// No pattern costs more than linear time in the path: counted, not timed. A pattern's parts are read through a proxy that
// counts; twice the path is at most twice the reads.
import { assert, describe, it } from "@effect/vitest"
import { Glob, GlobSet } from "@lamina/core/specs/index"
import * as Result from "effect/Result"

const counted = (pattern: string) => {
  let reads = 0
  const handler: ProxyHandler<never> = {
    get: (target, key) => {
      if (typeof key === "string" && /^[0-9]+$/.test(key)) reads++
      return Reflect.get(target, key)
    }
  }
  const counting = <A extends object>(target: A): A => new Proxy<A>(target, handler)
  const { alternatives } = Result.getOrThrow(Glob.parse(pattern))
  const glob: Glob.Glob = {
    pattern,
    alternatives: alternatives.map(({ components, directoryOnly }) => ({
      directoryOnly,
      components: counting(
        components.map((component) =>
          component._tag === "Wildcard" ? { _tag: component._tag, tokens: counting(component.tokens) } : component
        )
      )
    }))
  }
  return {
    glob,
    readsOf: (run: () => void): number => {
      reads = 0
      run()
      return reads
    }
  }
}

const hostile: ReadonlyArray<readonly [pattern: string, path: (length: number) => string]> = [
  [`/${"*a".repeat(30)}b`, (length) => `/${"a".repeat(length - 1)}`],
  [`/${"*[ab]".repeat(30)}c`, (length) => `/${"ab".repeat(length / 2 - 1)}`],
  [`/${"*?".repeat(30)}b`, (length) => `/${"a".repeat(length - 1)}`],
  ["/**/**/a", (length) => "/b".repeat(length / 2)],
  ["/**/a/**/a/**/a/**/a/**/b", (length) => "/a".repeat(length / 2)],
  ["/**/*a*/**/*a*/**/*b", (length) => "/aa".repeat(Math.floor(length / 3))],
  [`/**/${"*a".repeat(10)}b`, (length) => `/${"a".repeat(60)}`.repeat(Math.floor(length / 61))],
  [`/{${"*a".repeat(10)}b,${"*a".repeat(10)}c,**/x}`, (length) => `/${"a".repeat(length - 1)}`]
]

describe("a pattern of thousands of parts", () => {
  const matcherOf = (pattern: string) => {
    const set = GlobSet.make([Result.getOrThrow(Glob.parse(pattern))])
    return { set, glob: Result.getOrThrow(Glob.parse(pattern)) }
  }

  it("is refused where a `**` lets each of them be any name of a path", () => {
    const problemOf = (pattern: string) => Result.merge(Result.map(Glob.parse(pattern), () => undefined))?.code
    for (const names of ["a/", "*/", "a?/"]) {
      assert.strictEqual(problemOf(`/**/${names.repeat(255)}b`), "too_complex")
      assert.strictEqual(problemOf(`/x/${names.repeat(254)}**/b`), "too_complex")
      assert.isUndefined(problemOf(`/**/${names.repeat(254)}b`))
      assert.isUndefined(problemOf(`/${names.repeat(1000)}**`))
    }
  })

  it("covers no name where it stands for more characters than a name can have", () => {
    for (const [fits, tooLong] of [["?".repeat(255), "?".repeat(256)], ["a".repeat(254), "a".repeat(2000)]] as const) {
      const name = `/${"a".repeat(3000)}b`
      assert.isTrue(Glob.covers(matcherOf(`/*${fits}*`).glob, name))
      assert.isFalse(Glob.covers(matcherOf(`/*${tooLong}*`).glob, name))
      assert.isFalse(matcherOf(`/*${tooLong}*`).set.first(name) >= 0)
    }
  })
})

describe.each(hostile)("%s", (pattern, path) => {
  const lengths = [512, 1024, 2048, 4096]

  it("reads its own parts at most in proportion to the path", () => {
    const { glob, readsOf } = counted(pattern)
    const reads = lengths.map((length) => readsOf(() => assert.isFalse(Glob.covers(glob, path(length)))))
    for (const [index, count] of reads.entries()) {
      assert.isAtMost(count, (pattern.length + 1) * 2 * (lengths[index] ?? 0))
      if (index > 0) assert.isAtMost(count, 2.2 * (reads[index - 1] ?? 0) + pattern.length)
    }
    assert.isAbove(reads.at(-1) ?? 0, 0)
  })

  it("costs no more among others", () => {
    const { glob, readsOf } = counted(pattern)
    const set = GlobSet.make([glob, Result.getOrThrow(Glob.parse("/usr/**"))])
    for (const length of lengths) {
      const reads = readsOf(() => assert.strictEqual(set.first(path(length)), -1))
      assert.isAtMost(reads, (pattern.length + 1) * 2 * length)
    }
  })
})
