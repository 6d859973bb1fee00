import { assert, describe, it } from "@effect/vitest"
import { Manifest, ManifestIssue } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"
import { issueExamples } from "./IssueExamples.ts"

describe("an issue", () => {
  it.each(Object.entries(issueExamples))("%s is shown with its place", (code, { manifest, rendered }) => {
    const parsed = Manifest.parse(manifest)
    const { issues, source } = Result.isFailure(parsed)
      ? parsed.failure
      : { issues: parsed.success.warnings, source: parsed.success.source }
    const ofCode = issues.filter((issue) => issue.code === code)
    assert.deepStrictEqual(ofCode.map((issue) => ManifestIssue.render(issue, source)), [rendered.join("\n")])
  })

  it.each(Object.entries(ManifestIssue.codes))("%s refuses a manifest exactly if it is an %s", (code, severity) => {
    const example = Object.entries(issueExamples).find(([of]) => of === code)
    const parsed = Manifest.parse(example?.[1].manifest ?? "")
    assert.strictEqual(Result.isFailure(parsed) ? "error" : "warning", severity)
  })
})

describe("ManifestIssue", () => {
  it("writes a path as a person would", () => {
    assert.strictEqual(ManifestIssue.renderPath(["services", 0, "env", "PORT"]), "services[0].env.PORT")
    assert.strictEqual(ManifestIssue.renderPath(["a b", 1, "c.d"]), "\"a b\"[1].\"c.d\"")
  })

  it("does not let a manifest write to the terminal", () => {
    const parsed = Manifest.parse("schema_version: 1\nname: \"\\e[31m\\x9B31m\"\nx\u2028y\u202Ez: 1\n")
    assert.isTrue(Result.isFailure(parsed))
    if (Result.isFailure(parsed)) {
      assert.notMatch(parsed.failure.render(), /[^\P{Cc}\n]|\u2028|\u202E/u)
    }
  })
})
