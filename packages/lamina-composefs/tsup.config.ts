import { globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { basename, join } from "node:path"
import { defineConfig } from "tsup"

/**
 * The modules which threads run. They are found by a URL beside the module that starts them, which here is a bundle in
 * the output folder.
 */
const threads = globSync("../composefs/src/**/*.ts").flatMap((file) =>
  Array.from(
    readFileSync(file, "utf8").matchAll(/^(?!\s*\*).*new URL\("\.\/(\w+)\.ts", import\.meta\.url\)/gm),
    ([, name = ""]) => [name, join(file, "..", `${name}.ts`)] as const
  )
)

/** What is bundled keeps its copyright notices, in one file beside the program. */
const notices = (inputs: ReadonlyArray<string>): string => {
  const folders = new Set(inputs.flatMap((input) => /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input) ?? []))
  return Array.from(folders).sort().flatMap((folder) =>
    globSync(join(folder, "LICEN[CS]E*")).map((file) => `${basename(folder)}\n\n${readFileSync(file, "utf8")}\n`)
  ).join("-".repeat(80) + "\n")
}

// One program that needs nothing beside it: what it imports of the packages is in it, what it does not is left out.
// Each command is a file of its own, so that a command only waits for the loading of what it uses.
export default defineConfig({
  entry: { "lamina-composefs": "src/bin/lamina-composefs.ts", ...Object.fromEntries(threads) },
  format: "esm",
  target: "node22",
  platform: "node",
  dts: false,
  clean: true,
  sourcemap: false,
  splitting: true,
  minify: true,
  removeNodeProtocol: false,
  noExternal: [/.*/],
  esbuildPlugins: [{
    // An ES module has no require, which undici calls for Node's modules.
    name: "builtin-modules-of-commonjs",
    setup(build) {
      build.onResolve(
        { filter: /^[a-z]/ },
        ({ kind, path }) => kind === "require-call" && isBuiltin(path) ? { path, namespace: "builtin" } : undefined
      )
      build.onLoad({ filter: /.*/, namespace: "builtin" }, ({ path }) => ({
        contents: `module.exports = process.getBuiltinModule(${JSON.stringify(path)})`
      }))
    }
  }, {
    name: "notices",
    setup(build) {
      build.onEnd(({ metafile }) => {
        const text = notices(Object.keys(metafile?.inputs ?? {}))
        const folder = build.initialOptions.outdir ?? "dist"
        mkdirSync(folder, { recursive: true })
        writeFileSync(join(folder, "third-party-notices.txt"), text)
      })
    }
  }]
})
