// docs/manifest.md and manifest.schema.json: complete, true, and what the schema makes of them today.
import { assert, describe, it } from "@effect/vitest"
import { Manifest, ManifestIssue } from "@lamina/core/manifest/index"
import * as Result from "effect/Result"
import { readFileSync } from "node:fs"
import { fields, manifestReference, manifestSchema } from "../../scripts/ManifestReference.ts"

const page = readFileSync(new URL("../../../../docs/manifest.md", import.meta.url), "utf8")

describe("docs/manifest.md", () => {
  it("is what `pnpm --filter @lamina/core reference` writes", () => {
    assert.strictEqual(page, manifestReference())
  })

  it("explains every key of both shapes", () => {
    const { flat, wrapped } = fields()
    for (const { path, schema } of [...flat, ...wrapped]) {
      assert.include(page, `\n| \`${path}\` `)
      assert.isString(schema["description"] ?? fieldOfForms(schema), `${path} has no description`)
    }
    assert.includeMembers(flat.map(({ path }) => path), ["name", "file_spec.include", "services[].health.method"])
    assert.includeMembers(wrapped.map(({ path }) => path), ["identity.name", "dependency_spec[].version"])
  })

  it("lists every code with its severity", () => {
    for (const [code, severity] of Object.entries(ManifestIssue.codes)) {
      assert.match(page, new RegExp(`^\\| \\[\`${code}\`\\]\\(#${code}\\) +\\| ${severity} +\\| [A-Z\`].+\\|$`, "m"))
      assert.include(page, `\n### ${code}\n`)
    }
  })

  const sections = page.split("\n### ").slice(1).map((section) => {
    const [code = ""] = section.split("\n", 1)
    const [, manifest] = /```yaml\n([^]*?)\n```/.exec(section) ?? []
    const [, rendered] = /```text\n([^]*?)\n```/.exec(section) ?? []
    return { code, manifest, rendered }
  })
  const shown = sections.flatMap(({ code, manifest, rendered }) =>
    manifest === undefined ? [] : [{ code, manifest, rendered }]
  )

  it("shows the manifest of almost every example", () => {
    assert.strictEqual(sections.length, Object.keys(ManifestIssue.codes).length)
    assert.isAtLeast(shown.length, sections.length - 10)
  })

  it.each(shown)("shows what is really said of its example of $code", ({ code, manifest, rendered }) => {
    const parsed = Manifest.parse(`${manifest}\n`)
    const { issues, source } = Result.isFailure(parsed)
      ? parsed.failure
      : { issues: parsed.success.warnings, source: parsed.success.source }
    const ofCode = issues.filter((issue) => issue.code === code)
    assert.strictEqual(ofCode.map((issue) => ManifestIssue.render(issue, source)).join("\n"), rendered)
  })
})

const fieldOfForms = (schema: { readonly [keyword: string]: unknown }): unknown =>
  Array.isArray(schema["anyOf"])
    ? schema["anyOf"].find((form: { readonly description?: string }) => form.description !== undefined)?.description
    : undefined

describe("manifest.schema.json", () => {
  it("is what `Manifest.toJsonSchema` returns", () => {
    const file = new URL("../../manifest.schema.json", import.meta.url)
    assert.strictEqual(readFileSync(file, "utf8"), manifestSchema())
  })
})
