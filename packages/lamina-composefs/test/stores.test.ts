import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, readdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, scratchDirectory } from "./support.ts"

const directory = scratchDirectory()
const at = (name: string): string => join(directory, name)
const zeros = "0".repeat(64)

writeFileSync(
  at("dump"),
  `/ 0 40755 2 0 0 0 0.0 - - -\n/file 100 100644 1 0 0 0 0.0 ${zeros.slice(0, 2)}/payload - -\n`
)
mkdirSync(at("empty"))
mkdirSync(at("documents/objects/ab"), { recursive: true })

describe("the commands about stores", () => {
  it.each([
    ["fsck", (store: string) => ["fsck", store]],
    ["gc", (store: string) => ["gc", `--root=${at("dump")}`, store]],
    ["missing", (store: string) => ["missing", store, at("dump")]],
    ["explain", (store: string) => ["explain", `--digest-store=${store}`, zeros, at("dump")]]
  ])("%s refuses a directory that is no store, and points at one in it", async (_, args) => {
    const { code, output, told } = await run(args(at("documents")))
    assert.deepStrictEqual([code, output], [3, ""])
    const problem = "it is not an object store: none of the directories 00 to ff is in it"
    assert.strictEqual(
      told,
      `lamina-composefs: ${at("documents")}: ${problem}; did you mean ${at("documents/objects")}?\n`
    )
    assert.notStrictEqual((await run(args(at("empty")))).code, 3)
    assert.deepInclude(await run(args(at("dump"))), {
      code: 3,
      told: `lamina-composefs: ${at("dump")}: it is not a directory\n`
    })
  })

  it("looks for objects where the image says that they are, and nowhere above the store", async () => {
    const missing = ["missing", at("documents/objects"), at("dump")]
    assert.deepInclude(await run(missing), { code: 1, output: `00/payload\n` })
    mkdirSync(at("documents/objects/00"))
    writeFileSync(at("documents/objects/00/payload"), "")
    assert.deepInclude(await run(missing), { code: 0, output: "" })
    const input = "/ 0 40755 2 0 0 0 0.0 - - -\n/file 1 100644 1 0 0 0 0.0 ../../dump - -\n"
    assert.deepInclude(await run(["missing", at("documents/objects"), "-"], { input }), {
      code: 1,
      output: "../../dump\n"
    })
  })

  it("leaves a store that it only reads as it is", async () => {
    const before = readdirSync(at("empty"))
    await run(["fsck", at("empty")])
    assert.deepStrictEqual(readdirSync(at("empty")), before)
  })
})
