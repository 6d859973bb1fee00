/** The command of packages/lamina-composefs as it is published: one program, with the files of its threads beside it. */
import { execFileSync } from "node:child_process"
import { join } from "node:path"

export const buildCommand = (directory: string): string => {
  const folder = join(import.meta.dirname, "../../lamina-composefs")
  const tsup = join(folder, "node_modules/.bin/tsup")
  execFileSync(tsup, ["--out-dir", directory, "--silent"], { cwd: folder, stdio: "ignore" })
  return join(directory, "lamina-composefs.js")
}
