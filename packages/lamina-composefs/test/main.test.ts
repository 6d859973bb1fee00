import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { version } from "../src/internal/version.ts"
import { run } from "./support.ts"

const commands = ["digest", "mkfs", "dump", "ls", "objects", "missing", "diff", "explain", "fsck", "gc", "verify"]

const manifestPath = fileURLToPath(new URL("../package.json", import.meta.url))

describe("the command line", () => {
  it("tells its commands, options and exit codes", async () => {
    for (const args of [["--help"], ["-h"], ["help"]]) {
      const { code, output } = await run(args)
      assert.strictEqual(code, 0)
      for (const name of commands) assert.include(output, `\n  ${name} `)
      assert.include(output, "Exit codes: 0 done, 1 ")
    }
    for (const name of commands) {
      for (const args of [[name, "--wrong", "--help"], ["help", name]]) {
        const { code, output } = await run(args)
        assert.strictEqual(code, 0)
        assert.include(output, `Usage: lamina-composefs ${name} `)
        assert.include(output, "--help ")
      }
    }
  })

  it("tells the version of its package", async () => {
    assert.strictEqual((await run(["--version"])).output, `lamina-composefs ${version}\n`)
    const manifest: unknown = JSON.parse(readFileSync(manifestPath, "utf8"))
    assert.deepInclude(manifest, { version })
  })

  it("refuses what it does not understand with code 2 and a proposal", async () => {
    for (
      const [args, problem] of [
        [[], "expected a command"],
        [["help", "digset"], `unknown command "digset"; did you mean digest?`],
        [["digset"], `unknown command "digset"; did you mean digest?`],
        [["constructor"], `unknown command "constructor"`],
        [["constructor", "--wrong"], `unknown command "constructor"`],
        [["digest"], "expected lamina-composefs digest [OPTIONS] FILE..."],
        [["digest", "--compcat", "x"], `unknown option "--compcat"; did you mean --compact?`],
        [["digest", `--salt=${"ab".repeat(33)}`, "x"], "--salt: expected at most 32 bytes, got 33"],
        [["verify", "0".repeat(64), "x"], "the order is FILE DIGEST"],
        [["explain", "x", "0".repeat(64)], "the order is DIGEST SOURCE"]
      ] as const
    ) {
      const { code, output, told } = await run(args)
      assert.strictEqual(code, 2)
      assert.strictEqual(output, "")
      const command = args.slice(0, 1).filter((name) => commands.includes(name)).map((name) => `${name} `).join("")
      assert.strictEqual(told, `lamina-composefs: ${problem}\nlamina-composefs ${command}--help tells what there is.\n`)
    }
  })

  it("ends with code 3 and one line when a file is not there", async () => {
    for (
      const args of [
        ["digest", "/no/such"],
        ["dump", "/no/such"],
        ["dump", "dir:/no/such"],
        ["mkfs", "--print-digest-only", "/no/such"]
      ]
    ) {
      const { code, told } = await run(args)
      assert.strictEqual(code, 3)
      assert.strictEqual(told, "lamina-composefs: /no/such: no such file or directory\n")
    }
  })

  it("tells the name of what is malformed", async () => {
    const input = "not a dump"
    for (
      const [source, name] of [["-", "standard input"], ["dump:-", "standard input"], [
        manifestPath,
        manifestPath
      ]] as const
    ) {
      for (const args of [["ls", source], ["mkfs", "--print-digest-only", source]]) {
        const { code, told } = await run(args, { input })
        assert.strictEqual(code, 3)
        const problem = source.startsWith("dump:")
          ? "dump line 1, column 1: "
          : "neither an image nor a dump (dump line 1"
        assert.isTrue(told.startsWith(`lamina-composefs: ${name}: ${problem}`), told)
      }
    }
    assert.deepInclude(await run(["ls", `dir:${manifestPath}`]), {
      code: 3,
      told: `lamina-composefs: ${manifestPath}: it is not a directory\n`
    })
  })

  it("reads the standard input once", async () => {
    const { code, told } = await run(["digest", "-", "-"], { input: "x" })
    assert.strictEqual(code, 3)
    assert.strictEqual(told, "lamina-composefs: standard input: it can be read only once\n")
  })

  it("says nothing when nobody reads its output", async () => {
    const { code, told } = await run(["--help"], { closed: true })
    assert.strictEqual(code, 141)
    assert.strictEqual(told, "")
  })

  it("tells names so that they cannot steer a terminal", async () => {
    const { told } = await run(["dump", "/no/such\u001b[2J\u009b\u202e\nlamina-composefs: all is well"])
    assert.strictEqual(
      told,
      "lamina-composefs: /no/such\\x1b[2J\\xc2\\x9b\\xe2\\x80\\xae\\nlamina-composefs: all is well: no such file or directory\n"
    )
  })
})
