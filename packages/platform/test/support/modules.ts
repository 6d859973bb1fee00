import { type BuiltModule, ModuleBuilder } from "@lamina/platform"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { execFileSync } from "node:child_process"
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

/** A directory that is removed with its scope. */
export const temporaryDirectory: Effect.Effect<string, never, Scope.Scope> = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "lamina-platform-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

/** A file's content, an executable's, or where a symbolic link leads. */
export type File = string | Uint8Array | { readonly executable: string } | { readonly linkTo: string }

export type Files = Readonly<Record<string, File>>

/** Writes files by their path inside of a directory, which is made when it is absent. */
export const writeFiles = (directory: string, files: Files): Effect.Effect<void> =>
  Effect.promise(async () => {
    await mkdir(directory, { recursive: true })
    for (const [name, file] of Object.entries(files)) {
      const path = join(directory, name)
      await mkdir(dirname(path), { recursive: true })
      if (typeof file === "string" || file instanceof Uint8Array) await writeFile(path, file)
      else if ("linkTo" in file) await symlink(file.linkTo, path)
      else {
        await writeFile(path, file.executable)
        await chmod(path, 0o755)
      }
    }
  })

const manifestText = `schema_version: 1
name: my-redis
description: Redis with TLS
license: BSD-3-Clause
category: userland
file_spec:
  - /etc/redis/**
  - /usr/bin/**
mask:
  - /etc/redis/sentinel.conf
package_spec:
  - redis-tools
  - redis-server
`

/** More than is inlined into an image. */
export const longText = "bind 127.0.0.1 -::1\n".repeat(50)

const moduleFiles: Files = {
  "manifest.yaml": manifestText,
  Containerfile: "FROM scratch\n",
  ".gitea/workflows/build.yaml": "on: push\n",
  "rootfs/etc/redis/redis.conf": longText,
  "rootfs/etc/redis/users.acl": "user default on\n",
  "rootfs/etc/redis/sentinel.conf": "port 26379\n",
  "rootfs/etc/redis/current": { linkTo: "redis.conf" },
  "rootfs/usr/bin/redis-check": { executable: "#!/bin/sh\nexit 0\n" },
  "rootfs/usr/share/doc/redis": "read me\n"
}

/** The repository of a module, good unless `changes` make it otherwise; `undefined` leaves a file out. */
export const repository = Effect.fnUntraced(function*(changes: Readonly<Record<string, File | undefined>> = {}) {
  const directory = join(yield* temporaryDirectory, "my-redis")
  const files = Object.entries({ ...moduleFiles, ...changes }).flatMap(([path, file]) =>
    file === undefined ? [] : [[path, file] as const]
  )
  yield* writeFiles(directory, Object.fromEntries(files))
  return directory
})

/** Builds a repository's module as 0.1.0 for amd64 and arm64, unless told otherwise. */
export const build = Effect.fnUntraced(function*(
  directory: string,
  options: Partial<ModuleBuilder.BuildOptions> = {}
) {
  return yield* ModuleBuilder.build({
    directory,
    versionString: "0.1.0",
    architectures: ["amd64", "arm64"],
    outputDirectory: yield* temporaryDirectory,
    ...options
  })
})

/** A module that was built from the repository above. */
export const builtModule = Effect.flatMap(repository(), (directory) => build(directory))

/** The digests by which an artifact is known. */
export const digestsOf = ({ composefsDigest, fileLayer, fsverityRootHash }: BuiltModule.BuiltArtifact) => ({
  composefsDigest,
  fsverityRootHash,
  fileLayer: fileLayer.info.digest
})

/** Runs git in a directory, without anything of the machine's own configuration. */
export const git = (directory: string, ...args: ReadonlyArray<string>): string =>
  execFileSync("git", ["-C", directory, ...args], {
    encoding: "utf8",
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      GIT_CONFIG_NOSYSTEM: "1",
      GIT_AUTHOR_NAME: "Ada",
      GIT_AUTHOR_EMAIL: "ada@example.com",
      GIT_AUTHOR_DATE: "1700000000 +0000",
      GIT_COMMITTER_NAME: "Ada",
      GIT_COMMITTER_EMAIL: "ada@example.com",
      GIT_COMMITTER_DATE: "1700000000 +0000"
    }
  }).trim()

/** Commits everything, in a repository that is made when there is none; gives the commit. */
export const commitAll = (directory: string, message = "first"): string => {
  git(directory, "init", "--quiet", "--initial-branch=main")
  git(directory, "add", "--all")
  git(directory, "commit", "--quiet", "--message", message)
  return git(directory, "rev-parse", "HEAD")
}
