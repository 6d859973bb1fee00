import { assert, describe, it } from "@effect/vitest"
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative } from "node:path"
import { fileURLToPath } from "node:url"

// The rule of the house: imports go only as this table says. A package that is not listed may not exist.
interface Allowed {
  readonly siblings: ReadonlyArray<string>
  readonly libraries: ReadonlyArray<string>
  readonly node: boolean
}

const allowed: Readonly<Record<string, Allowed>> = {
  composefs: { siblings: [], libraries: ["effect"], node: true },
  oci: { siblings: [], libraries: ["effect", "undici"], node: true },
  "lamina-composefs": { siblings: ["composefs", "oci"], libraries: ["effect"], node: true },
  gitea: { siblings: [], libraries: ["effect", "undici"], node: true },
  signing: {
    siblings: ["oci"],
    libraries: [
      "effect",
      "re2js",
      "@noble/ciphers",
      "@sigstore/bundle",
      "@sigstore/core",
      "@sigstore/protobuf-specs",
      "@sigstore/verify"
    ],
    node: true
  },
  core: { siblings: [], libraries: ["effect", "re2js", "semver", "yaml", "zod"], node: false },
  "storage-memory": { siblings: ["core"], libraries: ["effect"], node: false },
  "storage-postgres": { siblings: ["core"], libraries: ["effect", "@effect/sql-pg"], node: true },
  platform: {
    siblings: ["composefs", "core", "gitea", "oci", "signing", "storage-memory", "storage-postgres"],
    libraries: ["effect", "zod"],
    node: true
  }
}

const root = dirname(dirname(fileURLToPath(import.meta.url)))
// An import or export statement begins its line, or a line of its braces ends with `} from`; `import(…)` may be anywhere.
const importPattern = /(?:^(?:import|export)\b[^"'`;]*?\bfrom\s+|^import\s+|\bimport\s*\(\s*)(["'])([^"']+)\1/gm

const sourceFiles = (folder: string): ReadonlyArray<string> =>
  readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))

// Comments hold examples, which import what a host would.
const withoutComments = (text: string): string =>
  text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/^\s*\/\/.*$/gm, "")

const importsOf = (file: string): ReadonlyArray<string> =>
  [...withoutComments(readFileSync(file, "utf8")).matchAll(importPattern)].map((match) => match[2] ?? "")

const packageOf = (specifier: string): string =>
  specifier.split("/").slice(0, specifier.startsWith("@") ? 2 : 1).join("/")

const violation = (packageName: string, file: string, specifier: string): string | undefined => {
  const rule = allowed[packageName]
  if (rule === undefined) return `${packageName} is not in the table of allowed imports`
  const source = join(root, "packages", packageName, "src")
  if (specifier.startsWith(".")) {
    return relative(source, join(dirname(file), specifier)).startsWith("..") ? "leaves its package" : undefined
  }
  if (specifier.startsWith("node:")) return rule.node ? undefined : "may not import Node"
  const imported = packageOf(specifier)
  if (imported === "effect" && /^effect\/(?:sql|http|http-api|workflow|cluster)(?:\/|$)/.test(specifier)) {
    return packageName === "core" ? "core does not know this unstable area of effect" : undefined
  }
  const isAllowed = imported.startsWith("@lamina/")
    ? rule.siblings.includes(imported.slice("@lamina/".length))
    : rule.libraries.includes(imported)
  return isAllowed ? undefined : `may not import ${imported}`
}

describe("allowed imports", () => {
  const packages = readdirSync(join(root, "packages"))

  it("names every package of the house", () => {
    assert.deepStrictEqual([...packages].sort(), Object.keys(allowed).sort())
  })

  it.each(packages)("%s imports only what the table allows", (name) => {
    const violations = sourceFiles(join(root, "packages", name, "src")).flatMap((file) =>
      importsOf(file).flatMap((specifier) => {
        const problem = violation(name, file, specifier)
        return problem === undefined ? [] : [`${relative(root, file)}: ${specifier}: ${problem}`]
      })
    )
    assert.deepStrictEqual(violations, [])
  })

  it.each(packages)("%s declares the siblings that it may import, and no other", (name) => {
    const text = readFileSync(join(root, "packages", name, "package.json"), "utf8")
    const declared = [...text.matchAll(/"@lamina\/([a-z-]+)": "workspace/g)].map((match) => match[1])
    assert.deepStrictEqual(declared.sort(), [...allowed[name]?.siblings ?? []].sort())
  })

  it("finds an import that is not allowed", () => {
    const file = join(root, "packages", "core", "src", "index.ts")
    assert.strictEqual(violation("core", file, "node:fs"), "may not import Node")
    assert.strictEqual(violation("core", file, "@lamina/oci"), "may not import @lamina/oci")
    assert.strictEqual(violation("oci", file, "@lamina/composefs/FsVerity"), "may not import @lamina/composefs")
    assert.strictEqual(violation("core", file, "../../oci/src/index.ts"), "leaves its package")
    assert.strictEqual(
      violation("core", file, "effect/sql/SqlClient"),
      "core does not know this unstable area of effect"
    )
  })

  it("lets nobody import an example", () => {
    const importers = packages.flatMap((name) =>
      sourceFiles(join(root, "packages", name, "src")).filter((file) =>
        importsOf(file).some((specifier) => specifier.includes("examples"))
      )
    )
    assert.deepStrictEqual(importers, [])
    assert.isTrue(existsSync(join(root, "examples")))
  })
})
