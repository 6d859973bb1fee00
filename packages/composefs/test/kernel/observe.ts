/**
 * Prints what the kernel shows under a directory, one entry a line: `node observe.ts DIRECTORY`. Nothing of this package
 * takes part in it. The extended attributes come from getfattr.
 */
import { spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs"
import type { Observed } from "./observed.ts"

const root = process.argv[2] ?? "."
const bytes = (text: string) => Buffer.from(text, "latin1")

const octal = (text: string): string =>
  text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)))

const attributes = (): ReadonlyMap<string, Readonly<Record<string, string>>> => {
  const args = ["-R", "-P", "-h", "-d", "-m", "-", "-e", "hex", "--absolute-names", "--", "."]
  const { status, stderr, stdout } = spawnSync("getfattr", args, {
    cwd: root,
    encoding: "latin1",
    maxBuffer: 2 ** 30
  })
  if (status !== 0) throw new Error(`getfattr: ${stderr}`)
  const found = new Map<string, Readonly<Record<string, string>>>()
  for (const paragraph of stdout.split("\n\n")) {
    const [first = "", ...lines] = paragraph.split("\n")
    const path = octal(first.replace(/^# file: /, "")).replace(/^\.\/?/, "/")
    const pairs = lines.filter((line) => line !== "").map((line) => {
      const split = line.indexOf("=")
      return split < 0 ? [octal(line), ""] : [octal(line.slice(0, split)), line.slice(split + 3)]
    })
    found.set(path, Object.fromEntries(pairs))
  }
  return found
}

const types: ReadonlyArray<readonly [mode: number, hasContent: boolean]> = [[0o100000, true], [0o120000, false]]
const xattrs = attributes()
const inodes = new Map<bigint, string>()

const observe = (path: string): void => {
  const full = bytes(`${root}${path}`)
  const stats = lstatSync(full, { bigint: true })
  const type = Number(stats.mode) & 0o170000
  const isLink = type === 0o120000
  const isFile = types.some(([mode, hasContent]) => mode === type && hasContent)
  const first = inodes.get(stats.ino) ?? path
  inodes.set(stats.ino, first)
  const entry: Observed = {
    path,
    mode: Number(stats.mode),
    nlink: Number(stats.nlink),
    uid: Number(stats.uid),
    gid: Number(stats.gid),
    rdev: type === 0o020000 || type === 0o060000 ? Number(stats.rdev) : 0,
    size: isFile ? Number(stats.size) : 0,
    mtime: String(stats.mtimeNs),
    first,
    target: isLink ? readlinkSync(full, { encoding: "latin1" }) : "",
    content: isFile && stats.size < 1_000_000n ? createHash("sha256").update(readFileSync(full)).digest("hex") : "",
    xattrs: xattrs.get(path) ?? {}
  }
  process.stdout.write(`${JSON.stringify(entry)}\n`)
  if (type !== 0o040000) return
  for (const name of readdirSync(full, { encoding: "latin1" }).sort()) {
    observe(path === "/" ? `/${name}` : `${path}/${name}`)
  }
}
observe("/")
