import { assert, describe, it } from "@effect/vitest"
import { Dump } from "@lamina/composefs"
import { LayoutRegistry, MemoryRegistry, RegistryServer } from "@lamina/oci"
import * as Effect from "effect/Effect"
import { mkdirSync } from "node:fs"
import { join } from "node:path"
import { push, treeOf } from "./images.ts"
import { run, scratchDirectory } from "./support.ts"

const directory = scratchDirectory()
const platform = (architecture: string): string => `--platform=linux/${architecture}`

describe("a source oci:", () => {
  // A name that is no repository name, with a colon before its last slash.
  const layout = join(directory, "A:b/Layout é")
  const pushed = Effect.gen(function*() {
    const registry = yield* LayoutRegistry.make({ root: layout, repository: "any", durable: false })
    yield* push(registry, "any", "v1")
    return (yield* push(registry, "any", "v2")).digest
  })

  it("is the tree of the image in a layout, by tag, by digest and by platform", async () => {
    const digest = await Effect.runPromise(pushed)
    for (const architecture of ["amd64", "arm64"]) {
      for (const name of [":v1", ":v2", `@${digest}`]) {
        const { code, output } = await run(["dump", platform(architecture), `oci:${layout}${name}`])
        assert.deepStrictEqual({ code, output }, { code: 0, output: Dump.print(treeOf(architecture)) })
      }
    }
  })

  it("goes by the rules of whoever flattens", async () => {
    const { output } = await run(["dump", platform("arm64"), "--flatten=composefs-rs", `oci:${layout}:v1`])
    assert.notInclude(output, "user.k")
    assert.match(output, /^\/ 0 40700 /)
  })

  it("can be compared, and written with its contents", async () => {
    const { code, output } = await run(["diff", platform("amd64"), `oci:${layout}:v1`, `oci:${layout}:v2`])
    assert.deepStrictEqual({ code, output }, { code: 0, output: "no differences\n" })
    const image = join(directory, "image")
    const store = `--digest-store=${join(directory, "store")}`
    assert.strictEqual((await run(["mkfs", platform("amd64"), store, `oci:${layout}:v1`, image])).code, 0)
    const digests = await run(["digest", "--compact", platform("amd64"), `oci:${layout}:v1`, image])
    assert.strictEqual(new Set(digests.output.trim().split("\n")).size, 1)
  })

  it("must name one image", async () => {
    const several = await run(["ls", `oci:${layout}`])
    assert.strictEqual(several.code, 2)
    assert.include(several.told, "with v1, v2")
    assert.strictEqual((await run(["ls", `oci:${layout}:v3`])).code, 3)
    assert.strictEqual((await run(["ls", platform("riscv64"), `oci:${layout}:v1`])).code, 3)
    assert.strictEqual((await run(["ls", "--platform=arm64", `oci:${layout}:v1`])).code, 2)
    assert.strictEqual((await run(["ls", `oci:${join(directory, "nowhere")}:v1`])).code, 3)
    mkdirSync(join(directory, "empty"))
    assert.strictEqual((await run(["ls", `oci:${join(directory, "empty")}`])).code, 3)
  })
})

describe("a source docker://", () => {
  it("is the tree of an image in a registry, by tag or digest", async () => {
    const program = Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const { url } = yield* RegistryServer.listen(registry)
      const { digest } = yield* push(registry, "os/base", "1.0")
      const host = new URL(url).host
      for (const name of [`:1.0`, `@${digest}`]) {
        const args = ["dump", "--plain-http", platform("arm64"), `docker://${host}/os/base${name}`]
        assert.strictEqual((yield* Effect.promise(() => run(args))).output, Dump.print(treeOf("arm64")))
      }
    })
    await Effect.runPromise(Effect.scoped(program))
  })

  it("is spoken to without encryption on this machine only", async () => {
    const { code, told } = await run(["ls", "--plain-http", "docker://registry.example/x:1"])
    assert.strictEqual(code, 2)
    assert.include(told, "--plain-http: expected a registry on this machine, got registry.example")
  })

  it("needs a host and a tag", async () => {
    for (const name of ["docker://localhost/x", "docker://x:1", "docker://", "docker:"]) {
      assert.strictEqual((await run(["dump", name])).code, 2, name)
    }
  })
})
