import { assert, describe, it } from "@effect/vitest"
import { GitReference } from "@lamina/gitea"
import * as Result from "effect/Result"

const parsed = (ref: string) => Result.getOrThrow(GitReference.parse(ref))

describe("a git reference", () => {
  it("is a tag only behind refs/tags/ and a branch only behind refs/heads/", () => {
    assert.deepStrictEqual(parsed("refs/tags/v0.1.0"), { _tag: "Tag", ref: "refs/tags/v0.1.0", name: "v0.1.0" })
    assert.deepStrictEqual(parsed("refs/heads/feature/x"), {
      _tag: "Branch",
      ref: "refs/heads/feature/x",
      name: "feature/x"
    })
    for (const ref of ["main", "v0.1.0", "refs/pull/7/head", "tags/v1", "xrefs/tags/v1"]) {
      assert.strictEqual(parsed(ref)._tag, "Other")
      assert.isUndefined(GitReference.tagName(parsed(ref)))
    }
  })

  it("is refused where git refuses it", () => {
    const refused = [
      "",
      "refs/tags/",
      "refs/tags//v1",
      "/refs/tags/v1",
      "refs/tags/../../etc/passwd",
      "refs/tags/.hidden",
      "refs/tags/v1.lock",
      "refs/tags/v1.",
      "refs/tags/a b",
      "refs/tags/a\u0000b",
      "refs/tags/a\nb",
      "refs/tags/a~1",
      "refs/tags/a^",
      "refs/tags/a:b",
      "refs/tags/a?",
      "refs/tags/a*",
      "refs/tags/a[b",
      "refs/tags/a\\b",
      "refs/tags/a@{1}",
      "@",
      `refs/tags/${"v".repeat(600)}`
    ]
    for (const ref of refused) assert.isTrue(Result.isFailure(GitReference.parse(ref)), JSON.stringify(ref))
  })
})
