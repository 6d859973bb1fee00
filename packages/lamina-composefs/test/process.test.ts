import { assert, beforeAll, describe, it } from "@effect/vitest"
import { MemoryRegistry, RegistryServer } from "@lamina/oci"
import * as Effect from "effect/Effect"
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process"
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { isBuiltin } from "node:module"
import { join } from "node:path"
import { promisify } from "node:util"
import { push } from "./images.ts"
import { scratchDirectory } from "./support.ts"

// Real processes, of the sources as they are and of the program that is published.
const folder = join(import.meta.dirname, "..")
const directory = scratchDirectory()
const at = (name: string): string => join(directory, name)
const forms = { source: join(folder, "src/bin/lamina-composefs.ts"), built: at("dist/lamina-composefs.js") }

beforeAll(() => {
  const tsup = join(folder, "../../node_modules/.bin/tsup")
  execFileSync(tsup, ["--out-dir", at("dist"), "--silent"], { cwd: folder, stdio: "ignore" })
  writeFileSync(at("hello"), "hello world")
  writeFileSync(at("large.dump"), "/ 0 40755 2 0 0 0 0.0 - - -\n" + largeDump())
})

/** Much more than a pipe holds. */
const largeDump = (): string =>
  Array.from({ length: 20_000 }, (_, at) => `/${"n".repeat(100)}${at} 1 100644 1 0 0 0 0.0 - x -\n`).join("")

/** A getfattr that never ends, in front of the real one. */
const endlessGetfattr = (): string => {
  const bin = at("bin")
  mkdirSync(bin, { recursive: true })
  writeFileSync(join(bin, "getfattr"), "#!/bin/sh\necho started >&2\nexec sleep 1000\n")
  chmodSync(join(bin, "getfattr"), 0o755)
  return `${bin}:${process.env["PATH"]}`
}

describe.each(Object.entries(forms))("the %s program", (_, program) => {
  it("prints a digest", () => {
    const { status, stderr, stdout } = spawnSync(process.execPath, [program, "digest", "hello"], {
      cwd: directory,
      encoding: "utf8"
    })
    assert.deepStrictEqual([status, stderr, stdout], [
      0,
      "",
      "sha256:1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64 hello\n"
    ])
  })

  it("reads from a pipe and writes all of a long output into one", () => {
    const { status, stdout } = spawnSync("sh", [
      "-c",
      `"$0" "$1" mkfs --from-file - - <large.dump | "$0" "$1" dump -`,
      process.execPath,
      program
    ], {
      cwd: directory,
      encoding: "utf8",
      maxBuffer: 1 << 24
    })
    assert.strictEqual(status, 0)
    assert.strictEqual(stdout.length, "/ 0 40755 2 0 0 0 0.0 - - -\n".length + largeDump().length)
  })

  it("ends in silence with 141 when its reader is gone", () => {
    const script = `"$0" "$1" dump large.dump | head -n 1; echo "\${PIPESTATUS[0]}"`
    const { stderr, stdout } = spawnSync("bash", ["-c", script, process.execPath, program], {
      cwd: directory,
      encoding: "utf8"
    })
    assert.strictEqual(stderr, "")
    assert.strictEqual(stdout, "/ 0 40755 2 0 0 0 0.0 - - -\n141\n")
  })

  it("ends with 130 at an interrupt, its temporary files and children gone", async () => {
    const store = at(`store of ${program.endsWith(".ts") ? "source" : "built"}`)
    mkdirSync(at("tree"), { recursive: true })
    const child = spawn(process.execPath, [program, "mkfs", `--digest-store=${store}`, "tree", "image"], {
      cwd: directory,
      env: { ...process.env, PATH: endlessGetfattr() }
    })
    const code = new Promise((resolve) => child.once("close", resolve))
    const isAtWork = () => existsSync(store) && readdirSync(store).length === 1
    while (!isAtWork()) await new Promise((resolve) => setTimeout(resolve, 20))
    child.kill("SIGINT")
    assert.strictEqual(await code, 130)
    assert.deepStrictEqual(readdirSync(store), [])
    assert.isFalse(existsSync(at("image")))
  })

  it("does not wait for its input once it is interrupted", async () => {
    const child = spawn(process.execPath, [program, "dump", "-"], { cwd: directory })
    const code = new Promise((resolve) => child.once("close", resolve))
    child.stdin.write("/ 0 40755 2 0 0 0 0.0 - - -\n")
    // Long enough for the program to be reading; if it is not yet, the signal ends it all the same, with null.
    const sent = setInterval(() => child.kill("SIGTERM"), 500)
    assert.include([143, null], await code)
    clearInterval(sent)
  })
})

describe("the built program", () => {
  it("speaks to a registry", async () => {
    const program = Effect.gen(function*() {
      const registry = yield* MemoryRegistry.make()
      const { url } = yield* RegistryServer.listen(registry)
      yield* push(registry, "os/base", "1")
      const source = `docker://${new URL(url).host}/os/base:1`
      const args = [forms.built, "ls", "--plain-http", "--platform=linux/arm64", source]
      const { stdout } = yield* Effect.promise(() => promisify(execFile)(process.execPath, args))
      assert.strictEqual(stdout, "/etc/\t\n/etc/motd\n/usr/\t\n")
    })
    await Effect.runPromise(Effect.scoped(program))
  })

  it("has the notices of what is in it beside it, and imports nothing but Node", () => {
    const files = readdirSync(at("dist"))
    assert.include(files, "third-party-notices.txt")
    const imported = files.filter((name) => name.endsWith(".js")).flatMap((name) =>
      Array.from(
        readFileSync(join(at("dist"), name), "utf8").matchAll(/(?:\bfrom|\bimport\(?)\s*"([\w@./:-]+)"/g),
        ([, specifier = ""]) => specifier
      )
    )
    assert.deepStrictEqual(
      imported.filter((specifier) => !/^(?:\.\/|node:)/.test(specifier) && !isBuiltin(specifier)),
      []
    )
  })
})
