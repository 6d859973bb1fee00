import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import { execFile } from "node:child_process"
import { mkdir, mkdtemp, readdir, readFile, readlink, realpath, rename, rm } from "node:fs/promises"
import { basename, dirname, join, resolve } from "node:path"
import { EmbeddedPostgresError } from "../../EmbeddedPostgresError.ts"
import type { Binaries } from "./binaries.ts"
import { giveTo, impassable, temporaryDirectory, tryFiles } from "./fileSystem.ts"
import { type ServerAccount, serverEnvironment } from "./ServerAccount.ts"

interface DataDirectoryOptions {
  readonly binaries: Binaries
  readonly account: ServerAccount
  readonly dataDir: string | undefined
  readonly startTimeout: Duration.Input
}

/**
 * A directory with a database cluster that no server is using; a temporary one when none is named.
 */
export const prepareDataDirectory = Effect.fnUntraced(function*(
  { account, binaries, dataDir, startTimeout }: DataDirectoryOptions
): Effect.fn.Return<string, EmbeddedPostgresError, Scope.Scope> {
  if (dataDir === undefined) {
    const directory = join(yield* temporaryDirectory(account), "data")
    yield* initialize(binaries, account, directory, ["--no-sync", "--no-data-checksums"])
    return directory
  }
  const directory = resolve(dataDir)
  yield* tryFiles(`make ${dirname(directory)}`, () => mkdir(dirname(directory), { recursive: true }))
  yield* assertReachable(account, directory)
  const entries = yield* Effect.orElseSucceed(
    tryFiles(`read ${directory}`, () => readdir(directory)),
    (): ReadonlyArray<string> => []
  )
  if (entries.includes("PG_VERSION")) yield* takeOver(directory, startTimeout)
  else if (entries.length > 0) return yield* unusable(`${directory} is neither empty nor a PostgreSQL data directory`)
  else yield* initializeAtomically(binaries, account, directory)
  return directory
})

const unusable = (detail: string) => new EmbeddedPostgresError({ reason: "DataDirectoryUnusable", detail })

const assertReachable = Effect.fnUntraced(function*(account: ServerAccount, directory: string) {
  const closed = yield* impassable(account, directory)
  if (closed !== undefined) {
    return yield* unusable(
      `${directory} cannot be reached: as root, the server runs as the user ${account.uid}, who may not enter ` +
        `${closed}; choose a data directory elsewhere, or run as another user`
    )
  }
})

// A process that dies while it makes the cluster leaves a directory beside, never half a cluster.
const initializeAtomically = Effect.fnUntraced(
  function*(binaries: Binaries, account: ServerAccount, directory: string) {
    const parent = dirname(directory)
    const workDir = yield* Effect.acquireRelease(
      tryFiles(`make a directory in ${parent}`, () => mkdtemp(join(parent, `.${basename(directory)}-`))),
      (workDir) => Effect.promise(() => rm(workDir, { recursive: true, force: true }))
    )
    yield* giveTo(account, workDir)
    const cluster = join(workDir, "data")
    yield* initialize(binaries, account, cluster, [])
    yield* tryFiles(`move the new database to ${directory}`, () => rename(cluster, directory))
  },
  Effect.scoped
)

const initialize = (
  { initdb }: Binaries,
  account: ServerAccount,
  directory: string,
  options: ReadonlyArray<string>
): Effect.Effect<void, EmbeddedPostgresError> =>
  Effect.callback((resume, signal) => {
    const cluster = ["--pgdata", directory, "--username", "postgres", "--auth", "trust", "--no-instructions"]
    const text = ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin", "--builtin-locale", "C.UTF-8"]
    const arguments_ = [...cluster, ...text, ...options]
    execFile(initdb, arguments_, { ...account, cwd: "/", env: serverEnvironment, signal }, (error, _, stderr) => {
      if (error === null) return resume(Effect.void)
      const detail = `initdb failed: ${stderr.trim().slice(-1000) || error.message}`
      resume(Effect.fail(new EmbeddedPostgresError({ reason: "InitFailed", detail })))
    })
  })

// A server whose starter was killed shuts itself down, which may still go on. A server that was killed with its machine
// leaves `postmaster.pid`, and its process id may belong to somebody else by now: PostgreSQL would refuse to start.
const takeOver = (
  directory: string,
  patience: Duration.Input
): Effect.Effect<void, EmbeddedPostgresError> =>
  tryFiles(`read ${directory}/postmaster.pid`, () => lockHolder(directory)).pipe(
    Effect.filterOrFail(
      (holder) => holder !== "server",
      () => unusable(`${directory} is in use by another server`)
    ),
    Effect.retry(Schedule.spaced("100 millis").pipe(Schedule.upTo({ duration: patience }))),
    Effect.flatMap((holder) =>
      holder === "stranger"
        ? tryFiles(`remove ${directory}/postmaster.pid`, () => rm(join(directory, "postmaster.pid"), { force: true }))
        : Effect.void
    )
  )

const lockHolder = async (directory: string): Promise<"nobody" | "server" | "stranger"> => {
  const lock = await readFile(join(directory, "postmaster.pid"), "utf8").catch(() => "")
  const pid = Number.parseInt(lock, 10)
  if (!Number.isSafeInteger(pid) || pid <= 1 || !isAlive(pid)) return "nobody"
  if (process.platform !== "linux") return "server"
  // A server's working directory is its data directory; a process of which we may not know that is not ours.
  const workingDirectory = await readlink(`/proc/${pid}/cwd`).catch(() => undefined)
  return workingDirectory === await realpath(directory) ? "server" : "stranger"
}

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
