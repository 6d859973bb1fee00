/**
 * The world of a scenario: an account of its own, people, fakes of all ports but storage, and a clock that stands still.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import * as Approvals from "../../approvals/Approvals.ts"
import * as Accounts from "../../catalog/Accounts.ts"
import type * as Module from "../../catalog/Module.ts"
import * as ModuleCatalog from "../../catalog/ModuleCatalog.ts"
import type * as ModuleVersion from "../../catalog/ModuleVersion.ts"
import { person, service } from "../../events/Actor.ts"
import type { ArtifactSource } from "../../ingest/ArtifactSource.ts"
import * as ModuleIngest from "../../ingest/ModuleIngest.ts"
import type { SignatureVerifier } from "../../ingest/SignatureVerifier.ts"
import { JobQueue } from "../../storage/JobQueue.ts"
import { Storage } from "../../storage/Storage.ts"
import * as Promotion from "../../versions/Promotion.ts"
import { ApprovalRequired, PromotionError } from "../../versions/PromotionError.ts"
import type { SecretBox } from "../../webhooks/SecretBox.ts"
import type { WebhookAuthenticator } from "../../webhooks/WebhookAuthenticator.ts"
import * as ContractCase from "../ContractCase.ts"
import * as FakeRegistry from "../FakeRegistry.ts"
import * as FakeSigners from "../FakeSigners.ts"
import * as FakeWebhookAuthenticator from "../FakeWebhookAuthenticator.ts"
import * as PlainSecretBox from "../PlainSecretBox.ts"

/**
 * An account that exists, and power over time.
 *
 * @category services
 * @since 0.1.0
 */
export class World extends Context.Service<World, {
  readonly accountId: string
  readonly advance: (millis: number) => Effect.Effect<void>
}>()("@lamina/core/testing/World") {}

/**
 * Everything that a scenario may use.
 *
 * @category models
 * @since 0.1.0
 */
export type Requirements =
  | World
  | Storage
  | JobQueue
  | ArtifactSource
  | SignatureVerifier
  | SecretBox
  | WebhookAuthenticator
  | FakeRegistry.FakeRegistry
  | FakeSigners.FakeSigners

const fakes = Layer.mergeAll(
  FakeRegistry.layer,
  FakeSigners.layer,
  PlainSecretBox.layer,
  FakeWebhookAuthenticator.layer
)

/**
 * The person who works.
 *
 * @category constants
 * @since 0.1.0
 */
export const ada = person("ada")

/**
 * The person who approves.
 *
 * @category constants
 * @since 0.1.0
 */
export const bob = person("bob")

/**
 * The service that builds.
 *
 * @category constants
 * @since 0.1.0
 */
export const ci = service("ci")

/**
 * Who signs what the account trusts.
 *
 * @category constants
 * @since 0.1.0
 */
export const signer: FakeSigners.Signer = {
  issuer: "https://git.example.org/api/actions",
  identity: "https://git.example.org/modules/build.yaml@refs/tags/v1"
}

/**
 * Makes a scenario of a program in a fresh world.
 *
 * @category constructors
 * @since 0.1.0
 */
export const scenario = (
  name: string,
  program: Effect.Effect<void, unknown, Requirements>
): ContractCase.ContractCase =>
  ContractCase.make(name, ({ advance, storage, queue }) =>
    Effect.gen(function*() {
      const account = yield* Accounts.createAccount({ actor: ada, name: "Acme" })
      yield* Effect.provideService(program, World, World.of({ accountId: account.id, advance }))
    }).pipe(
      Effect.provide(fakes),
      Effect.provideService(Storage, storage),
      Effect.provideService(JobQueue, queue)
    ))

/**
 * The account of the scenario, with the person who works.
 *
 * @category getters
 * @since 0.1.0
 */
export const asAda = Effect.map(World, ({ accountId }) => ({ accountId, actor: ada }))

/**
 * The text of a small manifest.
 *
 * @category constructors
 * @since 0.1.0
 */
export const manifest = (
  name: string,
  options: {
    readonly category?: string
    readonly fileSpec?: ReadonlyArray<string>
    readonly requires?: ReadonlyArray<string>
  } = {}
): string =>
  [
    "schema_version: 1",
    `name: ${name}`,
    `category: ${options.category ?? "userland"}`,
    `file_spec: ${JSON.stringify(options.fileSpec ?? [`/opt/${name}/**`])}`,
    `dependencies: { requires: ${JSON.stringify(options.requires ?? [])} }`,
    ""
  ].join("\n")

/**
 * Registers a module that trusts `signer`.
 *
 * @category steps
 * @since 0.1.0
 */
export const register = Effect.fnUntraced(function*(name: string, options: Parameters<typeof manifest>[1] = {}) {
  return yield* ModuleCatalog.registerModule({
    ...(yield* asAda),
    manifestText: manifest(name, options),
    ociRepository: `registry.example.org/${name}`,
    forgeRepository: `modules/${name}`,
    trustPolicy: FakeSigners.trusting(signer)
  })
})

/**
 * Publishes and signs a version of a module, as its CI does.
 *
 * @category steps
 * @since 0.1.0
 */
export const publish = Effect.fnUntraced(function*(
  module: Module.Module,
  versionString: string,
  options: Partial<FakeRegistry.Publication> & { readonly signedBy?: FakeSigners.Signer | "nobody" } = {}
) {
  const registry = yield* FakeRegistry.FakeRegistry
  const signers = yield* FakeSigners.FakeSigners
  const { signedBy = signer, ...publication } = options
  const published = yield* registry.publish({
    repository: module.ociRepository ?? "",
    tag: `v${versionString}`,
    moduleName: module.name,
    versionString,
    manifestText: module.manifestText,
    files: [`/opt/${module.name}/main`],
    ...publication
  })
  if (signedBy !== "nobody") yield* signers.sign(published, signedBy)
  return published
})

/**
 * Takes a version in by its tag.
 *
 * @category steps
 * @since 0.1.0
 */
export const ingest = Effect.fnUntraced(function*(module: Module.Module, tag: string) {
  const { accountId } = yield* World
  return yield* ModuleIngest.ingest({ accountId, actor: ci, moduleId: module.id, tag })
})

/**
 * A version that is published, signed, taken in and promoted as far as wished; for `live` the other person approves.
 *
 * @category steps
 * @since 0.1.0
 */
export const release = Effect.fnUntraced(function*(
  module: Module.Module,
  versionString: string,
  to: "draft" | "staging" | "blessed" | "live",
  options: Partial<FakeRegistry.Publication> = {}
) {
  yield* publish(module, versionString, options)
  const { version } = yield* ingest(module, `v${versionString}`)
  return to === "draft" ? version : yield* promoteTo(version, to)
})

/**
 * Promotes a version step by step.
 *
 * @category steps
 * @since 0.1.0
 */
export const promoteTo = Effect.fnUntraced(function*(
  version: ModuleVersion.ModuleVersion,
  to: "staging" | "blessed" | "live"
) {
  const options = { ...(yield* asAda), versionId: version.id }
  yield* Promotion.promote({ ...options, to: "staging" })
  if (to === "staging") return yield* getVersion(version.id)
  yield* Promotion.promote({ ...options, to: "blessed" })
  if (to === "blessed") return yield* getVersion(version.id)
  return yield* goLive(version.id)
})

/**
 * Promotes a blessed version to live, with the approval of the other person.
 *
 * @category steps
 * @since 0.1.0
 */
export const goLive = Effect.fnUntraced(function*(versionId: string) {
  const input = { ...(yield* asAda), versionId, to: "live" } as const
  const required = yield* approvalRequired(Promotion.promote(input))
  yield* Approvals.approve({ ...input, actor: bob, requestId: required.requestId })
  return yield* Promotion.promote(input)
})

/**
 * A version as it stands now.
 *
 * @category steps
 * @since 0.1.0
 */
export const getVersion = Effect.fnUntraced(function*(versionId: string) {
  const { accountId } = yield* World
  return yield* ModuleCatalog.getVersion({ accountId, versionId })
})

/**
 * A module as it stands now.
 *
 * @category steps
 * @since 0.1.0
 */
export const getModule = Effect.fnUntraced(function*(moduleId: string) {
  const { accountId } = yield* World
  return yield* ModuleCatalog.getModule({ accountId, moduleId })
})

/**
 * The versions of a module that are live, which should be one at most.
 *
 * @category steps
 * @since 0.1.0
 */
export const liveVersions = Effect.fnUntraced(function*(moduleId: string) {
  const { accountId } = yield* World
  const versions = yield* ModuleCatalog.listVersions({ accountId, moduleId })
  return versions.filter(({ lifecycleState }) => lifecycleState === "live").map(({ versionString }) => versionString)
})

/**
 * The reason that a command wants an approval.
 *
 * @category assertions
 * @since 0.1.0
 */
export const approvalRequired = <A, E, R>(command: Effect.Effect<A, E, R>) =>
  Effect.matchEffect(command, {
    onSuccess: () => ContractCase.violation("the command", "ApprovalRequired", "it succeeded"),
    onFailure: (error) =>
      error instanceof PromotionError && error.reason instanceof ApprovalRequired
        ? Effect.succeed(error.reason)
        : ContractCase.violation("the command", "ApprovalRequired", Formatter.format(error))
  })

/**
 * Fails unless a command is refused for a reason with the tag; gives the error.
 *
 * @category assertions
 * @since 0.1.0
 */
export const refused = <A, E extends { readonly reason: { readonly _tag: string } }, R>(
  what: string,
  command: Effect.Effect<A, E, R>,
  tag: E["reason"]["_tag"]
) =>
  Effect.matchEffect(command, {
    onSuccess: () => ContractCase.violation(what, tag, "it succeeded"),
    onFailure: (error) =>
      error.reason._tag === tag ? Effect.succeed(error) : ContractCase.violation(what, tag, Formatter.format(error))
  })

/**
 * Fails unless a text has a part.
 *
 * @category assertions
 * @since 0.1.0
 */
export const contains = (
  what: string,
  text: string,
  part: string
): Effect.Effect<void, ContractCase.ContractViolation> =>
  text.includes(part) ? Effect.void : ContractCase.violation(what, `something with ${JSON.stringify(part)}`, text)
