// What CI runs after it made the root file system: build, push, sign, tell the platform. Needs @lamina/platform,
// @lamina/oci, @lamina/signing and @lamina/gitea. Settings come from the environment, secrets of the forge included.
import { WebhookKey, WebhookSigner } from "@lamina/gitea"
import { HttpRegistry } from "@lamina/oci"
import { ModuleBuilder, ModulePublisher } from "@lamina/platform"
import { KeyPair, Signer } from "@lamina/signing"
import { Effect, Redacted, Result } from "effect"
import { readFile } from "node:fs/promises"

const setting = (name) => {
  const value = process.env[name]
  if (value === undefined || value === "") throw new Error(`expected the environment variable ${name}`)
  return value
}

const publish = Effect.gen(function*() {
  const repository = setting("MODULE_REPOSITORY")
  const tag = setting("MODULE_TAG")
  const registry = yield* HttpRegistry.make({
    url: setting("REGISTRY_URL"),
    ...(process.env.REGISTRY_USER === undefined ? {} : {
      credentials: {
        _tag: "Basic",
        username: process.env.REGISTRY_USER,
        password: Redacted.make(setting("REGISTRY_PASSWORD"))
      }
    })
  })
  const pem = yield* Effect.promise(() => readFile(setting("COSIGN_KEY_FILE"), "utf8"))
  const keyPair = yield* KeyPair.fromPem(pem, Redacted.make(process.env.COSIGN_PASSWORD ?? ""))

  const module = yield* ModuleBuilder.build({
    directory: process.env.MODULE_DIRECTORY ?? ".",
    versionString: tag.replace(/^v/, ""),
    architectures: (process.env.MODULE_ARCHITECTURES ?? "amd64,arm64").split(","),
    outputDirectory: process.env.RUNNER_TEMP ?? "build"
  })
  const published = yield* ModulePublisher.push(module, { registry, repository, tags: [tag] })
  yield* ModulePublisher.sign(module, published, { registry, signer: Signer.key({ keyPair }) })

  const body = new TextEncoder().encode(
    JSON.stringify({ repository: { full_name: repository }, ref: `refs/tags/${tag}` })
  )
  const key = Result.getOrThrow(WebhookKey.make({ id: "ci", secret: Redacted.make(setting("WEBHOOK_SECRET")) }))
  const headers = {
    "content-type": "application/json",
    ...WebhookSigner.standardWebhooks({
      key,
      id: `msg_${crypto.randomUUID()}`,
      timestampSeconds: Math.floor(Date.now() / 1000),
      body
    })
  }
  const response = yield* Effect.promise(() => fetch(setting("WEBHOOK_URL"), { method: "POST", headers, body }))
  if (!response.ok) throw new Error(`the webhook answered ${response.status}`)
  console.log(`${repository}:${tag} is ${published.index.digest}`)
})

await Effect.runPromise(Effect.scoped(publish))
