import { assert, describe, it } from "@effect/vitest"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, scratchDirectory } from "./support.ts"

const directory = scratchDirectory()
const dump = join(directory, "tree.dump")
writeFileSync(dump, "/ 0 40755 2 0 0 0 5.0 - - - user.k=v\n/motd 1 100644 1 0 0 0 7.0 - x -\n")

const digestOf = async (input: string): Promise<string> =>
  (await run(["mkfs", "--from-file", "--print-digest-only", "-"], { input })).output.trim()

describe("explain", () => {
  it("finds that a digest is that of the tree without its attributes", async () => {
    const expected = await digestOf("/ 0 40755 2 0 0 0 5.0 - - -\n/motd 1 100644 1 0 0 0 7.0 - x -\n")
    const { code, output } = await run(["explain", expected, dump])
    assert.strictEqual(code, 0)
    assert.include(output, "no extended attributes")
    const finding: unknown = JSON.parse((await run(["explain", "--json", `sha256:${expected}`, dump])).output)
    // As in all JSON of this program, digests are bare.
    assert.deepInclude(finding, { found: true, expected })
  })

  it("ends with 1 when nothing gives the digest, and goes no further than it may", async () => {
    const { code, output } = await run(["explain", "--max-attempts=5", "0".repeat(64), dump])
    assert.strictEqual(code, 1)
    assert.include(output, "was not found in 5 images")
  })

  it("refuses what is no digest", async () => {
    assert.strictEqual((await run(["explain", "0123", dump])).code, 2)
  })
})
