import { assert, describe, it } from "@effect/vitest"
import { Dump, Image, Node, type Tree } from "@lamina/composefs"
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

describe("Image, of what dumps can say", () => {
  const readAgain = (tree: Tree.Tree) =>
    ([0, 1] as const).map((version) => {
      const image = Result.getOrThrow(Image.write(tree, { version }))
      return Dump.print(Result.getOrThrow(Image.read(image, { canonical: true })).tree)
    })

  it("keeps hard links to directories: in front of them, behind them, below them and from elsewhere", () => {
    const tree = {
      root: Node.directory({
        "!root": Node.hardLink("/"),
        a: Node.hardLink("/dir"),
        dir: Node.directory({ below: Node.directory({ "+up": Node.hardLink("/dir"), file: Node.inlineFile("x") }) }),
        last: Node.directory({ target: Node.directory() }),
        z: Node.hardLink("/last/target")
      })
    }
    for (const text of readAgain(tree)) assert.strictEqual(text, Dump.print(tree).replaceAll("…", ""))
  })

  it("shows of a device's size that it had more than 32 bits", () => {
    const tree = { root: Node.directory({ fifo: Node.fifo({ size: 2 ** 40 }), other: Node.fifo({ size: 7 }) }) }
    for (const text of readAgain(tree)) {
      assert.match(text, /^\/fifo 4294967296 /m)
      assert.match(text, /^\/other 0 /m)
    }
  })
})

describe("Image, of paths at the limit", () => {
  const deep = (names: ReadonlyArray<string>, last: Node.Node): Tree.Tree => ({
    root: Node.directory(
      [...names].reverse().reduce<Record<string, Node.Node>>(
        (entries, name) => ({ [name]: Node.directory(entries) }),
        { last }
      )
    )
  })

  it.each([0, 1, 2] as const)("reads every path that it writes, in bytes, in version %d", (version) => {
    for (const letter of ["n", "ü"]) {
      const name = letter.repeat(letter === "n" ? 254 : 127)
      const names = Array.from({ length: 15 }, () => name)
      // 15 × 255 bytes; with "/last" there are 265 left.
      const fits = deep([...names, letter.repeat(letter === "n" ? 264 - 10 : 127)], Node.fifo())
      assert.isTrue(Result.isSuccess(Result.flatMap(Image.write(fits, { version }), (image) => Image.read(image))))
      const tooLong = deep([...names, name, "abcdefghijk"], Node.fifo())
      const refusal = Image.write(tooLong, { version })
      assert.isTrue(Result.isFailure(refusal))
      assert.match(Result.isFailure(refusal) ? refusal.failure.message : "", /a path has at most 4095 bytes/)
      assert.isTrue(Result.isFailure(Dump.parse(Dump.print(tooLong))))
    }
  })
})
