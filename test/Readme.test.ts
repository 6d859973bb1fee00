import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

// Every TypeScript example of the readable files runs as it is written. `// => x` behind a console.log says what it prints.

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const scratch = join(root, ".lamina", "readme")

const documents = [
  "README.md",
  ...readdirSync(join(root, "packages")).map((name) => join("packages", name, "README.md")),
  ...readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md")).map((name) => join("docs", name))
].filter((file) => existsSync(join(root, file)))

interface Example {
  readonly document: string
  readonly line: number
  readonly code: string
}

const examplesOf = (document: string): ReadonlyArray<Example> => {
  const text = readFileSync(join(root, document), "utf8")
  return [...text.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map((match) => ({
    document,
    line: text.slice(0, match.index).split("\n").length + 1,
    code: match[1] ?? ""
  }))
}

const expectedOutput = (code: string): ReadonlyArray<string> =>
  [...code.matchAll(/console\.log\(.*\/\/ => (.*)$/gm)].map((match) => (match[1] ?? "").trim())

const run = ({ document, line, code }: Example): ReadonlyArray<string> => {
  mkdirSync(scratch, { recursive: true })
  const file = join(scratch, `${document.replaceAll(/\W+/g, "-")}-${line}.ts`)
  writeFileSync(file, code)
  return execFileSync(process.execPath, [file], { encoding: "utf8", cwd: scratch, timeout: 60_000 }).trimEnd().split(
    "\n"
  )
}

/** A package that is a program shows what it prints; its own tests run that. */
const hasTranscript = (name: string): boolean =>
  readFileSync(join(root, "packages", name, "README.md"), "utf8").includes(`$ npx ${name} `)

describe("the examples of the readable files", () => {
  const examples = documents.flatMap(examplesOf)

  it("exist for every package", () => {
    const packages = readdirSync(join(root, "packages"))
    const shown = packages.filter((name) =>
      examples.some(({ code }) => code.includes(`"@lamina/${name}`)) || hasTranscript(name)
    )
    assert.deepStrictEqual(shown, packages)
  })

  it.each(examples)("run as written: $document:$line", (example) => {
    const expected = expectedOutput(example.code)
    const actual = run(example)
    for (const line of expected) assert.include(actual, line)
  })
})
