import { defineConfig } from "tsup"

// One output file per source file, as the sources are: a host's bundler then drops what it does not import, stack
// traces name real modules, and `./*` exports work. Relative imports stay imports, only their extension changes.
export default defineConfig({
  entry: ["src/**/*.ts"],
  format: "esm",
  target: "node22",
  platform: "neutral",
  dts: false,
  clean: false,
  sourcemap: true,
  splitting: false,
  skipNodeModulesBundle: true,
  esbuildPlugins: [{
    name: "keep-modules",
    setup(build) {
      build.onResolve(
        { filter: /^\.\.?\/.*\.ts$/ },
        (imported) =>
          imported.kind === "entry-point" ? undefined : { path: imported.path.replace(/\.ts$/, ".js"), external: true }
      )
    }
  }]
})
