// docs/manifest.md, made of the JSON Schema and of the examples that the tests of the issue codes use.
import { Manifest, ManifestIssue } from "@lamina/core/manifest/index"
import { issueExamples } from "../test/manifest/IssueExamples.ts"

type Schema = { readonly [keyword: string]: unknown }

const isSchema = (value: unknown): value is Schema =>
  typeof value === "object" && value !== null && !Array.isArray(value)
const schemasIn = (value: unknown): ReadonlyArray<Schema> => Array.isArray(value) ? value.filter(isSchema) : []

const propertiesOf = (schema: Schema): ReadonlyArray<readonly [string, Schema]> =>
  isSchema(schema["properties"])
    ? Object.entries(schema["properties"]).flatMap(([key, inner]) => isSchema(inner) ? [[key, inner] as const] : [])
    : []

const isNull = (schema: Schema): boolean => schema["type"] === "null"

/** The forms that a value may have, `null` left out. */
const formsOf = (schema: Schema): ReadonlyArray<Schema> => {
  const forms = schemasIn(schema["anyOf"]).filter((form) => !isNull(form))
  return forms.length === 0 ? [schema] : forms
}

const typeNames: { readonly [type: string]: string } = {
  string: "text",
  integer: "whole number",
  number: "number",
  boolean: "true or false",
  object: "map"
}

const typeOf = (schema: Schema): string => {
  const forms = schemasIn(schema["anyOf"])
  if (forms.length > 0) return [...new Set(forms.map((form) => isNull(form) ? "nothing" : typeOf(form)))].join(", or ")
  if (Array.isArray(schema["enum"])) return schema["enum"].map((value) => `\`${value}\``).join(", ")
  if (schema["const"] !== undefined) return `\`${schema["const"]}\``
  if (schema["type"] === "array") {
    const items = isSchema(schema["items"]) ? typeOf(schema["items"]) : "anything"
    return `list of ${items === "anything" ? items : items === "text" ? "texts" : `${items}s`}`
  }
  if (isSchema(schema["additionalProperties"]) && schema["type"] === "object") {
    const values = typeOf(schema["additionalProperties"])
    return `map of ${
      values === "anything" ? values : values.replaceAll("text", "texts").replaceAll("number", "numbers")
    }`
  }
  return typeNames[String(schema["type"])] ?? "anything"
}

const boundsOf = (schema: Schema): string =>
  [
    ...new Set(
      formsOf(schema).flatMap((form) => {
        const { maximum, maxItems, maxLength, maxProperties, minimum, pattern } = form
        const keys = isSchema(form["propertyNames"]) ? form["propertyNames"]["pattern"] : undefined
        return [
          ...(maximum === undefined ? [] : [`${minimum} to ${maximum}`]),
          ...(maxItems === undefined ? [] : [`at most ${maxItems} entries`]),
          ...(maxProperties === undefined ? [] : [`at most ${maxProperties} keys`]),
          ...(maxLength === undefined ? [] : [`at most ${maxLength} characters`]),
          ...(pattern === undefined ? [] : [`\`${pattern}\``]),
          ...(keys === undefined ? [] : [`keys \`${keys}\``])
        ]
      })
    )
  ].join("; ")

const meaningOf = (schema: Schema): string => {
  const own = schema["description"] ?? formsOf(schema)[0]?.["description"]
  return typeof own === "string" ? own : ""
}

const exampleOf = (schema: Schema): string => {
  const examples = [schema, ...formsOf(schema)].flatMap((form) =>
    Array.isArray(form["examples"]) ? form["examples"] : []
  )
  return examples.length === 0 ? "" : `\`${JSON.stringify(examples[0])}\``
}

interface Field {
  readonly path: string
  readonly schema: Schema
  readonly isRequired: boolean
}

/** The fields below a schema, depth first, as an author finds them. */
const fieldsOf = (schema: Schema, prefix: string): ReadonlyArray<Field> => {
  const required = Array.isArray(schema["required"]) ? schema["required"] : []
  return propertiesOf(schema).flatMap(([key, inner]) => {
    const path = `${prefix}${key}`
    return [
      { path, schema: inner, isRequired: required.includes(key) },
      ...formsOf(inner).flatMap((form) =>
        form["type"] === "array" && isSchema(form["items"])
          ? fieldsOf(form["items"], `${path}[].`)
          : fieldsOf(form, `${path}.`)
      )
    ]
  })
}

const escaped = (cell: string): string => cell.replaceAll("|", "\\|")

/** Columns as wide as their widest cell, as the formatter of this house writes them. */
const table = (header: ReadonlyArray<string>, rows: ReadonlyArray<ReadonlyArray<string>>): string => {
  const cells = [header, ...rows].map((row) => row.map(escaped))
  const widths = header.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)))
  const line = (row: ReadonlyArray<string>) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`
  const [head = [], ...body] = cells
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)].join("\n")
}

const fieldTable = (fields: ReadonlyArray<Field>): string =>
  table(
    ["key", "type", "default", "bounds", "meaning", "example"],
    fields.map(({ isRequired, path, schema }) => [
      `\`${path}\``,
      typeOf(schema),
      isRequired ? "required" : schema["default"] === undefined ? "none" : `\`${JSON.stringify(schema["default"])}\``,
      boundsOf(schema),
      meaningOf(schema),
      exampleOf(schema)
    ])
  )

/** Every key of the JSON Schema, by shape. */
export const fields = (): { readonly flat: ReadonlyArray<Field>; readonly wrapped: ReadonlyArray<Field> } => {
  const [flat = {}, wrapped = {}] = schemasIn(Manifest.toJsonSchema()["anyOf"])
  return { flat: fieldsOf(flat, ""), wrapped: fieldsOf(wrapped, "") }
}

const isIn = (list: ReadonlyArray<Field>) => ({ path }: Field): boolean => list.some((field) => field.path === path)

const entriesOfExamples = Object.entries(issueExamples)

const codeTable = (): string =>
  table(
    ["code", "severity", "meaning"],
    Object.entries(ManifestIssue.codes).map(([code, severity]) => [
      `[\`${code}\`](#${code})`,
      severity,
      entriesOfExamples.find(([of]) => of === code)?.[1].meaning ?? ""
    ])
  )

const fence = (language: string, text: string): string => `\`\`\`${language}\n${text.replace(/\n$/, "")}\n\`\`\``

const exampleSections = (): string =>
  entriesOfExamples.map(([code, { described, manifest, meaning, rendered }]) =>
    [
      `### ${code}`,
      meaning,
      described === undefined && typeof manifest === "string" ? fence("yaml", manifest) : `The manifest: ${described}.`,
      fence("text", rendered.join("\n"))
    ].join("\n\n")
  ).join("\n\n")

/** The whole page. */
export const manifestReference = (): string => {
  const { flat, wrapped } = fields()
  return `# The manifest

\`manifest.yaml\` says what a module is, which files are its, and what it needs. It is YAML 1.2, in one of two shapes: in
the flat one the name stands at the top, in the other under \`identity\`. Both are read into the same manifest;
\`Manifest.format\` writes the flat one. [The first module](first-module.md) shows both.

This page is written by \`pnpm --filter @lamina/core reference\`; a test compares it with the schema and reads every
example.

## In an editor

\`@lamina/core/manifest.schema.json\` is the JSON Schema (draft 2020-12) of the document; \`Manifest.toJsonSchema()\`
returns the same. An editor with the YAML language server completes and explains the keys when the manifest starts with

\`\`\`yaml
# yaml-language-server: $schema=./node_modules/@lamina/core/manifest.schema.json
\`\`\`

The checks below that need more than a schema (patterns, ranges, services, licences) are \`Manifest.parse\`'s alone.

## Limits

| what                                                         | at most |
| ------------------------------------------------------------ | ------- |
| the text                                                     | 256 KiB |
| tokens; also lines, escapes and every 64 characters of texts | 3,200   |
| values, counted again wherever an alias repeats them         | 3,000   |
| levels of lists and maps                                     | 64      |
| keys of one map                                              | 256     |
| maps and lists in one list                                   | 256     |
| brace-free patterns that the braces of all lists stand for   | 4,096   |
| characters of all patterns that are more than plain paths    | 65,536  |
| names between the slashes of all patterns                    | 16,384  |
| steps of a trust expression, counted repetitions written out | 2,000   |
| issues that are shown; the others are counted                | 100     |

A manifest that lists 1,000 files, one on each line, has 3,000 tokens. Custom tags, merge keys, duplicate keys and more
than one document are refused.

## Keys of both shapes

${fieldTable(flat.filter(isIn(wrapped)))}

In \`file_spec\` a list says what the module ships; the map says what it leaves out as well. \`dependency_spec\` is a list
of patterns (what children may ship) or of modules (what this one needs): its first entry decides.

## Keys of the flat shape

${fieldTable(flat.filter((field) => !isIn(wrapped)(field)))}

## Keys of the shape with identity

${fieldTable(wrapped.filter((field) => !isIn(flat)(field)))}

The two expressions are taken once, when an operator registers the module: a manifest that names its own signer proves
nothing.

## Issues

An error refuses the manifest, a warning does not. A manifest is read to its end: what is wrong is reported at once, in
the order of the text.

${codeTable()}

${exampleSections()}
`
}

/** The text of manifest.schema.json. */
export const manifestSchema = (): string => `${JSON.stringify(Manifest.toJsonSchema(), null, 2)}\n`
