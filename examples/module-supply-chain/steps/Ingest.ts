import { Manifest, ModuleCatalog, ModuleIngest, type ModuleVersion, WebhookWorker } from "@lamina/core"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import * as Signing from "../Signing.ts"
import type { World } from "../World.ts"
import { repositoryOf } from "./Publication.ts"
import type { Built } from "./Repository.ts"

/**
 * The operator registers the module from the manifest in hand: the one time that a manifest says whom to trust. Where it
 * names somebody else than who signs here, or nobody, the operator says it.
 */
export const register = Effect.fnUntraced(function*(world: World, module: Built, directory: string) {
  const { asAda, options, signing } = world
  const repository = repositoryOf(world, module.name)
  const manifestText = yield* Effect.promise(() => readFile(join(directory, "manifest.yaml"), "utf8"))
  const registered = yield* Effect.option(ModuleCatalog.getModule({ ...asAda, moduleName: module.name }))
  const record = Option.isSome(registered) ? registered.value : yield* ModuleCatalog.registerModule({
    ...asAda,
    manifestText,
    // The flat shape names no category; where nobody says, a module lies in the topmost one.
    category: Result.match(Manifest.parse(manifestText), {
      onSuccess: ({ manifest }) => manifest.category ?? "userland",
      onFailure: () => undefined
    }),
    ociRepository: repository,
    forgeRepository: repository,
    requiredArchitectures: options.architectures
  })
  const isTrusted = signing.isKeyless && Signing.trusts(record.trustPolicy, signing.sigstore.issuer, repository)
  if (isTrusted) return { record, trustedBy: "manifest" as const }
  const changes = { trustPolicy: signing.policyOf(repository) }
  return {
    record: yield* ModuleCatalog.updateModule({ ...asAda, moduleId: record.id, changes }),
    trustedBy: "operator" as const
  }
})

/** A worker takes the delivery from the inbox: tag to digest once, signatures, digests, a draft. */
export const ingest = (world: World, module: Built, deliveryId: string | undefined) =>
  world.report.step("ingest", () =>
    Effect.gen(function*() {
      const worked = yield* WebhookWorker.processOnce({ deep: true, limit: 100 })
      const mine = worked.find((work) => work.deliveryId === deliveryId)
      const version = yield* versionOf(world, module)
      return {
        version,
        report: {
          fields: { outcome: mine?.outcome ?? null, ...fieldsOf(version) },
          lines: linesOf(version)
        }
      }
    }))

/** Takes a publication in without a word and without a webhook, for dependencies. */
export const ingestQuietly = Effect.fnUntraced(function*(world: World, moduleName: string, digest: string) {
  const { version } = yield* ModuleIngest.ingest({ ...world.asAda, moduleName, digest, deep: true })
  return version
})

/** What an earlier run answered and did not get to: deliveries that wait in the inbox. */
export const resume = Effect.fnUntraced(function*({ report }: World) {
  const worked = yield* WebhookWorker.processOnce({ deep: true, limit: 100 })
  for (const { deliveryId, outcome } of worked) yield* report.note(`resumed delivery ${deliveryId}: ${outcome}`)
})

/** The version of a built module, as it is recorded. */
const versionOf = Effect.fnUntraced(function*({ asAda }: World, module: Built) {
  const { id } = yield* ModuleCatalog.getModule({ ...asAda, moduleName: module.name })
  const versions = yield* ModuleCatalog.listVersions({ ...asAda, moduleId: id, limit: 1000 })
  const version = versions.find(({ versionString }) => versionString === module.versionString)
  return version ?? (yield* Effect.die(new Error(`${module.name} ${module.versionString} was not recorded`)))
})

const fieldsOf = (version: ModuleVersion.ModuleVersion) => ({
  module: version.moduleName,
  version_string: version.versionString,
  lifecycle_state: version.lifecycleState,
  cosign_verified: version.cosignVerified,
  index_digest: version.indexDigest,
  verdicts: version.verdicts,
  artifacts: version.artifacts.map((artifact) => ({
    architecture: artifact.architecture,
    manifest_digest: artifact.manifestDigest,
    composefs_digest: artifact.composefsDigest,
    fsverity_root_hash: artifact.fsverityRootHash,
    recomputed: artifact.recomputed,
    rebuilt: artifact.rebuilt
  }))
})

const linesOf = (version: ModuleVersion.ModuleVersion): ReadonlyArray<string> => [
  `${version.moduleName} ${version.versionString}: ${version.lifecycleState}, cosign_verified: ${version.cosignVerified}`,
  ...version.verdicts.map(({ subject, verdict }) =>
    verdict.verified
      ? `${subject}: signed by ${verdict.signer}${verdict.issuer === undefined ? "" : `, issuer ${verdict.issuer}`}`
      : `${subject}: ${verdict.message}`
  ),
  ...version.artifacts.flatMap((artifact) => [
    `${artifact.architecture}: composefs_digest ${artifact.composefsDigest}, recomputed`,
    `${artifact.architecture}: fsverity_root_hash ${artifact.fsverityRootHash}, recomputed${
      artifact.rebuilt ? "; image rebuilt from the files and equal" : ""
    }`
  ])
]
