import { assert, describe, it } from "@effect/vitest"
import { SourceCommit } from "@lamina/platform"
import * as Effect from "effect/Effect"
import { existsSync } from "node:fs"
import { utimes } from "node:fs/promises"
import { join } from "node:path"
import { commitAll, git, repository, temporaryDirectory, writeFiles } from "./support/modules.ts"

describe("the commit of a directory", () => {
  it.effect("is the last one that touched it, with its time", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      const gitSha = commitAll(directory)
      assert.deepStrictEqual(yield* SourceCommit.find(directory), {
        gitSha,
        committedAt: 1_700_000_000_000,
        versionTag: undefined
      })
    }))

  it.effect("is not that of a neighbour which changed later", () =>
    Effect.gen(function*() {
      const root = yield* temporaryDirectory
      yield* writeFiles(root, { "one/file": "1\n", "two/file": "2\n" })
      const first = commitAll(root)
      yield* writeFiles(root, { "two/file": "other\n" })
      const second = commitAll(root, "second")
      assert.strictEqual((yield* SourceCommit.find(join(root, "one")))?.gitSha, first)
      assert.strictEqual((yield* SourceCommit.find(join(root, "two")))?.gitSha, second)
    }))

  it.effect("is none for files that differ from it, are new, or are ignored", () =>
    Effect.gen(function*() {
      for (const stray of ["rootfs/etc/redis/users.acl", "rootfs/etc/redis/new.conf", "rootfs/etc/redis/ignored.log"]) {
        const directory = yield* repository({ ".gitignore": "*.log\n" })
        commitAll(directory)
        yield* writeFiles(directory, { [stray]: "changed\n" })
        assert.isUndefined(yield* SourceCommit.find(directory), stray)
      }
    }))

  it.effect("is none where there is no git, no commit, or no directory", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      assert.isUndefined(yield* SourceCommit.find(directory))
      assert.isUndefined(yield* SourceCommit.find(join(directory, "absent")))
      git(directory, "init", "--quiet")
      assert.isUndefined(yield* SourceCommit.find(directory))
    }))

  it.effect("has the highest of the versions that tags on it name, a release above its candidates", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      commitAll(directory)
      for (const tag of ["release", "v1", "v1.2.0-rc.1", "v1.2.0", "0.9.0"]) git(directory, "tag", tag)
      assert.strictEqual((yield* SourceCommit.find(directory))?.versionTag, "v1.2.0")
      assert.isUndefined((yield* SourceCommit.find(join(directory, "rootfs")))?.versionTag)
    }))

  it.effect("is asked without running what the repository's own configuration names", () =>
    Effect.gen(function*() {
      const directory = yield* repository({ ".gitattributes": "*.acl filter=evil\n" })
      commitAll(directory)
      const trace = join(yield* temporaryDirectory, "ran")
      const program = `sh -c "touch ${trace}; cat"`
      git(directory, "config", "core.fsmonitor", program)
      git(directory, "config", "log.showSignature", "true")
      git(directory, "config", "gpg.program", program)
      assert.isDefined(yield* SourceCommit.find(directory))
      git(directory, "config", "filter.evil.clean", program)
      // A file that git has to look into, because its time is another.
      yield* Effect.promise(() => utimes(join(directory, "rootfs/etc/redis/users.acl"), 1, 1))
      assert.isUndefined(yield* SourceCommit.find(directory))
      assert.isFalse(existsSync(trace))
    }))

  it.effect("is that of the directory, also inside of a git hook of another repository", () =>
    Effect.gen(function*() {
      const directory = yield* repository()
      const gitSha = commitAll(directory)
      const other = yield* temporaryDirectory
      yield* writeFiles(other, { file: "other\n" })
      commitAll(other)
      yield* Effect.acquireRelease(
        Effect.sync(() => {
          process.env["GIT_DIR"] = join(other, ".git")
          process.env["GIT_INDEX_FILE"] = join(other, ".git", "index")
        }),
        () =>
          Effect.sync(() => {
            delete process.env["GIT_DIR"]
            delete process.env["GIT_INDEX_FILE"]
          })
      )
      assert.strictEqual((yield* SourceCommit.find(directory))?.gitSha, gitSha)
    }))
})
