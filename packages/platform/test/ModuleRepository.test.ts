import { assert, describe, it } from "@effect/vitest"
import { Manifest } from "@lamina/core"
import { ModuleRepository } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { execFileSync } from "node:child_process"
import { join } from "node:path"
import { repository, temporaryDirectory, writeFiles } from "./support/modules.ts"

describe("a module's repository", () => {
  it.effect("is read whole: manifest, root file system, nothing amiss", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      const read = yield* ModuleRepository.read(directory)
      assert.deepStrictEqual(ModuleRepository.errors(read), [])
      assert.deepStrictEqual(read.layoutIssues, [])
      assert.strictEqual(read.rootfs, join(directory, "rootfs"))
      assert.strictEqual(Result.getOrThrow(read.manifest).manifest.name, "my-redis")
    }))

  it.effect("may lack what only CI needs, with a warning for each", () =>
    Effect.gen(function*() {
      const directory = yield* repository({ Containerfile: undefined, ".gitea/workflows/build.yaml": undefined })
      const read = yield* ModuleRepository.read(directory)
      assert.deepStrictEqual(ModuleRepository.errors(read), [])
      assert.deepStrictEqual(read.layoutIssues.map(({ code, path, severity }) => [path, code, severity]), [
        ["Containerfile", "missing_file", "warning"],
        [".gitea/workflows/build.yaml", "missing_file", "warning"]
      ])
    }))

  it.effect("cannot be built without a root file system, nor with a link in its place", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      const whole = yield* repository()
      yield* writeFiles(directory, { "manifest.yaml": "schema_version: 1\nname: a\ncategory: userland\n" })
      assert.include(ModuleRepository.errors(yield* ModuleRepository.read(directory)).join("\n"), "a directory rootfs")
      yield* writeFiles(directory, { rootfs: { linkTo: join(whole, "rootfs") } })
      const read = yield* ModuleRepository.read(directory)
      assert.deepStrictEqual(read.layoutIssues.find(({ path }) => path === "rootfs")?.code, "wrong_kind")
    }))

  it.effect("names every error of its manifest with line and column", () =>
    Effect.gen(function*() {
      const directory = yield* repository({
        "manifest.yaml": "schema_version: 1\nname: My Redis\nfil_spec: [/etc/redis/**]\n"
      })
      const errors = ModuleRepository.errors(yield* ModuleRepository.read(directory))
      assert.isTrue(errors.some((error) => /^manifest\.yaml:2:\d+: /.test(error)), errors.join("\n"))
      assert.isTrue(errors.some((error) => /^manifest\.yaml:3:1: .*fil_spec/.test(error)), errors.join("\n"))
    }))

  it.effect("does not lead the reader to another file by a link", () =>
    Effect.gen(function*() {
      const directory = yield* repository({ "manifest.yaml": { linkTo: "/etc/hostname" } })
      const error = yield* Effect.flip(ModuleRepository.read(directory))
      assert.strictEqual(error._tag, "UnreadableRepository")
      assert.include(error.message, "ELOOP")
    }))

  it.effect("does not keep the reader waiting at a pipe", () =>
    Effect.gen(function*() {
      const directory = yield* repository({ "manifest.yaml": undefined })
      execFileSync("mkfifo", [join(directory, "manifest.yaml")])
      const error = yield* Effect.flip(ModuleRepository.read(directory))
      assert.include(error.message, "expected a regular file")
    }))

  it.effect("without a manifest, or none at all, is no repository", () =>
    Effect.gen(function*() {
      const directory = yield* repository({ "manifest.yaml": undefined })
      assert.include((yield* Effect.flip(ModuleRepository.read(directory))).message, "manifest.yaml")
      assert.include(
        (yield* Effect.flip(ModuleRepository.read(join(directory, "absent")))).message,
        "there is no such directory"
      )
    }))

  it.effect("with a manifest that never ends is read as far as a manifest may go", () =>
    Effect.gen(function*() {
      const directory = yield* repository({ "manifest.yaml": "#".repeat(4 * Manifest.maximumBytes) })
      const read = yield* ModuleRepository.read(directory)
      assert.isAbove(ModuleRepository.errors(read).length, 0)
      assert.isAtMost(Result.merge(read.manifest).source.length, Manifest.maximumBytes + 1)
    }))
})
