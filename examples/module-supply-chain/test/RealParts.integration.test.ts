import { assert, describe, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import { execFileSync, spawn } from "node:child_process"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { runMain, step } from "./runMain.ts"

const isInstalled = (program: string): boolean =>
  (process.env["PATH"] ?? "").split(":").some((folder) => existsSync(join(folder, program)))

const parts = ["docker-registry", "skopeo", "fsverity", "fsck.erofs"]
const absent = parts.filter((program) => !isInstalled(program))
if (absent.length > 0) console.log(`skipped: the main job on real parts; not installed: ${absent.join(", ")}`)

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() =>
        typeof address === "object" && address !== null ? resolve(address.port) : reject(new Error("no port"))
      )
    })
  })

const withDockerRegistry = async (work: (url: string, directory: string) => Promise<void>): Promise<void> => {
  const directory = await mkdtemp(join(tmpdir(), "lamina-registry-"))
  const port = await freePort()
  const config = join(directory, "config.yml")
  await writeFile(
    config,
    [
      "version: 0.1",
      "log: {level: error, accesslog: {disabled: true}}",
      `storage: {filesystem: {rootdirectory: ${join(directory, "data")}}, delete: {enabled: true}}`,
      `http: {addr: "127.0.0.1:${port}"}`
    ].join("\n")
  )
  const registry = spawn("docker-registry", ["serve", config], { stdio: "ignore" })
  const exited = new Promise((resolve) => registry.once("exit", resolve))
  try {
    const url = `http://127.0.0.1:${port}`
    await waitFor(url)
    await work(url, directory)
  } finally {
    registry.kill()
    await exited
    await rm(directory, { recursive: true, force: true })
  }
}

const waitFor = async (url: string): Promise<void> => {
  for (let attempt = 0; attempt < 1000; attempt++) {
    const answered = await fetch(`${url}/v2/`).then(() => true, () => false)
    if (answered) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`${url} does not answer`)
}

const decodeArtifacts = Schema.decodeUnknownSync(
  Schema.Array(Schema.Struct({ composefs_digest: Schema.String, fsverity_root_hash: Schema.String }))
)

const run = (program: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(program, args, { encoding: "utf8" })

describe.skipIf(absent.length > 0)("the main job on Debian's docker-registry", () => {
  it("publishes what skopeo, fsverity and fsck.erofs read", async () => {
    await withDockerRegistry(async (url, directory) => {
      const lines = await runMain(["--registry", url, "--legacy"])
      const push = step(lines, "push")
      const host = url.replace("http://", "")
      const reference = `docker://${host}/acme/my-redis:0.1.0`
      assert.deepInclude(step(lines, "ingest"), { cosign_verified: true })

      // Without --raw skopeo inspects container images only, and says so of every other artifact.
      const raw = run("skopeo", "inspect", "--raw", "--tls-verify=false", reference)
      await writeFile(join(directory, "index.json"), raw)
      assert.strictEqual(run("skopeo", "manifest-digest", join(directory, "index.json")).trim(), push["index_digest"])

      const copy = join(directory, "copy")
      run("skopeo", "copy", "--all", "--preserve-digests", "--src-tls-verify=false", reference, `oci:${copy}:0.1.0`)

      const artifacts = decodeArtifacts(step(lines, "ingest")["artifacts"])
      assert.strictEqual(artifacts.length, 2)
      for (const artifact of artifacts) {
        const image = join(copy, "blobs", artifact.composefs_digest.replace(":", "/"))
        assert.strictEqual(
          `sha256:${run("fsverity", "digest", "--compact", image).trim()}`,
          artifact.fsverity_root_hash
        )
        assert.doesNotThrow(() => run("fsck.erofs", image))
        assert.isAbove((await readFile(image)).byteLength, 4096)
      }
    })
  })
})
