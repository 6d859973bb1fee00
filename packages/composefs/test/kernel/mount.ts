/** Runs scripts where their mounts disappear with them, and looks at what the kernel shows. */
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import type { Observed } from "./observed.ts"

/** Runs a script in a mount namespace of its own: what it mounts is gone with it, whatever happens. */
export const inNamespace = (script: string) => {
  const { status, stderr, stdout } = spawnSync("unshare", ["-m", "sh", "-ec", script], {
    encoding: "utf8",
    maxBuffer: 2 ** 30
  })
  return { status, stderr, stdout }
}

const observer = fileURLToPath(new URL("./observe.ts", import.meta.url))

/** A command that prints everything under a directory. */
export const observeCommand = (directory: string): string => `'${process.execPath}' '${observer}' '${directory}'`

/** What it printed; directories count no links, for overlayfs has its own way with that. */
export const parseObserved = (text: string): ReadonlyMap<string, Observed> =>
  new Map(
    text.split("\n").filter((line) => line !== "").map((line) => {
      const entry: Observed = JSON.parse(line)
      const isDirectory = (entry.mode & 0o170000) === 0o040000
      return [entry.path, isDirectory ? { ...entry, nlink: 0 } : entry]
    })
  )
