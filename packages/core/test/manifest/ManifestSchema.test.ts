// The JSON Schema by a validator of its own: what it takes and refuses is what `Manifest.parse` takes and refuses, as far
// as a schema can say it.
import { assert, describe, it } from "@effect/vitest"
import { Manifest } from "@lamina/core/manifest/index"
import { Ajv2020 } from "ajv/dist/2020.js"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { parse } from "yaml"
import { issueExamples } from "./IssueExamples.ts"
import { flat, wrapped } from "./Manifests.ts"

const schema = Manifest.toJsonSchema()
const validate = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(schema)

const accepts = (text: string): boolean => validate(parse(text, { schema: "core" }))

const isRead = (text: string): boolean => Result.isSuccess(Manifest.parse(text))

const schemaCodes = [
  "not_a_map",
  "unknown_key",
  "missing_key",
  "wrong_type",
  "invalid_value",
  "out_of_range",
  "too_long",
  "too_many",
  "invalid_name",
  "invalid_format"
]
const unreadable = [
  "too_large",
  "invalid_utf8",
  "control_character",
  "byte_order_mark",
  "carriage_return",
  "yaml_syntax",
  "too_complex",
  "too_deep",
  "unknown_alias",
  "yaml_tag",
  "merge_key",
  "invalid_key",
  "reserved_key",
  "duplicate_key"
]

const examples = Object.entries(issueExamples).flatMap(([code, { manifest }]) =>
  typeof manifest === "string" ? [{ code, manifest }] : []
)
const ofSchema = examples.filter(({ code }) => schemaCodes.includes(code))
const ofChecks = examples.filter(({ code }) => !schemaCodes.includes(code) && !unreadable.includes(code))

describe("the JSON Schema", () => {
  it.each([["flat", flat], ["identity", wrapped]])("takes a manifest of the %s shape", (_, text) => {
    assert.isTrue(accepts(text), JSON.stringify(validate.errors))
  })

  it.each(ofSchema)("refuses what is refused as $code", ({ manifest }) => {
    assert.isFalse(accepts(manifest))
  })

  it.each(ofChecks)("takes what only the check $code finds", ({ manifest }) => {
    assert.isTrue(accepts(manifest), JSON.stringify(validate.errors))
  })

  it("agrees with the parser about keys that are added, taken away or of another type, in both shapes", () => {
    const value = fc.constantFrom<unknown>(
      "a",
      1,
      -1,
      1.5,
      true,
      null,
      [],
      ["/a"],
      [1],
      {},
      { a: 1 },
      [{ name: "a" }],
      {
        include: ["/a"]
      }
    )
    const keys = Object.keys({ ...parse(flat), ...parse(wrapped) })
    const key = fc.constantFrom(
      ...keys,
      "services",
      "security",
      "build",
      "init",
      "skills",
      "reboot_required",
      "x",
      "license"
    )
    const edits = fc.array(fc.tuple(key, fc.option(value)), { minLength: 1, maxLength: 2 })
    fc.assert(
      fc.property(fc.constantFrom(flat, wrapped), edits, (text, changes) => {
        const edited = new Map<string, unknown>(Object.entries(parse(text)))
        for (const [changed, to] of changes) {
          if (to === null) edited.delete(changed)
          else edited.set(changed, to)
        }
        const json = JSON.stringify(Object.fromEntries(edited))
        const parsed = Manifest.parse(json)
        const codes = Result.isFailure(parsed) ? parsed.failure.issues.map(({ code }) => code) : []
        assert.strictEqual(accepts(json), !codes.some((code) => schemaCodes.includes(code)), `${json}: ${codes}`)
      }),
      { numRuns: 3000 }
    )
  })

  it("explains every key, and shows what could stand there", () => {
    const keysOf = (of: unknown): ReadonlyArray<readonly [string, object]> => {
      if (Array.isArray(of)) return of.flatMap(keysOf)
      if (typeof of !== "object" || of === null) return []
      const properties = "properties" in of && typeof of.properties === "object" ? of.properties ?? {} : {}
      const own = Object.entries(properties).filter((entry): entry is [string, object] => typeof entry[1] === "object")
      return [...own, ...Object.values(of).flatMap(keysOf)]
    }
    const keys = keysOf(schema)
    assert.isAbove(keys.length, 100)
    for (const [key, of] of keys) {
      assert.property(of, "description", key)
      assert.isTrue(["examples", "default", "enum", "const", "properties"].some((way) => way in of), key)
    }
  })

  it("offers examples and defaults that are what they are examples of", () => {
    const ajv = new Ajv2020({ allowUnionTypes: true })
    const check = (of: unknown): number => {
      if (Array.isArray(of)) return of.reduce((sum: number, inner) => sum + check(inner), 0)
      if (typeof of !== "object" || of === null) return 0
      const values = [
        ...("examples" in of && Array.isArray(of.examples) ? of.examples : []),
        ...("default" in of && typeof of.default !== "object" ? [of.default] : [])
      ]
      for (const value of values) {
        assert.isTrue(ajv.validate(of, value), `${JSON.stringify(value)} in ${JSON.stringify(of)}`)
      }
      return Object.values(of).reduce((sum: number, inner) => sum + check(inner), values.length)
    }
    assert.isAbove(check(schema), 50)
  })
})

const vectors = join(
  process.env["LAMINA_VECTORS"] ?? join(import.meta.dirname, "../../../../../shared/vectors"),
  "manifests"
)
const real = existsSync(vectors) ? readdirSync(vectors).filter((file) => file.endsWith(".yaml")) : []
if (real.length === 0) console.log("skipped: the real manifests of ../shared/vectors/manifests are absent")

describe.skipIf(real.length === 0)("a real manifest", () => {
  it.each(real)("%s is taken by the JSON Schema", (file) => {
    const text = readFileSync(join(vectors, file), "utf8")
    assert.isTrue(accepts(text), JSON.stringify(validate.errors))
    assert.isTrue(isRead(text))
  })
})

const modules = join(import.meta.dirname, "../../../../examples/modules")

describe("a manifest of the examples", () => {
  it.each(readdirSync(modules))("%s names the schema, and is taken by it", (name) => {
    const text = readFileSync(join(modules, name, "manifest.yaml"), "utf8")
    const [, path = ""] = /^# yaml-language-server: \$schema=(.+)$/m.exec(text) ?? []
    assert.deepStrictEqual(JSON.parse(readFileSync(join(modules, name, path), "utf8")), schema)
    assert.isTrue(accepts(text), JSON.stringify(validate.errors))
  })
})
