import { assert, describe, it } from "@effect/vitest"
import { Content, Flatten, FsVerity, Image, Node, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { gzipSync, zstdCompressSync } from "node:zlib"
import {
  archive,
  directory,
  extension,
  file,
  hardLink,
  type Item,
  opaque,
  records,
  symlink,
  whiteout
} from "./archives.ts"
import { view } from "./trees.ts"

const tar = "application/vnd.oci.image.layer.v1.tar"

const layersOf = (archives: ReadonlyArray<ReadonlyArray<Item> | Uint8Array>): ReadonlyArray<Flatten.LayerSource> =>
  archives.map((items) => ({
    mediaType: tar,
    content: Stream.make(items instanceof Uint8Array ? items : archive(items))
  }))

const flatten = (archives: ReadonlyArray<ReadonlyArray<Item> | Uint8Array>, options?: Flatten.LayersOptions) =>
  Effect.map(Tree.fromLayers(layersOf(archives), options), ({ tree }) => tree)

const paths = (tree: Tree.Tree): ReadonlyArray<string> =>
  Array.from(Tree.walk(tree), ({ path }) => path).filter((path) => path !== "/")

const find = (tree: Tree.Tree, path: string): Node.Node => Option.getOrThrow(Tree.find(tree, path))

const refusal = (archives: ReadonlyArray<ReadonlyArray<Item> | Uint8Array>, options?: Flatten.LayersOptions) =>
  Effect.map(Effect.flip(flatten(archives, options)), ({ message }) => message)

describe("Tree.fromLayers", () => {
  it.effect("lays layers on one another: later entries replace, directories merge", () =>
    Effect.gen(function*() {
      const tree = yield* flatten([
        [directory("./"), directory("./etc/", { mode: 0o700 }), file("etc/a", "1"), file("etc/b", "2"), file("etc/c")],
        [directory("etc", { mode: 0o750, mtime: 7 }), file("/etc/a", "3"), directory("etc/b"), file("etc/b/x")],
        [symlink("etc/b", "a")]
      ])
      assert.deepEqual(
        view(tree),
        view({
          root: Node.directory({
            etc: Node.directory({
              a: Node.inlineFile("3"),
              b: Node.symlink("a"),
              c: Node.inlineFile("")
            }, { mode: 0o750, mtime: { seconds: 7n, nanoseconds: 0 } })
          })
        })
      )
    }))

  it.effect("hides names and whole directories of lower layers, wherever in its layer the whiteout stands", () =>
    Effect.gen(function*() {
      const base = [directory("d"), file("d/old"), directory("d/sub"), file("d/sub/old"), file("f"), file("g")]
      for (
        const upper of [
          [whiteout("f"), opaque("d"), file("d/new"), file("d/sub/new")],
          [file("d/new"), file("d/sub/new"), opaque("d"), whiteout("f")]
        ]
      ) {
        assert.deepEqual(paths(yield* flatten([base, upper])), ["/d", "/d/new", "/d/sub", "/d/sub/new", "/g"])
      }
      const again = [file("f", "new"), whiteout("f"), directory("d"), file("d/x"), whiteout("d")]
      const tree = yield* flatten([base, again])
      assert.deepEqual(paths(tree), ["/d", "/d/x", "/f", "/g"])
      assert.deepEqual(find(tree, "/f"), Node.inlineFile("new"))
      assert.deepEqual(paths(yield* flatten([base, again], { flatten: { ...Flatten.oci, whiteouts: "at-once" } })), [
        "/g"
      ])
      assert.deepEqual(paths(yield* flatten([base, [opaque("")]])), [])
      assert.deepEqual(paths(yield* flatten([base, [whiteout("no/such/file"), opaque("nor/this")]])).length, 6)
    }))

  it.effect("forgets the metadata of a hidden directory that its layer did not describe anew", () =>
    Effect.gen(function*() {
      const base = [directory("a"), directory("a/b", { mode: 0o700, uid: 7 }), file("a/b/old")]
      const tree = yield* flatten([base, [file("a/b/new"), opaque("a")]])
      assert.deepEqual(find(tree, "/a/b"), Node.directory({ new: Node.inlineFile("") }))
    }))

  it.effect("links across layers, and keeps a link when the name it was made from goes away", () =>
    Effect.gen(function*() {
      const content = new Uint8Array(100)
      const tree = yield* flatten([
        [file("a", content), hardLink("b", "a"), file("c", content), hardLink("a-copy", "./a")],
        [hardLink("z", "/b"), whiteout("a"), whiteout("a-copy"), hardLink("c", "c")],
        [file("b", "other")]
      ])
      const node = Node.externalFile({ size: 100, digest: FsVerity.digest(content) })
      assert.deepEqual(
        view(tree),
        view({ root: Node.directory({ b: Node.inlineFile("other"), c: node, z: node }) })
      )
      const linked = yield* flatten([[file("b"), hardLink("a", "b")]])
      assert.deepEqual(linked.root.entries.get("a"), Node.inlineFile("", { nlink: 2 }))
      assert.deepEqual(linked.root.entries.get("b"), Node.hardLink("/a"))
    }))

  it.effect("implies missing parent directories, and follows links on the way within the tree", () =>
    Effect.gen(function*() {
      const tree = yield* flatten([
        [file("a/b/c"), symlink("lib", "usr/lib"), directory("usr/lib"), symlink("up", "../../../usr"), file("lib/x")],
        [file("up/lib/y"), symlink("abs", "/usr/./lib"), whiteout("abs/x"), directory("lib/z"), hardLink("h", "lib/y")]
      ])
      assert.deepEqual(paths(tree), [
        "/a",
        "/a/b",
        "/a/b/c",
        "/abs",
        "/h",
        "/lib",
        "/up",
        "/usr",
        "/usr/lib",
        "/usr/lib/y",
        "/usr/lib/z"
      ])
      const emptied = yield* flatten([[file("usr/lib/x"), symlink("lib", "usr/lib")], [opaque("lib")]])
      assert.deepEqual(paths(emptied), ["/lib", "/usr", "/usr/lib"])
      assert.deepInclude(find(tree, "/a"), { mode: 0o755, uid: 0, gid: 0, mtime: Node.epoch })
    }))

  it.effect("leaves AUFS's own files out, but not the names linked to them", () =>
    Effect.gen(function*() {
      const tree = yield* flatten([
        [
          directory(".wh..wh.plnk"),
          file(".wh..wh.plnk/1.2", "x"),
          directory(".wh..wh.orph"),
          file(".wh..wh.aufs"),
          hardLink("a", ".wh..wh.plnk/1.2"),
          hardLink("b", ".wh..wh.plnk/1.2")
        ],
        [file("c")]
      ])
      assert.deepEqual(view(tree), view(yield* flatten([[file("a", "x"), hardLink("b", "a"), file("c")]])))
    }))

  it.effect("keeps special files, and an overlay's whiteout as what it is", () =>
    Effect.gen(function*() {
      const tree = yield* flatten([[
        { path: "fifo", type: "6" },
        { path: "null", type: "3", major: 1, minor: 3 },
        { path: "sda", type: "4", major: 8, minor: 300 },
        { path: "gone", type: "3" }
      ]])
      assert.deepEqual(
        view(tree),
        view({
          root: Node.directory({
            fifo: Node.fifo(),
            null: Node.characterDevice(0x103),
            sda: Node.blockDevice(0x10082c),
            gone: Node.whiteout()
          })
        })
      )
    }))

  it.effect("stores contents while it reads them, and gives the same tree without a store", () =>
    Effect.gen(function*() {
      const content = Buffer.alloc(300_000, "content")
      const items = [[file("big", content), file("small", "x".repeat(64)), file("more", "x".repeat(65))]]
      const contents = yield* Content.memory()
      const stored = yield* flatten(items, { objects: contents })
      assert.deepEqual(stored, yield* flatten(items))
      assert.sameMembers(
        Array.from(contents.objects.keys()),
        Array.from(Tree.externalFiles(stored), ({ node }) => node.digest)
      )
      assert.deepEqual(find(stored, "/big"), Node.externalFile({ size: 300_000, digest: FsVerity.digest(content) }))
      assert.strictEqual(find(yield* flatten(items, { inlineLimit: 100 }), "/more")._tag, "InlineFile")
      const long = yield* flatten(items, { using: FsVerity.sha512 })
      assert.deepInclude(find(long, "/big"), { digest: FsVerity.digest(content, FsVerity.sha512) })
    }))
})

describe("compression", () => {
  const plain = archive([directory("d"), file("d/f", "x".repeat(1000))])
  const half = Math.floor(plain.length / 1024) * 512
  const forms: ReadonlyArray<readonly [mediaType: string, bytes: Uint8Array]> = [
    [tar, plain],
    [`${tar}+gzip`, gzipSync(plain)],
    [`${tar}+zstd; charset=binary`, zstdCompressSync(plain)],
    ["application/vnd.docker.image.rootfs.diff.tar.gzip", gzipSync(plain)],
    [`${tar}+gzip`, Buffer.concat([gzipSync(plain.subarray(0, half)), gzipSync(plain.subarray(half))])],
    [
      `${tar}+zstd`,
      Buffer.concat([
        zstdCompressSync(plain.subarray(0, half)),
        Buffer.from("502a4d1804000000deadbeef", "hex"),
        zstdCompressSync(plain.subarray(half))
      ])
    ],
    ["application/octet-stream", plain],
    ["application/octet-stream", gzipSync(plain)],
    ["application/octet-stream", zstdCompressSync(plain)]
  ]

  const read = (mediaType: string, bytes: Uint8Array, size: number, diffId?: string) =>
    Tree.fromLayers([{
      mediaType,
      content: Stream.fromIterable(
        Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size))
      ),
      diffId
    }])

  it.effect("reads tar, gzip and zstd, in one piece or many, by media type or by their first bytes", () =>
    Effect.gen(function*() {
      const expected = yield* read(tar, plain, plain.length)
      for (const [mediaType, bytes] of forms) {
        for (const size of [1, 7, 1 << 20]) {
          const { layers, tree } = yield* read(mediaType, bytes, size, expected.layers[0]?.diffId)
          assert.deepEqual(tree, expected.tree)
          assert.deepEqual(layers, [{
            mediaType,
            diffId: expected.layers[0]?.diffId ?? "",
            archiveSize: plain.length,
            entries: 2
          }])
        }
      }
    }))

  it.effect("refuses what is cut off, followed by something, or not what it says", () =>
    Effect.gen(function*() {
      const message = (mediaType: string, bytes: Uint8Array, diffId?: string) =>
        Effect.map(Effect.flip(read(mediaType, bytes, 50, diffId)), (error) => error.message)
      for (const [mediaType, bytes] of forms.filter(([, bytes]) => bytes.length !== plain.length)) {
        assert.match(yield* message(mediaType, bytes.subarray(0, -1)), /end of file/)
        assert.match(yield* message(mediaType, Buffer.concat([bytes, Buffer.from("junk")])), /header check|follow/)
        assert.match(yield* message(mediaType, Buffer.concat([bytes, new Uint8Array(512)])), /bytes follow/)
      }
      assert.match(yield* message(`${tar}+gzip`, plain), /gzip: incorrect header check/)
      assert.match(yield* message(tar, gzipSync(plain)), /byte [0-9]+ of the archive/)
      assert.match(yield* message(tar, plain, `sha256:${"0".repeat(64)}`), /expected an archive with digest/)
      for (
        const foreign of [
          "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
          "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
        ]
      ) {
        assert.match(yield* message(foreign, gzipSync(plain)), /foreign|nondistributable/)
      }
      assert.match(yield* message("application/vnd.in-toto+json", plain), /not that of a file system layer/)
    }))

  it.effect("passes the error of a layer's own stream on", () =>
    Effect.gen(function*() {
      for (const mediaType of [tar, `${tar}+gzip`, `${tar}+zstd`]) {
        const content = Stream.concat(Stream.make(new Uint8Array(0)), Stream.fail("gone" as const))
        assert.strictEqual(yield* Effect.flip(Tree.fromLayers([{ mediaType, content }])), "gone")
      }
    }))
})

describe("dialects", () => {
  it.effect("reads v7, ustar and GNU headers, and numbers in base 256", () =>
    Effect.gen(function*() {
      const tree = yield* flatten([[
        { path: "v7/", type: "", dialect: "v7", mode: 0o755 },
        { path: "v7/file", type: "", dialect: "v7", body: "x" },
        { path: "contiguous", type: "7", body: "x" },
        { path: "gnu", dialect: "gnu", binary: true, mtime: -5, uid: 0xfffffffe, gid: 2 ** 31, body: "x" }
      ]])
      assert.strictEqual(find(tree, "/v7")._tag, "Directory")
      assert.deepEqual(find(tree, "/contiguous"), Node.inlineFile("x"))
      assert.deepInclude(find(tree, "/gnu"), {
        uid: 0xfffffffe,
        gid: 2 ** 31,
        mtime: { seconds: -5n, nanoseconds: 0 }
      })
    }))

  it.effect("reads long names and links of GNU and PAX, attributes, owners and times", () =>
    Effect.gen(function*() {
      const name = `${"n".repeat(150)}/${"m".repeat(200)}`
      const gnu = Buffer.concat([
        extension("K", `${"t".repeat(300)}\0`),
        extension("L", `gnu/${name}\0`),
        archive([symlink("short", "short")], new Uint8Array())
      ])
      const pax = archive([
        file("short", "x", {
          pax: {
            path: `pax/${name}`,
            uid: "4000000000",
            mtime: "-1.25",
            "SCHILY.xattr.user.ünï": "value",
            "SCHILY.xattr.user.empty": "",
            "LIBARCHIVE.xattr.user.a": "dg==",
            gid: ""
          },
          gid: 7
        })
      ])
      const tree = yield* flatten([
        Buffer.concat([gnu, extension("g", records({ comment: "x", mtime: "77" })), pax])
      ])
      assert.deepEqual(find(tree, `/gnu/${name}`), Node.symlink("t".repeat(300)))
      assert.deepEqual(
        find(tree, `/pax/${name}`),
        Node.inlineFile("x", {
          uid: 4_000_000_000,
          gid: 7,
          mtime: { seconds: -2n, nanoseconds: 750_000_000 },
          xattrs: new Map([["user.ünï", Buffer.from("value")], ["user.empty", Buffer.from("")]])
        })
      )
    }))

  it.effect("takes an archive without its end, and one padded to a record", () =>
    Effect.gen(function*() {
      for (const end of [0, 512, 1024, 10240]) {
        assert.deepEqual(paths(yield* flatten([archive([file("f")], new Uint8Array(end))])), ["/f"])
      }
      assert.deepEqual(paths(yield* flatten([new Uint8Array(0)])), [])
      assert.deepEqual(paths(yield* flatten([])), [])
    }))
})

describe("rules", () => {
  const xattrs = (names: ReadonlyArray<string>) =>
    Object.fromEntries(names.map((name) => [`SCHILY.xattr.${name}`, "v"]))
  const image = [
    directory("./", { mode: 0o700 }),
    directory("usr", { mode: 0o711, uid: 3, mtime: 9, pax: xattrs(["security.capability", "user.a", "trusted.b"]) }),
    file("usr/linked", "x"),
    directory("run", { mtime: 5 }),
    hardLink("run/first", "usr/linked"),
    directory("boot"),
    hardLink("boot/also", "usr/linked")
  ]

  it.effect("make composefs-rs' tree: the root like /usr, /run empty, few attributes, links counted anew", () =>
    Effect.gen(function*() {
      const tree = yield* flatten([image], { flatten: Flatten.composefsRs })
      const seven = { seconds: 9n, nanoseconds: 0 }
      const usr = { mode: 0o711, uid: 3, mtime: seven, xattrs: new Map([["security.capability", Buffer.from("v")]]) }
      assert.deepEqual(
        view(tree),
        view({
          root: Node.directory({
            boot: Node.directory({ also: Node.inlineFile("x", { nlink: 2 }) }),
            run: Node.directory({}, { mtime: seven }),
            usr: Node.directory({ linked: Node.hardLink("/boot/also") }, usr)
          }, usr)
        })
      )
    }))

  it.effect("of a tree are the same as of its layers", () =>
    Effect.gen(function*() {
      const plain = yield* flatten([image])
      for (const rules of [Flatten.oci, Flatten.composefsRs, Flatten.composefsRsUserXattrs]) {
        const tree = yield* Effect.fromResult(Flatten.canonicalize(plain, rules))
        assert.deepEqual(tree, yield* flatten([image], { flatten: rules }))
      }
      const kept = yield* flatten([image], { flatten: Flatten.composefsRsUserXattrs })
      assert.deepEqual(Array.from(kept.root.xattrs.keys()).sort(), ["security.capability", "user.a"])
    }))

  it.effect("of a bootable image empty /boot and /sysroot, which it has to have", () =>
    Effect.gen(function*() {
      assert.match(
        yield* refusal([image], { flatten: Flatten.composefsRsBoot }),
        /"\/sysroot": the directory is missing/
      )
      const full = [...image, directory("sysroot"), file("sysroot/x")]
      const tree = yield* flatten([full], { flatten: Flatten.composefsRsBoot })
      assert.deepEqual(paths(tree), ["/boot", "/run", "/sysroot", "/usr", "/usr/linked"])
      assert.deepInclude(find(tree, "/usr/linked"), { nlink: 1 })
      const policy = [...full, directory("etc"), directory("etc/selinux"), file("etc/selinux/config")]
      assert.match(yield* refusal([policy], { flatten: Flatten.composefsRsBoot }), /SELinux/)
    }))

  it.effect("of composefs-rs refuse what it cannot read", () =>
    Effect.gen(function*() {
      const options = { flatten: Flatten.composefsRs }
      assert.match(yield* refusal([[file("a/b")]], options), /"a" on the way to it is missing; the rule missingParents/)
      assert.match(yield* refusal([[whiteout("a/b")]], options), /"a" on the way to it is missing/)
      assert.match(yield* refusal([[opaque("a")]], options), /"a" on the way to it is missing/)
      assert.match(yield* refusal([[symlink("a", "."), file("a/b")]], options), /the rule symlinkedParents/)
      assert.match(yield* refusal([[directory("run")]], options), /"\/usr": it is not there/)
      assert.isTrue(Result.isSuccess(Image.digest(yield* flatten([image], options))))
    }))
})
