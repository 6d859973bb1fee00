import { assert, describe, it } from "@effect/vitest"
import { readFileSync } from "node:fs"
import { version } from "../src/internal/version.ts"
import { run } from "./support.ts"

const commands = ["digest", "mkfs", "dump", "ls", "objects", "missing", "diff", "explain", "fsck", "gc", "verify"]

describe("the command line", () => {
  it("tells its commands, options and exit codes", async () => {
    for (const args of [["--help"], ["-h"], ["help"]]) {
      const { code, output } = await run(args)
      assert.strictEqual(code, 0)
      for (const name of commands) assert.include(output, `\n  ${name} `)
      assert.include(output, "Exit codes: 0 done, 1 ")
    }
    for (const name of commands) {
      const { code, output } = await run([name, "--wrong", "--help"])
      assert.strictEqual(code, 0)
      assert.include(output, `Usage: lamina-composefs ${name} `)
      assert.include(output, "--help ")
    }
  })

  it("tells the version of its package", async () => {
    assert.strictEqual((await run(["--version"])).output, `lamina-composefs ${version}\n`)
    const manifest: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"))
    assert.deepInclude(manifest, { version })
  })

  it("refuses what it does not understand with code 2 and a proposal", async () => {
    for (
      const [args, problem] of [
        [[], "expected a command"],
        [["digset"], `unknown command "digset"; did you mean digest?`],
        [["constructor"], `unknown command "constructor"`],
        [["digest"], "expected lamina-composefs digest [OPTIONS] FILE..."],
        [["digest", "--compcat", "x"], `unknown option "--compcat"; did you mean --compact?`]
      ] as const
    ) {
      const { code, output, told } = await run(args)
      assert.strictEqual(code, 2)
      assert.strictEqual(output, "")
      assert.strictEqual(told, `lamina-composefs: ${problem}\nlamina-composefs --help tells what there is.\n`)
    }
  })

  it("ends with code 3 and one line when a file is not there", async () => {
    for (const args of [["digest", "/no/such"], ["dump", "/no/such"], ["mkfs", "--print-digest-only", "/no/such"]]) {
      const { code, told } = await run(args)
      assert.strictEqual(code, 3)
      assert.strictEqual(told, "lamina-composefs: /no/such: no such file or directory\n")
    }
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
