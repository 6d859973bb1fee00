import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawnSync } from "node:child_process"
import {
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  utimesSync,
  writeFileSync
} from "node:fs"
import { join, resolve } from "node:path"
import { gunzipSync } from "node:zlib"
import { hasProgram, run, scratchDirectory } from "./support.ts"

// The C tools are the peer: equal output, byte for byte, for equal command lines.
const hasTools = hasProgram("mkcomposefs") && hasProgram("composefs-info")
const directory = scratchDirectory()
const at = (name: string): string => join(directory, name)

const vectors = join(
  process.env["LAMINA_VECTORS"] ?? resolve(import.meta.dirname, "../../../../shared/vectors"),
  "composefs"
)
const names = existsSync(vectors)
  ? readdirSync(vectors).filter((name) => /^(?!should-fail).*\.dump(?:\.gz)?$/.test(name))
  : []
// oxlint-disable-next-line no-console
if (names.length === 0) console.log(`skipped: composefs vectors are not there (${vectors})`)

const peer = (program: string, ...args: ReadonlyArray<string>): Buffer =>
  execFileSync(program, args, { maxBuffer: 1 << 28 })

/**
 * What does not count when a dump is read (reference §2, §3.13): the C tool prints the size that a directory has in the
 * image, attributes in the order of the image and again with every hard link, and in format version 1 the marks that
 * mkcomposefs itself gave to directories with whiteouts.
 */
const normalized = (dump: string): string =>
  dump.split("\n").map((line) => {
    const [path = "", size = "", mode = "", ...rest] = line.split(" ")
    const isDirectory = /^4[0-7]{4}$/.test(mode)
    const xattrs = mode.startsWith("@") ? [] : rest.slice(8).filter((xattr) => !addedMarks.has(xattr)).sort()
    return [path, isDirectory ? "0" : size, mode, ...rest.slice(0, 8), ...xattrs].join(" ")
  }).join("\n")

const addedMarks = new Set(["trusted.overlay.opaque=x", "user.overlay.opaque=x"])

describe.skipIf(!hasTools || names.length === 0)("beside mkcomposefs and composefs-info, on the vectors", () => {
  for (const name of names) {
    it(name, async () => {
      const raw = readFileSync(join(vectors, name))
      const dump = at(name.replace(/\.gz$/, ""))
      writeFileSync(dump, name.endsWith(".gz") ? gunzipSync(raw) : raw)
      peer("mkcomposefs", "--from-file", dump, at("theirs.img"))
      const ours = await run(["mkfs", "--from-file", "--print-digest", dump, at("ours.img")])
      assert.strictEqual(ours.output, peer("mkcomposefs", "--from-file", "--print-digest-only", dump).toString())
      assert.isTrue(readFileSync(at("ours.img")).equals(readFileSync(at("theirs.img"))))
      for (const command of ["ls", "objects"]) {
        const theirs = peer("composefs-info", command, at("theirs.img"))
        assert.strictEqual((await run([command, at("ours.img")])).output, theirs.toString("latin1"))
      }
      assert.strictEqual(
        normalized((await run(["dump", at("ours.img")])).output),
        normalized(peer("composefs-info", "dump", at("theirs.img")).toString())
      )
    })
  }
})

describe.skipIf(!hasTools)("beside mkcomposefs, on a directory", () => {
  const tree = at("tree")
  mkdirSync(join(tree, "sub"), { recursive: true })
  for (const size of [0, 1, 64, 65, 4096, 4097, 600_000]) writeFileSync(join(tree, `file ${size}`), "y".repeat(size))
  linkSync(join(tree, "file 65"), join(tree, "sub/hard"))
  symlinkSync("../file 1", join(tree, "sub/soft"))
  if (process.getuid?.() === 0) spawnSync("mknod", [join(tree, "null"), "c", "1", "3"])
  spawnSync("mkfifo", [join(tree, "fifo")])
  utimesSync(join(tree, "sub"), -5.5, -5.5)
  if (hasTools && hasProgram("setfattr")) {
    spawnSync("setfattr", ["-n", "user.color", "-v", "green", join(tree, "file 65")])
    spawnSync("setfattr", ["-n", "user.empty", join(tree, "sub")])
    spawnSync("setfattr", ["-n", "trusted.overlay.opaque", "-v", "y", join(tree, "sub")])
    spawnSync("setfattr", ["-n", "security.thing", "-v", "0x000102ff", join(tree, "file 0")])
  }
  const { stdout: help } = spawnSync("mkcomposefs", ["--help"], { encoding: "utf8" })
  const knowsHardLinks = hasTools && help.includes("--hardlinks")
  const hasGetfattr = hasProgram("getfattr")

  for (
    const options of [
      ["--skip-xattrs"],
      ["--skip-xattrs", "--use-epoch"],
      ["--skip-xattrs", "--skip-devices"],
      ["--skip-xattrs", "--min-version=1"],
      [],
      ["--user-xattrs"],
      // Of composefs-rs' mkcomposefs only.
      ["--skip-xattrs", "--hardlinks"]
    ]
  ) {
    const needsGetfattr = !options.includes("--skip-xattrs")
    const isUnknown = options.includes("--hardlinks") && !knowsHardLinks
    it.skipIf(isUnknown || (needsGetfattr && !hasGetfattr))(`mkfs ${options.join(" ")}`, async () => {
      const theirs = peer("mkcomposefs", ...options, "--print-digest-only", tree).toString()
      assert.strictEqual((await run(["mkfs", ...options, "--print-digest-only", tree])).output, theirs)
    })
  }

  it("mkfs --digest-store: the same objects", async () => {
    peer("mkcomposefs", `--digest-store=${at("theirs")}`, tree, at("theirs.img"))
    await run(["mkfs", "--skip-xattrs", `--digest-store=${at("ours")}`, tree, at("ours.img")])
    const objectsOf = (store: string): ReadonlyArray<string> =>
      readdirSync(store, { recursive: true, encoding: "utf8" }).sort()
    assert.deepStrictEqual(objectsOf(at("ours")), objectsOf(at("theirs")))
    assert.strictEqual((await run(["fsck", at("theirs")])).code, 0)
  })

  it("missing: the same as missing-objects", async () => {
    mkdirSync(at("none"))
    const theirs = peer("composefs-info", `--basedir=${at("none")}`, "missing-objects", at("theirs.img")).toString()
    assert.strictEqual((await run(["missing", at("none"), at("theirs.img")])).output, theirs)
  })
})
