import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import { EmbeddedPostgres } from "@lamina/storage-postgres"
import * as Effect from "effect/Effect"
import type * as Redacted from "effect/Redacted"
import * as Schedule from "effect/Schedule"
import { spawn } from "node:child_process"
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { chmod } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { fileURLToPath } from "node:url"

const host = fileURLToPath(new URL("fixtures/durable-host.ts", import.meta.url))

const temporary = Effect.acquireRelease(
  Effect.promise(async () => {
    const directory = mkdtempSync(join(tmpdir(), "lamina-test-"))
    // As root, the server runs as another user.
    await chmod(directory, 0o755)
    return directory
  }),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const query = (url: Redacted.Redacted, text: string) =>
  Effect.flatMap(PgClient.PgClient, (sql) => sql.unsafe<Readonly<Record<string, unknown>>>(text)).pipe(
    Effect.provide(PgClient.layer({ url }))
  )

interface Host {
  readonly child: ReturnType<typeof spawn>
  readonly sockets: ReadonlyArray<string>
}

const runHost = (dataDir: string) =>
  Effect.callback<Host>((resume) => {
    const child = spawn(process.execPath, [host, dataDir], { stdio: ["ignore", "pipe", "inherit"] })
    child.stdout.on("data", (text) => resume(Effect.succeed({ child, sockets: JSON.parse(String(text)) })))
    child.on("exit", (code) => resume(Effect.die(new Error(`the host ended with ${code}`))))
  })

const kill = ({ child }: Host) =>
  Effect.callback<void>((resume) => {
    child.on("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

describe("EmbeddedPostgres", () => {
  it.live("is PostgreSQL 18, speaks UTF-8, and leaves nothing behind", () =>
    Effect.gen(function*() {
      const socket = yield* Effect.scoped(Effect.gen(function*() {
        const { url } = yield* EmbeddedPostgres.start()
        const [row] = yield* query(
          url,
          `select current_setting('server_version_num')::int / 10000 as version, current_setting('listen_addresses') as
           addresses, current_setting('server_encoding') as encoding, current_setting('unix_socket_directories') as socket`
        )
        assert.deepInclude(row, { version: 18, addresses: "", encoding: "UTF8" })
        return String(row?.["socket"])
      }))
      assert.isFalse(existsSync(socket))
    }))

  it.live("keeps its data over restarts, and when its host is killed", () =>
    Effect.gen(function*() {
      const dataDir = join(yield* temporary, "a directory", "data")
      const killed = yield* runHost(dataDir)
      yield* kill(killed)
      for (let round = 0; round < 2; round++) {
        const rows = yield* Effect.scoped(
          Effect.flatMap(EmbeddedPostgres.start({ dataDir }), ({ url }) => query(url, "select value from kept"))
        )
        assert.deepStrictEqual(rows, [{ value: 42 }])
      }
      // Its servers have ended and cleaned up by themselves.
      yield* Effect.sync(() => killed.sockets.some((socket) => existsSync(socket))).pipe(
        Effect.repeat({ until: (left) => !left, schedule: Schedule.spaced("20 millis") })
      )
    }))

  it.live("starts although a lock file names a process that is somebody else by now", () =>
    Effect.gen(function*() {
      const dataDir = join(yield* temporary, "data")
      yield* Effect.scoped(EmbeddedPostgres.start({ dataDir }))
      writeFileSync(join(dataDir, "postmaster.pid"), `${process.pid}\n${dataDir}\n1700000000\n5432\n/tmp\n\n\n`)
      yield* Effect.scoped(EmbeddedPostgres.start({ dataDir }))
    }))

  it.live("refuses data that another server is using", () =>
    Effect.gen(function*() {
      const dataDir = join(yield* temporary, "data")
      yield* EmbeddedPostgres.start({ dataDir })
      const error = yield* Effect.flip(EmbeddedPostgres.start({ dataDir, startTimeout: "300 millis" }))
      assert.strictEqual(error.reason, "DataDirectoryUnusable")
      assert.include(error.message, "in use")
    }))

  it.live("refuses a directory with something else in it, and leaves it alone", () =>
    Effect.gen(function*() {
      const dataDir = yield* temporary
      writeFileSync(join(dataDir, "thesis.txt"), "years of work")
      const error = yield* Effect.flip(EmbeddedPostgres.start({ dataDir }))
      assert.strictEqual(error.reason, "DataDirectoryUnusable")
      assert.isTrue(existsSync(join(dataDir, "thesis.txt")))
    }))

  it.live.skipIf(process.getuid?.() !== 0)(
    "says as root that the server's user cannot reach the directory",
    () =>
      Effect.gen(function*() {
        const closed = yield* temporary
        yield* Effect.promise(() => chmod(closed, 0o700))
        const error = yield* Effect.flip(EmbeddedPostgres.start({ dataDir: join(closed, "data") }))
        assert.strictEqual(error.reason, "DataDirectoryUnusable")
        assert.include(error.message, closed)
      })
  )
})
