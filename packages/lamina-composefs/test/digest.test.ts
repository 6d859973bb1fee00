import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, scratchDirectory } from "./support.ts"

const directory = scratchDirectory()
const hello = join(directory, "hello")
const hostile = join(directory, "a\u001b[31m\nb")
writeFileSync(hello, "hello world")
writeFileSync(hostile, "")

const sha256 = "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"
const sha512 = "18430270729d162d4e469daca123ae61893db4b0583d8f7081e3bf4f92b88ba5" +
  "14e7982f10733fb6aa895195c5ae8fd2eb2c47a8be05513ce5a0c51a6f570409"
const empty = "3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95"

describe("digest", () => {
  it("prints what fsverity digest prints", async () => {
    assert.strictEqual((await run(["digest", hello])).output, `sha256:${sha256} ${hello}\n`)
    assert.strictEqual((await run(["digest", "--compact", hello, hello])).output, `${sha256}\n${sha256}\n`)
    assert.strictEqual((await run(["digest", "--hash-alg=sha512", hello])).output, `sha512:${sha512} ${hello}\n`)
    assert.strictEqual((await run(["digest", "-"], { input: "hello world" })).output, `sha256:${sha256} -\n`)
  })

  it("prints hostile names on one line, as text", async () => {
    assert.strictEqual((await run(["digest", hostile])).output, `sha256:${empty} ${directory}/a\\x1b[31m\\nb\n`)
  })

  it("prints JSON", async () => {
    assert.deepStrictEqual(JSON.parse((await run(["digest", "--json", hello])).output), [
      { path: hello, algorithm: "sha256", digest: sha256 }
    ])
  })

  it("refuses salts that are too long or not hex", async () => {
    assert.strictEqual((await run(["digest", `--salt=${"00".repeat(33)}`, hello])).code, 2)
    assert.strictEqual((await run(["digest", "--salt=0g", hello])).code, 2)
    assert.strictEqual((await run(["digest", `--salt=${"00".repeat(32)}`, hello])).code, 0)
  })

  it("of a directory or a dump is the one of its image", async () => {
    const tree = join(directory, "tree")
    mkdirSync(tree)
    const options = ["--skip-xattrs", "--use-epoch"]
    const image = (await run(["mkfs", "--print-digest-only", ...options, tree])).output
    assert.strictEqual((await run(["digest", "--compact", ...options, tree])).output, image)
    const dump = join(directory, "tree.dump")
    writeFileSync(dump, (await run(["dump", ...options, tree])).output)
    assert.strictEqual((await run(["digest", "--compact", `dump:${dump}`])).output, image)
    assert.notStrictEqual((await run(["digest", "--compact", dump])).output, image)
  })
})
