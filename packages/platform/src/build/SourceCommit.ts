/**
 * What git knows of a module repository: the commit and its time, by which a build can be repeated.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { execFile } from "node:child_process"
import * as ModuleConfig from "../artifact/ModuleConfig.ts"

/**
 * The last commit that touched the directory, and its time in milliseconds since the epoch.
 *
 * @category models
 * @since 0.1.0
 */
export interface SourceCommit {
  readonly gitSha: string
  readonly committedAt: number
  /** The tag on the commit that names a version (`v0.1.0` or `0.1.0`), of several the highest. */
  readonly versionTag: string | undefined
}

// A repository's own configuration can name programs to run; none of them is wanted here.
const safeGit = [
  "-c",
  "core.fsmonitor=false",
  "-c",
  "core.hooksPath=/dev/null",
  "-c",
  "log.showSignature=false",
  "-c",
  "versionsort.suffix=-",
  "--no-optional-locks"
]

// In a git hook these name the repository that the hook runs in, whatever directory is asked about.
const localVariables = [
  "GIT_DIR",
  "GIT_WORK_TREE",
  "GIT_INDEX_FILE",
  "GIT_OBJECT_DIRECTORY",
  "GIT_COMMON_DIR",
  "GIT_PREFIX"
]

const environment = (): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !localVariables.includes(name))),
  GIT_TERMINAL_PROMPT: "0"
})

const git = (directory: string, args: ReadonlyArray<string>): Effect.Effect<string | undefined> =>
  Effect.callback<string | undefined>((resume) => {
    const child = execFile(
      "git",
      [...safeGit, "-C", directory, ...args],
      { timeout: 10_000, maxBuffer: 1024 * 1024, env: environment() },
      (error, stdout) => resume(Effect.succeed(error === null ? stdout.trim() : undefined))
    )
    return Effect.sync(() => child.kill())
  })

// `git status` runs the filters of changed files, so a repository that brings filters of its own is not asked further.
const namesFilters = (directory: string): Effect.Effect<boolean> =>
  Effect.map(
    git(directory, ["config", "--show-scope", "--name-only", "--get-regexp", "^filter\\."]),
    (names) => names !== undefined && /^(?:local|worktree)\s/m.test(names)
  )

/**
 * Asks git about a directory. `undefined` where there is no git, no commit, or where files of the directory differ
 * from the commit: such a build comes from no commit, and must not claim to. Nor does one of a repository whose own
 * configuration names filters, which are programs that git would run.
 *
 * @category constructors
 * @since 0.1.0
 */
export const find = Effect.fnUntraced(function*(directory: string): Effect.fn.Return<SourceCommit | undefined> {
  if (yield* namesFilters(directory)) return undefined
  const changes = yield* git(directory, ["status", "--porcelain", "--ignored", "--", "."])
  if (changes !== "") return undefined
  const last = yield* git(directory, ["log", "-1", "--format=%H %ct", "--", "."])
  // Ten digits of seconds reach to the year 2286; more are nobody's time, and no date can be made of them.
  const [, gitSha, seconds] = /^([a-f0-9]{40}|[a-f0-9]{64}) (\d{1,10})$/.exec(last ?? "") ?? []
  if (gitSha === undefined) return undefined
  // A tag names the version of the repository's root, not of a folder somewhere inside of another project.
  const isRoot = (yield* git(directory, ["rev-parse", "--show-prefix"])) === ""
  const tags = isRoot ? (yield* git(directory, ["tag", "--points-at", "HEAD", "--sort=-version:refname"])) ?? "" : ""
  const versionTag = tags.split("\n").find((tag) => ModuleConfig.isVersion(tag.replace(/^v/, "")))
  return { gitSha, committedAt: Number(seconds) * 1000, versionTag }
})
