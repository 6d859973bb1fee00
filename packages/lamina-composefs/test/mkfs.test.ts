import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, readdirSync, readFileSync, symlinkSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, scratchDirectory } from "./support.ts"

const directory = scratchDirectory()
const at = (name: string): string => join(directory, name)

const emptyDump = "/ 0 40755 2 0 0 0 0.0 - - -\n"
// Pinned by composefs-rs for this dump, format versions 0 and 1.
const emptyDigests = {
  0: "8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682",
  1: "14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63"
}

describe("mkfs", () => {
  it("prints the digest of a dump's image, by format version", async () => {
    writeFileSync(at("empty.dump"), emptyDump)
    const arguments0 = ["mkfs", "--from-file", "--print-digest-only", at("empty.dump")]
    assert.deepInclude(await run(arguments0), { code: 0, output: `${emptyDigests[0]}\n`, told: "" })
    assert.strictEqual((await run([...arguments0, "--min-version=1"])).output, `${emptyDigests[1]}\n`)
    assert.strictEqual(
      (await run([...arguments0, "--min-version=1", "--max-version=0"])).output,
      `${emptyDigests[1]}\n`
    )
  })

  it("writes exactly the format version that is asked for, the legacy layout of composefs-rs too", async () => {
    const legacy = "086b702a519b57d6ef5aea6f8b3f2be24355cd1fb835cd80fb4e3d388b24d5a5"
    for (const [version, digest] of [["0", emptyDigests[0]], ["1", emptyDigests[1]], ["2", legacy]]) {
      const { output } = await run(["mkfs", "--print-digest-only", `--format-version=${version}`, at("empty.dump")])
      assert.strictEqual(output, `${digest}\n`)
    }
    assert.strictEqual(
      (await run(["mkfs", "--format-version=1", "--min-version=1", at("empty.dump"), at("x")])).code,
      2
    )
  })

  it("writes an image whose fs-verity digest that is, and leaves nothing else behind", async () => {
    mkdirSync(at("out"))
    const { code, output } = await run(["mkfs", "--print-digest", `dump:${at("empty.dump")}`, at("out/image")])
    assert.strictEqual(code, 0)
    assert.strictEqual(output, `${emptyDigests[0]}\n`)
    assert.strictEqual((await run(["digest", "--compact", at("out/image")])).output, output)
    assert.deepStrictEqual(readdirSync(at("out")), ["image"])
  })

  it("reads from the standard input and writes to the standard output", async () => {
    const { bytes } = await run(["mkfs", "--from-file", "-", "-"], { input: emptyDump })
    assert.deepStrictEqual(bytes, readFileSync(at("out/image")))
    assert.strictEqual((await run(["dump", "-"], { input: bytes })).output, emptyDump)
  })

  it("tells digest, size and format version as JSON", async () => {
    const { output } = await run(["mkfs", "--print-digest-only", "--json", at("out/image")])
    assert.deepStrictEqual(JSON.parse(output), { digest: emptyDigests[0], size: 16384, version: 0 })
  })

  it("makes of a directory, without its times, what the same directory gives elsewhere", async () => {
    const make = (name: string, time: number): void => {
      mkdirSync(join(at(name), "etc"), { recursive: true, mode: 0o755 })
      writeFileSync(join(at(name), "etc/hostname"), "lamina\n")
      writeFileSync(join(at(name), "large"), "x".repeat(5000))
      symlinkSync("etc/hostname", join(at(name), "link"))
      utimesSync(join(at(name), "etc"), time, time)
    }
    make("one", 1_000_000_000)
    make("two", 1_500_000_000)
    const digestOf = async (name: string, ...options: ReadonlyArray<string>): Promise<string> =>
      (await run(["mkfs", "--skip-xattrs", "--print-digest-only", ...options, at(name)])).output
    assert.strictEqual(await digestOf("one", "--use-epoch"), await digestOf("two", "--use-epoch"))
    assert.notStrictEqual(await digestOf("one"), await digestOf("two"))
  })

  it("stores the large files of a directory, readable under their digest", async () => {
    const store = at("store")
    assert.strictEqual(
      (await run(["mkfs", "--skip-xattrs", `--digest-store=${store}`, at("one"), at("one.img")])).code,
      0
    )
    const digest = (await run(["digest", "--compact", at("one/large")])).output.trim()
    assert.strictEqual(readFileSync(join(store, digest.slice(0, 2), digest.slice(2)), "utf8"), "x".repeat(5000))
    assert.deepStrictEqual(readdirSync(store), [digest.slice(0, 2)])
  })

  it("leaves an image as it is when its source is malformed", async () => {
    writeFileSync(at("old"), "old")
    const { code, told } = await run(["mkfs", "--from-file", "-", at("old")], {
      input: "/ 0 40755 2 0 0 0 0.0 - - -\nx\n"
    })
    assert.strictEqual(code, 3)
    assert.include(told, "dump line 2, column ")
    assert.strictEqual(readFileSync(at("old"), "utf8"), "old")
  })

  it("refuses command lines that contradict themselves", async () => {
    for (
      const args of [
        ["--print-digest-only", at("one"), at("x")],
        [at("one")],
        ["--from-file", "-", "-", "--print-digest"],
        ["--skip-xattrs", "--user-xattrs", at("one"), at("x")],
        ["--from-file", `--digest-store=${at("x")}`, "-", at("x")],
        ["dump:", at("x")],
        ["--max-version=2", at("one"), at("x")]
      ]
    ) assert.strictEqual((await run(["mkfs", ...args])).code, 2, args.join(" "))
    assert.strictEqual((await run(["mkfs", "--from-file", "-", "-"], { isTerminal: true })).code, 2)
    assert.notInclude(readdirSync(directory), "x")
  })
})
