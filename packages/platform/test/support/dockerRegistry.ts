import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"

/** Says whether a program is installed, and says by name when it is not. */
export const isInstalled = (program: string): boolean => {
  const found = spawnSync("sh", ["-c", `command -v ${program}`]).status === 0
  // oxlint-disable-next-line no-console
  if (!found) console.log(`skipped: ${program} is not installed`)
  return found
}

export const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-image-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const freePort = Effect.callback<number>((resume) => {
  const server = createServer().listen(0, "127.0.0.1", () => {
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    server.close(() => resume(Effect.succeed(port)))
  })
})

/** Debian's docker-registry on a free loopback port, with its storage in a directory that is removed afterwards. */
export const dockerRegistry = Effect.gen(function*() {
  const directory = yield* temporaryDirectory
  const host = `127.0.0.1:${yield* freePort}`
  const config = [
    "version: 0.1",
    "log: {level: error, accesslog: {disabled: true}}",
    `storage: {filesystem: {rootdirectory: ${directory}/storage}, cache: {blobdescriptor: inmemory}}`,
    `http: {addr: "${host}", secret: test}`
  ].join("\n")
  writeFileSync(join(directory, "config.yml"), config)
  yield* Effect.acquireRelease(
    Effect.sync(() => spawn("docker-registry", ["serve", join(directory, "config.yml")], { stdio: "ignore" })),
    stop
  )
  const url = `http://${host}`
  const ping = Effect.tryPromise(() => fetch(`${url}/v2/`))
  yield* Effect.retry(ping, { times: 2000, schedule: Schedule.spaced("25 millis") })
  return { url, host }
})

/** Its files are removed once it can write no more. */
const stop = (child: ChildProcess): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })
