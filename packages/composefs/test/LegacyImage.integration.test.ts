import { assert, describe, it } from "@effect/vitest"
import { FsVerity, Image, Node, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { execFileSync, spawnSync } from "node:child_process"
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { legacyTree } from "./legacyTree.ts"
import { hasProgram } from "./tools.ts"

const inDirectory = <A>(use: (directory: string) => A): A => {
  const directory = mkdtempSync(join(tmpdir(), "lamina-legacy-"))
  try {
    return use(directory)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

describe.skipIf(!hasProgram("fsck.erofs"))("Image of version 2, as erofs-utils see it", () => {
  // fsck.erofs 1.5 reads the header of attributes behind every inode, also behind one that has none; but behind the last
  // inode the image may end. A device may be longer than the file system on it, so there is one more block.
  const passesFsck = (image: Uint8Array) =>
    inDirectory((directory) => {
      const path = join(directory, "image")
      writeFileSync(path, Buffer.concat([image, new Uint8Array(4096)]))
      const { status, stderr, stdout } = spawnSync("fsck.erofs", [path], { encoding: "utf8" })
      assert.strictEqual(status, 0, stdout + stderr)
    })

  it("passes fsck.erofs, whatever the tree", () => {
    for (const tree of fc.sample(legacyTree, 80)) passesFsck(Result.getOrThrow(Image.write(tree, { version: 2 })))
  })

  it("passes fsck.erofs when it ends with its last inode", () => {
    const names = Array.from({ length: 36 }, (_, at) => at === 0 ? "n".repeat(30) : `${at + 10}`)
    const root = Node.directory(Object.fromEntries(names.map((name) => [name, Node.fifo()])))
    const image = Result.getOrThrow(Image.write({ root }, { version: 2 }))
    // The header, the root and its entries, and 36 inodes: no byte is left of the block.
    assert.strictEqual(image.length, 4096)
    assert.strictEqual(Buffer.from(image).readUInt16LE(4096 - 64 + 4), 0o10644)
    passesFsck(image)
  })
})

const runs = Number(process.env["LAMINA_PROPERTY_RUNS"] ?? 15)

/** What to make in a directory: contents by size, links to the one before. */
const made = fc.array(
  fc.record({
    kind: fc.constantFrom("file", "directory", "symlink", "link"),
    name: fc.oneof(fc.stringMatching(/^[a-z0-9_!+-]{1,20}$/), fc.constantFrom("ü", "a b", "n".repeat(255))),
    size: fc.oneof(fc.constantFrom(0, 1, 63, 64, 65, 4096, 4097), fc.integer({ min: 0, max: 100_000 })),
    seconds: fc.integer({ min: 0, max: 2_000_000_000 })
  }),
  { maxLength: 40 }
)
type Made = typeof made extends fc.Arbitrary<infer A> ? A : never

const make = (root: string, items: Made): void => {
  const directories = [root]
  const files: Array<string> = []
  const taken = new Set<string>()
  items.forEach(({ kind, name, seconds, size }, index) => {
    const path = join(directories[size % directories.length] ?? root, name)
    const target = files[size % Math.max(files.length, 1)]
    if (taken.has(path)) return
    taken.add(path)
    if (kind === "directory") directories.push(mkdirSync(path, { recursive: true }) ?? path)
    else if (kind === "symlink") symlinkSync("t".repeat(1 + (size % 1000)), path)
    else if (kind === "link" && target !== undefined) linkSync(target, path)
    else {
      writeFileSync(path, new Uint8Array(size).fill(index))
      utimesSync(path, seconds, seconds)
      files.push(path)
    }
  })
}

describe.skipIf(!hasProgram("cfsctl"))("Image of a directory, as composefs-rs computes it", () => {
  const algorithms = { sha256: FsVerity.sha256, sha512: FsVerity.sha512 } as const

  const compare = (directory: string, name: "sha256" | "sha512") =>
    Effect.gen(function*() {
      const using = algorithms[name]
      const { tree } = yield* Tree.fromDirectory(directory, { using })
      for (const version of [0, 1, 2] as const) {
        const command = ["--no-repo", "--hash", name, "--erofs-version", String(version), "compute-id"]
        const expected = execFileSync("cfsctl", [...command, "--no-propagate-usr-to-root", directory])
        const digest = Result.getOrThrow(Image.digest(tree, { version, using }))
        assert.strictEqual(digest, expected.toString().trim())
      }
    })

  it.effect.each(["sha256", "sha512"] as const)(
    "has the same digest in every version, with %s",
    (name) =>
      Effect.forEach(fc.sample(made, runs), (items) =>
        Effect.acquireUseRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-legacy-"))),
          (directory) => Effect.andThen(Effect.sync(() => make(directory, items)), compare(directory, name)),
          (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
        )),
    600_000 + 1000 * runs
  )
})
