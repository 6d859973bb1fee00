import { assert, describe, it } from "@effect/vitest"
import { Dump, Image, Node } from "@lamina/composefs"
import * as Result from "effect/Result"

const bytes = (value: string) => new TextEncoder().encode(value)

describe("Image, of trees that resemble what the writer makes", () => {
  const markedFile = Node.inlineFile("", {
    xattrs: new Map([["trusted.overlay.whiteout", bytes("")], ["user.overlay.whiteout", bytes("")]])
  })

  it("keeps an empty file with the marks of a whiteout, unless its directory is marked too", () => {
    const tree = { root: Node.directory({ dir: Node.directory({ file: markedFile }) }) }
    for (const version of [0, 1] as const) {
      const image = Result.getOrThrow(Image.write(tree, { minVersion: version, maxVersion: version }))
      const read = Result.getOrThrow(Image.read(image, { canonical: true }))
      assert.strictEqual(Dump.print(read.tree), Dump.print(tree))
    }
  })

  it("reads a hard link to a whiteout elsewhere as the same image", () => {
    const tree = {
      root: Node.directory({ dir: Node.directory({ gone: Node.whiteout() }), zz: Node.hardLink("/dir/gone") })
    }
    for (const version of [0, 1] as const) {
      const image = Result.getOrThrow(Image.write(tree, { minVersion: version, maxVersion: version }))
      assert.isTrue(Result.isSuccess(Image.read(image, { canonical: true })))
    }
  })
})
