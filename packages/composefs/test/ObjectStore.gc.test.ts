import { assert, describe, it } from "@effect/vitest"
import { FsVerity, Node, ObjectStore, type Tree } from "@lamina/composefs"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import { existsSync, lutimesSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { startThreads } from "../src/internal/workers.ts"
import type { PutAgain } from "./store/putAgain.ts"

const utf8 = (text: string) => new TextEncoder().encode(text)

const newStore = Effect.gen(function*() {
  const directory = yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-gc-"))),
    (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
  )
  return yield* ObjectStore.open({ directory, durability: "none" })
})

const pathOf = (store: ObjectStore.ObjectStore, digest: string) => join(store.directory, Node.objectPath(digest))

const makeOld = (path: string) => lutimesSync(path, 0, 0)

const treeOf = (...files: ReadonlyArray<{ readonly digest: string; readonly size: number }>): Tree.Tree => ({
  root: Node.directory(Object.fromEntries(files.map((file, at) => [`file ${at}`, Node.externalFile(file)])))
})

describe("ObjectStore.gc", () => {
  it.live("removes what is old and no root needs", () =>
    Effect.scoped(Effect.gen(function*() {
      const store = yield* newStore
      const [inTree, asDigest, old, young] = yield* Effect.forEach(
        ["in a tree", "as a digest", "old", "young"],
        (text) => store.putBytes(utf8(text))
      )
      if (inTree === undefined || asDigest === undefined || old === undefined || young === undefined) return
      for (const { digest } of [inTree, asDigest, old]) makeOld(pathOf(store, digest))
      const roots = [treeOf(inTree), asDigest.digest]
      const expected = {
        kept: { objects: 2, size: inTree.size + asDigest.size },
        young: { objects: 1, size: young.size },
        removed: { objects: 1, size: old.size },
        digests: [old.digest],
        temporaries: []
      }
      assert.deepEqual(plain(yield* store.gc({ roots, dryRun: true })), expected)
      assert.isTrue(existsSync(pathOf(store, old.digest)))
      assert.deepEqual(plain(yield* store.gc({ roots })), expected)
      assert.isFalse(existsSync(pathOf(store, old.digest)))
      const report = yield* store.fsck
      assert.deepEqual([report.objects, report.foreign, report.temporaries], [3, [], []])
    })))

  it.live("keeps what was stored again lately, however old it is", () =>
    Effect.scoped(Effect.gen(function*() {
      const store = yield* newStore
      const { digest } = yield* store.putBytes(utf8("content"))
      makeOld(pathOf(store, digest))
      yield* store.putBytes(utf8("content"))
      const report = yield* store.gc({ roots: [] })
      assert.deepEqual([report.young.objects, report.removed.objects], [1, 0])
      makeOld(pathOf(store, digest))
      assert.deepEqual((yield* store.gc({ roots: [], grace: 0 })).digests, [digest])
    })))

  it.live("keeps an object that a file names as its payload only", () =>
    Effect.scoped(Effect.gen(function*() {
      const store = yield* newStore
      const { digest, size } = yield* store.putBytes(utf8("content"))
      makeOld(pathOf(store, digest))
      const tree = {
        root: Node.directory({ file: Node.externalFile({ size, payload: Node.objectPath(digest) }) })
      }
      assert.strictEqual((yield* store.gc({ roots: [tree] })).kept.objects, 1)
    })))

  it.live("removes what dead writers left over, and leaves the living and strangers alone", () =>
    Effect.scoped(Effect.gen(function*() {
      const store = yield* newStore
      const make = (name: string, isOld: boolean, isFileOld: boolean) => {
        const path = join(store.directory, name)
        mkdirSync(path)
        writeFileSync(join(path, "0-0"), "half")
        if (isFileOld) makeOld(join(path, "0-0"))
        if (isOld) makeOld(path)
      }
      make(".tmp-dead", true, true)
      make(".tmp-busy", true, false)
      make(".tmp-new", false, true)
      make("stranger", true, true)
      assert.deepEqual((yield* store.gc({ roots: [], dryRun: true })).temporaries, [".tmp-dead"])
      assert.deepEqual((yield* store.gc({ roots: [] })).temporaries, [".tmp-dead"])
      const names = readdirSync(store.directory)
      assert.includeMembers(names, [".tmp-busy", ".tmp-new", "stranger"])
      assert.notInclude(names, ".tmp-dead")
      yield* store.putBytes(utf8("its own temporary directory is still there"))
    })))

  it.live("puts back what a collector has moved away that died over it", () =>
    Effect.scoped(Effect.gen(function*() {
      const store = yield* newStore
      const stored = yield* store.putBytes(utf8("content"))
      rmSync(pathOf(store, stored.digest))
      const trash = join(store.directory, ".gc-dead")
      mkdirSync(trash)
      writeFileSync(join(trash, stored.digest), "content")
      makeOld(join(trash, stored.digest))
      makeOld(trash)
      yield* store.gc({ roots: [treeOf(stored)] })
      assert.strictEqual(Buffer.from(yield* store.read(stored.digest)).toString(), "content")
      assert.deepEqual((yield* store.fsck).temporaries, [])
    })))

  it.live("never loses what a writer was told is stored", () =>
    Effect.scoped(Effect.gen(function*() {
      const store = yield* newStore
      const content = utf8("again and again")
      const data: PutAgain = { directory: store.directory, digest: FsVerity.digest(content), content, times: 10_000 }
      const lost = yield* Deferred.make<unknown>()
      const threads = yield* startThreads({
        module: new URL("./store/putAgain.ts", import.meta.url),
        count: 1,
        data,
        onMessage: (message) => Deferred.doneUnsafe(lost, Effect.succeed(message))
      })
      const collect = Effect.repeat(store.gc({ roots: [], grace: "1 minute" }), {
        until: () => Deferred.isDone(lost)
      })
      yield* threads.guard(collect)
      assert.strictEqual(yield* Deferred.await(lost), 0)
    })))
})

const plain = (report: ObjectStore.GcReport): ObjectStore.GcReport => ({
  ...report,
  kept: { ...report.kept },
  young: { ...report.young },
  removed: { ...report.removed }
})
