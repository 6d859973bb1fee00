import { assert, describe, it } from "@effect/vitest"
import { Image, Node } from "@lamina/composefs"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hasProgram } from "./tools.ts"
import { sample } from "./trees.ts"

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

describe.skipIf(!hasProgram("fsck.erofs"))("Image, as erofs-utils see it", () => {
  it("passes fsck.erofs, whatever the tree", () => {
    for (const { tree } of fc.sample(sample, 40)) {
      for (const minVersion of [0, 1] as const) {
        const image = Result.getOrThrow(Image.write(tree, { minVersion, maxVersion: 1 }))
        const { status, stderr } = withImage(image, (path) => spawnSync("fsck.erofs", [path], { encoding: "utf8" }))
        assert.strictEqual(status, 0, stderr)
      }
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
