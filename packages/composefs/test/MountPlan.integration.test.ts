import { assert, describe, it } from "@effect/vitest"
import { Image, MountPlan, Node, ObjectStore, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as fc from "fast-check"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { bytesToText } from "../src/internal/byteString.ts"
import { inErofs, inOverlay } from "./kernel/expected.ts"
import { kernelTree, layerTree } from "./kernel/kernelTree.ts"
import { inNamespace, observeCommand, parseObserved } from "./kernel/mount.ts"
import { canMount, hasProgram } from "./tools.ts"
import { type Sample, sample } from "./trees.ts"

const text = (word: string) => `${word} `.repeat(100)
const xattrs = (values: Record<string, string>) =>
  new Map(Object.entries(values).map(([name, value]) => [name, Buffer.from(value)]))

const workspace = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-mount-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

type StoreFile = (content: string | Uint8Array) => Effect.Effect<Node.ExternalFile>

/** Stores contents and images, and plans the mount of the images. */
const prepare = Effect.fnUntraced(function*(
  trees: (file: StoreFile) => Effect.Effect<ReadonlyArray<Tree.Tree>>,
  verity: MountPlan.Verity = "off",
  version?: Image.CommonVersion
) {
  const directory = yield* workspace
  const store = yield* ObjectStore.open({ directory: join(directory, "objects"), durability: "none" })
  const file: StoreFile = (content) =>
    Effect.map(Effect.orDie(store.putBytes(Buffer.from(content))), (stored) => Node.externalFile(stored))
  const images = (yield* trees(file)).map((tree, index) => {
    const path = join(directory, `image-${index}`)
    writeFileSync(path, Result.getOrThrow(Image.write(tree, { minVersion: version, maxVersion: version })))
    return path
  })
  const target = join(directory, "target")
  mkdirSync(target)
  const plan = Result.getOrThrow(MountPlan.make({
    images,
    objects: store.directory,
    target,
    workDirectory: join(directory, "work"),
    verity
  }))
  const run = (script: string) =>
    inNamespace(`${MountPlan.toShell(plan.mount)}cd ${target}\n${script}\ncd /\n${MountPlan.toShell(plan.unmount)}`)
  return { run, directory, target, store }
})

describe.skipIf(!canMount())("MountPlan on this kernel", () => {
  it.live("shows names, metadata and contents of an image", () =>
    Effect.gen(function*() {
      const { run } = yield* prepare((file) =>
        Effect.map(file(text("external")), (external) => [{
          root: Node.directory({
            etc: Node.directory({
              external: { ...external, mode: 0o640, uid: 1234, gid: 70_000, nlink: 2 },
              inline: Node.inlineFile("inline\n", { mtime: { seconds: 1_000_000_000n, nanoseconds: 5 } })
            }),
            link: Node.symlink("etc/inline"),
            "hard-link": Node.hardLink("/etc/external"),
            device: Node.characterDevice(0x0103),
            latin: Node.directory({ "\udce4": Node.inlineFile("latin\n") })
          })
        }])
      )
      const { status, stderr, stdout } = run(
        "cat etc/external etc/inline link hard-link latin/*; stat -c '%n %a %u %g %h %s' etc/external; " +
          "TZ=UTC stat -c '%y' etc/inline; stat -c '%t:%T' device; ls"
      )
      assert.strictEqual(status, 0, stderr)
      assert.strictEqual(
        stdout,
        `${text("external")}inline\ninline\n${text("external")}latin\netc/external 640 1234 70000 2 900\n` +
          "2001-09-09 01:46:40.000000005 +0000\n1:3\ndevice\netc\nhard-link\nlatin\nlink\n"
      )
    }).pipe(Effect.scoped))

  const stack = (file: StoreFile) =>
    Effect.gen(function*() {
      const base = Node.directory({
        etc: Node.directory({
          base: yield* file(text("base")),
          common: yield* file(text("common from base")),
          gone: Node.inlineFile("gone\n")
        }),
        opaque: Node.directory({ hidden: Node.inlineFile("hidden\n") }),
        "only-base": Node.inlineFile("only base\n")
      })
      const top = Node.directory({
        etc: Node.directory({
          top: yield* file(text("top")),
          common: yield* file(text("common from top")),
          gone: Node.whiteout()
        }),
        opaque: Node.directory({ shown: Node.inlineFile("shown\n") }, {
          xattrs: xattrs({ "trusted.overlay.opaque": "y" })
        }),
        "only-top": Node.inlineFile("only top\n")
      })
      return [{ root: base }, { root: top }]
    })

  it.live("shows a stack as one tree: upper files, whiteouts and opaque directories take effect", () =>
    Effect.gen(function*() {
      const { run } = yield* prepare(stack)
      const { status, stderr, stdout } = run(
        "find . -mindepth 1 | sort; cat etc/base etc/common etc/top only-base only-top"
      )
      assert.strictEqual(status, 0, stderr)
      assert.strictEqual(
        stdout,
        [
          "./etc",
          "./etc/base",
          "./etc/common",
          "./etc/top",
          "./only-base",
          "./only-top",
          "./opaque",
          "./opaque/shown",
          ""
        ]
          .join("\n") + `${text("base")}${text("common from top")}${text("top")}only base\nonly top\n`
      )
    }).pipe(Effect.scoped))

  it.live("mounts many images, more than one option can name", () =>
    Effect.gen(function*() {
      const count = 12
      const { run } = yield* prepare(() =>
        Effect.succeed(
          Array.from({ length: count }, (_, index) => ({
            root: Node.directory({
              [`file-${index}`]: Node.inlineFile(`${index}\n`),
              same: Node.inlineFile(`${index}\n`)
            })
          }))
        )
      )
      const { status, stderr, stdout } = run("ls | wc -l; cat same")
      assert.strictEqual(status, 0, stderr)
      assert.strictEqual(stdout, `${count + 1}\n${count - 1}\n`)
    }).pipe(Effect.scoped))

  it.live("does not open a file without fs-verity when verity is required", () =>
    Effect.gen(function*() {
      const { run } = yield* prepare((file) =>
        Effect.map(file(text("unprotected")), (external) => [{
          root: Node.directory({ external, inline: Node.inlineFile("inline\n") })
        }]), "require")
      const { status, stdout } = run("cat inline; cat external 2>/dev/null && echo opened || echo refused")
      assert.deepEqual([status, stdout], [0, "inline\nrefused\n"])
    }).pipe(Effect.scoped))

  it.live("leaves no mount behind", () =>
    Effect.gen(function*() {
      const { directory, run } = yield* prepare(stack)
      const { status, stderr, stdout } = run("true; cd /; grep -c lamina-mount /proc/self/mounts")
      assert.strictEqual(status, 0, stderr)
      assert.strictEqual(stdout, "5\n")
      assert.notStrictEqual(statSync(directory).size, 0)
      // A loop device is free once the last who has looked at it, such as udev, has closed it.
      const isFree = Effect.sync(() => !spawnSync("losetup", ["-a"], { encoding: "utf8" }).stdout.includes(directory))
      const isFreeAtLast = Effect.repeat(isFree, {
        until: (free) => free,
        schedule: Schedule.spaced("20 millis"),
        times: 1000
      })
      assert.isTrue(yield* Effect.andThen(isFreeAtLast, isFree))
    }).pipe(Effect.scoped))

  it.live("keeps a directory scan whole: directory, image, store, mount, and the same files again", () =>
    Effect.gen(function*() {
      const source = yield* workspace
      mkdirSync(join(source, "a/b"), { recursive: true })
      writeFileSync(join(source, "a/b/small"), "small\n")
      writeFileSync(join(source, "a/large"), Buffer.alloc(3_000_000, "large "))
      const directory = yield* workspace
      const store = yield* ObjectStore.open({ directory: join(directory, "objects"), durability: "none" })
      const { tree } = yield* Tree.fromDirectory(source, { objects: store })
      writeFileSync(join(directory, "image"), Result.getOrThrow(Image.write(tree)))
      const plan = Result.getOrThrow(MountPlan.make({
        images: [join(directory, "image")],
        objects: store.directory,
        target: join(directory, "target"),
        workDirectory: join(directory, "work"),
        verity: "off"
      }))
      const { status, stderr } = inNamespace(
        `${MountPlan.toShell(plan.mount)}diff -r ${source} ${join(directory, "target")}\n${
          MountPlan.toShell(plan.unmount)
        }`
      )
      assert.strictEqual(status, 0, stderr)
    }).pipe(Effect.scoped))
})

describe.skipIf(!canMount() || !hasProgram("getfattr"))("MountPlan of any tree, on this kernel", () => {
  const samples = sample.map(({ contents, tree }) => ({ contents, tree: kernelTree(tree) }))
  const layers = sample.map(({ contents, tree }) => ({ contents, tree: layerTree(tree) }))

  const store = Effect.fnUntraced(function*(file: StoreFile, { contents, tree }: Sample) {
    for (const content of contents.values()) yield* file(content)
    return tree
  })

  it.live("shows the contents from the store, and metadata, links and attributes as they were", () =>
    Effect.gen(function*() {
      for (const [index, it] of fc.sample(samples, 20).entries()) {
        const version = index % 2 === 0 ? 0 : 1
        const { run, target } = yield* prepare(
          (file) => Effect.map(store(file, it), (tree) => [tree]),
          "off",
          version
        )
        const { status, stderr, stdout } = run(`cd /; ${observeCommand(target)}`)
        assert.strictEqual(status, 0, stderr)
        assert.deepEqual(parseObserved(stdout), inOverlay(inErofs(it.tree, version), it.tree, it.contents))
      }
    }).pipe(Effect.scoped))

  it.live("hides in a stack what a whiteout names, and the whiteout", () =>
    Effect.gen(function*() {
      const withWhiteouts = layers.filter(({ tree }) => whiteoutPaths(tree).length > 0)
      for (const it of fc.sample(withWhiteouts, 8)) {
        const base = below(it.tree)
        const { run, target } = yield* prepare((file) => Effect.map(store(file, it), (tree) => [base, tree]), "off", 1)
        const { status, stderr, stdout } = run(`cd /; ${observeCommand(target)}`)
        assert.strictEqual(status, 0, stderr)
        const hidden = new Set(whiteoutPaths(it.tree))
        const expected = Array.from(Tree.walk(it.tree), ({ path }) => path).filter((path) => !hidden.has(path))
        const shown = Array.from(parseObserved(stdout).keys(), (path) => bytesToText(Buffer.from(path, "latin1")))
        assert.deepEqual(new Set(shown), new Set(expected))
      }
    }).pipe(Effect.scoped))
})

/** Where there are whiteouts, also by another name. */
const whiteoutPaths = (tree: Tree.Tree): ReadonlyArray<string> =>
  Array.from(Tree.walk(tree), ({ path }) => path).filter((path) =>
    Option.exists(Tree.resolve(tree, path), ({ node }) => Node.isWhiteout(node))
  )

/** A tree with files wherever the other has whiteouts. */
const below = ({ root }: Tree.Tree): Tree.Tree => ({ root: belowDirectory(root) })

const belowDirectory = (directory: Node.Directory): Node.Directory => {
  const entries = new Map<string, Node.Node>()
  for (const [name, node] of directory.entries) {
    if (node._tag === "Directory") entries.set(name, belowDirectory(node))
    if (Node.isWhiteout(node)) entries.set(name, Node.inlineFile("hidden\n"))
  }
  return Node.directory(entries)
}
