import { assert, describe, it } from "@effect/vitest"
import { Dump, Image, Node, Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { anyTree } from "./anyTree.ts"
import { inErofs } from "./kernel/expected.ts"
import { kernelTree, legacyKernelTree } from "./kernel/kernelTree.ts"
import { inNamespace, observeCommand, parseObserved } from "./kernel/mount.ts"
import { asLegacy, legacyTree } from "./legacyTree.ts"
import { canMount, hasProgram } from "./tools.ts"

const withImage = <A>(image: Uint8Array, use: (path: string) => A): A => {
  const directory = mkdtempSync(join(tmpdir(), "lamina-image-"))
  try {
    const path = join(directory, "image")
    writeFileSync(path, image)
    return use(path)
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Trees that can be written in both versions. */
const writable = anyTree().filter((tree) => Result.isSuccess(Image.write(tree, { version: 1 })))

const versions = [0, 1] as const

describe.skipIf(!hasProgram("fsck.erofs"))("Image, as erofs-utils see it", () => {
  it.each(versions)("passes fsck.erofs in version %i, whatever the tree", (version) => {
    for (const tree of fc.sample(writable, 100)) {
      const image = Result.getOrThrow(Image.write(tree, { version }))
      const { status, stderr, stdout } = withImage(
        image,
        (path) => spawnSync("fsck.erofs", [path], { encoding: "utf8" })
      )
      assert.strictEqual(status, 0, `${stdout}${stderr}\n${Dump.print(tree)}`)
    }
  })
})

describe.skipIf(!canMount() || !hasProgram("getfattr"))("Image, as the kernel's EROFS reads it", () => {
  const observe = (tree: Tree.Tree, version: Image.Version) => {
    const { status, stderr, stdout } = withImage(
      Result.getOrThrow(Image.write(tree, { version })),
      (path) =>
        inNamespace(
          `mkdir '${path}.d'; mount -t erofs -o ro,loop '${path}' '${path}.d'\n${observeCommand(`${path}.d`)}`
        )
    )
    assert.strictEqual(status, 0, stderr)
    return parseObserved(stdout)
  }

  it.each(versions)(
    "shows names, types, metadata, links, targets and attributes of every tree, in version %i",
    (version) => {
      for (const tree of fc.sample(writable.map(kernelTree), 15)) {
        assert.deepEqual(observe(tree, version), inErofs(tree, version))
      }
    }
  )

  it("shows them in version 2 with times in whole seconds and links counted", () => {
    for (const tree of fc.sample(legacyTree.map(legacyKernelTree), 15)) {
      const kept = Result.getOrThrow(Tree.withLinkCounts(asLegacy(tree)))
      assert.deepEqual(observe(tree, 2), inErofs(kept, 2))
    }
  })
})

describe.skipIf(!hasProgram("dump.erofs"))("Image, as dump.erofs reads it", () => {
  const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`entry-${index}`, Node.fifo()]))
  const tree = {
    root: Node.directory({
      etc: Node.directory({
        conf: Node.inlineFile("key=value\n", {
          mode: 0o640,
          uid: 100_000,
          gid: 7,
          mtime: { seconds: 1_000_000_000n, nanoseconds: 5 }
        })
      }, { mode: 0o750, mtime: { seconds: 1_000_000_000n, nanoseconds: 0 } }),
      many: Node.directory(many)
    })
  }
  const image = Result.getOrThrow(Image.write(tree))
  const dump = (...args: ReadonlyArray<string>) =>
    withImage(
      image,
      (path) => execFileSync("dump.erofs", [...args, path], { encoding: "utf8", env: { ...process.env, TZ: "UTC" } })
    )

  it("shows owners, permissions, times and sizes", () => {
    const text = dump("--path=/etc/conf")
    assert.match(text, /Size: 10 /)
    assert.match(text, /Uid: 100000\s+Gid: 7\s+Access: 0640/)
    assert.match(text, /Timestamp: 2001-09-09 01:46:40.000000005/)
    assert.match(dump("--path=/etc"), /Access: 0750/)
  })

  it("lists directories of several blocks", () => {
    const listed = dump("--path=/many", "--ls").match(/entry-\d+/g) ?? []
    assert.strictEqual(new Set(listed).size, 400)
  })

  it("counts what was written", () => {
    const inodes = 1 + 256 + 3 + 400
    assert.match(dump("-s"), new RegExp(`inode count:\\s+${inodes}\\b`))
  })
})
