import { assert, describe, it } from "@effect/vitest"
import { Image, MountPlan, Node, ObjectStore, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { canMount } from "./tools.ts"

const text = (word: string) => `${word} `.repeat(100)
const xattrs = (values: Record<string, string>) =>
  new Map(Object.entries(values).map(([name, value]) => [name, Buffer.from(value)]))

/** Runs a script in a mount namespace of its own: what it mounts is gone with it, whatever happens. */
const inNamespace = (script: string) => {
  const { status, stderr, stdout } = spawnSync("unshare", ["-m", "sh", "-ec", script], { encoding: "utf8" })
  return { status, stderr, stdout }
}

const workspace = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-mount-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
)

/** Stores contents and images, and plans the mount of the images. */
const prepare = Effect.fnUntraced(function*(
  trees: (file: (content: string) => Effect.Effect<Node.ExternalFile>) => Effect.Effect<ReadonlyArray<Tree.Tree>>,
  verity: MountPlan.Verity = "off",
  version?: Image.CommonVersion
) {
  const directory = yield* workspace
  const store = yield* ObjectStore.open({ directory: join(directory, "objects"), durability: "none" })
  const file = (content: string) =>
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
  return { run, directory, store }
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

  const stack = (file: (content: string) => Effect.Effect<Node.ExternalFile>) =>
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
      assert.strictEqual(spawnSync("losetup", ["-a"], { encoding: "utf8" }).stdout.includes(directory), false)
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
