import { assert, describe, it } from "@effect/vitest"
import { Dump, FsVerity, Image, Node, Tree } from "@lamina/composefs"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { constants } from "node:buffer"
import { createHash } from "node:crypto"
import { sample, view } from "./trees.ts"
import { accepted, expectedSha256, hasVectors, readDump, refused, versionOptions } from "./vectors.ts"

const write = (tree: Tree.Tree, options?: Image.WriteOptions) => Result.getOrThrow(Image.write(tree, options))
const failure = <A, E>(result: Result.Result<A, E>): E => Result.getOrThrow(Result.flip(result))
const at = (root: Record<string, Node.Node>): Tree.Tree => ({ root: Node.directory(root) })

describe.skipIf(!hasVectors)("Image, against the vectors of composefs", () => {
  it.each(accepted)("writes %s byte for byte, and reads it back as the same image", (name) => {
    const image = write(Result.getOrThrow(Dump.parse(readDump(name))), versionOptions(name))
    assert.strictEqual(createHash("sha256").update(image).digest("hex"), expectedSha256(name))
    assert.isTrue(Buffer.from(image).equals(Result.getOrThrow(Image.fromDump(readDump(name), versionOptions(name)))))
    // Canonical: writing what was read gives these very bytes.
    assert.isTrue(Result.isSuccess(Image.read(image, { canonical: true })))
  })

  /** fs-verity digests of the images, by which these are known where they are mounted. */
  const digests: Readonly<Record<string, string>> = {
    "bigfile-xattr.dump": "96477776a78abab3bf28c57b16dd0c47ed41a05774a2352ecf15c3ac15108b3f",
    "bigfile.dump": "160c71227628d810604ad305e5d4a912e01a5964866b9bec9f8fddc55e352bfb",
    "config.dump.gz": "26cbaf47c39d0b5ed47bd959595e4d84f01c8eb8196d861d9f00bf527c244ad2",
    "config-with-hard-link.dump.gz": "a7afa3886a072e11ac8dae09d46da54ea43ca0cfe34d170b1cdc9287cceca6a1",
    "cs9-x86_64-developer.dump.gz": "c2891b9a6ce8f676ce63aeaeb7df329695db705d5d1a6a8160f8ed3ec188c5ba",
    "cs9-x86_64-minimal.dump.gz": "ea6a12d09a928b965d9881f6703c54cf2801ad0a5fad2c921819d6c7ba4956ce",
    "honggfuzz-bigfile-with-acl.dump": "062b7c9e88806d8fe267287a35ba7abfa8faf70460b2dd8294781d6f26d64912",
    "honggfuzz-chardev-nonzero-size.dump": "efdef54b5e204b11f2590a41cde5d01c57622393e2a428af4fa4cfaac18c4575",
    "honggfuzz-long-symlink.dump": "d7894fc7641b935efec393392e36dfab0ffbcc20d29a4c684aebde71b8c38005",
    "honggfuzz-longlink-unterminated.dump": "fe675c995eb476c165ec5af1001bd9289f57bacf58d55373a5695b67f421bebe",
    "longlink.dump": "32f1351322d32ebed1bde5fd72e2d218435c4aada13a359f1b1d1f1e126815a6",
    "no-newline.dump": "4aa51e1805ee1c2d3bd8d9ba2f2740948c2ee4de7c3cbfcef863982e456f46fe",
    "special.dump": "6fae72a66167ef8d5830fa15647263ef1b535681aa91fdf195fa3d6f5e3ae15e",
    "special_v1.dump": "1d268f8bc7609b4f8f8467e98565f45300f9e192c0e6ef2d05820d3ea41d4515"
  }

  it.each(accepted)("has the digest of %s", (name) => {
    const tree = Result.getOrThrow(Dump.parse(readDump(name)))
    assert.strictEqual(Result.getOrThrow(Image.digest(tree, versionOptions(name))), digests[name])
  })

  const lax = ["no-newline.dump", "longlink.dump", "honggfuzz-longlink-unterminated.dump"]

  it("takes all dumps but three in strict mode too, as mkcomposefs does", () => {
    assert.deepEqual(
      accepted.filter((name) => Result.isFailure(Dump.parse(readDump(name), { strict: true }))).sort(),
      lax.sort()
    )
  })

  const causes: Readonly<Record<string, RegExp>> = {
    "should-fail-big-inline.dump": /5004 bytes inline/,
    "should-fail-dir-hardlink.dump": /hard link to anything but a directory/,
    "should-fail-dot-name.dump": /name \. is reserved/,
    "should-fail-dotdot-name.dump": /name \.\. is reserved/,
    "should-fail-empty-link-name.dump": /target of the symbolic link/,
    "should-fail-empty-name.dump": /name is empty/,
    "should-fail-empty-xattr-key.dump": /name of an extended attribute is empty/,
    "should-fail-honggfuzz-long-xattr.dump": /extended attributes take more than 32767 bytes/,
    "should-fail-long-link.dump": /PAYLOAD has 7248 bytes/,
    "should-fail-long-xattr-key.dump": /extended attributes take \d+ bytes of text/,
    "should-fail-long-xattr-value.dump": /extended attributes take \d+ bytes of text/,
    "should-fail-no-ftype.dump": /MODE: expected a mode with a file type/,
    "should-fail-self-hardlink.dump": /hard link to itself/,
    "should-fail-too-big.dump": /SIZE is 9500000000000000/
  }

  it.each(refused)("refuses %s and names the cause", (name) => {
    const result = Result.flatMap(
      Result.mapError(Dump.parse(readDump(name)), String),
      (tree) => Result.mapError(Image.write(tree), String)
    )
    assert.match(failure(result), causes[name] ?? /no cause is known for this vector/)
  })
})

describe("Image", () => {
  it("writes a dump as it writes the tree of that dump", () => {
    fc.assert(
      fc.property(
        sample,
        fc.constantFrom<Image.WriteOptions>({}, { minVersion: 1 }, { maxVersion: 0 }),
        ({ tree }, options) => {
          const dump = Dump.print(tree)
          const image = Result.getOrThrow(Image.fromDump(dump, options))
          assert.isTrue(Buffer.from(image).equals(write(Result.getOrThrow(Dump.parse(dump)), options)))
          assert.strictEqual(Result.getOrThrow(Image.digestFromDump(dump, options)), FsVerity.digest(image))
        }
      ),
      { numRuns: 100 }
    )
  })

  it("writes a dump in version 2 too", () => {
    const dump = "/ 0 40755 2 0 0 0 0.0 - - -\n/a 1 100644 1 0 0 0 0.0 - x -\n"
    const image = Result.getOrThrow(Image.fromDump(dump, { version: 2 }))
    assert.deepEqual(image, write(Result.getOrThrow(Dump.parse(dump)), { version: 2 }))
  })

  it("tells what is wrong with a dump from what cannot be written", () => {
    const root = "/ 0 40755 2 0 0 0 0.0 - - -\n"
    assert.strictEqual(failure(Image.fromDump(`${root}/a 0 644 1 0 0 0 0.0 - - -\n`))._tag, "DumpError")
    assert.strictEqual(failure(Image.fromDump(root.trim(), { strict: true }))._tag, "DumpError")
    // mkcomposefs counts what replaces an attribute as if the old one had never been paid for.
    const whiteouts = `${root}/d 0 40755 2 0 0 0 0.0 - - - user.overlay.opaque=${
      "y".repeat(200)
    }\n/d/w 0 20644 1 0 0 0 0.0 - - -\n`
    const error = failure(Image.fromDump(whiteouts))
    assert.strictEqual(error._tag, "ImageError")
    assert.include(error.message, "\"/d\"")
  })

  it("leaves the dump as it was", () => {
    const dump = Buffer.from("/ 0 40755 2 0 0 0 0.0 - - -\n/a\\x20b 100 100644 1 0 0 0 0.0 aa/\\x62b - -\n")
    const before = Buffer.from(dump)
    assert.isTrue(Result.isSuccess(Image.fromDump(dump)))
    assert.isTrue(dump.equals(before))
  })

  it("gives an empty tree the digests that other implementations pin", () => {
    const digest = (version: Image.Version) => Result.getOrThrow(Image.digest(Tree.empty, { version }))
    assert.strictEqual(digest(0), "8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682")
    assert.strictEqual(digest(1), "14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63")
  })

  it("reads back every tree it writes", () => {
    fc.assert(
      fc.property(sample, fc.constantFrom<Image.CommonVersion>(0, 1), ({ tree }, minVersion) => {
        const image = write(tree, { minVersion, maxVersion: 1 })
        const read = Result.getOrThrow(Image.read(image, { canonical: true }))
        assert.deepEqual(view(read.tree), view(tree))
      }),
      { numRuns: 100 }
    )
  })

  it("chooses version 1 for a tree with whiteouts, unless that is ruled out", () => {
    const tree = at({ dir: Node.directory({ gone: Node.whiteout() }) })
    const version = (options?: Image.WriteOptions) => Result.getOrThrow(Image.read(write(tree, options))).version
    assert.strictEqual(version(), 1)
    assert.strictEqual(version({ maxVersion: 0 }), 0)
    assert.strictEqual(version({ minVersion: 0 }), 0)
    assert.strictEqual(Result.getOrThrow(Image.read(write(Tree.empty))).version, 0)
    assert.strictEqual(Result.getOrThrow(Image.read(write(Tree.empty, { minVersion: 1 }))).version, 1)
  })

  it("does not depend on the order of entries", () => {
    const file = Node.inlineFile("x")
    assert.deepEqual(write(at({ a: file, b: file, "!": file })), write(at({ "!": file, b: file, a: file })))
  })

  it("keeps the overlay attributes of the tree apart from its own", () => {
    const xattrs = new Map([["trusted.overlay.metacopy", Uint8Array.of(1)], [
      "trusted.overlay.overlay.x",
      Uint8Array.of(2)
    ]])
    const tree = at({ file: Node.inlineFile("x", { xattrs }) })
    assert.strictEqual(Dump.print(Result.getOrThrow(Image.read(write(tree))).tree), Dump.print(tree))
  })

  it("keeps a whiteout of the tree that is named like a directory of the object store", () => {
    const tree = at({ "00": Node.whiteout(), ff: Node.directory() })
    assert.strictEqual(Dump.print(Result.getOrThrow(Image.read(write(tree))).tree), Dump.print(tree))
  })

  it("carries sha512 digests", () => {
    const tree = at({ file: Node.externalFile({ size: 100, digest: "ab".repeat(64) }) })
    assert.strictEqual(Dump.print(Result.getOrThrow(Image.read(write(tree))).tree), Dump.print(tree))
  })

  it.each<readonly [what: string, node: Node.Node, cause: RegExp]>([
    ["too much inline", Node.inlineFile(new Uint8Array(5001)), /5001 bytes inline/],
    ["an empty external file", Node.externalFile({ size: 0 }), /external file has 1 to/],
    ["a short digest", Node.externalFile({ size: 100, digest: "abcd" }), /digest: expected 64 or 128/],
    ["an owner of more than 32 bits", Node.fifo({ uid: 2 ** 32 }), /owner/],
    ["an empty link target", Node.symlink(""), /target of a symbolic link/],
    ["an attribute without a name", Node.fifo({ xattrs: new Map([["", Uint8Array.of(1)]]) }), /name of an extended/],
    ["too many attributes", Node.fifo({ xattrs: new Map([["user.a", new Uint8Array(33_000)]]) }), /32767/],
    ["a payload of too many bytes", Node.externalFile({ size: 9, payload: "ü".repeat(2048) }), /at most 4095 bytes/],
    ["a hard link to nowhere", Node.hardLink("/nowhere"), /missing/],
    ["a hard link to itself", Node.hardLink("/bad"), /loop/]
  ])("refuses %s with the path", (_, node, cause) => {
    const error = failure(Image.write(at({ bad: node })))
    assert.match(error.message, cause)
    assert.include(error.message, "\"/bad\"")
  })

  it("follows long chains of hard links, and many links to one file, in time that grows with their number", () => {
    const count = 30_000
    const chain = Array.from({ length: count }, (_, index) => [`l${index + 1}`, Node.hardLink(`/l${index}`)] as const)
    const star = Array.from({ length: count }, (_, index) => [`s${index}`, Node.hardLink("/l0")] as const)
    const tree = at({ l0: Node.fifo(), ...Object.fromEntries([...star, ...chain.toReversed()]) })
    const { tree: read } = Result.getOrThrow(Image.read(write(tree)))
    assert.deepEqual(read.root.entries.get(`l${count}`), Node.hardLink("/l0"))
    const parsed = Result.getOrThrow(Dump.parse(Dump.print(tree)))
    assert.strictEqual(Result.getOrThrow(Tree.withLinkCounts(parsed)).root.entries.size, 2 * count + 1)
  })

  it("finds the targets of many hard links deep down, shared ones and others", () => {
    const [depth, count] = [2000, 4000]
    const path = "/a".repeat(depth)
    const targets = Array.from({ length: count }, (_, index) => `${path}/f${index - index % 3}`)
    const files = targets.map((_, index) => [`f${index}`, Node.fifo({ nlink: index })] as const)
    let down = Node.directory(new Map(files))
    for (let level = 1; level < depth; level++) down = Node.directory({ a: down })
    const links = targets.map((target, index) => [`l${index}`, Node.hardLink(target)] as const)
    const { tree } = Result.getOrThrow(Image.read(write(at({ a: down, ...Object.fromEntries(links) }))))
    for (const [name, link] of links) assert.deepEqual(tree.root.entries.get(name), link)
  })

  it("does not take what it adds itself for the target of a hard link", () => {
    for (const target of ["/00", "/.", "/dir/..", "/dir/../dir"]) {
      const error = failure(Image.write(at({ bad: Node.hardLink(target), dir: Node.directory() })))
      assert.match(error.message, /missing/)
    }
  })

  it("refuses texts that are the same in bytes", () => {
    const twins = ["ü", "\udcc3\udcbc"] as const
    const xattrs = new Map(twins.map((text) => [`user.${text}`, Uint8Array.of()]))
    assert.match(
      failure(Image.write(at({ [twins[0]]: Node.fifo(), [twins[1]]: Node.fifo() }))).message,
      /same in bytes/
    )
    assert.match(failure(Image.write(at({ bad: Node.fifo({ xattrs }) }))).message, /same in bytes/)
  })

  it.each<Image.Version>([0, 1, 2])("has paths of at most 4095 bytes, in version %i", (version) => {
    const deep = (last: string): Tree.Tree => {
      let root = Node.directory({ [last]: Node.fifo() })
      // 15 names of 255 bytes, each with a slash; the letter has two.
      for (let level = 0; level < 15; level++) root = Node.directory({ [`${"é".repeat(127)}d`]: root })
      return { root }
    }
    const longest = deep("f".repeat(4095 - 15 * 256 - 1))
    const image = write(longest, { version })
    assert.strictEqual(Dump.print(Result.getOrThrow(Image.read(image)).tree), Dump.print(longest))
    const { message } = failure(Image.write(deep("f".repeat(4096 - 15 * 256 - 1)), { version }))
    assert.match(message, /a path has at most 4095 bytes/)
  })

  it("refuses names that no directory can hold", () => {
    for (const name of ["", ".", "..", "a/b", "a\0b", "n".repeat(256), "ü".repeat(128)]) {
      assert.strictEqual(failure(Image.write(at({ [name]: Node.fifo() }))).reason._tag, "Unwritable", name)
    }
  })
})

describe("Image, from hostile hands", () => {
  const tree = at({
    dir: Node.directory({ gone: Node.whiteout(), link: Node.hardLink("/file"), deep: Node.directory() }),
    file: Node.inlineFile("inline", { nlink: 2, xattrs: new Map([["user.a", Uint8Array.of(1)]]) }),
    big: Node.externalFile({ size: 10_000_000, digest: "ab".repeat(32) }, {
      xattrs: new Map([["user.a", Uint8Array.of(1)]])
    }),
    symlink: Node.symlink("file"),
    ...Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`name-${index}`, Node.fifo({ uid: 70_000 })]))
  })
  const image = write(tree)

  it("accepts or refuses damaged images in bounded time, and never throws", () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: image.length - 1 }), fc.integer({ min: 0, max: 255 })), {
          minLength: 1,
          maxLength: 4
        }),
        (changes) => {
          const damaged = Uint8Array.from(image)
          for (const [offset, byte] of changes) damaged[offset] = byte
          const isSame = Buffer.compare(damaged, image) === 0
          // What is not exactly the canonical image of the tree it shows must be refused.
          const read = Image.read(damaged, { canonical: true })
          if (Result.isSuccess(read) && !isSame) assert.notStrictEqual(Dump.print(read.success.tree), Dump.print(tree))
          Image.read(damaged)
        }
      ),
      { numRuns: 400 }
    )
  })

  it("refuses images that are cut off, at whatever length", () => {
    for (let size = 0; size < image.length; size += 509) {
      assert.isTrue(Result.isFailure(Image.read(image.subarray(0, size))), `${size} bytes`)
    }
  })

  it("refuses a directory that is longer than any string, as far as its size goes", () => {
    const size = constants.MAX_STRING_LENGTH + 4097 - (constants.MAX_STRING_LENGTH + 1) % 4096
    // Hardly any of these pages is ever touched.
    const large = Buffer.alloc(size + 4096)
    large.set(write(at({})).subarray(0, 4096))
    large.writeUInt32LE(large.length / 4096, 1024 + 36)
    const root = 32 * large.readUInt16LE(1024 + 14)
    large.writeUInt16LE(0, root)
    large.writeUInt32LE(size, root + 8)
    large.writeUInt32LE(1, root + 16)
    assert.match(failure(Image.read(large)).message, /the first name is out of place/)
  })

  it.each([Node.symlink("target", { uid: 0x12345678 }), Node.inlineFile("content", { uid: 0x12345678 })])(
    "refuses an inode that claims all bytes there can be, without going through them: $_tag",
    (node) => {
      const claiming = Buffer.from(write(at({ node })))
      // An extended inode: its size is 16 bytes in front of its owner.
      claiming.writeBigUInt64LE(2n ** 52n, claiming.indexOf(Buffer.from([0x78, 0x56, 0x34, 0x12])) - 16)
      assert.match(failure(Image.read(claiming)).message, /of 4503599627370496 bytes/)
    }
  )

  it("refuses a directory that contains itself", () => {
    // The dirent of `deep` in `dir` comes to point at `dir`.
    const looping = Buffer.from(image)
    const inodes = inodesByName(looping)
    looping.writeBigUInt64LE(BigInt(inodes.get("dir") ?? 0), inodes.get("deep@") ?? 0)
    assert.match(failure(Image.read(looping)).message, /has no place of its own|inodes were found/)
  })

  it("does not read shared attributes that overlap, each a file's worth of the same bytes", () => {
    const labelled = (value: number) => Node.fifo({ xattrs: new Map([["user.a", Uint8Array.of(value, 0, 0, 0)]]) })
    const shared = at({ a: labelled(1), b: labelled(1), c: labelled(2), d: labelled(2) })
    const overlapping = Buffer.from(write(shared))
    // Who refers to the first of the two neighbours comes to refer to its middle, from where it reaches into the second.
    const first = (overlapping.indexOf(Buffer.from([1, 1, 4, 0, 0x61, 2, 0, 0, 0])) / 4) % 1024
    for (let at = 1152; at < overlapping.length; at += 4) {
      if (overlapping.readUInt32LE(at) === first && overlapping[at - 8] === 1) overlapping.writeUInt32LE(first + 1, at)
    }
    assert.match(failure(Image.read(overlapping)).message, /shared attributes overlap/)
  })

  it("refuses a header that hides access control lists, or claims some", () => {
    const acl = new Map([["system.posix_acl_access", Uint8Array.of(2, 0, 0, 0)]])
    for (const file of [Node.fifo(), Node.fifo({ xattrs: acl })]) {
      const other = Uint8Array.from(write(at({ file })))
      other[8] = (other[8] ?? 0) ^ 1
      assert.match(failure(Image.read(other)).message, /POSIX ACLs/)
    }
  })

  it("refuses a hard link that shows another file type than its inode", () => {
    const other = Buffer.from(write(at({ aa: Node.fifo({ nlink: 2 }), bb: Node.hardLink("/aa") })))
    const types = Array.from(other.entries()).filter(([at, byte]) =>
      byte === 5 && other[at + 1] === 0 && at > 1152 && other.readUInt16LE(at - 2) > 2000
    )
    const place = types.at(-1)?.[0] ?? 0
    other[place] = 1
    assert.match(failure(Image.read(other)).message, /differ in file type/)
  })

  it("names a version it cannot read", () => {
    const other = Uint8Array.from(image)
    other[12] = 3
    assert.strictEqual(failure(Image.read(other)).message, "composefs format version: expected 0, 1 or 2, got 3")
  })
})

/** Finds dirents by looking for their names: the nid behind a name, and under `name@` the offset of the dirent. */
const inodesByName = (image: Buffer): Map<string, number> => {
  const found = new Map<string, number>()
  for (const name of ["dir", "deep"]) {
    for (let at = 1152; at + 12 <= image.length; at += 4) {
      const nid = image.readBigUInt64LE(at)
      const nameOffset = image.readUInt16LE(at + 8)
      if (image[at + 10] !== 2 || image[at + 11] !== 0 || nid < 36n || nid > 10_000n) continue
      for (let start = at; start >= Math.max(0, at - 4096); start -= 12) {
        if (image.toString("latin1", start + nameOffset, start + nameOffset + name.length) !== name) continue
        if (image.readUInt16LE(start + 8) % 12 !== 0) continue
        found.set(name, Number(nid))
        found.set(`${name}@`, at)
      }
    }
  }
  return found
}
