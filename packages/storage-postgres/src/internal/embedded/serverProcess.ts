import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { type ChildProcessByStdio, spawn } from "node:child_process"
import { dirname } from "node:path"
import type { Readable, Writable } from "node:stream"
import { EmbeddedPostgresError } from "../../EmbeddedPostgresError.ts"
import type { Binaries } from "./binaries.ts"
import { type ServerAccount, serverEnvironment } from "./ServerAccount.ts"

interface ServerOptions {
  readonly binaries: Binaries
  readonly account: ServerAccount
  readonly dataDir: string
  readonly socketDir: string
  readonly durable: boolean
  readonly startTimeout: Duration.Input
}

interface ServerProcess {
  readonly child: ChildProcessByStdio<Writable, null, Readable>
  readonly ready: Deferred.Deferred<void, EmbeddedPostgresError>
  readonly exited: Deferred.Deferred<void>
}

/**
 * Runs a server until the scope closes; returns when it accepts connections.
 */
export const runServer = (options: ServerOptions): Effect.Effect<void, EmbeddedPostgresError, Scope.Scope> =>
  Effect.acquireRelease(launch(options), stop).pipe(
    Effect.flatMap(({ ready }) => Deferred.await(ready)),
    Effect.timeoutOrElse({
      duration: options.startTimeout,
      orElse: () =>
        startFailed(
          `the server did not accept connections within ${
            Duration.format(Duration.fromInputUnsafe(options.startTimeout))
          }`
        )
    })
  )

const startFailed = (detail: string) => Effect.fail(new EmbeddedPostgresError({ reason: "StartFailed", detail }))

// The shell ends the server when its standard input closes, which happens also when our process is killed. SIGINT is
// PostgreSQL's "fast shutdown": clients are cut off, the data is brought in order. What was temporary goes then too, since
// a process that was killed cannot see to it.
const supervisor = `
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
(cat <&3 >/dev/null; kill -INT $server) 2>/dev/null &
wait $server
status=$?
for directory in "$SOCKETS" "$TEMPORARY_DATA"; do
  [ -n "$directory" ] && rm -rf "$directory"
done
exit $status
`

const fast = ["fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=32MB"]

const launch = Effect.fnUntraced(function*(options: ServerOptions): Effect.fn.Return<ServerProcess> {
  const ready = yield* Deferred.make<void, EmbeddedPostgresError>()
  const exited = yield* Deferred.make<void>()
  const network = ["listen_addresses=", `unix_socket_directories=${options.socketDir}`]
  const settings = options.durable ? network : [...network, ...fast]
  return yield* Effect.sync(() => {
    const server = [options.binaries.postgres, "-D", options.dataDir, ...settings.flatMap((value) => ["-c", value])]
    const child = spawn("/bin/sh", ["-c", supervisor, "supervisor", ...server], {
      ...options.account,
      cwd: "/",
      env: {
        ...serverEnvironment,
        SOCKETS: options.socketDir,
        TEMPORARY_DATA: options.durable ? "" : dirname(options.dataDir)
      },
      // Not in our process group: Ctrl-C in a terminal is for us, who then stop the server in good order.
      detached: true,
      stdio: ["pipe", "ignore", "pipe"]
    })
    let log = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      log = (log + text).slice(-4000)
      if (log.includes("database system is ready to accept connections")) Deferred.doneUnsafe(ready, Effect.void)
    })
    const gone = (why: string) => {
      Deferred.doneUnsafe(ready, startFailed(`the server ended (${why}): ${log.trim().slice(-1000)}`))
      Deferred.doneUnsafe(exited, Effect.void)
    }
    child.stdin.on("error", () => {})
    child.on("error", (error) => gone(error.message))
    child.on("exit", (code, signal) => gone(signal ?? `exit code ${code}`))
    return { child, ready, exited }
  })
})

const stop = ({ child, exited }: ServerProcess): Effect.Effect<void> =>
  Effect.sync(() => child.stdin.end()).pipe(
    Effect.andThen(Deferred.await(exited)),
    Effect.timeoutOrElse({
      duration: "20 seconds",
      orElse: () =>
        Effect.sync(() => {
          if (child.pid !== undefined && child.exitCode === null) process.kill(-child.pid, "SIGKILL")
        })
    })
  )
