/** Programs as they are published: JavaScript, in a folder whose package.json says that it is made of modules. */
import { execFileSync } from "node:child_process"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const commandFolder = join(import.meta.dirname, "../../lamina-composefs")

/** The command of packages/lamina-composefs: one program, with the files of its commands and threads beside it. */
export const buildCommand = (directory: string): string => {
  build(commandFolder, directory)
  return join(directory, "lamina-composefs.js")
}

/** The least that a program for the digest of a file must do. */
export const buildBareLoop = (directory: string): string => {
  build(join(import.meta.dirname, ".."), directory, ["bench/bareLoop.ts", "--no-config", "--format", "esm"])
  return join(directory, "bareLoop.js")
}

const build = (folder: string, directory: string, args: ReadonlyArray<string> = []): void => {
  const tsup = join(commandFolder, "node_modules/.bin/tsup")
  execFileSync(tsup, [...args, "--out-dir", directory, "--silent"], { cwd: folder, stdio: "ignore" })
  // Without it, Node would parse each file twice: first as what it took for JavaScript before there were modules.
  mkdirSync(directory, { recursive: true })
  writeFileSync(join(directory, "package.json"), `{ "type": "module" }\n`)
}
