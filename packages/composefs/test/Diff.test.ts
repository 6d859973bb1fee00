import { assert, describe, it } from "@effect/vitest"
import { Diff, Dump, FsVerity, Image, Node, Tree } from "@lamina/composefs"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import { sample, view } from "./trees.ts"

const at = (root: Record<string, Node.Node>, options?: Node.MetadataOptions): Tree.Tree => ({
  root: Node.directory(root, options)
})
const lines = (left: Tree.Tree, right: Tree.Tree, options?: Diff.Options): ReadonlyArray<string> =>
  Array.from(Diff.trees(left, right, options), Diff.format)
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** The same tree without a single object in common. */
const copy = (tree: Tree.Tree): Tree.Tree => Result.getOrThrow(Dump.parse(Dump.print(tree)))

describe("Diff.trees", () => {
  it("finds nothing between a tree and itself, or a copy", () => {
    fc.assert(
      fc.property(sample, ({ tree }) => {
        assert.deepEqual(lines(tree, tree, { hardLinks: "primaries" }), [])
        assert.deepEqual(lines(tree, copy(tree), { hardLinks: "primaries" }), [])
      }),
      { numRuns: 100 }
    )
  })

  it("finds something exactly where two trees look different", () => {
    fc.assert(
      fc.property(sample, sample, ({ tree: left }, { tree: right }) => {
        const leftView = view(left)
        const rightView = view(right)
        const differing = new Set(Array.from(Diff.trees(left, right), ({ path }) => path))
        for (const path of new Set([...leftView.keys(), ...rightView.keys()])) {
          // A file with several names is told about once, so any of its names may stand for all.
          if (leftView.get(path) === rightView.get(path)) continue
          const names = [...namesAt(left, path), ...namesAt(right, path), path]
          assert.isTrue(names.some((name) => differing.has(name)), path)
        }
        for (const path of differing) assert.notStrictEqual(leftView.get(path), rightView.get(path), path)
      }),
      { numRuns: 100 }
    )
  })

  it("tells the same both ways, added for removed", () => {
    const mirror: Readonly<Record<string, string>> = { Added: "Removed", Removed: "Added", Changed: "Changed" }
    fc.assert(
      fc.property(sample, sample, ({ tree: left }, { tree: right }) => {
        const keys = (differences: Iterable<Diff.Difference>, swap: boolean) =>
          Array.from(
            differences,
            (difference) =>
              `${difference.path} ${swap ? mirror[difference._tag] : difference._tag} ${
                "field" in difference ? difference.field : ""
              }`
          )
        assert.deepEqual(keys(Diff.trees(left, right), false), keys(Diff.trees(right, left), true))
      }),
      { numRuns: 50 }
    )
  })

  it("finds in a tree that shares subtrees what it finds in a copy", () => {
    fc.assert(
      fc.property(sample, fc.nat(), ({ tree }, pick) => {
        const paths = Array.from(Tree.walk(tree), ({ path }) => path)
        const changed = paths[pick % paths.length]
        const other = touch(tree, changed ?? "/")
        assert.deepEqual(lines(tree, other), lines(copy(tree), copy(other)))
      }),
      { numRuns: 100 }
    )
  })

  it.each<readonly [what: string, left: Node.Node, right: Node.Node, line: string]>([
    ["permissions", Node.fifo({ mode: 0o4755 }), Node.fifo({ mode: 0o55 }), "mode 04755 -> 0055"],
    ["an owner", Node.fifo({ uid: 0 }), Node.fifo({ uid: 1000 }), "uid 0 -> 1000"],
    ["a group", Node.fifo({ gid: 4294967294 }), Node.fifo(), "gid 4294967294 -> 0"],
    [
      "a time",
      Node.fifo({ mtime: { seconds: -2n, nanoseconds: 5 } }),
      Node.fifo({ mtime: { seconds: 1n, nanoseconds: 999_999_999 } }),
      "mtime -2.000000005 -> 1.999999999"
    ],
    ["a link count", Node.fifo(), Node.fifo({ nlink: 2 }), "link count 1 -> 2"],
    ["a type", Node.fifo(), Node.socket(), "type fifo -> socket"],
    ["a link target", Node.symlink("a b"), Node.symlink("\udcff"), "target a\\x20b -> \\xff"],
    ["a device number", Node.blockDevice(0x801), Node.blockDevice(0x12300045), "device number 8:1 -> 0:74565"],
    ["a size", Node.externalFile({ size: 65 }), Node.externalFile({ size: 66 }), "size 65 -> 66"],
    [
      "a content in the image",
      Node.inlineFile("hello world"),
      Node.inlineFile(""),
      "content 11 bytes with sha256:1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64 -> " +
      "0 bytes with sha256:3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"
    ],
    [
      "a content in the store",
      Node.externalFile({ size: 65, digest: "ab".repeat(32) }),
      Node.externalFile({ size: 65 }),
      `digest sha256:${"ab".repeat(32)} -> none`
    ],
    [
      "an object's place",
      Node.externalFile({ size: 65, payload: "-" }),
      Node.externalFile({ size: 65 }),
      "payload \\x2d -> none"
    ],
    [
      "where a content is",
      Node.inlineFile("hello world"),
      Node.externalFile({ size: 11, digest: FsVerity.digest(bytes("hello world"), FsVerity.sha512) }),
      "storage place inline -> external"
    ],
    [
      "an attribute",
      Node.fifo({ xattrs: new Map([["user.a", bytes("1")]]) }),
      Node.fifo({ xattrs: new Map([["user.a", bytes("")]]) }),
      "xattr user.a 1 -> empty"
    ]
  ])("tells of %s", (_, left, right, line) => {
    assert.deepEqual(
      lines(at({ name: left }), at({ name: right })),
      [`~ /name: ${line}`].concat(
        left._tag === "ExternalFile" && line.startsWith("digest")
          ? [`~ /name: payload ab/${"ab".repeat(31)} -> none`]
          : []
      )
    )
  })

  it("tells attributes by name, in the order of their bytes", () => {
    const left = at({ f: Node.fifo({ xattrs: new Map([["user.b", bytes("b")], ["user.same", bytes("x")]]) }) })
    const right = at({ f: Node.fifo({ xattrs: new Map([["user.same", bytes("x")], ["user.a", bytes("a")]]) }) })
    assert.deepEqual(lines(left, right), ["~ /f: xattr user.a absent -> a", "~ /f: xattr user.b b -> absent"])
    assert.deepEqual(lines(left, right, { ignore: ["xattr:user.a"] }), ["~ /f: xattr user.b b -> absent"])
    assert.deepEqual(lines(left, right, { ignore: ["xattr"] }), [])
  })

  it("tells of every name that only one tree has, and of a directory that became a file", () => {
    const left = at({ a: Node.directory({ b: Node.whiteout(), c: Node.directory({ d: Node.inlineFile("x") }) }) })
    const right = at({ a: Node.fifo({ mode: 0o755 }), e: Node.symlink("t") })
    assert.deepEqual(lines(left, right), [
      "~ /a: type directory -> fifo",
      "- /a/b: whiteout",
      "- /a/c: directory",
      "- /a/c/d: file of 1 byte",
      "+ /e: symlink to t"
    ])
    assert.deepEqual(lines(left, right, { ignore: ["added", "removed", "type"] }), [])
  })

  it("does not call a payload different that follows from a different digest", () => {
    const file = (digest: string) => Node.externalFile({ size: 70, digest: digest.repeat(32) })
    assert.deepEqual(lines(at({ f: file("aa") }), at({ f: file("bb") })).length, 1)
  })

  it("orders names by their bytes", () => {
    const names = ["ü", "\ue000", "😀", "\udcff", "a", "!", "-"]
    const tree = at(Object.fromEntries(names.map((name) => [name, Node.fifo()])))
    const paths = Array.from(Diff.trees(Tree.empty, tree), ({ path }) => path)
    assert.deepEqual(paths, Array.from(Tree.walk(tree), ({ path }) => path).slice(1))
  })
})

describe("Diff.trees, with hard links", () => {
  const linked = (primary: "a" | "b" | "c", others: ReadonlyArray<string>, node: Node.Node = Node.fifo()) =>
    at({ [primary]: node, ...Object.fromEntries(others.map((name) => [name, Node.hardLink(`/${primary}`)])) })

  it("does not care which name holds the inode, unless asked", () => {
    const left = linked("a", ["b", "c"])
    const right = linked("c", ["a", "b"])
    assert.deepEqual(lines(left, right), [])
    assert.deepEqual(lines(left, right, { hardLinks: "primaries" }), ["~ /a: primary name /a -> /c"])
  })

  it("tells what differs in an inode once, not at each of its names", () => {
    const left = linked("a", ["b", "c"])
    const right = linked("b", ["a", "c"], Node.fifo({ uid: 1 }))
    assert.deepEqual(lines(left, right), ["~ /a: uid 0 -> 1"])
  })

  it("tells which names are linked in one tree only", () => {
    const left = linked("a", ["b", "c"])
    const right = at({ a: Node.fifo(), b: Node.hardLink("/a"), c: Node.fifo() })
    assert.deepEqual(lines(left, right), [
      "~ /a: hard link group /a = /b = /c -> /a = /b",
      "~ /c: hard link group /a = /b = /c -> /c"
    ])
  })

  it("does not call links different for the lack of a name that is told anyway", () => {
    assert.deepEqual(lines(linked("a", ["b", "c"]), linked("a", ["b"])), ["- /c: fifo"])
  })

  it("sees a link that leads elsewhere in a subtree both trees share", () => {
    const shared = Node.directory({ link: Node.hardLink("/z") })
    const left = at({ dir: shared, y: Node.hardLink("/z"), z: Node.fifo() })
    const right = at({ dir: shared, y: Node.fifo(), z: Node.fifo() })
    assert.deepEqual(lines(left, right), [
      "~ /dir/link: hard link group /dir/link = /y = /z -> /dir/link = /z",
      "~ /y: hard link group /dir/link = /y = /z -> /y"
    ])
  })

  it("follows no link to nowhere, in a circle, or into a directory that contains it", () => {
    const odd = at({
      lost: Node.hardLink("/nowhere"),
      one: Node.hardLink("/two"),
      two: Node.hardLink("/one"),
      dir: Node.directory({ up: Node.hardLink("/") })
    })
    assert.deepEqual(lines(odd, odd), [])
    assert.deepEqual(lines(Tree.empty, odd), ["+ /dir: directory", "+ /dir/up: directory"])
  })

  it("compares many links to one file with as many files in time that grows with their number", () => {
    const names = Array.from({ length: 50_000 }, (_, index) => `n${index}`)
    const star = at({ a: Node.fifo(), ...Object.fromEntries(names.map((name) => [name, Node.hardLink("/a")])) })
    const apart = at({ a: Node.fifo(), ...Object.fromEntries(names.map((name) => [name, Node.fifo()])) })
    const { counts } = Diff.summary(Diff.trees(star, apart))
    assert.deepEqual(counts.map(({ aspect, count }) => [aspect, count]), [["links", names.length + 1]])
  })
})

describe("Diff.format", () => {
  it("lets no name or value steer a terminal", () => {
    fc.assert(
      fc.property(sample, sample, ({ tree: left }, { tree: right }) => {
        for (const line of lines(left, right)) assert.match(line, /^[ -~]+$/)
        assert.match(Diff.formatSummary(Diff.summary(Diff.trees(left, right))), /^[ -~\n]+$/)
      }),
      { numRuns: 50 }
    )
    const hostile = at({ "\u001b[2J\u202e": Node.symlink("\r\n\u009b1m") })
    assert.deepEqual(lines(Tree.empty, hostile), ["+ /\\x1b[2J\\xe2\\x80\\xae: symlink to \\r\\n\\xc2\\x9b1m"])
  })

  it("cuts long values off", () => {
    const [line = ""] = lines(
      at({ f: Node.fifo({ xattrs: new Map([["user.a", new Uint8Array(5000)]]) }) }),
      at({ f: Node.fifo() })
    )
    assert.match(line, /\.\.\. \(5000 bytes\) -> absent$/)
    assert.isBelow(line.length, 200)
  })
})

describe("Diff.summary", () => {
  it("answers how many directory times differ, and that one side has them all at zero", () => {
    const deep = (mtime: (index: number) => bigint): Tree.Tree =>
      at(Object.fromEntries(
        Array.from({ length: 1234 }, (_, index) => [
          `d${index}`,
          Node.directory({}, { mtime: { seconds: mtime(index), nanoseconds: 0 } })
        ])
      ))
    const summary = Diff.summary(Diff.trees(deep((index) => BigInt(index + 1)), deep(() => 0n)))
    assert.strictEqual(summary.total, 1234)
    assert.strictEqual(
      Diff.formatSummary(summary),
      "1,234 directory mtimes differ (right always 0.000000000), first /d0\n"
    )
  })

  it("counts each attribute by name and puts the frequent first", () => {
    const labelled = (name: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [
        `${name}${index}`,
        Node.fifo({ xattrs: new Map([[`user.${name}`, bytes("v")]]) })
      ]))
    const bare = (name: string, count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`${name}${index}`, Node.fifo()]))
    const left = at({ ...labelled("a", 1), ...labelled("b", 2), gone: Node.directory() })
    const right = at({ ...bare("a", 1), ...bare("b", 2) })
    assert.strictEqual(
      Diff.formatSummary(Diff.summary(Diff.trees(left, right))),
      "2 fifo user.b attributes differ (left always v, right always absent), first /b0\n" +
        "1 fifo user.a attribute differs (left v, right absent), /a0\n" +
        "1 directory removed, /gone\n"
    )
  })

  it("says so when there is nothing", () => {
    assert.strictEqual(Diff.formatSummary(Diff.summary([])), "no differences\n")
  })
})

describe("Diff.images", () => {
  const tree = at({
    etc: Node.directory({ motd: Node.inlineFile("hello\n", { xattrs: new Map([["user.a", bytes("1")]]) }) }),
    other: Node.fifo({ xattrs: new Map([["user.a", bytes("1")]]) }),
    late: Node.fifo({ mtime: { seconds: 9n, nanoseconds: 0 } }),
    many: Node.directory(Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`n${index}`, Node.fifo()])))
  })
  const image = Result.getOrThrow(Image.write(tree))
  const compare = (left: Uint8Array, right: Uint8Array) => Result.getOrThrow(Diff.images(left, right))

  it("has nothing to say about identical images", () => {
    const comparison = compare(image, Uint8Array.from(image))
    assert.isUndefined(comparison.firstByte)
    assert.strictEqual(Diff.formatImages(comparison), "")
    assert.deepEqual([...comparison.differences], [])
  })

  it("tells the versions apart where the trees are the same", () => {
    const comparison = compare(image, Result.getOrThrow(Image.write(tree, { version: 1 })))
    assert.deepEqual([...comparison.differences], [])
    assert.strictEqual(
      Diff.formatImages(comparison),
      "format version 0 -> 1\nbytes differ from 12 on: header, field composefsVersion\n"
    )
    const legacy = compare(image, Result.getOrThrow(Image.write(tree, { version: 2 })))
    assert.deepEqual([...legacy.differences], [])
    assert.match(Diff.formatImages(legacy), /^format version 0 -> 2\n/)
  })

  it("counts which name of an inode comes first", () => {
    const linked = (first: "a" | "b", second: "a" | "b") =>
      Result.getOrThrow(Image.write(at({ [first]: Node.fifo({ nlink: 2 }), [second]: Node.hardLink(`/${first}`) })))
    const { differences } = compare(linked("a", "b"), linked("b", "a"))
    assert.deepEqual(Array.from(differences, Diff.format), ["~ /a: primary name /a -> /b"])
  })

  const time = (seconds: number) => ({ mtime: { seconds: BigInt(seconds), nanoseconds: 0 } })
  const xattr = (value: string) => ({ xattrs: new Map([["user.x", bytes(value)]]) })
  const rest = Array.from({ length: 300 }, (_, index) => [`n${index}`, Node.fifo()] as const)
  /** Its entries fill a block and an inline tail; the first stands in the block. */
  const large = (first: string) => Node.directory(new Map([[first, Node.fifo()], ...rest]))

  it.each<readonly [place: string, left: Node.Node, right: Node.Node]>([
    ["inode, field uid of /f", Node.fifo({ uid: 1, ...time(1) }), Node.fifo({ uid: 2, ...time(1) })],
    ["inode, field gid of /f", Node.fifo({ gid: 1, ...time(1) }), Node.fifo({ gid: 2, ...time(1) })],
    ["inode, field mode of /f", Node.fifo({ mode: 0o600 }), Node.fifo({ mode: 0o644 })],
    ["inode, field mtime of /f", Node.fifo(time(1)), Node.fifo(time(2))],
    ["inode, field union of /f", Node.blockDevice(1), Node.blockDevice(2)],
    ["extended attributes of /f", Node.fifo(xattr("1")), Node.fifo(xattr("2"))],
    ["inline data of /f", Node.inlineFile("1"), Node.inlineFile("2")],
    ["inline data of /f", Node.symlink("1"), Node.symlink("2")],
    ["data block of /f", large("!a"), large("!b")],
    [
      "shared attributes",
      Node.directory({ a: Node.fifo(xattr("1")), b: Node.fifo(xattr("1")) }),
      Node.directory({ a: Node.fifo(xattr("2")), b: Node.fifo(xattr("2")) })
    ]
  ])("knows that a byte belongs to %s", (place, left, right) => {
    for (const version of [0, 2] as const) {
      const imageOf = (node: Node.Node) => Result.getOrThrow(Image.write(at({ f: node }), { version }))
      const comparison = compare(imageOf(left), imageOf(right))
      assert.match(Diff.formatImages(comparison), /^bytes differ from \d+ on: (.*)\n$/)
      assert.strictEqual(Diff.formatImages(comparison).split(" on: ")[1], `${place}\n`)
    }
  })

  it("finds what hides in padding, and says whose fault it is", () => {
    const odd = Uint8Array.from(image)
    const free = image.length - 1
    odd[free] = 1
    const comparison = compare(image, odd)
    assert.deepEqual(comparison.firstByte?.isCanonical, { left: true, right: false })
    assert.match(Diff.formatImages(comparison), /bytes differ from \d+ on: data block of \/many\nthe right image/)
  })

  it("takes what is behind the last inode for padding where no attributes are shared", () => {
    const tree = at({ shared: Node.fifo(xattr("1")), twin: Node.fifo(xattr("1")) })
    for (const { root } of [at({ f: Node.fifo(xattr("1")) }), tree]) {
      const small = Result.getOrThrow(Image.write({ root }, { version: 2 }))
      const odd = Uint8Array.from(small)
      odd[odd.length - 1] = 1
      assert.match(Diff.formatImages(compare(small, odd)), /: padding\nthe right image/)
    }
  })

  it("compares images of different lengths, and refuses what is no image", () => {
    const longer = Buffer.concat([image, new Uint8Array(4096)])
    longer.writeUInt32LE(longer.length / 4096, 1024 + 36)
    const comparison = compare(image, longer)
    assert.match(Diff.formatImages(comparison), /superblock, field blocks/)
    assert.isTrue(Result.isFailure(Diff.images(image, image.subarray(1))))
  })
})

const namesAt = (tree: Tree.Tree, path: string): ReadonlyArray<string> => {
  const found = Option.getOrUndefined(Tree.resolve(tree, path))
  if (found === undefined) return []
  return Array.from(Tree.walk(tree), (entry) => entry.path).filter((other) =>
    Option.getOrUndefined(Tree.resolve(tree, other))?.path === found.path
  )
}

/** Another owner for one path; whatever does not lead there stays the very same object. */
const touch = (tree: Tree.Tree, path: string): Tree.Tree => {
  const change = (node: Node.Node, names: ReadonlyArray<string>): Node.Node => {
    const [name, ...rest] = names
    if (node._tag === "HardLink") return node
    if (name === undefined) return { ...node, uid: node.uid === 12_345 ? 0 : 12_345 }
    if (node._tag !== "Directory") return node
    const entries = new Map(node.entries)
    const child = entries.get(name)
    if (child !== undefined) entries.set(name, change(child, rest))
    return { ...node, entries }
  }
  const root = change(tree.root, path.split("/").filter((name) => name !== ""))
  return { root: root._tag === "Directory" ? root : tree.root }
}
