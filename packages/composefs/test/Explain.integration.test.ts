import { assert, describe, it } from "@effect/vitest"
import { Explain, Node, Tree } from "@lamina/composefs"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { execFileSync, spawnSync } from "node:child_process"
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll } from "vitest"
import { hasProgram } from "./tools.ts"

// Digests by the tools themselves, of a directory that has everything they treat differently.

const attributes: ReadonlyArray<readonly [path: string, name: string, hex: string]> = [
  ["/etc/conf", "user.a", "31"],
  ["/usr/ping", "security.capability", "0100000200040000000000000000000000000000"],
  ["/usr/ping", "user.b", "00ff"],
  ["/usr", "user.c", "32"],
  ["/usr", "trusted.d", "33"]
]

let directory = ""
/** Only what the machine let us set; without root that is less. */
const xattrs = new Map<string, Map<string, Uint8Array>>()

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "lamina-explain-"))
  for (const name of ["boot", "dev", "etc", "run", "sysroot", "usr"]) mkdirSync(join(directory, name))
  writeFileSync(join(directory, "boot/kernel"), Buffer.alloc(10_000, 1))
  writeFileSync(join(directory, "etc/conf"), "key=value\n")
  writeFileSync(join(directory, "etc/medium"), "m".repeat(300))
  writeFileSync(join(directory, "run/lock"), "")
  writeFileSync(join(directory, "sysroot/config"), "c".repeat(64))
  writeFileSync(join(directory, "usr/ping"), "p".repeat(65), { mode: 0o700 })
  symlinkSync("ping", join(directory, "usr/ping6"))
  linkSync(join(directory, "etc/conf"), join(directory, "usr/conf"))
  spawnSync("mkfifo", [join(directory, "dev/initctl")])
  spawnSync("mknod", [join(directory, "dev/null"), "c", "1", "3"])
  spawnSync("mknod", [join(directory, "dev/gone"), "c", "0", "0"])
  for (const [path, name, hex] of attributes) {
    const set = spawnSync("setfattr", ["-n", name, "-v", `0x${hex}`, join(directory, path)])
    if (set.status !== 0) continue
    const known = xattrs.get(path) ?? new Map<string, Uint8Array>()
    xattrs.set(path, known.set(name, Buffer.from(hex, "hex")))
  }
  const names = ["boot/kernel", "boot", "etc/conf", "etc", "run", "usr/ping", "usr", ""]
  for (const [index, name] of names.entries()) utimesSync(join(directory, name), 0, 1_700_000_000.25 + index)
})

afterAll(() => rmSync(directory, { recursive: true }))

const scan = (options?: { readonly hardLinks?: "preserve" | "separate"; readonly inlineLimit?: number }) =>
  Tree.fromDirectory(directory, {
    ...options,
    // The other name of a file has the attributes of the one.
    xattrs: ({ path }) => Effect.succeed(xattrs.get(path === "/usr/conf" ? "/etc/conf" : path) ?? new Map())
  })

const run = (program: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(program, [...args, directory], { encoding: "utf8" }).trim()

const explain = Effect.fnUntraced(function*(expected: string, options?: Parameters<typeof scan>[0]) {
  const { contents, tree } = yield* scan(options)
  const explanation = yield* Explain.digest(expected, tree, { contents, maxAttempts: 3000 })
  return explanation._tag === "Found" ? explanation : assert.fail(Explain.format(explanation))
})

const flagSets: ReadonlyArray<ReadonlyArray<string>> = [
  [],
  ["--use-epoch"],
  ["--skip-xattrs"],
  ["--user-xattrs"],
  ["--skip-devices"],
  ["--min-version=1"],
  ["--max-version=0"],
  ["--use-epoch", "--skip-xattrs"],
  ["--skip-devices", "--user-xattrs"],
  ["--skip-devices", "--min-version=1"],
  ["--use-epoch", "--skip-xattrs", "--skip-devices"]
]

/** Here the writer of composefs-rs differs: it stays at version 0 unless told otherwise. */
const isRust = spawnSync("sh", ["-c", "mkcomposefs --help | grep -q -e --hardlinks"]).status === 0
// oxlint-disable-next-line no-console
if (!isRust) console.log("skipped: mkcomposefs is not that of composefs-rs")

describe.skipIf(!hasProgram("mkcomposefs"))("Explain, given digests by mkcomposefs", () => {
  it.effect.each(flagSets.map((flags) => [flags.join(" "), flags] as const))(
    "finds the flags %s",
    ([, flags]) =>
      Effect.gen(function*() {
        const expected = run("mkcomposefs", "--print-digest-only", ...flags)
        const { deviations } = yield* explain(expected, { hardLinks: "separate" })
        const causes = deviations.filter(({ value }) => !isRust || value !== "0")
        assert.isAtMost(causes.length, flags.length)
        // And the hard links that it loses, too.
        const linked = yield* explain(expected)
        assert.include(linked.deviations.map(({ value }) => value), "separate")
      })
  )

  it.effect("finds that contents went into the image or not", () =>
    Effect.gen(function*() {
      const { deviations } = yield* explain(run("mkcomposefs", "--print-digest-only"), {
        hardLinks: "separate",
        inlineLimit: 0
      })
      assert.include(deviations.map(({ meaning }) => meaning), "contents of up to 64 bytes in the image")
    }))

  it.effect.skipIf(!isRust)(
    "finds that composefs-rs gives an inode to the first of its names",
    () =>
      Effect.gen(function*() {
        const { tree } = yield* scan()
        const moved = Result.getOrThrow(Tree.fromEntries(
          Array.from(Tree.walk(tree), ({ node, path }) => ({ path, node: bare(swapped(tree, path) ?? node) }))
        ))
        const explanation = yield* Explain.digest(run("mkcomposefs", "--print-digest-only", "--hardlinks"), moved)
        assert.match(
          Explain.format(explanation),
          /is the digest of this tree with\n(?:.*\n)*  inodes at the first of their names/
        )
      })
  )
})

/** The linked file stands at its other name. */
const swapped = (tree: Tree.Tree, path: string): Node.Node | undefined =>
  path === "/etc/conf"
    ? Node.hardLink("/usr/conf")
    : path === "/usr/conf"
    ? Option.getOrUndefined(Tree.find(tree, "/etc/conf"))
    : undefined

const bare = (node: Node.Node): Node.Node => node._tag === "Directory" ? { ...node, entries: new Map() } : node

describe.skipIf(!hasProgram("cfsctl"))("Explain, given digests by cfsctl", () => {
  const cfsctl = (hash: string, version: string, ...args: ReadonlyArray<string>) =>
    run("cfsctl", "--no-repo", "--hash", hash, "--erofs-version", version, "compute-id", ...args)

  it.effect.each([
    ["0", "--no-propagate-usr-to-root"],
    ["1", "--no-propagate-usr-to-root"],
    ["1"],
    ["1", "--xattrs=keep-user-xattrs"],
    ["1", "--bootable"],
    ["1", "--bootable", "--xattrs=keep-user-xattrs"],
    ["1", "--bootable", "--no-propagate-usr-to-root"],
    ["0", "--bootable"],
    ["2", "--no-propagate-usr-to-root"],
    ["2", "--bootable", "--xattrs=keep-user-xattrs"]
  ].map((args) => [args.join(" "), args] as const))(
    "finds what it does in version %s",
    ([, [version = "", ...args]]) =>
      Effect.gen(function*() {
        const { combination } = yield* explain(cfsctl("sha256", version, ...args))
        const propagates = !args.includes("--no-propagate-usr-to-root")
        assert.strictEqual(combination.root, propagates ? "of /usr" : "as is")
      })
  )

  it.effect("finds that contents are known by SHA-512", () =>
    Effect.gen(function*() {
      const { deviations } = yield* explain(cfsctl("sha512", "1", "--no-propagate-usr-to-root"))
      assert.include(deviations.map(({ value }) => value), "sha512")
      yield* explain(cfsctl("sha512", "1", "--bootable"))
      yield* explain(cfsctl("sha512", "2", "--bootable"))
    }))
})
