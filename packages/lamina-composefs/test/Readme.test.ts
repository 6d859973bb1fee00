import { assert, describe, it } from "@effect/vitest"
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { scratchDirectory } from "./support.ts"

const folder = join(import.meta.dirname, "..")
const program = join(folder, "src/bin/lamina-composefs.ts")

/** Commands and what they print, as `$ command` lines followed by output. */
const steps = Array.from(
  readFileSync(join(folder, "README.md"), "utf8").matchAll(/^```console\n([\s\S]*?)^```$/gm),
  ([, transcript = ""]) => transcript
).flatMap((transcript) => transcript.split(/^\$ /m).slice(1)).map((step) => {
  const end = step.indexOf("\n")
  return { command: step.slice(0, end), expected: step.slice(end + 1) }
})

describe("the transcript of the README", () => {
  it("is what the commands print", () => {
    const cwd = scratchDirectory()
    assert.isAbove(steps.length, 3)
    for (const { command, expected } of steps) {
      const local = command.replaceAll("npx lamina-composefs", `"${process.execPath}" "${program}"`)
      assert.strictEqual(execFileSync("bash", ["-euc", local], { cwd, encoding: "utf8" }), expected, command)
    }
  })
})
