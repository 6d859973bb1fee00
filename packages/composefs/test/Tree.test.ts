import { assert, describe, it } from "@effect/vitest"
import { Content, Dump, FsVerity, Image, Node, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as fc from "fast-check"
import { linkSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { sample } from "./trees.ts"

const failure = <A, E>(result: Result.Result<A, E>): E => Result.getOrThrow(Result.flip(result))

describe("Tree", () => {
  it("takes apart and puts together every tree", () => {
    fc.assert(
      fc.property(sample, ({ tree }) => {
        const entries = Array.from(Tree.walk(tree), ({ node, path }) => ({
          path,
          node: node._tag === "Directory" ? Node.directory({}, node) : node
        }))
        assert.strictEqual(Dump.print(Result.getOrThrow(Tree.fromEntries(entries))), Dump.print(tree))
      }),
      { numRuns: 50 }
    )
  })

  it("walks names in the order of their bytes, which is not that of strings", () => {
    const names = ["\u{1f600}", "\uffee", "z", "\udcff", "ü", "A", "a"]
    const tree = { root: Node.directory(Object.fromEntries(names.map((name) => [name, Node.fifo()]))) }
    assert.deepEqual(
      Array.from(Tree.walk(tree), ({ path }) => path),
      ["/", "/A", "/a", "/z", "/ü", "/\uffee", "/\u{1f600}", "/\udcff"]
    )
  })

  it("finds nodes and follows hard links, not symbolic ones", () => {
    const tree = {
      root: Node.directory({
        dir: Node.directory({ link: Node.hardLink("/other") }),
        other: Node.hardLink("/file"),
        file: Node.fifo({ nlink: 3 }),
        loop: Node.hardLink("/loop"),
        symlink: Node.symlink("dir")
      })
    }
    assert.deepEqual(Option.getOrThrow(Tree.find(tree, "/dir/link")), Node.hardLink("/other"))
    assert.strictEqual(Option.getOrThrow(Tree.resolve(tree, "/dir/link")).path, "/file")
    for (const path of ["/symlink/link", "/loop", "/nowhere", "dir", "/file/x", ""]) {
      assert.isTrue(Option.isNone(Tree.resolve(tree, path)), path)
    }
  })

  it("refuses entries that do not make a tree", () => {
    const directory = Node.directory()
    const cases: ReadonlyArray<readonly [string, ReadonlyArray<Tree.Entry>]> = [
      ["InvalidPath", []],
      ["InvalidPath", [{ path: "/", node: Node.fifo() }]],
      ["DuplicatePath", [{ path: "/", node: directory }, { path: "/", node: directory }]],
      ["MissingParent", [{ path: "/", node: directory }, { path: "/a/b", node: directory }]],
      ["InvalidPath", [{ path: "/", node: directory }, { path: "a", node: directory }]],
      ["InvalidPath", [{ path: "/", node: directory }, { path: "/..", node: directory }]],
      ["MissingParent", [{ path: "/", node: directory }, { path: "/../x", node: directory }]],
      ["NotADirectory", [{ path: "/", node: Node.directory({ l: Node.symlink("/") }) }, {
        path: "/l/x",
        node: directory
      }]],
      ["InvalidLink", [{ path: "/", node: Node.directory({ a: Node.hardLink("/b") }) }]]
    ]
    for (const [tag, entries] of cases) {
      assert.strictEqual(failure(Tree.fromEntries(entries)).reason._tag, tag)
    }
  })

  it("counts links as they are", () => {
    const tree = {
      root: Node.directory({
        a: Node.fifo({ nlink: 9 }),
        b: Node.hardLink("/c"),
        c: Node.hardLink("/a"),
        d: Node.fifo({ nlink: 9 })
      })
    }
    const counted = Result.getOrThrow(Tree.withLinkCounts(tree))
    assert.deepEqual(counted.root.entries.get("a"), Node.fifo({ nlink: 3 }))
    assert.deepEqual(counted.root.entries.get("b"), Node.hardLink("/a"))
    assert.deepEqual(counted.root.entries.get("d"), Node.fifo())
  })

  it("filters by path, with the directories on the way, and looks into no others", () => {
    const tree = {
      root: Node.directory({
        a: Node.directory({ b: Node.directory({ c: Node.fifo() }), d: Node.fifo() }),
        e: Node.directory({ f: Node.fifo() }),
        g: Node.directory()
      })
    }
    const asked: Array<string> = []
    const filtered = Tree.filter(tree, (path, kind) => {
      asked.push(`${kind} ${path}`)
      return path === "/a/b/c" || path === "/g"
    }, { descend: (path) => path !== "/e" })
    assert.deepEqual(Array.from(Tree.walk(filtered), ({ path }) => path), ["/", "/a", "/a/b", "/a/b/c", "/g"])
    assert.includeMembers(asked, ["directory /e", "fifo /a/d"])
    assert.notInclude(asked, "fifo /e/f")
  })

  it("filters hard links as the names they are", () => {
    const tree = {
      root: Node.directory({
        a: Node.fifo({ nlink: 4 }),
        b: Node.hardLink("/c"),
        c: Node.hardLink("/a"),
        d: Node.hardLink("/a"),
        e: Node.directory(),
        f: Node.hardLink("/e")
      })
    }
    assert.deepEqual(
      Tree.filter(tree, (path) => path !== "/a").root.entries,
      new Map<string, Node.Node>([
        ["b", Node.fifo({ nlink: 3 })],
        ["c", Node.hardLink("/b")],
        ["d", Node.hardLink("/b")],
        ["e", Node.directory()]
      ])
    )
    assert.deepEqual(
      Tree.filter(tree, (path) => path === "/a" || path === "/d").root.entries,
      new Map<string, Node.Node>([
        ["a", Node.fifo({ nlink: 2 })],
        ["d", Node.hardLink("/a")]
      ])
    )
  })

  it("filters every tree to a tree, and to itself if all is selected", () => {
    fc.assert(
      fc.property(sample, fc.func(fc.boolean()), ({ tree }, selects) => {
        const filtered = Tree.filter(tree, (path) => selects(path))
        const entries = Array.from(Tree.walk(filtered), ({ node, path }) => ({
          path,
          node: node._tag === "Directory" ? Node.directory({}, node) : node
        }))
        assert.strictEqual(Dump.print(Result.getOrThrow(Tree.fromEntries(entries))), Dump.print(filtered))
        assert.strictEqual(Dump.print(Tree.filter(tree, () => true)), Dump.print(tree))
      }),
      { numRuns: 50 }
    )
  })

  it("changes the metadata of everything, and of nothing else", () => {
    fc.assert(
      fc.property(sample, ({ tree }) => {
        const changed = Tree.mapMetadata(tree, (metadata) => ({ ...metadata, uid: 7, mtime: Node.epoch }))
        for (const { node } of Tree.walk(changed)) if (node._tag !== "HardLink") assert.strictEqual(node.uid, 7)
        const unchanged = Tree.mapMetadata(tree, (metadata) => metadata)
        assert.strictEqual(Dump.print(unchanged), Dump.print(tree))
      }),
      { numRuns: 30 }
    )
  })
})

const big = Uint8Array.from({ length: 2_500_000 }, (_, at) => (at * 13) & 0xff)

const withDirectory = Effect.acquireRelease(
  Effect.sync(() => {
    const directory = mkdtempSync(join(tmpdir(), "lamina-scan-"))
    mkdirSync(join(directory, "etc/redis"), { recursive: true })
    mkdirSync(join(directory, "etc/empty"))
    writeFileSync(join(directory, "etc/redis/redis.conf"), "port 6379\n".repeat(20))
    writeFileSync(join(directory, "etc/redis/small"), "x".repeat(64))
    writeFileSync(join(directory, "etc/other"), "")
    writeFileSync(join(directory, "big"), big)
    linkSync(join(directory, "big"), join(directory, "big-too"))
    symlinkSync("redis/redis.conf", join(directory, "etc/link"))
    writeFileSync(Buffer.concat([Buffer.from(directory), Buffer.from("/latin-\xe4", "latin1")]), "not UTF-8")
    utimesSync(join(directory, "big"), 1_800_000_000, 1_800_000_000)
    utimesSync(join(directory, "etc/other"), new Date(-1500), new Date(-1500))
    return directory
  }),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const pinned = { owner: { uid: 0, gid: 0 }, mtime: { atMost: { seconds: 1_700_000_000n, nanoseconds: 0 } } }

describe("Tree.fromDirectory", () => {
  it.effect("reads what is there: inline, external, links, names of any bytes", () =>
    Effect.gen(function*() {
      const directory = yield* withDirectory
      const { tree } = yield* Tree.fromDirectory(directory, pinned)
      const at = (path: string) => Option.getOrThrow(Tree.find(tree, path))
      assert.deepInclude(at("/etc/redis/small"), { _tag: "InlineFile", uid: 0 })
      assert.deepInclude(at("/etc/redis/redis.conf"), { _tag: "ExternalFile", size: 200 })
      assert.deepInclude(at("/big"), { size: big.length, digest: FsVerity.digest(big), nlink: 2 })
      assert.deepEqual(at("/big-too"), Node.hardLink("/big"))
      assert.deepInclude(at("/etc/link"), { _tag: "Symlink", target: "redis/redis.conf" })
      assert.deepInclude(at("/latin-\udce4"), { _tag: "InlineFile" })
      assert.deepInclude(at("/big"), { mtime: pinned.mtime.atMost })
      assert.deepInclude(at("/etc/other"), { mtime: { seconds: -2n, nanoseconds: 500_000_000 } })
    }))

  it.effect("gives the same digest for a copy of the directory", () =>
    Effect.gen(function*() {
      const exactly = { ...pinned, mtime: { exactly: Node.epoch } }
      const first = yield* Tree.fromDirectory(yield* withDirectory, exactly)
      const second = yield* Tree.fromDirectory(yield* withDirectory, exactly)
      assert.deepEqual(Image.digest(first.tree), Image.digest(second.tree))
    }))

  it.effect("takes what the filter selects, and the directories on the way", () =>
    Effect.gen(function*() {
      const directory = yield* withDirectory
      const asked: Array<string> = []
      const { tree } = yield* Tree.fromDirectory(directory, {
        filter: (path, kind) => {
          asked.push(`${kind} ${path}`)
          return path === "/etc/redis/redis.conf" || path === "/etc/empty"
        }
      })
      assert.deepEqual(
        Array.from(Tree.walk(tree), ({ path }) => path),
        ["/", "/etc", "/etc/empty", "/etc/redis", "/etc/redis/redis.conf"]
      )
      assert.include(asked, "symlink /etc/link")
      const pruned = yield* Tree.fromDirectory(directory, {
        filter: (path) => path === "/etc/redis/redis.conf",
        descend: (path) => path !== "/etc"
      })
      assert.strictEqual(pruned.tree.root.entries.size, 0)
    }))

  it.effect("makes files of hard links when asked, as mkcomposefs does", () =>
    Effect.gen(function*() {
      const { tree } = yield* Tree.fromDirectory(yield* withDirectory, { hardLinks: "separate" })
      assert.deepInclude(Option.getOrThrow(Tree.find(tree, "/big-too")), { _tag: "ExternalFile", nlink: 1 })
    }))

  it.effect("gives the contents along, and confirms them when they are read later", () =>
    Effect.gen(function*() {
      const directory = yield* withDirectory
      const { contents, tree } = yield* Tree.fromDirectory(directory)
      const file = Option.getOrThrow(Tree.find(tree, "/etc/redis/redis.conf"))
      const digest = file._tag === "ExternalFile" ? file.digest ?? "" : ""
      const text = Effect.map(Stream.runCollect(contents.open(digest)), (chunks) =>
        Buffer.concat(Array.from(chunks)).toString())
      assert.strictEqual(yield* text, "port 6379\n".repeat(20))
      writeFileSync(join(directory, "etc/redis/redis.conf"), "port 6666\n".repeat(20))
      assert.strictEqual((yield* Effect.flip(text)).reason._tag, "Mismatch")
      assert.strictEqual((yield* Effect.flip(Stream.runDrain(contents.open("00".repeat(32))))).reason._tag, "NotFound")
    }))

  it.effect("stores each content while it reads it", () =>
    Effect.gen(function*() {
      const objects = yield* Content.memory()
      const { tree } = yield* Tree.fromDirectory(yield* withDirectory, { objects })
      const digests = new Set(Array.from(Tree.externalFiles(tree), ({ node }) => node.digest))
      assert.deepEqual(new Set(objects.objects.keys()), digests)
      assert.strictEqual(digests.size, 2)
    }))

  it.effect("asks for attributes by path", () =>
    Effect.gen(function*() {
      const { tree } = yield* Tree.fromDirectory(yield* withDirectory, {
        xattrs: ({ path }) => Effect.succeed(new Map([["user.path", Buffer.from(path)]]))
      })
      for (const { node, path } of Tree.walk(tree)) {
        if (node._tag !== "HardLink" && !path.includes("\udce4")) {
          assert.strictEqual(Buffer.from(node.xattrs.get("user.path") ?? []).toString(), path)
        }
      }
    }))

  it.effect("notices when what it reads is exchanged for something else", () =>
    Effect.gen(function*() {
      const outside = yield* withDirectory
      const exchanges: Readonly<Record<string, (path: string) => void>> = {
        "/etc": (path) => symlinkSync(join(outside, "etc"), path),
        "/big": (path) => writeFileSync(path, big),
        "/etc/redis/small": (path) => writeFileSync(path, "y".repeat(64)),
        "/etc/link": (path) => symlinkSync("redis/small.conf", path)
      }
      for (const [victim, exchange] of Object.entries(exchanges)) {
        const directory = yield* withDirectory
        const error = yield* Effect.flip(Tree.fromDirectory(directory, {
          filter: (path) => {
            if (path === victim) {
              renameSync(join(directory, path), join(directory, `${path}-away`))
              exchange(join(directory, path))
            }
            return true
          }
        }))
        assert.strictEqual(error.reason._tag, "Changed", victim)
        // Whatever stands in a file's place is read, or not, as it is; that somebody was there shows in the directory.
        const isDirectory = victim === "/etc"
        assert.include(
          error.message,
          JSON.stringify(isDirectory ? join(directory, victim) : dirname(join(directory, victim)))
        )
      }
    }))

  it.effect("names a directory it cannot read", () =>
    Effect.gen(function*() {
      const error = yield* Effect.flip(Tree.fromDirectory("/nowhere/at/all"))
      assert.include(error.message, "/nowhere/at/all")
    }))
})
