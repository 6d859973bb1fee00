import { defineConfig } from "tsup"

// One program that needs nothing beside it: what it imports of the packages is in it, what it does not is left out.
// Each command is a file of its own, so that a command only waits for the loading of what it uses.
export default defineConfig({
  entry: ["src/bin/lamina-composefs.ts"],
  format: "esm",
  target: "node22",
  platform: "node",
  dts: false,
  clean: true,
  sourcemap: false,
  splitting: true,
  minify: true,
  noExternal: [/.*/]
})
