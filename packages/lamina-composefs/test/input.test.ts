import { assert, describe, it } from "@effect/vitest"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { mkdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, scratchDirectory } from "./support.ts"

const directory = scratchDirectory()
const at = (name: string): string => join(directory, name)
const program = join(import.meta.dirname, "../src/bin/lamina-composefs.ts")
const helloDigest = "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"
const dump = "/ 0 40755 2 0 0 0 0.0 - - -\n/motd 1 100644 1 0 0 0 0.0 - x -\n"

writeFileSync(at("hello"), "hello world")
writeFileSync(at("dump"), dump)
writeFileSync(at("empty"), "")
mkdirSync(at("directory"))
execFileSync("mkfifo", [at("pipe")])

/** A script in which `"$@"` is the program. */
const shell = (script: string) =>
  spawnSync("bash", ["-c", script, "bash", process.execPath, program], { cwd: directory, encoding: "utf8" })

describe("a pipe", () => {
  it("is read by every command that reads files, whoever comes first", () => {
    const { status, stderr, stdout } = shell(`
      { sleep 0.3; cat hello >pipe; } & "$@" digest --compact pipe
      cat hello | "$@" digest --compact /dev/fd/0
      "$@" digest --compact <(cat hello)
      "$@" digest --compact --out-merkle-tree=tree --out-descriptor=descriptor <(cat hello)
      "$@" verify <(cat hello) ${helloDigest} >/dev/null && echo confirmed
      "$@" verify --merkle-tree=<(cat tree) --descriptor=<(cat descriptor) - ${helloDigest} <hello
      "$@" dump dump:<(cat dump)
      "$@" ls <(cat dump)
      "$@" mkfs <(cat dump) - | "$@" dump image:/dev/fd/0
    `)
    assert.strictEqual(stderr, "")
    const digests = `${helloDigest}\n`.repeat(4)
    assert.strictEqual(stdout, `${digests}confirmed\n-: confirmed\n${dump}/motd\n${dump}`)
    assert.strictEqual(status, 0)
  })

  it("is written to when somebody reads it, and whole", async () => {
    const { stderr } = shell(`
      { sleep 0.3; cat pipe >image; } & "$@" mkfs dump pipe; wait
      "$@" mkfs dump >(cat >other); sleep 0.2
    `)
    assert.strictEqual(stderr, "")
    const { bytes } = await run(["mkfs", at("dump"), "-"])
    assert.deepStrictEqual([readFileSync(at("image")), readFileSync(at("other"))], [bytes, bytes])
  })

  it("is closed when it is written, so that one reader can have several in turn", () => {
    const { status, stdout } = shell(`
      mkfifo tree-pipe descriptor-pipe
      { cat tree-pipe; cat descriptor-pipe; } | wc -c &
      timeout 60 "$@" digest --compact --out-merkle-tree=tree-pipe --out-descriptor=descriptor-pipe hello
      echo $?
      exec 3<>tree-pipe 4<>descriptor-pipe; exec 3<&- 4<&-; wait
    `)
    assert.deepStrictEqual(stdout.trim().split(/\s+/).toSorted(), ["0", helloDigest, "256"])
    assert.strictEqual(status, 0)
  })

  it.each([["digest", "pipe"], ["dump", "pipe"], ["mkfs", "dump", "pipe"], ["verify", "pipe", helloDigest], [
    "digest",
    "--out-descriptor=x",
    "pipe"
  ]])("does not keep %s %s from an interrupt", async (...args) => {
    const child = spawn(process.execPath, [program, ...args], { cwd: directory, stdio: "ignore" })
    const code = new Promise((resolve) => child.once("close", resolve))
    // Whenever it comes: before the program listens to signals, it ends by the signal itself.
    const sent = setInterval(() => child.kill("SIGINT"), 1000)
    assert.include([130, null], await code)
    clearInterval(sent)
  })

  it("has no parts that could be verified alone", async () => {
    const [tree, descriptor] = [at("hello.tree"), at("hello.descriptor")]
    writeFileSync(at("blocks"), "b".repeat(10_000))
    const { output } = await run([
      "digest",
      "--compact",
      `--out-merkle-tree=${tree}`,
      `--out-descriptor=${descriptor}`,
      at("blocks")
    ])
    const digest = output.trim()
    const verify = ["verify", `--merkle-tree=${tree}`, `--descriptor=${descriptor}`]
    const { code, told } = await run([...verify, "--length=1", "-", digest], { input: "b".repeat(10_000) })
    assert.deepStrictEqual([code, told.split("\n")[0]], [
      2,
      "lamina-composefs: --offset and --length need a file in which any place can be read"
    ])
    for (const [option, most] of [["--offset=10001", 10_000], ["--length=10001", 10_000]] as const) {
      const { code, told } = await run([...verify, option, at("blocks"), digest])
      assert.strictEqual(code, 2)
      assert.include(told, `${option.slice(0, 8)}: expected at most ${most}, got 10001`)
    }
  })
})

describe("a file", () => {
  it("that is empty, or too large for an image and a dump, or a directory, is told as that", async () => {
    truncateSync(at("empty"), 0)
    writeFileSync(at("huge"), "")
    truncateSync(at("huge"), 2 ** 40)
    for (
      const [source, problem] of [
        [at("empty"), `${at("empty")}: it is empty: neither an image nor a dump`],
        [at("huge"), `${at("huge")}: it has ${2 ** 40} bytes; images and dumps have at most ${2 ** 32 - 1}`],
        [`dump:${at("huge")}`, `${at("huge")}: it has ${2 ** 40} bytes; images and dumps have at most ${2 ** 32 - 1}`],
        [`image:${at("directory")}`, `${at("directory")}: it is a directory`]
      ] as const
    ) {
      assert.deepInclude(await run(["ls", source]), { code: 3, told: `lamina-composefs: ${problem}\n` })
    }
    assert.deepInclude(await run(["mkfs", at("dump"), at("directory")]), {
      code: 3,
      told: `lamina-composefs: ${at("directory")}: it is a directory\n`
    })
    assert.deepInclude(
      await run(["mkfs", "--skip-xattrs", `--digest-store=${at("hello")}`, at("directory"), at("x")]),
      {
        code: 3,
        told: `lamina-composefs: ${at("hello")}: it is not a directory\n`
      }
    )
  })

  it.skipIf(process.platform !== "linux")("may have a name of any bytes", () => {
    const { status, stderr, stdout } = shell(`
      name=$(printf 'a\\377\\351')
      cp hello "$name"
      "$@" digest "$name"
      "$@" mkfs dump "$name.image"
      "$@" ls "$name.image"
      "$@" digest "absent $name"
    `)
    assert.strictEqual(stdout, `sha256:${helloDigest} a\\xff\\xe9\n/motd\n`)
    assert.strictEqual(stderr, "lamina-composefs: absent a\\xff\\xe9: no such file or directory\n")
    assert.strictEqual(status, 3)
  })
})
