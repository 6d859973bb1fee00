// The team's repository: a folder per module, with its manifest, the version that will be tagged, and the files that its
// build leaves. `modules` is what a change proposes, `released` what machines run.
import { Build } from "@lamina/core/testing"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** Where each module of a category lies: the operator's decision, so no manifest says it. */
const priorities: { readonly [moduleName: string]: number } = {
  "web-server": 100,
  "shop-site": 200,
  banner: 300
}

const readModule = (folder: string, name: string): Build.BuiltModule => {
  const read = (file: string): string => readFileSync(join(folder, name, file), "utf8")
  return Build.fromManifest(read("manifest.yaml"), {
    versionString: read("VERSION").trim(),
    rootfs: read("files.txt").trim().split("\n"),
    priority: priorities[name] ?? 0,
    forgeRepository: `acme/${name}`
  })
}

const readModules = (folder: string): ReadonlyArray<Build.BuiltModule> =>
  readdirSync(folder).map((name) => readModule(folder, name))

/** What machines run. */
export const released = readModules(join(import.meta.dirname, "released"))

/** What the change proposes; `MODULES` names another folder. */
export const proposed = readModules(process.env["MODULES"] ?? join(import.meta.dirname, "modules"))
