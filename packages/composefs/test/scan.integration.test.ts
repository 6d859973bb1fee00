/** Directories of everything a file system can hold, scanned here and by mkcomposefs. */
import { assert, describe, it } from "@effect/vitest"
import { FsVerity, Image, Node, ObjectStore, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as fc from "fast-check"
import { spawnSync } from "node:child_process"
import {
  chmodSync,
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync
} from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { hasProgram } from "./tools.ts"

const isRoot = process.getuid?.() === 0

type Made =
  | { readonly kind: "file" | "sparse"; readonly size: number }
  | { readonly kind: "symlink"; readonly target: string }
  | { readonly kind: "link"; readonly to: number }
  | { readonly kind: "fifo" | "device" | "socket" }
  | { readonly kind: "directory"; readonly entries: ReadonlyArray<Entry> }

interface Entry {
  readonly name: Uint8Array
  readonly made: Made
  readonly mode: number
  readonly seconds: number
  readonly owner: number
}

const nameByte = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...Buffer.from("ab.-+!Z")) },
  fc.integer({ min: 1, max: 255 }).filter((byte) => byte !== 0x2f)
)

const name = fc.oneof(
  { weight: 8, arbitrary: fc.uint8Array({ minLength: 1, maxLength: 12 }) },
  { weight: 1, arbitrary: fc.uint8Array({ minLength: 200, maxLength: 255 }) }
).chain((shape) => fc.array(nameByte, { minLength: shape.length, maxLength: shape.length }))
  .map((bytes) => Uint8Array.from(bytes))
  .filter((bytes) => !["/", ".", ".."].includes(Buffer.from(bytes).toString("latin1")))

const size = fc.oneof(
  fc.constantFrom(0, 1, 63, 64, 65, 4095, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 1 << 20, (1 << 20) + 1),
  fc.nat(20_000)
)

const { entry } = fc.letrec<{ readonly entry: Entry; readonly made: Made; readonly entries: Array<Entry> }>((tie) => ({
  entry: fc.record({
    name,
    made: tie("made"),
    mode: fc.constantFrom(0o644, 0o755, 0o4711, 0o1777, 0o2750, 0o600),
    seconds: fc.oneof(fc.constant(0), fc.double({ min: -1e9, max: 4e9, noNaN: true }), fc.constant(1.000001)),
    owner: fc.constantFrom(0, 1, 65_535, 65_536, 4_294_967_294)
  }),
  made: fc.oneof(
    { maxDepth: 4 },
    { weight: 6, arbitrary: fc.record({ kind: fc.constant("file" as const), size }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant("sparse" as const), size: fc.integer({ min: 1, max: 8 << 20 }) })
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant("symlink" as const),
        target: fc.oneof(
          fc.string({ minLength: 1, maxLength: 40 }),
          fc.constantFrom(2000, 4000).map((length) => "x".repeat(length))
        ).filter((target) => !target.includes("\0"))
      })
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("link" as const), to: fc.nat(100) }) },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constantFrom("fifo" as const, "device" as const, "socket" as const) })
    },
    {
      weight: 3,
      arbitrary: fc.record({ kind: fc.constant("directory" as const), entries: tie("entries") })
    }
  ),
  entries: fc.uniqueArray(tie("entry"), {
    maxLength: 12,
    selector: ({ name }) => Buffer.from(name).toString("latin1")
  })
}))

class Maker {
  readonly #files: Array<Buffer> = []
  readonly #sockets: Array<{ readonly close: () => void }> = []

  make(parent: Buffer, { made, mode, name, owner, seconds }: Entry): void {
    const path = Buffer.concat([parent, Buffer.from("/"), name])
    if (path.length > 3000) return
    switch (made.kind) {
      case "file":
        writeFileSync(path, Uint8Array.from({ length: made.size }, (_, at) => (at * 31 + (at >> 8) + made.size) & 0xff))
        this.#files.push(path)
        break
      case "sparse":
        writeFileSync(path, "begin")
        truncateSync(path, made.size)
        break
      case "symlink":
        symlinkSync(made.target, path)
        break
      case "link": {
        const target = this.#files[made.to % Math.max(1, this.#files.length)]
        if (target !== undefined) linkSync(target, path)
        return
      }
      case "fifo":
        if (!isAscii(path)) return
        assert.strictEqual(spawnSync("mkfifo", [latin1(path)]).status, 0)
        break
      case "device":
        if (!isRoot || !isAscii(path)) return
        assert.strictEqual(spawnSync("mknod", [latin1(path), "c", "5", "261"]).status, 0)
        break
      case "socket":
        if (path.length > 100 || !isAscii(path)) return
        this.#sockets.push(createServer().listen(latin1(path)))
        return
      case "directory":
        mkdirSync(path)
        for (const child of made.entries) this.make(path, child)
    }
    if (made.kind !== "symlink") chmodSync(path, mode)
    if (isRoot && made.kind !== "symlink") chownSync(path, owner, owner)
    lutimesSync(path, seconds, seconds)
  }

  close(): void {
    for (const socket of this.#sockets) socket.close()
  }
}

const latin1 = (path: Buffer): string => path.toString("latin1")
const isAscii = (path: Buffer): boolean => path.every((byte) => byte < 0x80)

const digestOf = (directory: string, flags: ReadonlyArray<string>): string => {
  const args = ["--skip-xattrs", "--print-digest-only", ...flags, directory]
  const { status, stderr, stdout } = spawnSync("mkcomposefs", args, { encoding: "utf8" })
  assert.strictEqual(status, 0, stderr)
  return stdout.trim()
}

const inDirectory = <A>(entries: ReadonlyArray<Entry>, use: (directory: string) => Promise<A>): Promise<A> => {
  const directory = mkdtempSync(join(tmpdir(), "lamina-diff-"))
  const root = join(directory, "root")
  const maker = new Maker()
  mkdirSync(root)
  for (const entry of entries) maker.make(Buffer.from(root), entry)
  return use(root).finally(() => {
    maker.close()
    rmSync(directory, { recursive: true, force: true })
  })
}

describe.skipIf(!hasProgram("mkcomposefs") || !hasProgram("mkfifo"))("Tree.fromDirectory beside mkcomposefs", () => {
  const modes = [
    { flags: [], options: {} },
    { flags: ["--use-epoch"], options: { mtime: { exactly: Node.epoch } } },
    { flags: ["--skip-devices"], options: { skipDevices: true } }
  ] as const

  it("gives the same image of every directory", () =>
    fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(entry, { maxLength: 30, selector: ({ name }) => Buffer.from(name).toString("hex") }),
        (entries) =>
          inDirectory(entries, async (directory) => {
            for (const { flags, options } of modes) {
              const scan = Tree.fromDirectory(directory, { ...options, hardLinks: "separate" })
              const { tree } = await Effect.runPromise(scan)
              const digest = await Effect.runPromise(Effect.fromResult(Image.digest(tree)))
              assert.strictEqual(digest, digestOf(directory, flags), flags.join(" "))
              const image = Image.fromDirectory(directory, { ...options, hardLinks: "separate" })
              assert.strictEqual(FsVerity.digest(await Effect.runPromise(image)), digest)
            }
          })
      ),
      { numRuns: 30 }
    ))

  it("stores the same objects", () =>
    fc.assert(
      fc.asyncProperty(fc.array(size, { maxLength: 20 }), (sizes) => {
        const entries = sizes.map((size, at): Entry => ({
          name: Buffer.from(`file ${at}`),
          made: { kind: "file", size },
          mode: 0o644,
          seconds: 0,
          owner: 0
        }))
        return inDirectory(entries, (directory) => {
          const theirs = join(directory, "..", "theirs")
          mkdirSync(theirs)
          digestOf(directory, [`--digest-store=${theirs}`])
          return Effect.runPromise(Effect.scoped(Effect.gen(function*() {
            const store = yield* ObjectStore.open({ directory: join(directory, "..", "ours") })
            yield* Tree.fromDirectory(directory, { objects: store })
            const listed = (path: string): ReadonlyArray<string> =>
              readdirSync(path, { recursive: true, encoding: "utf8" }).filter((name) => !name.startsWith(".")).sort()
            assert.deepStrictEqual(listed(store.directory), listed(theirs))
            assert.deepStrictEqual((yield* store.fsck).corrupt, [])
          })))
        })
      }),
      { numRuns: 10 }
    ))
})
