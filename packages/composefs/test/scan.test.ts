import { assert, describe, it } from "@effect/vitest"
import { Content, Dump, FsVerity, Image, Node, ObjectStore, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as fc from "fast-check"
import { spawnSync } from "node:child_process"
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { groupOf, outcome } from "../src/internal/scan/batch.ts"
import { FileReader } from "../src/internal/scan/fileReader.ts"
import { InodeClaims } from "../src/internal/scan/inodeClaims.ts"
import { ReadBuffer } from "../src/internal/scan/readBuffer.ts"
import { hasProgram } from "./tools.ts"

const temporary = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-scan-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

const bytes = (size: number, seed: number): Buffer =>
  Buffer.from(Uint8Array.from({ length: size }, (_, at) => (at * seed + (at >> 8)) & 0xff))

/** More files than one thread is worth, of all kinds and sizes about the limits. */
const manyFiles = Effect.map(temporary, (directory) => {
  const sizes = [0, 1, 64, 65, 4096, 4097, 9000]
  for (let folder = 0; folder < 40; folder++) {
    const path = join(directory, `folder-${folder}`)
    mkdirSync(path)
    for (let file = 0; file < 100; file++) {
      writeFileSync(join(path, `file-${file}`), bytes(sizes[(folder + file) % sizes.length] ?? 0, folder * 2 + 1))
    }
    symlinkSync(`file-${folder}`, join(path, "link"))
    linkSync(join(directory, "folder-0", "file-3"), join(path, "hard link"))
  }
  const latin = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from("l\xe4tin", "latin1")])
  mkdirSync(latin)
  writeFileSync(Buffer.concat([latin, Buffer.from("/\xe9", "latin1")]), bytes(200, 3))
  for (const size of [(1 << 20) - 1, 1 << 20, (1 << 20) + 1, 3_000_000]) {
    writeFileSync(join(directory, `large-${size}`), bytes(size, 7))
  }
  linkSync(join(directory, "large-3000000"), join(directory, "folder-1", "large too"))
  return directory
})

describe("Tree.fromDirectory with threads", () => {
  it.live("gives the tree that one thread gives, contents and all", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* manyFiles
      for (const hardLinks of ["preserve", "separate"] as const) {
        const [alone, together] = yield* Effect.forEach([1, 3], (threads) =>
          Effect.gen(function*() {
            const objects = yield* Content.memory()
            const { tree } = yield* Tree.fromDirectory(directory, { hardLinks, threads, objects })
            return { dump: Dump.print(tree), objects: Array.from(objects.objects.keys()).sort() }
          }))
        assert.strictEqual(together?.dump, alone?.dump)
        assert.deepStrictEqual(together?.objects, alone?.objects)
        assert.isAbove(alone?.objects.length ?? 0, 10)
      }
    })))

  it.live("makes the same image with a tree on the way and without", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* manyFiles
      const variants: ReadonlyArray<Tree.DirectoryOptions & Image.WriteOptions> = [
        {},
        { hardLinks: "separate", threads: 1 },
        { owner: { uid: 7, gid: 70_000 }, mtime: { atMost: { seconds: 1_000_000_000n, nanoseconds: 5 } } },
        { mtime: { exactly: Node.epoch }, inlineLimit: 4096, minVersion: 1 },
        { using: FsVerity.sha512, inlineLimit: 0 },
        { filter: (path) => !path.includes("7") },
        { version: 2 }
      ]
      for (const options of variants) {
        const { tree } = yield* Tree.fromDirectory(directory, options)
        const image = yield* Effect.fromResult(Image.write(tree, options))
        assert.deepStrictEqual(FsVerity.digest(yield* Image.fromDirectory(directory, options)), FsVerity.digest(image))
      }
    })))

  it.live("stores every content while it is read, in the calling thread and in others", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* manyFiles
      for (const using of [FsVerity.sha256, FsVerity.sha512]) {
        for (const threads of [1, 3]) {
          const store = yield* ObjectStore.open({ directory: yield* temporary, durability: "none", using })
          for (const _ of ["once", "again"]) {
            const { tree } = yield* Tree.fromDirectory(directory, { threads, objects: store })
            assert.deepStrictEqual(yield* store.missing(tree), [])
            const digests = new Set(Array.from(Tree.externalFiles(tree), ({ node }) => node.digest))
            const nothing = { corrupt: [], unreadable: [], missing: [], affected: [], temporaries: [], foreign: [] }
            assert.deepInclude(yield* store.check({ threads }), { objects: digests.size, ...nothing })
          }
        }
      }
    })))

  it.live("forces each object to the disk on demand", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* temporary
      for (const size of [65, 70_000, 1_200_000]) writeFileSync(join(directory, `${size}`), bytes(size, 5))
      const store = yield* ObjectStore.open({ directory: yield* temporary, durability: "file" })
      const { tree } = yield* Tree.fromDirectory(directory, { objects: store })
      assert.deepStrictEqual([yield* store.missing(tree), (yield* store.fsck).objects], [[], 3])
    })))

  it.live("reads a file once, however many names it has", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* temporary
      const size = 100_000
      writeFileSync(join(directory, "first"), bytes(size, 3))
      for (let name = 0; name < 4000; name++) linkSync(join(directory, "first"), join(directory, `name-${name}`))
      for (const threads of [1, 2]) {
        for (const hardLinks of ["preserve", "separate"] as const) {
          let last: Tree.ScanProgress = { files: 0, bytes: 0 }
          const { tree } = yield* Tree.fromDirectory(directory, {
            threads,
            hardLinks,
            onProgress: (progress) => last = progress
          })
          assert.deepStrictEqual(last, { files: 4001, bytes: size })
          const node = Option.getOrThrow(Tree.find(tree, "/first"))
          assert.deepInclude(node, {
            digest: FsVerity.digest(bytes(size, 3)),
            nlink: hardLinks === "preserve" ? 4001 : 1
          })
          const other = Option.getOrThrow(Tree.find(tree, "/name-7"))
          assert.deepStrictEqual(other, hardLinks === "preserve" ? Node.hardLink("/first") : node)
        }
      }
    })))

  it.live("fails as one thread does", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* manyFiles
      const victim = join(directory, "folder-30", "file-50")
      for (const threads of [1, 2]) {
        const error = yield* Effect.flip(Tree.fromDirectory(directory, {
          threads,
          filter: (path) => {
            if (path === "/folder-30/file-50") rmSync(victim, { force: true })
            return true
          }
        }))
        assert.strictEqual(error.reason._tag, "Changed")
        writeFileSync(victim, "")
      }
    })))
})

describe("Tree.fromDirectory", () => {
  it.live("gives what is in files, those that have long been there as those just written", () =>
    Effect.scoped(Effect.gen(function*() {
      const fresh = yield* temporary
      cpSync(import.meta.dirname, fresh, { recursive: true })
      for (const directory of [import.meta.dirname, fresh]) {
        const { tree } = yield* Tree.fromDirectory(directory)
        const files = Array.from(Tree.externalFiles(tree))
        assert.isAbove(files.length, 20)
        for (const { node, path } of files) {
          assert.strictEqual(node.digest, FsVerity.digest(readFileSync(join(directory, path))), path)
        }
      }
    })))

  const replacedBy = (replace: (path: string) => void) =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* temporary
      const victim = join(directory, "victim")
      writeFileSync(victim, "x".repeat(100))
      const error = yield* Effect.flip(Tree.fromDirectory(directory, {
        filter: (path) => {
          if (path === "/victim") {
            rmSync(victim)
            replace(victim)
          }
          return true
        }
      }))
      assert.strictEqual(error.reason._tag, "Changed")
      assert.include(error.message, JSON.stringify(victim))
    }))

  it.live("does not follow a link that took a file's place", () =>
    replacedBy((path) => symlinkSync("/etc/hostname", path)))

  it.live.skipIf(!hasProgram("mkfifo"))(
    "does not wait for a FIFO that took a file's place",
    () => replacedBy((path) => spawnSync("mkfifo", [path]))
  )

  it.live("leaves devices out on demand, and takes them as they are without", () =>
    Effect.scoped(Effect.gen(function*() {
      const kinds: Array<Node.Kind> = []
      const look = (skipDevices: boolean) =>
        Tree.fromDirectory("/dev", {
          skipDevices,
          descend: () => false,
          filter: (path, kind) => {
            kinds.push(kind)
            return path === "/null"
          }
        })
      // Something may come and go in a directory that is not ours; a second look then sees it at rest.
      const taken = yield* Effect.retry(look(false), { times: 3 })
      assert.deepInclude(Option.getOrThrow(Tree.find(taken.tree, "/null")), { _tag: "CharacterDevice", rdev: 0x103 })
      assert.include(kinds, "character device")
      kinds.length = 0
      const left = yield* Effect.retry(look(true), { times: 3 })
      assert.isTrue(Option.isNone(Tree.find(left.tree, "/null")))
      assert.notInclude(kinds, "character device")
    })))
})

describe("a file reader", () => {
  const readerOptions = { using: FsVerity.sha256, inlineLimit: 64, store: undefined, claims: undefined }

  // The kernel says 4096 bytes of such files, whatever they hold.
  const [sysfs, attribute] = ["/sys/kernel", "uevent_seqnum"]
  it.skipIf(!existsSync(join(sysfs, attribute)))("does not take a file at its word about its size", () => {
    const result = new FileReader(readerOptions).read({
      first: 0,
      groups: [groupOf(sysfs, [attribute], ["file"])]
    })
    assert.strictEqual(result.outcomes[0], outcome.failed)
    assert.deepInclude(result.contents.get(0), { isChange: true })
  })

  it("goes on after an entry that fails", () =>
    Effect.scoped(Effect.gen(function*() {
      const directory = yield* temporary
      writeFileSync(join(directory, "b"), "there")
      const result = new FileReader(readerOptions).read({
        first: 5,
        groups: [groupOf(directory, ["a", "b", "c"], ["file", "file", "fifo"])]
      })
      assert.deepStrictEqual(Array.from(result.outcomes), [outcome.failed, outcome.read, outcome.failed])
      assert.deepStrictEqual(result.contents.get(1), new TextEncoder().encode("there"))
    })).pipe(Effect.runSync))

  it("hashes what is in its buffer as FsVerity does", () => {
    for (const using of [FsVerity.sha256, FsVerity.sha512]) {
      const buffer = new ReadBuffer(using)
      fc.assert(
        fc.property(
          fc.oneof(fc.nat(1 << 20), fc.constantFrom(0, 1, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 1 << 20)),
          fc.nat(255),
          (size, seed) => {
            const content = bytes(size, seed)
            buffer.bytes.set(content)
            assert.strictEqual(buffer.digest(size), FsVerity.digest(content, using))
          }
        ),
        { numRuns: 40 }
      )
    }
  })

  it("claims each inode once", () => {
    const shared = InodeClaims.share()
    const [first, second] = [new InodeClaims(shared), new InodeClaims(shared)]
    fc.assert(
      fc.property(fc.uniqueArray(fc.bigInt({ min: 1n, max: (1n << 64n) - 1n }), { maxLength: 100 }), (inodes) => {
        for (const inode of inodes) first.claim(inode)
        for (const inode of inodes) assert.isFalse(second.claim(inode))
      })
    )
  })
})
