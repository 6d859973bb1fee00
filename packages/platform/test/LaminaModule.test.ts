import { assert, describe, it } from "@effect/vitest"
import { MemoryRegistry, RegistryServer } from "@lamina/oci"
import { NodeServer } from "@lamina/platform"
import { KeyPair } from "@lamina/signing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const packageDirectory = dirname(dirname(fileURLToPath(import.meta.url)))
const program = join(packageDirectory, "src", "bin", "lamina-module.ts")
const redis = join(packageDirectory, "..", "..", "examples", "modules", "my-redis")

interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

// Not the synchronous form: the registry that the program calls lives in this process.
const run = (args: ReadonlyArray<string>, env: Readonly<Record<string, string>> = {}): Effect.Effect<Ended> =>
  Effect.callback((resume) => {
    const child = spawn(process.execPath, [program, ...args], { env: { ...process.env, ...env } })
    const output = { stdout: "", stderr: "" }
    child.stdout.on("data", (chunk: Buffer) => (output.stdout += chunk.toString()))
    child.stderr.on("data", (chunk: Buffer) => (output.stderr += chunk.toString()))
    child.once("close", (code) => resume(Effect.succeed({ code, ...output })))
  })

const temporaryDirectory = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "lamina-module-test-"))),
  (directory) => Effect.sync(() => rmSync(directory, { recursive: true, force: true }))
)

const writeKey = Effect.fnUntraced(function*(directory: string, password: string) {
  const file = join(directory, "cosign.key")
  writeFileSync(file, yield* KeyPair.toPem(yield* KeyPair.generate, Redacted.make(password)))
  return file
})

describe("lamina-module", () => {
  it.live("lists in a dry run what would be shipped, and what stays behind and why", () =>
    Effect.gen(function*() {
      const { code, stdout } = yield* run(["dry-run", redis])
      assert.strictEqual(code, 0)
      assert.include(stdout, "+ /etc/redis/redis.conf")
      assert.include(stdout, "- /etc/redis/sentinel.conf is left out by mask")
      assert.strictEqual((yield* run(["packages", redis])).stdout, "redis-server\nredis-tools\n")
    }))

  it.live("ends with 1 and the place of the mistake when the manifest is wrong", () =>
    Effect.gen(function*() {
      const directory = yield* temporaryDirectory
      writeFileSync(join(directory, "manifest.yaml"), "schema_version: 1\nname: x\nfil_spec: []\n")
      const { code, stdout } = yield* run(["dry-run", directory])
      assert.strictEqual(code, 1)
      assert.include(stdout, "manifest.yaml:3:1")
    }))

  it.live("ends with 2 when it is not understood", () =>
    Effect.gen(function*() {
      for (const args of [[], ["bake"], ["publish", redis], ["dry-run", "--frobnicate"], ["dry-run", "a", "b"]]) {
        const { code, stderr } = yield* run(args)
        assert.strictEqual(code, 2, args.join(" "))
        assert.include(stderr, "lamina-module --help")
      }
    }))

  it.live("publishes under the tag, and tells the platform", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      const { url } = yield* RegistryServer.listen(memory)
      const key = yield* writeKey(yield* temporaryDirectory, "swordfish")
      const calls: Array<string> = []
      const webhook = yield* NodeServer.listen(async (request) => {
        calls.push(await request.text())
        return new Response(undefined, { status: request.headers.has("webhook-signature") ? 202 : 401 })
      })
      const args = [
        "publish",
        redis,
        "--registry",
        url,
        "--repository",
        "acme/my-redis",
        "--tag",
        "v0.3.0",
        "--key",
        key
      ]
      const ended = yield* run([...args, "--webhook", webhook], {
        COSIGN_PASSWORD: "swordfish",
        LAMINA_WEBHOOK_SECRET: "shared with the platform"
      })
      assert.strictEqual(ended.code, 0, ended.stderr)
      const { digest } = yield* memory.resolve("acme/my-redis", "v0.3.0")
      assert.include(ended.stdout, digest)
      assert.isAtLeast((yield* memory.referrers("acme/my-redis", digest)).length, 2)
      assert.deepStrictEqual(calls, [`{"repository":{"full_name":"acme/my-redis"},"ref":"refs/tags/v0.3.0"}`])
    }))

  it.live("publishes nothing with a wrong password, or with a webhook that it cannot sign", () =>
    Effect.gen(function*() {
      const memory = yield* MemoryRegistry.make()
      const { url } = yield* RegistryServer.listen(memory)
      const key = yield* writeKey(yield* temporaryDirectory, "swordfish")
      const args = [
        "publish",
        redis,
        "--registry",
        url,
        "--repository",
        "acme/my-redis",
        "--tag",
        "1.0.0",
        "--key",
        key
      ]
      const wrong = yield* run(args, { COSIGN_PASSWORD: "sardine" })
      assert.strictEqual(wrong.code, 1)
      assert.include(wrong.stderr, "password")
      assert.notInclude(wrong.stderr, "sardine")
      const unsigned = yield* run([...args, "--webhook", "http://127.0.0.1:9"], {
        COSIGN_PASSWORD: "swordfish",
        LAMINA_WEBHOOK_SECRET: ""
      })
      assert.strictEqual(unsigned.code, 1)
      assert.include(unsigned.stderr, "LAMINA_WEBHOOK_SECRET")
      assert.deepStrictEqual((yield* memory.listRepositories()).names, [])
    }))
})
