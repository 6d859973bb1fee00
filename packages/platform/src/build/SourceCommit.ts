/**
 * What git knows of a module repository: the commit and its time, by which a build can be repeated.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"

/**
 * The last commit that touched the directory, and its time in milliseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface SourceCommit {
  readonly gitSha: string
  readonly committedAt: number
  /** The tag on the commit that names a version (`v0.1.0` or `0.1.0`), when there is one. */
  readonly versionTag: string | undefined
}

// A repository's own configuration can name programs to run; none of them is wanted here.
const safeGit = ["-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null", "--no-optional-locks"]

const git = (directory: string, args: ReadonlyArray<string>): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    const child = execFile(
      "git",
      [...safeGit, "-C", directory, ...args],
      { timeout: 10_000, maxBuffer: 1024 * 1024, env: { ...process.env, GIT_TERMINAL_PROMPT: "0" } },
      (error, stdout) => resume(Effect.succeed(error === null ? stdout.trim() : undefined))
    )
    return Effect.sync(() => child.kill())
  })

/**
 * Asks git about a directory. `undefined` where there is no git, no commit, or where files of the directory differ
 * from the commit: such a build comes from no commit, and must not claim to.
 *
 * @category constructors
 * @since 0.1.0
 */
export const find = Effect.fnUntraced(function*(directory: string): Effect.fn.Return<SourceCommit | undefined> {
  const changes = yield* git(directory, ["status", "--porcelain", "--ignored", "--", "."])
  if (changes !== "") return undefined
  const last = yield* git(directory, ["log", "-1", "--format=%H %ct", "--", "."])
  const [gitSha, seconds] = (last ?? "").split(" ")
  if (gitSha === undefined || !/^[a-f0-9]{40,64}$/.test(gitSha)) return undefined
  // A tag names the version of the repository's root, not of a folder somewhere inside of another project.
  const isRoot = (yield* git(directory, ["rev-parse", "--show-prefix"])) === ""
  const tags = isRoot ? (yield* git(directory, ["tag", "--points-at", "HEAD"])) ?? "" : ""
  const versionTag = tags.split("\n").find((tag) => /^v?\d+\.\d+\.\d+(?:[-+].*)?$/.test(tag))
  return { gitSha, committedAt: Number(seconds) * 1000, versionTag }
})
