import { assert, describe, it } from "@effect/vitest"
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { run, scratchDirectory } from "./support.ts"

const directory = scratchDirectory()
const at = (name: string): string => join(directory, name)

const digest = "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"
const object = `${digest.slice(0, 2)}/${digest.slice(2)}`
const dump = `/ 0 40755 3 0 0 0 0.0 - - -
/a\\x20\\x1b[31m 11 100644 2 0 0 0 0.0 ${object} - ${digest}
/b 11 @100644 2 0 0 0 0.0 /a\\x20\\x1b[31m - -
/dir 0 40755 2 0 0 0 0.0 - - -
/dir/link 3 120777 1 0 0 0 0.0 x\\x20\\xff - -
/inline 1 100644 1 0 0 0 0.0 - x -
/sparse 9 100644 1 0 0 0 0.0 - - -
/zero 0 20644 1 0 0 261 0.0 - - - user.k\\x3d=v
`
writeFileSync(at("tree.dump"), dump)

describe("dump", () => {
  it("prints what was read, from a dump or its image", async () => {
    assert.strictEqual((await run(["dump", at("tree.dump")])).output, dump)
    assert.strictEqual((await run(["mkfs", at("tree.dump"), at("tree.img")])).code, 0)
    assert.strictEqual((await run(["dump", at("tree.img")])).output, dump)
    assert.strictEqual((await run(["dump", `image:${at("tree.img")}`, at("tree.img")])).output, dump + dump)
  })

  it("takes a file for what its prefix says", async () => {
    const { code, told } = await run(["dump", `image:${at("tree.dump")}`])
    assert.strictEqual(code, 3)
    assert.include(told, "not a composefs image")
  })
})

describe("ls", () => {
  it("prints paths, objects and targets, escaped", async () => {
    assert.strictEqual(
      (await run(["ls", at("tree.img")])).output,
      `/a \\x1b[31m\t@ ${object}\n/b\n/dir/\t\n/dir/link\t-> x\\x20\\xff\n/inline\n/sparse\n/zero\n`
    )
  })
})

describe("objects and missing", () => {
  it("tell what an image needs, and what of that a store lacks", async () => {
    assert.strictEqual((await run(["objects", at("tree.img"), at("tree.dump")])).output, `${object}\n`)
    mkdirSync(at("store"))
    assert.deepInclude(await run(["missing", at("store"), at("tree.img")]), { code: 1, output: `${object}\n` })
    mkdirSync(join(at("store"), object.slice(0, 2)))
    writeFileSync(join(at("store"), object), "hello world")
    assert.deepInclude(await run(["missing", at("store"), at("tree.img")]), { code: 0, output: "" })
  })

  it("make no store where there is none", async () => {
    assert.strictEqual((await run(["missing", at("nowhere"), at("tree.img")])).code, 3)
    assert.strictEqual((await run(["fsck", at("nowhere")])).code, 3)
    assert.notInclude(readdirSync(directory), "nowhere")
  })
})

describe("fsck", () => {
  it("finds a corrupt object, and tells what is none", async () => {
    assert.deepInclude(await run(["fsck", at("store")]), {
      code: 0,
      output: "1 objects, 11 bytes, 0 corrupt, 0 unreadable, 0 missing\n"
    })
    writeFileSync(join(at("store"), object), "hello worle")
    writeFileSync(join(at("store"), "no\tte"), "")
    const { code, output } = await run(["fsck", at("store")])
    assert.strictEqual(code, 1)
    assert.include(output, `corrupt: ${digest}, its content has `)
    assert.include(output, "no object: no\\tte\n")
    const report: unknown = JSON.parse((await run(["fsck", "--json", at("store")])).output)
    assert.deepInclude(report, { objects: 1, size: 11, foreign: ["no\tte"] })
  })
})

describe("fsck and gc, with images", () => {
  const store = at("store of images")
  const other = "/ 0 40755 2 0 0 0 0.0 - - -\n"

  it("tell which files are affected by a missing or corrupt object", async () => {
    mkdirSync(store)
    const missing = await run(["fsck", store, at("tree.img")])
    assert.strictEqual(missing.code, 1)
    assert.include(missing.output, `affected: ${at("tree.img")}: /a \\x1b[31m (missing ${digest})\n`)
    mkdirSync(join(store, object.slice(0, 2)))
    writeFileSync(join(store, object), "hello worle")
    const corrupt = await run(["fsck", store, at("tree.img")])
    assert.strictEqual(corrupt.code, 1)
    assert.include(corrupt.output, `affected: ${at("tree.img")}: /a \\x1b[31m (corrupt ${digest})\n`)
    writeFileSync(join(store, object), "hello world")
    assert.strictEqual((await run(["fsck", store, at("tree.img")])).code, 0)
  })

  it("remove only what no root needs, nothing in a dry run, and nothing young", async () => {
    const kept = await run(["gc", "--grace=0", `--root=${at("tree.img")}`, store])
    assert.deepInclude(kept, {
      code: 0,
      output: "removed 0 (0 bytes), kept 1 (11 bytes), too young to go 0 (0 bytes)\n"
    })
    const root = ["--root=-"]
    assert.include((await run(["gc", ...root, store], { input: other })).output, "too young to go 1 (11 bytes)")
    const old = new Date("2020-01-01")
    utimesSync(join(store, object), old, old)
    assert.include(
      (await run(["gc", "--dry-run", ...root, store], { input: other })).output,
      `would remove: ${object}\n`
    )
    assert.strictEqual((await run(["missing", store, at("tree.img")])).code, 0)
    assert.strictEqual((await run(["gc", ...root, store], { input: other })).code, 0)
    assert.strictEqual((await run(["missing", store, at("tree.img")])).code, 1)
  })

  it("remove nothing without a root, or when one cannot be read", async () => {
    mkdirSync(join(store, object.slice(0, 2)), { recursive: true })
    writeFileSync(join(store, object), "hello world")
    assert.strictEqual((await run(["gc", "--grace=0", store])).code, 2)
    const roots = [`--root=${at("nowhere")}`, "--root=-"]
    assert.strictEqual((await run(["gc", "--grace=0", ...roots, store], { input: other })).code, 3)
    assert.strictEqual((await run(["missing", store, at("tree.img")])).code, 0)
  })
})

describe("verify", () => {
  it("confirms the digest of a file, or ends with 1 and tells both", async () => {
    writeFileSync(at("hello"), "hello world")
    for (const text of [digest, `sha256:${digest}`]) {
      assert.deepInclude(await run(["verify", at("hello"), text]), { code: 0, output: `${at("hello")}: confirmed\n` })
    }
    const other = digest.replace("1", "2")
    assert.deepInclude(await run(["verify", at("hello"), other]), {
      code: 1,
      output: "",
      told: `${at("hello")}: fs-verity digest: expected sha256:${other}, got sha256:${digest}\n`
    })
    assert.strictEqual((await run(["verify", at("hello"), "1234"])).code, 2)
    assert.strictEqual((await run(["verify", at("hello"), `sha512:${digest}`])).code, 2)
    assert.strictEqual((await run(["verify", at("nowhere"), digest])).code, 3)
  })
})

describe("digest --out-merkle-tree and verify --merkle-tree", () => {
  const files = [`--merkle-tree=${at("tree")}`, `--descriptor=${at("descriptor")}`]
  const content = Buffer.alloc(50_000, "abcdefg")

  it("confirm a file and parts of it, with or without a salt", async () => {
    writeFileSync(at("content"), content)
    for (const salt of ["", "00ff"]) {
      const outputs = [`--out-merkle-tree=${at("tree")}`, `--out-descriptor=${at("descriptor")}`, `--salt=${salt}`]
      const text = (await run(["digest", "--compact", ...outputs, at("content")])).output.trim()
      assert.strictEqual(text, (await run(["digest", "--compact", `--salt=${salt}`, at("content")])).output.trim())
      for (
        const options of [
          [`--salt=${salt}`],
          files,
          [...files, "--offset=4096", "--length=4096"],
          [...files, "--offset=49999"],
          [...files, "--offset=50000"]
        ]
      ) {
        assert.strictEqual((await run(["verify", ...options, at("content"), text])).code, 0, options.join(" "))
      }
    }
  })

  it("tell the first wrong block, and do not look beyond the part", async () => {
    const text = (await run(["digest", "--compact", "--salt=00ff", at("content")])).output.trim()
    const wrong = Buffer.from(content)
    wrong[20_000] = 0
    writeFileSync(at("wrong"), wrong)
    const { code, told } = await run(["verify", ...files, at("wrong"), text])
    assert.strictEqual(code, 1)
    assert.include(told, `${at("wrong")}: block 4 (byte 16384 on): expected the hash `)
    assert.strictEqual((await run(["verify", ...files, "--length=16384", at("wrong"), text])).code, 0)
    writeFileSync(at("wrong"), Buffer.concat([content, Buffer.of(0)]))
    assert.strictEqual((await run(["verify", ...files, at("wrong"), text])).code, 1)
    writeFileSync(at("wrong"), content.subarray(1))
    assert.strictEqual((await run(["verify", ...files, at("wrong"), text])).code, 1)
  })

  it("refuse a tree of something else, and half of what is needed", async () => {
    assert.strictEqual((await run(["verify", ...files, at("content"), digest])).code, 1)
    assert.strictEqual((await run(["verify", ...files.slice(1), at("content"), digest])).code, 2)
    assert.strictEqual((await run(["verify", "--offset=1", at("content"), digest])).code, 2)
    assert.strictEqual((await run(["digest", `--out-descriptor=${at("x")}`, at("content"), at("content")])).code, 2)
  })
})

describe("diff", () => {
  const other = dump.replace("/inline 1 100644", "/inline 1 100600").replace("user.k\\x3d=v", "user.k\\x3d=w")

  it("says nothing but that there are no differences, and ends with 0", async () => {
    assert.deepInclude(await run(["diff", at("tree.dump"), at("tree.img")]), { code: 0, output: "no differences\n" })
  })

  it("prints each difference and ends with 1", async () => {
    const { code, output } = await run(["diff", at("tree.img"), "-"], { input: other })
    assert.strictEqual(code, 1)
    assert.include(output, "~ /inline: mode 0644 -> 0600\n")
    assert.include(output, "~ /zero: xattr user.k= ")
    const summary = await run(["diff", "--summary", at("tree.img"), "-"], { input: other })
    assert.strictEqual(summary.code, 1)
    assert.notInclude(summary.output, "~ ")
  })

  it("leaves out what does not count", async () => {
    const ignoring = ["--ignore=mode", "--ignore=xattr:user.k="]
    assert.strictEqual((await run(["diff", ...ignoring, at("tree.img"), "-"], { input: other })).code, 0)
    assert.strictEqual((await run(["diff", "--ignore=colour", at("tree.img"), "-"], { input: other })).code, 2)
  })

  it("prints JSON", async () => {
    const { code, output } = await run(["diff", "--json", at("tree.img"), "-"], { input: other })
    assert.strictEqual(code, 1)
    assert.deepStrictEqual(JSON.parse(output), [
      { change: "changed", path: "/inline", kind: "file", field: "mode", left: 0o644, right: 0o600 },
      {
        change: "changed",
        path: "/zero",
        kind: "character device",
        field: "xattr",
        name: "user.k=",
        left: "76",
        right: "77"
      }
    ])
  })

  it("finds images different that hold equal trees", async () => {
    assert.strictEqual((await run(["mkfs", "--format-version=1", at("tree.img"), at("one.img")])).code, 0)
    const { code, output } = await run(["diff", at("tree.img"), at("one.img")])
    assert.strictEqual(code, 1)
    assert.include(output, "format version 0 -> 1\n")
    assert.strictEqual((await run(["diff", "--ignore=mtime", at("tree.img"), at("one.img")])).code, 0)
    assert.deepInclude(await run(["diff", at("one.img"), at("one.img")]), { code: 0, output: "no differences\n" })
  })
})
