import { assert, describe, it } from "@effect/vitest"
import { Dump, Image, Node, Tree } from "@lamina/composefs"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { asLegacy, legacyTree } from "./legacyTree.ts"
import { view } from "./trees.ts"

const write = (tree: Tree.Tree) => Buffer.from(Result.getOrThrow(Image.write(tree, { version: 2 })))
const read = (image: Uint8Array) => Result.getOrThrow(Image.read(image, { canonical: true })).tree
const failure = <A, E>(result: Result.Result<A, E>): E => Result.getOrThrow(Result.flip(result))
const at = (root: Record<string, Node.Node>): Tree.Tree => ({ root: Node.directory(root) })
const xattr = (value: string) => new TextEncoder().encode(value)
const digest = "5a".repeat(32)

/** The trees of which composefs-rs pins the digests of the images, so that upgrades keep them. */
const bare = { mode: 0 }
const simple = at({
  fifo: Node.fifo(bare),
  "regular-inline": Node.inlineFile("hihi", bare),
  "regular-external": Node.externalFile({ size: 1234, digest }, bare),
  chrdev: Node.characterDevice(123, bare),
  blkdev: Node.blockDevice(123, bare),
  socket: Node.socket(bare),
  symlink: Node.symlink("/target", bare)
})

const then = { mtime: { seconds: 1_633_950_376n, nanoseconds: 0 } }
const labelled = (xattrs: Record<string, string>) => ({
  ...then,
  mode: 0o777,
  xattrs: new Map(Object.entries(xattrs).map(([name, value]) => [name, xattr(value)]))
})
const special: Tree.Tree = {
  root: Node.directory({
    blockdev: Node.blockDevice(107_690, labelled({ "trusted.bar": "bar-2" })),
    chardev: Node.characterDevice(10_769, labelled({ "trusted.foo": "bar-2" })),
    "escaped-xattr": Node.inlineFile(
      "",
      labelled({ "trusted.overlay.redirect": "/foo\n", "user.overlay.redirect": "/foo\n", "user.foo": "bar-2" })
    ),
    fifo: Node.fifo(labelled({ "trusted.bar": "bar-2" })),
    inline: Node.inlineFile("FOOBAR\nINAFILE\n", labelled({ "user.foo": "bar-2" })),
    whiteout: Node.whiteout(labelled({ "trusted.foo": "bar-2" }))
  }, { ...labelled({ "trusted.foo1": "bar-1", "user.foo2": "bar-2" }), mode: 0o555 })
}

describe("Image, as composefs-rs pins it", () => {
  it.each<readonly [name: string, tree: Tree.Tree, version: Image.Version, digest: string]>([
    ["empty", Tree.empty, 0, "8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682"],
    ["empty", Tree.empty, 1, "14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63"],
    ["empty", Tree.empty, 2, "086b702a519b57d6ef5aea6f8b3f2be24355cd1fb835cd80fb4e3d388b24d5a5"],
    ["simple", simple, 0, "9f3f5620ee0c54708516467d0d58741e7963047c7106b245d94c298259d0fa01"],
    ["simple", simple, 1, "ad6db6427568a1e4fdc772cbab7b6063f5eb4b33cb62982a740ba9213e5962b5"],
    ["simple", simple, 2, "a8fcd41f8b313bede69f462f2af0a38d64b99a6333f5df884ea9ab4037fac722"],
    ["special", special, 1, "b1c78c25db8638be5b9b483472d32ee9624d8d32ded626a91cd536116e8df97c"]
  ])("has the digest of the tree %s", (_, tree, version, expected) => {
    assert.strictEqual(Result.getOrThrow(Image.digest(tree, { version })), expected)
  })
})

describe("Image of version 2", () => {
  it("reads back every tree it writes, times in whole seconds", () => {
    fc.assert(
      fc.property(legacyTree, (tree) => {
        const image = write(tree)
        const counted = (tree: Tree.Tree) => view(Result.getOrThrow(Tree.withLinkCounts(tree)))
        assert.deepEqual(counted(read(image)), counted(asLegacy(tree)))
      }),
      { numRuns: 100 }
    )
  })

  it("says which version it read", () => {
    assert.strictEqual(Result.getOrThrow(Image.read(write(simple))).version, 2)
  })

  it("counts the names of an inode, which stands at the first of them, whatever the tree says", () => {
    const tree = at({
      a: Node.directory({ link: Node.hardLink("/b") }),
      b: Node.inlineFile("x", { nlink: 7 }),
      c: Node.hardLink("/d"),
      d: Node.hardLink("/b")
    })
    assert.deepEqual(Array.from(Tree.walk(read(write(tree))), ({ node, path }) => [path, node]).slice(2), [
      ["/a/link", Node.inlineFile(Buffer.from("x"), { nlink: 4 })],
      ["/b", Node.hardLink("/a/link")],
      ["/c", Node.hardLink("/a/link")],
      ["/d", Node.hardLink("/a/link")]
    ])
  })

  it("keeps whiteouts as they are, also where another version has its own", () => {
    const tree = at({ "00": Node.whiteout(), dir: Node.directory({ gone: Node.whiteout() }) })
    assert.strictEqual(Dump.print(read(write(tree))), Dump.print(tree))
  })

  it("keeps the overlay attributes of the tree apart from its own", () => {
    const xattrs = new Map(
      ["metacopy", "redirect", "opaque", "whiteout", "overlay.x"].map((name) =>
        [`trusted.overlay.${name}`, xattr(name)] as const
      )
    )
    const tree = at({ file: Node.externalFile({ size: 100, digest }, { xattrs }) })
    assert.strictEqual(Dump.print(read(write(tree))), Dump.print(tree))
  })

  it.each([64, 128])("carries digests of %i hex digits", (size) => {
    const tree = at({ file: Node.externalFile({ size: 100, digest: "ab".repeat(size / 2) }) })
    assert.strictEqual(Dump.print(read(write(tree))), Dump.print(tree))
  })

  it("refuses trees deeper than the stack of the engine, and their paths, in words", () => {
    let root = Node.directory()
    for (let depth = 0; depth < 20_000; depth++) root = Node.directory({ d: root })
    for (const version of [0, 1, 2] as const) {
      assert.match(failure(Image.write({ root }, { version })).message, /a path has at most 4095 bytes/)
    }
  })

  it("follows long chains of hard links in time that grows with their number", () => {
    const count = 30_000
    const chain = Array.from({ length: count }, (_, index) => [`l${index + 1}`, Node.hardLink(`/l${index}`)] as const)
    const image = write(at({ l0: Node.fifo(), ...Object.fromEntries(chain.toReversed()) }))
    assert.deepEqual(read(image).root.entries.get(`l${count}`), Node.hardLink("/l0"))
  })

  it("looks many links to one file up once, however deep it is", () => {
    const path = `/${"d/".repeat(1900)}file`
    const links = Array.from({ length: 60_000 }, (_, index) => [`l${index}`, Node.hardLink(path)] as const)
    let root = Node.directory({ file: Node.fifo(), ...Object.fromEntries(links) })
    for (let depth = 0; depth < 1900; depth++) root = Node.directory({ d: root })
    const image = Image.read(write({ root }), { canonical: true })
    assert.deepEqual(Tree.find(Result.getOrThrow(image).tree, path), Option.some(Node.fifo({ nlink: 60_001 })))
  })

  const crowd = new Map(Array.from({ length: 256 }, (_, index) => [`user.${index}`, xattr("")]))
  it.each<readonly [what: string, node: Node.Node, cause: RegExp]>([
    ["more than 512 bytes inline", Node.inlineFile(new Uint8Array(513)), /513 bytes inline, at most 512/],
    ["a target of more than 1024 bytes", Node.symlink("ü".repeat(513)), /at most 1024 bytes.*1026/],
    ["more than 8 TiB", Node.externalFile({ size: 2 ** 43 + 1, digest }), /at most 8796093022208 bytes/],
    ["a whiteout with several names", Node.characterDevice(0, { nlink: 2 }), /a whiteout has one name.*2/],
    ["a payload elsewhere", { ...Node.externalFile({ size: 9, digest }), payload: "else" }, /expected 5a\/5a.*"else"/],
    ["a digest without payload", { ...Node.externalFile({ size: 9, digest }), payload: undefined }, /got none/],
    ["a payload that is no object", Node.externalFile({ size: 9, payload: "ab/cd" }), /expected the path of an object/],
    ["an attribute without a name", Node.fifo({ xattrs: new Map([["", xattr("")]]) }), /name of an extended/],
    ["too much inline in any version", Node.inlineFile(new Uint8Array(5001)), /5001 bytes inline/],
    ["a hard link to nowhere", Node.hardLink("/nowhere"), /missing/],
    ["a hard link to itself", Node.hardLink("/bad"), /loop/],
    ["a hard link to a directory", Node.hardLink("/dir"), /is a directory/],
    ["a hard link to a directory's own name", Node.hardLink("/dir/."), /missing/]
  ])("refuses %s with the path", (_, node, cause) => {
    const error = failure(Image.write(at({ bad: node, dir: Node.directory() }), { version: 2 }))
    assert.match(error.message, cause)
    assert.include(error.message, "\"/bad\"")
  })

  it("refuses a whiteout with hard links", () => {
    const tree = at({ a: Node.whiteout(), b: Node.hardLink("/a") })
    assert.match(failure(Image.write(tree, { version: 2 })).message, /a whiteout has one name/)
  })

  it("refuses more shared attributes than an inode can count", () => {
    const shared = at({ a: Node.fifo({ xattrs: crowd }), b: Node.fifo({ xattrs: crowd }) })
    assert.match(failure(Image.write(shared, { version: 2 })).message, /"\/a".*shares 256/)
    assert.isTrue(Result.isSuccess(Image.write(at({ a: Node.fifo({ xattrs: crowd }) }), { version: 2 })))
  })

  it("refuses two names that are the same bytes", () => {
    const tree = at({ ü: Node.fifo(), "\udcc3\udcbc": Node.fifo() })
    assert.match(failure(Image.write(tree, { version: 2 })).message, /the same bytes/)
  })
})

describe("Image of version 2, from hostile hands", () => {
  const shared = new Map([["user.a", xattr("1")]])
  const tree = at({
    dir: Node.directory({ gone: Node.whiteout(), link: Node.hardLink("/file"), deep: Node.directory() }),
    file: Node.inlineFile("inline", { xattrs: shared }),
    big: Node.externalFile({ size: 10_000_000, digest }, { xattrs: shared }),
    sparse: Node.externalFile({ size: 100 }),
    symlink: Node.symlink("file"),
    ...Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`name-${index}`, Node.fifo({ uid: 70_000 })]))
  })
  const image = write(tree)
  const dump = Dump.print(read(image))

  /** Byte offset of the inode at a path: an inode's number is its place. */
  const inode = (path: string): number => {
    const marked = write(
      Tree.mapMetadata(tree, (metadata, at) => at === path ? { ...metadata, mode: 0o7777 } : metadata)
    )
    const at = marked.findIndex((byte, index) => byte !== image[index])
    return at - (at % 32)
  }
  const changed = (change: (bytes: Buffer) => void): string => {
    const other = Buffer.from(image)
    change(other)
    return failure(Image.read(other)).message
  }

  it("accepts or refuses damaged images in bounded time, and never throws", () => {
    const anywhere = fc.integer({ min: 0, max: image.length - 1 })
    const change = fc.tuple(anywhere, fc.integer({ min: 0, max: 255 }))
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const damaged = Buffer.from(image)
        for (const [offset, byte] of changes) damaged[offset] = byte
        const isSame = damaged.equals(image)
        // What is not exactly the canonical image of the tree it shows must be refused.
        const read = Image.read(damaged, { canonical: true })
        if (Result.isSuccess(read) && !isSame) assert.notStrictEqual(Dump.print(read.success.tree), dump)
        Image.read(damaged)
      }),
      { numRuns: 400 }
    )
  })

  it("refuses images that are cut off, at whatever length", () => {
    for (let size = 0; size < image.length; size += 509) {
      assert.isTrue(Result.isFailure(Image.read(image.subarray(0, size))), `${size} bytes`)
    }
  })

  it("refuses a directory that contains itself, or has two names", () => {
    const [dir, deep] = [inode("/dir"), inode("/dir/deep")]
    // The entries of `dir` follow its head: `.`, `..`, `deep`.
    const entry = dir + 64 + 24
    assert.strictEqual(image.readBigUInt64LE(entry), BigInt(deep / 32))
    assert.match(changed((bytes) => bytes.writeBigUInt64LE(BigInt(dir / 32), entry)), /a directory has two names/)
    assert.match(changed((bytes) => bytes.writeBigUInt64LE(36n, entry)), /a directory has two names/)
  })

  it.each<readonly [what: string, change: (bytes: Buffer) => void, cause: RegExp]>([
    ["header flags", (bytes) => bytes.writeUInt32LE(1, 8), /header flags/],
    ["a build time", (bytes) => bytes.writeUInt32LE(1, 1024 + 24), /build time/],
    ["an attribute block", (bytes) => bytes.writeUInt32LE(1, 1024 + 44), /attribute block/],
    ["another number of inodes", (bytes) => bytes.writeUInt32LE(1, 1024 + 16), /inodes were found/],
    ["a number that is not the place", (bytes) => bytes.writeUInt32LE(1, inode("/file") + 20), /not its place/],
    ["nanoseconds", (bytes) => bytes.writeUInt32LE(1, inode("/file") + 40), /whole seconds/],
    ["a compact inode", (bytes) => bytes.writeUInt16LE(0, inode("/sparse")), /unknown inode format/],
    [
      "a link count of a file",
      (bytes) => bytes.writeUInt32LE(1, inode("/file") + 44),
      /link count of 1 instead of 2/
    ],
    ["a link count of a directory", (bytes) => bytes.writeUInt32LE(9, inode("/dir") + 44), /9 instead of 3/],
    ["another chunk size", (bytes) => bytes.writeUInt32LE(30, inode("/big") + 16), /chunk size/],
    ["more than 8 TiB", (bytes) => bytes.writeUInt32LE(0x800, inode("/big") + 12), /cannot be external/],
    ["much inline", (bytes) => bytes.writeUInt32LE(513, inode("/file") + 8), /513 bytes cannot be inline/],
    ["a long target", (bytes) => bytes.writeUInt32LE(1025, inode("/symlink") + 8), /target of 1025 bytes/],
    ["no digest for a redirect", (bytes) => bytes.write("/5b", bytes.indexOf("/5a/")), /object of the digest/]
  ])("refuses %s", (_, change, cause) => {
    assert.match(changed(change), cause)
  })
})
