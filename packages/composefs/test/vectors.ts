/** The test data from outside, if it is there: LAMINA_VECTORS or `../shared/vectors` beside the repository. */
import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { gunzipSync } from "node:zlib"

const root = process.env["LAMINA_VECTORS"] ??
  resolve(import.meta.dirname, "../../../../shared/vectors")
const directory = join(root, "composefs")

export const hasVectors = existsSync(directory)
// oxlint-disable-next-line no-console
if (!hasVectors) console.log(`skipped: composefs vectors are not there (${directory})`)

const names = hasVectors
  ? readdirSync(directory).filter((name) => /\.dump(?:\.gz)?$/.test(name)).sort()
  : []

export const accepted = names.filter((name) => !name.startsWith("should-fail"))
export const refused = names.filter((name) => name.startsWith("should-fail"))

export const readDump = (name: string): Uint8Array => {
  const bytes = readFileSync(join(directory, name))
  return name.endsWith(".gz") ? gunzipSync(bytes) : bytes
}

export const expectedSha256 = (name: string): string =>
  readFileSync(join(directory, `${name}.sha256`), "utf8").slice(0, 64)

/** The version to write, where the vector pins one. */
export const versionOptions = (name: string): { readonly minVersion?: 0 | 1; readonly maxVersion?: 0 | 1 } => {
  const path = join(directory, `${name}.version`)
  if (!existsSync(path)) return {}
  const version = readFileSync(path, "utf8").trim() === "1" ? 1 : 0
  return { minVersion: version, maxVersion: version }
}
