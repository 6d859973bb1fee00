import { Accounts, Actor, Command, WebhookEndpoints } from "@lamina/core"
import { WebhookKey } from "@lamina/gitea"
import type { Registry } from "@lamina/oci"
import { NodeServer, Platform, PlatformHandler } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Scope from "effect/Scope"
import { existsSync } from "node:fs"
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as Backend from "./Backend.ts"
import type { Options } from "./Options.ts"
import type { Report } from "./Report.ts"
import * as Signing from "./Signing.ts"
import * as State from "./State.ts"

/** The two people of the example: one builds and asks, the other approves. */
const ada = Actor.person("ada@example.com")
const grace = Actor.person("grace@example.com")

/** Everything that a step works with. */
export interface World {
  readonly options: Options
  readonly report: Report
  readonly state: State.State
  readonly signing: Signing.Signing
  readonly registry: Registry.Registry
  readonly registryUrl: string
  /** Where the platform listens, as CI and machines see it. */
  readonly platformUrl: string
  /** What every command of the operator is given. */
  readonly asAda: Command.Options
  readonly asGrace: Command.Options
  /** The endpoint that CI calls, and the secret that it signs with. */
  readonly endpoint: { readonly id: string; readonly key: WebhookKey.WebhookKey }
  /** Where file layers are written before they are pushed. */
  readonly outputDirectory: string
}

/** Opens registry, database, signing and platform, and gives the world with the platform's services to the work. */
export const use = Effect.fnUntraced(function*<A, E>(
  options: Options,
  report: Report,
  work: (world: World) => Effect.Effect<A, E, Platform.Services | Scope.Scope>
) {
  const state = yield* State.open(options.state)
  const signing = yield* Signing.open(options, state)
  const registry = yield* Backend.registry(options, state)
  yield* report.title("Where it runs")
  yield* report.note(`registry  ${registry.description}`)
  yield* report.note(`database  ${describeDatabase(options.database)}`)
  yield* report.note(`signing   ${signing.description}`)
  if (state.isKept) yield* report.note(`state     ${state.directory}`)
  const services = yield* Layer.build(Platform.layer({
    storage: Backend.storage(options, state),
    registry: registry.client,
    trustRoot: signing.trustRoot,
    secrets: { key: Redacted.make(state.secretKey) }
  }))
  return yield* Effect.provideContext(
    Effect.gen(function*() {
      const handler = PlatformHandler.make(Effect.runPromiseWith(services))
      const platformUrl = yield* NodeServer.listen(handler)
      const accountId = yield* account(state)
      const asAda = { accountId, actor: ada }
      const outputDirectory = join(state.directory, "build")
      yield* Effect.promise(() => mkdir(outputDirectory, { recursive: true }))
      return yield* work({
        options,
        report,
        state,
        signing,
        registry: registry.client,
        registryUrl: registry.url,
        platformUrl,
        asAda,
        asGrace: { accountId, actor: grace },
        endpoint: yield* endpoint(asAda),
        outputDirectory
      })
    }),
    services
  )
})

const describeDatabase = (database: string): string =>
  database === "memory" ? "memory" : database === "embedded" ? "embedded PostgreSQL" : new URL(database).host

// With --state the account is the one of the run before.
const account = Effect.fnUntraced(function*(state: State.State) {
  const file = join(state.directory, "account")
  if (existsSync(file)) {
    const accountId = yield* Effect.promise(() => readFile(file, "utf8"))
    const known = yield* Effect.option(Accounts.getAccount({ accountId }))
    if (known._tag === "Some") return accountId
  }
  const { id } = yield* Accounts.createAccount({ actor: ada, name: "acme" })
  yield* Effect.promise(() => writeFile(file, id))
  return id
})

// A secret is shown once; a run that goes on with an earlier state makes a new endpoint, as an operator would.
const endpoint = Effect.fnUntraced(function*(asAda: Command.Options) {
  const { endpoint, secret } = yield* WebhookEndpoints.createEndpoint({ ...asAda, name: `ci-${crypto.randomUUID()}` })
  return { id: endpoint.id, key: yield* Effect.fromResult(WebhookKey.make({ id: "ci", secret })) }
})
