import { assert, describe, it } from "@effect/vitest"
import { FsVerity, Node, ObjectStore, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const utf8 = (text: string) => new TextEncoder().encode(text)

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-store-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const inNewStore = <A, E>(
  use: (store: ObjectStore.ObjectStore) => Effect.Effect<A, E>,
  durability: ObjectStore.Durability = "none"
) =>
  Effect.scoped(Effect.gen(function*() {
    const store = yield* ObjectStore.open({ directory: yield* temporary, durability })
    return yield* use(store)
  }))

describe("ObjectStore", () => {
  for (const durability of ["none", "end", "file"] as const) {
    it.effect(`stores contents under their digest, with durability ${durability}`, () =>
      inNewStore((store) =>
        Effect.gen(function*() {
          const stored = yield* store.put(Stream.make(utf8("con"), utf8("tent")))
          assert.deepEqual(stored, { digest: FsVerity.digest(utf8("content")), size: 7 })
          yield* store.flush
          assert.isTrue(yield* store.has(stored.digest))
          const path = join(store.directory, stored.digest.slice(0, 2), stored.digest.slice(2))
          assert.strictEqual(readFileSync(path, "utf8"), "content")
          assert.strictEqual(Buffer.from(yield* store.read(stored.digest)).toString(), "content")
        }), durability))
  }

  it.effect("takes a content twice without harm", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const digests = yield* Effect.forEach(Array.from({ length: 20 }), () => store.putBytes(utf8("same")), {
          concurrency: "unbounded"
        })
        assert.strictEqual(new Set(digests.map(({ digest }) => digest)).size, 1)
        const report = yield* store.fsck
        assert.deepEqual([report.objects, report.size, report.corrupt.length], [1, 4, 0])
      })
    ))

  it.effect("leaves nothing of a content that fails or is not the expected one", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const broken = Stream.concat(Stream.make(utf8("half")), Stream.fail("cut"))
        assert.strictEqual(yield* Effect.flip(store.put(broken)), "cut")
        const expected = FsVerity.digest(utf8("other"))
        const error = yield* Effect.flip(store.put(Stream.make(utf8("content")), { expected }))
        assert.include(String(error), expected)
        const [only, ...others] = readdirSync(store.directory)
        assert.isTrue(only?.startsWith(".tmp-"))
        assert.deepEqual([others, readdirSync(join(store.directory, only ?? ""))], [[], []])
      })
    ))

  it.effect("removes its temporary directory when the scope closes", () =>
    Effect.gen(function*() {
      const directory = yield* temporary
      yield* Effect.scoped(Effect.flatMap(ObjectStore.open({ directory }), (store) => store.putBytes(utf8("x"))))
      assert.deepEqual(readdirSync(directory).filter((name) => name.startsWith(".tmp-")), [])
    }))

  it.effect("never makes a path of anything but a digest", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        for (const name of ["", "../../etc/passwd", "ab/cd", `${"a".repeat(63)}/`, "AB".repeat(32), "ab".repeat(33)]) {
          assert.strictEqual((yield* Effect.flip(store.has(name))).reason._tag, "InvalidDigest", name)
          assert.strictEqual((yield* Effect.flip(store.read(name))).reason._tag, "InvalidDigest", name)
        }
      })
    ))

  it.effect("refuses a changed object, a link in its place, and one that is too large", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const { digest } = yield* store.putBytes(utf8("content"))
        const path = join(store.directory, Node.objectPath(digest))
        assert.strictEqual((yield* Effect.flip(store.read(digest, { maxSize: 6 }))).reason._tag, "TooLarge")
        writeFileSync(path, "CONTENT")
        assert.strictEqual((yield* Effect.flip(store.read(digest))).reason._tag, "Mismatch")
        rmSync(path)
        symlinkSync("/etc/hostname", path)
        assert.strictEqual((yield* Effect.flip(store.read(digest))).reason._tag, "Io")
        rmSync(path)
        assert.strictEqual((yield* Effect.flip(store.read(digest))).reason._tag, "NotFound")
      })
    ))

  it.effect("tells what a tree still needs, each once", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const there = yield* store.putBytes(utf8("there"))
        const absent = "ab".repeat(32)
        const tree: Tree.Tree = {
          root: Node.directory({
            a: Node.externalFile(there),
            b: Node.externalFile({ size: 9, digest: absent }),
            c: Node.externalFile({ size: 9, digest: absent }),
            d: Node.externalFile({ size: 9 })
          })
        }
        assert.deepEqual((yield* store.missing(tree)).map(({ digest }) => digest), [absent])
      })
    ))

  it.effect("replaces an object that a loss of power cut off, and takes a whole one as it is", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const { digest } = yield* store.putBytes(utf8("content"))
        const path = join(store.directory, Node.objectPath(digest))
        const inode = statSync(path).ino
        yield* store.putBytes(utf8("content"))
        assert.strictEqual(statSync(path).ino, inode)
        truncateSync(path)
        yield* store.putBytes(utf8("content"))
        assert.strictEqual(readFileSync(path, "utf8"), "content")
      })
    ))

  it.effect("does not forget what a failed flush has left", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const { digest } = yield* store.putBytes(utf8("content"))
        const path = join(store.directory, Node.objectPath(digest))
        renameSync(path, `${path}.away`)
        for (const _ of ["once", "again"]) assert.include(String(yield* Effect.flip(store.flush)), digest.slice(2))
        renameSync(`${path}.away`, path)
        yield* store.flush
      }), "end"))

  it.effect("finds nothing to complain of in a sound store, its own temporary directory included", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        yield* store.putBytes(utf8("content"))
        const nothing = { corrupt: [], unreadable: [], missing: [], affected: [], temporaries: [], foreign: [] }
        assert.deepEqual(yield* store.fsck, { objects: 1, size: 7, ...nothing })
      })
    ))

  it.effect("finds corrupt objects and what does not belong", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const { digest } = yield* store.putBytes(utf8("content"))
        writeFileSync(join(store.directory, Node.objectPath(digest)), "changed")
        mkdirSync(join(store.directory, "zz"))
        writeFileSync(join(store.directory, digest.slice(0, 2), "short"), "")
        const report = yield* store.fsck
        assert.deepEqual(report.corrupt, [{ digest, actual: FsVerity.digest(utf8("changed")) }])
        assert.includeMembers([...report.foreign], ["zz", `${digest.slice(0, 2)}/short`])
        assert.isTrue(existsSync(join(store.directory, "zz")))
      })
    ))

  it.effect("spills what is too large to be held, and leaves nothing of it when it fails", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const chunk = new Uint8Array(700_000).fill(7)
        const stored = yield* store.put(Stream.make(chunk, chunk, chunk))
        assert.deepEqual(stored, { digest: FsVerity.digest(Buffer.concat([chunk, chunk, chunk])), size: 2_100_000 })
        const broken = Stream.concat(Stream.make(chunk, chunk), Stream.fail("cut"))
        assert.strictEqual(yield* Effect.flip(store.put(broken)), "cut")
        const report = yield* store.fsck
        assert.deepEqual([report.objects, report.corrupt.length], [1, 0])
        const temporaries = readdirSync(store.directory).filter((name) => name.startsWith(".tmp-"))
        assert.deepEqual(temporaries.map((name) => readdirSync(join(store.directory, name)).length), [0])
      })
    ))

  it.effect("flushes many objects with their file system", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const stored = yield* Effect.forEach(Array.from({ length: 100 }), (_, at) =>
          store.putBytes(utf8(`content ${at}`)))
        yield* store.flush
        assert.isTrue(yield* store.has(stored[99]?.digest ?? ""))
      }), "end"))

  it.effect("finds what is missing among many", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const files: Record<string, Node.Node> = {}
        const absent: Array<string> = []
        for (let at = 0; at < 1000; at++) {
          const content = utf8(`content ${at}`)
          if (at % 3 === 0) absent.push(FsVerity.digest(content))
          else yield* store.putBytes(content)
          files[`file ${at}`] = Node.externalFile({ size: content.length, digest: FsVerity.digest(content) })
        }
        const missing = yield* store.missing({ root: Node.directory(files) })
        assert.sameMembers(missing.map(({ digest }) => digest), absent)
      })
    ))

  it.effect("says which files of which tree cannot be read any more", () =>
    inNewStore((store) =>
      Effect.gen(function*() {
        const [good, bad] = [yield* store.putBytes(utf8("good")), yield* store.putBytes(utf8("bad!"))]
        writeFileSync(join(store.directory, Node.objectPath(bad.digest)), "worse")
        const absent = "ab".repeat(32)
        const one: Tree.Tree = {
          root: Node.directory({ good: Node.externalFile(good), bad: Node.externalFile(bad), d: Node.directory({}) })
        }
        const two: Tree.Tree = {
          root: Node.directory({
            dir: Node.directory({ bad: Node.externalFile(bad), gone: Node.externalFile({ size: 9, digest: absent }) }),
            elsewhere: Node.externalFile({ size: 9, payload: Node.objectPath(absent) })
          })
        }
        const report = yield* store.check({ roots: new Map([["one", one], ["two", two]]) })
        assert.deepEqual(report.corrupt.map(({ digest }) => digest), [bad.digest])
        assert.deepEqual(report.missing, [absent])
        assert.sameDeepMembers([...report.affected], [
          { root: "one", path: "/bad", digest: bad.digest, problem: "corrupt" },
          { root: "two", path: "/dir/bad", digest: bad.digest, problem: "corrupt" },
          { root: "two", path: "/dir/gone", digest: absent, problem: "missing" },
          { root: "two", path: "/elsewhere", digest: absent, problem: "missing" }
        ])
      })
    ))
})
