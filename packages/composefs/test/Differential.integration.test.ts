import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { fileURLToPath } from "node:url"
import { hasProgram } from "./tools.ts"

const script = fileURLToPath(new URL("../fuzz/Differential.ts", import.meta.url))

describe.skipIf(!hasProgram("mkcomposefs"))("Dump and Image, beside mkcomposefs", () => {
  it("take and refuse the same dumps, and make the same images of them", () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [script, "--runs", "300"], { encoding: "utf8" })
    assert.strictEqual(status, 0, stdout + stderr)
  })
})
