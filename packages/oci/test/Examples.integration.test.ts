import { assert, describe, it } from "@effect/vitest"
import { spawnSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const root = fileURLToPath(new URL("..", import.meta.url))
const sources = [
  "README.md",
  ...readdirSync(join(root, "src")).filter((name) => name.endsWith(".ts")).map((name) => `src/${name}`)
]

/** The examples of a file, and what each says that it prints last. */
const examplesOf = (path: string) =>
  [...readFileSync(join(root, path), "utf8").matchAll(/```ts\n([\s\S]*?)```/g)].map(([, text = ""]) => {
    const code = text.replaceAll(/^ \* ?/gm, "")
    return { code, expected: /\/\/ => (.*)\n*$/.exec(code.trimEnd())?.[1] ?? "" }
  })

describe("examples", () => {
  for (const path of sources) {
    examplesOf(path).forEach(({ code, expected }, index) => {
      it(`${path} ${index + 1} prints ${expected}`, () => {
        const result = spawnSync(process.execPath, ["--input-type=module-typescript", "--eval", code], { cwd: root })
        assert.strictEqual(result.stderr.toString(), "")
        const plain = (text: string) => text.replaceAll(/['"]/g, "").trim()
        assert.strictEqual(plain(result.stdout.toString().trimEnd().split("\n").at(-1) ?? ""), plain(expected))
      })
    })
  }
})
