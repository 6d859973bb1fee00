#!/usr/bin/env node
// lamina-module: looks at a module repository, or builds, pushes, signs and announces it; what CI calls.
import { WebhookKey, WebhookSigner } from "@lamina/gitea"
import { Credentials, HttpRegistry } from "@lamina/oci"
import { KeyPair, Signer } from "@lamina/signing"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseArgs } from "node:util"
import * as ModuleBuilder from "../build/ModuleBuilder.ts"
import * as ModuleRepository from "../build/ModuleRepository.ts"
import * as ModulePublisher from "../publish/ModulePublisher.ts"

const usage = `lamina-module dry-run [DIR]
lamina-module packages [DIR]
lamina-module publish [DIR] --registry URL --repository NAME --key FILE [options]

dry-run lists mistakes, files and packages; packages prints the packages alone, one per line; publish builds, pushes and
signs. DIR is a module repository, by default the working directory.

  --registry URL           where to push (LAMINA_REGISTRY_USER and LAMINA_REGISTRY_PASSWORD, when it asks)
  --repository NAME        name of the repository there, such as acme/my-redis
  --tag TAG                tag to push; the version is the tag without a leading v (default: the tag of the commit)
  --architectures LIST     default amd64,arm64
  --rootfs ARCH=DIR        root file system of one architecture that a builder made (default: rootfs/ of DIR)
  --key FILE               private key of a cosign key pair (COSIGN_PASSWORD)
  --legacy                 store the signatures in the older tag form as well
  --webhook URL            tell the platform when it is done (LAMINA_WEBHOOK_SECRET signs the call)

Exit codes: 0 done, 1 failed, 2 not understood.
`

class Misuse extends Schema.TaggedError<Misuse>("lamina-module/Misuse")("Misuse", { problem: Schema.String }) {
  override get message(): string {
    return this.problem
  }
}

class WebhookNotAccepted
  extends Schema.TaggedError<WebhookNotAccepted>("lamina-module/WebhookNotAccepted")("WebhookNotAccepted", {
    url: Schema.String,
    detail: Schema.String
  })
{
  override get message(): string {
    return `the webhook ${this.url} did not accept the call: ${this.detail}`
  }
}

const options = {
  registry: { type: "string" },
  repository: { type: "string" },
  tag: { type: "string" },
  architectures: { type: "string", default: "amd64,arm64" },
  rootfs: { type: "string", multiple: true },
  key: { type: "string" },
  legacy: { type: "boolean", default: false },
  webhook: { type: "string" },
  help: { type: "boolean", default: false }
} as const

const readArguments = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const { positionals, values } = yield* Effect.try({
    try: () => parseArgs({ args: [...args], allowPositionals: true, options }),
    catch: (cause) => new Misuse({ problem: cause instanceof Error ? cause.message : String(cause) })
  })
  const [command, directory = ".", ...rest] = positionals
  if (rest.length > 0) {
    return yield* new Misuse({ problem: `expected one directory, got ${positionals.slice(1).join(" ")}` })
  }
  return { command, directory, values }
})

type Values = Effect.Success<ReturnType<typeof readArguments>>["values"]

const required = (values: Values, name: "registry" | "repository" | "key"): Effect.Effect<string, Misuse> => {
  const value = values[name]
  return value === undefined ? Effect.fail(new Misuse({ problem: `expected --${name}` })) : Effect.succeed(value)
}

const print = (text: string) => Effect.sync(() => void process.stdout.write(`${text}\n`))

const dryRun = Effect.fnUntraced(function*(directory: string) {
  const found = yield* ModuleBuilder.dryRun(directory)
  for (const text of found.renderedIssues) yield* print(text)
  for (const { message, severity } of found.layoutIssues) yield* print(`${severity}: ${message}`)
  for (const { path, size } of found.files) yield* print(`+ ${path} (${size} bytes)`)
  for (const { reason } of found.leftOut) yield* print(`- ${reason}`)
  for (const pattern of found.unmatchedPatterns) yield* print(`warning: file_spec ${pattern} matches no file`)
  yield* print(`packages: ${found.packages.join(", ") || "none"}`)
  return found.isBuildable ? 0 : 1
})

const packages = Effect.fnUntraced(function*(directory: string) {
  const repository = yield* ModuleRepository.read(directory)
  const isSound = ModuleRepository.errors(repository).length === 0
  if (isSound && Result.isSuccess(repository.manifest)) {
    for (const name of repository.manifest.success.manifest.specs.packageSpec) yield* print(name)
  }
  return isSound ? 0 : 1
})

const publish = Effect.fnUntraced(function*(directory: string, values: Values) {
  const repository = yield* required(values, "repository")
  const username = process.env["LAMINA_REGISTRY_USER"]
  const registry = yield* HttpRegistry.make({
    url: yield* required(values, "registry"),
    credentials: username === undefined
      ? undefined
      : Credentials.basic(username, Redacted.make(process.env["LAMINA_REGISTRY_PASSWORD"] ?? ""))
  })
  const keyPair = yield* readKey(yield* required(values, "key"))
  const webhook = values.webhook === undefined ? undefined : { url: values.webhook, key: yield* webhookKey }
  const outputDirectory = yield* temporaryDirectory
  const rootfs = values.rootfs ?? []
  const module = yield* ModuleBuilder.build({
    directory,
    versionString: values.tag?.replace(/^v/, ""),
    architectures: values.architectures.split(","),
    rootfs: Object.fromEntries(rootfs.map((text) => text.split("=", 2))),
    metadata: rootfs.length > 0 ? "preserved" : "normalized",
    outputDirectory
  })
  const tag = values.tag ?? module.versionString
  const published = yield* ModulePublisher.push(module, { registry, repository, tags: [tag] })
  yield* ModulePublisher.sign(module, published, {
    registry,
    signer: Signer.key({ keyPair }),
    form: values.legacy ? "both" : "bundle"
  })
  yield* print(`${repository}:${tag} ${published.index.digest}`)
  if (webhook !== undefined) yield* announce(webhook, repository, tag)
  return 0
})

const readKey = Effect.fnUntraced(function*(file: string) {
  const pem = yield* Effect.tryPromise({
    try: () => readFile(file, "utf8"),
    catch: (cause) => new Misuse({ problem: `--key: ${cause instanceof Error ? cause.message : String(cause)}` })
  })
  return yield* KeyPair.fromPem(pem, Redacted.make(process.env["COSIGN_PASSWORD"] ?? ""))
})

const temporaryDirectory = Effect.acquireRelease(
  Effect.promise(() => mkdtemp(join(tmpdir(), "lamina-module-"))),
  (directory) => Effect.promise(() => rm(directory, { recursive: true, force: true }))
)

const webhookKey = Effect.suspend(() =>
  Effect.fromResult(
    WebhookKey.make({ id: "LAMINA_WEBHOOK_SECRET", secret: Redacted.make(process.env["LAMINA_WEBHOOK_SECRET"] ?? "") })
  )
)

const announce = Effect.fnUntraced(function*(
  { key, url }: { readonly url: string; readonly key: WebhookKey.WebhookKey },
  repository: string,
  tag: string
) {
  const body = new TextEncoder().encode(
    JSON.stringify({ repository: { full_name: repository }, ref: `refs/tags/${tag}` })
  )
  const id = `msg_${crypto.randomUUID()}`
  const timestampSeconds = Math.floor((yield* Clock.currentTimeMillis) / 1000)
  const headers = {
    "content-type": "application/json",
    ...WebhookSigner.standardWebhooks({ key, id, timestampSeconds, body })
  }
  const response = yield* Effect.tryPromise({
    try: () => fetch(url, { method: "POST", headers, body }),
    catch: (cause) =>
      new WebhookNotAccepted({
        url,
        detail: cause instanceof Error ? String(cause.cause ?? cause.message) : String(cause)
      })
  })
  if (!response.ok) return yield* new WebhookNotAccepted({ url, detail: `HTTP ${response.status}` })
})

const main = Effect.fnUntraced(function*(args: ReadonlyArray<string>) {
  const { command, directory, values } = yield* readArguments(args)
  if (values.help) return yield* Effect.as(print(usage.trimEnd()), 0)
  switch (command) {
    case "dry-run":
      return yield* dryRun(directory)
    case "packages":
      return yield* packages(directory)
    case "publish":
      return yield* publish(directory, values)
    default:
      return yield* new Misuse({ problem: `expected dry-run, packages or publish, got ${command ?? "nothing"}` })
  }
}, Effect.scoped)

const exit = await Effect.runPromiseExit(main(process.argv.slice(2)))
if (Exit.isSuccess(exit)) {
  process.exitCode = exit.value
} else {
  const error = Cause.squash(exit.cause)
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  if (error instanceof Misuse) process.stderr.write(`lamina-module --help says what there is.\n`)
  process.exitCode = error instanceof Misuse ? 2 : 1
}
