/** A directory like what `npm install` leaves: sizes, depth and doubles are those of such trees, the bytes are random. */
import { mkdirSync, writeFileSync } from "node:fs"

/** How large the files of such a tree are: of all files, this part has at most so many bytes. */
const sizes: ReadonlyArray<readonly [part: number, bytes: number]> = [
  [0, 0],
  [0.02, 40],
  [0.05, 100],
  [0.1, 160],
  [0.2, 400],
  [0.3, 750],
  [0.4, 1200],
  [0.5, 2000],
  [0.6, 3300],
  [0.7, 5200],
  [0.8, 9000],
  [0.9, 16_000],
  [0.95, 27_000],
  [0.98, 56_000],
  [0.99, 90_000],
  [0.998, 250_000],
  [1, 700_000]
]

/** So many files are copies of others, of packages that are there twice. */
const copies = 0.17

const directoryNames = ["lib", "src", "dist", "package", "types", "cjs", "esm"]
const fileNames = ["index.js", "utils.d.ts", "types.json", "README.md", "package.json", "main.mjs"]

/** Numbers that look random and are the same every time (mulberry32). */
const numbers = (seed: number) => (): number => {
  seed = (seed + 0x6d2b79f5) | 0
  let mixed = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

const sizeAt = (part: number): number => {
  const upper = Math.max(1, sizes.findIndex(([limit]) => part <= limit))
  const [[from, least], [to, most]] = [sizes[upper - 1] ?? [0, 0], sizes[upper] ?? [1, 0]]
  return Math.round(least + (most - least) * (part - from) / (to - from))
}

/** Returns the bytes of all files. */
export const generateTree = (root: string, files: number, directories: number): number => {
  const random = numbers(42)
  const pick = (count: number): number => Math.floor(random() * count)
  const pool = Buffer.alloc(2 << 20)
  for (let at = 0; at < pool.length; at += 4) pool.writeUInt32LE(pick(2 ** 32), at)

  const folders = [root]
  mkdirSync(root)
  while (folders.length < directories) {
    const folder = `${folders[pick(Math.min(folders.length, directories / 8))]}/${
      directoryNames[folders.length % directoryNames.length]
    }-${folders.length}`
    mkdirSync(folder)
    folders.push(folder)
  }

  const written: Array<Buffer> = []
  let total = 0
  for (let file = 0; file < files; file++) {
    const start = pick(pool.length / 2)
    const copy = random() < copies ? written[pick(written.length)] : undefined
    const content = copy ?? pool.subarray(start, start + sizeAt(random()))
    if (copy === undefined) written.push(content)
    writeFileSync(`${folders[pick(folders.length)]}/${file}-${fileNames[file % fileNames.length]}`, content)
    total += content.length
  }
  return total
}
