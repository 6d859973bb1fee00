// The package as it is published, bundled as for a browser, in a realm that has the globals of ECMAScript, `TextEncoder`
// and `TextDecoder`, and nothing else: no `process`, `Buffer`, `require`, `URL`, `crypto` or timers.
import { assert, describe, it } from "@effect/vitest"
import * as core from "@lamina/core"
import { build } from "esbuild"
import { execFileSync } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { basename, join } from "node:path"
import { createContext, Script } from "node:vm"
import * as Manifests from "../manifest/Manifests.ts"

const folder = join(import.meta.dirname, "../..")

/** Builds the package beside its dependencies, so that they are found from there. */
const withBuilt = async <A>(use: (built: string) => Promise<A>): Promise<A> => {
  const built = mkdtempSync(join(folder, "node_modules/.built-"))
  try {
    const tsup = join(folder, "../../node_modules/.bin/tsup")
    execFileSync(tsup, ["--config", "../../tsup.config.ts", "--out-dir", built, "--silent"], { cwd: folder })
    return await use(built)
  } finally {
    rmSync(built, { recursive: true })
  }
}

const bundle = (built: string) =>
  build({
    absWorkingDir: folder,
    entryPoints: [join(built, "index.js")],
    bundle: true,
    format: "iife",
    globalName: "laminaCore",
    platform: "browser",
    target: "es2023",
    write: false,
    metafile: true,
    logLevel: "silent"
  })

/** What is asked of the package here and there: a function of its exports alone. */
const questions = (
  { Composition, FileSpec, Manifest, ModuleSpecs, Requirement, Resolver }: typeof core,
  texts: { readonly flat: string; readonly wrapped: string }
): string => {
  const parsed = [texts.flat, texts.wrapped, "schema_version: 1\nname: A\nfil_spec: [/etc]\n", "a: [", "\0"].map((
    text
  ) => Manifest.parse(text))
  const bytes = Manifest.parse(Uint8Array.of(0x61, 0xff))
  const specs = ModuleSpecs.make({
    mask: ["/etc/a/**"],
    fileSpec: ["/etc/**", "/usr/lib/**/*.so"],
    protectedSpec: ["/etc/b"]
  })
  const spec = FileSpec.compile(specs)
  const layer = (moduleName: string, priority: number) => ({
    moduleName,
    versionString: "1.0.0",
    variety: "subscription" as const,
    category: "userland",
    categoryPosition: 90,
    priority,
    rebootRequired: false,
    specs,
    dependencies: Requirement.none,
    artifacts: [{
      architecture: "amd64",
      manifestDigest: `sha256:m-${moduleName}`,
      composefsDigest: `sha256:c-${moduleName}`,
      fsverityRootHash: `sha256:v-${moduleName}`,
      files: ["/etc/b", `/etc/${moduleName}`]
    }]
  })
  const resolved = Resolver.resolve({
    roots: [{ moduleName: "x" }],
    catalogue: [{
      moduleName: "x",
      versions: [{ versionString: "1.0.0", lifecycleState: "live", dependencies: Requirement.none }]
    }]
  })
  const selects = "success" in spec
    ? ["/etc/a/x", "/etc/x", "/usr/lib/a/b.so"].map((path) => spec.success.explain(path).message)
    : []
  return JSON.stringify({
    parsed: parsed.map((one) =>
      "success" in one ? [one.success, Manifest.format(one.success.manifest)] : one.failure.render()
    ),
    bytes: "failure" in bytes ? bytes.failure.message : "",
    schema: Manifest.toJsonSchema(),
    selects,
    filter: "success" in spec ? [spec.success.toRsyncFilter(), spec.success.fingerprint] : [],
    plan: Composition.plan([layer("a", 1), layer("b", 2)], "amd64"),
    resolved
  })
}

describe("the built package", () => {
  it("gives the same answers in a bare ECMAScript environment as in Node", async () => {
    await withBuilt(async (built) => {
      const { metafile, outputFiles } = await bundle(built)
      const program = outputFiles[0]?.text ?? ""
      assert.isAbove(Object.keys(metafile.inputs).filter((input) => input.includes(basename(built))).length, 50)
      const realm = createContext({
        TextDecoder,
        TextEncoder,
        texts: { flat: Manifests.flat, wrapped: Manifests.wrapped }
      })
      for (const name of ["process", "Buffer", "require", "URL", "setTimeout", "fetch", "crypto", "global"]) {
        assert.strictEqual(new Script(`typeof ${name}`).runInContext(realm), "undefined")
      }
      new Script(program, { filename: "core.js" }).runInContext(realm)
      const answer: unknown = new Script(`(${questions.toString()})(laminaCore, texts)`).runInContext(realm)
      assert.strictEqual(answer, questions(core, Manifests))
    })
  })
})
