import {
  ArtifactSource,
  ModuleIngest,
  type ModuleVersion,
  Promotion,
  TemplateComposition,
  Templates,
  WebhookEndpoints,
  WebhookInbox
} from "@lamina/core"
import { Digest, HttpRegistry } from "@lamina/oci"
import { Fault, FaultyRegistry } from "@lamina/oci/testing"
import { OciArtifactSource } from "@lamina/platform"
import { Signer } from "@lamina/signing"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { World } from "../World.ts"
import * as Ingest from "./Ingest.ts"
import * as Publication from "./Publication.ts"
import * as Repository from "./Repository.ts"

/** What was refused, and the typed reason. */
interface Refused {
  readonly reason: string
  readonly detail: string
}

/** The module whose variations are refused. */
export interface Subject {
  readonly source: Repository.Source
  readonly module: Repository.Built
  readonly version: ModuleVersion.ModuleVersion
}

/** Shows each refusal with its reason; one that goes through is a defect of the example. */
export const show = Effect.fnUntraced(function*(world: World, subject: Subject) {
  yield* world.report.title("What is refused, and why")
  const { report } = world
  const refuse = Effect.fnUntraced(function*<E, R>(name: string, attempt: Effect.Effect<Refused, E, R>) {
    const { detail, reason } = yield* attempt
    yield* report.refusal(name, reason, detail)
  })
  yield* refuse("a flipped byte in a layer", flippedByte(world, subject))
  yield* refuse("another signer", anotherSigner(world, subject))
  yield* refuse("another issuer", anotherIssuer(world, subject))
  yield* refuse("a replayed webhook", replayedWebhook(world, subject))
  yield* refuse("an old webhook, sent again", oldWebhook(world, subject))
  yield* refuse("a stale webhook secret", staleSecret(world, subject))
  yield* refuse("a moved tag", movedTag(world, subject))
  yield* refuse("a cyclic dependency", cyclicDependency(world))
  yield* refuse("promotion without approval", promotionWithoutApproval(world, subject))
})

const wentThrough = (what: string) => Effect.die(new Error(`${what} was not refused`))

// The module once more, under another version; the same files, another index.
const variation = Effect.fnUntraced(function*(world: World, { source }: Subject, suffix: string) {
  const versionString = `0.0.0-${suffix}.${crypto.randomUUID().slice(0, 8)}`
  return yield* Repository.make(world, source, versionString)
})

// A registry (or whoever sits before it) that gives wrong bytes for one blob.
const flippedByte = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const module = yield* variation(world, subject, "flipped")
  const published = yield* Publication.publishQuietly(world, module)
  const [artifact] = module.artifacts
  const image = Digest.hex(Digest.ofBytes(artifact?.image ?? new Uint8Array()))
  const path = new RegExp(`/blobs/sha256:${image}`)
  const { url } = yield* FaultyRegistry.listen(world.registry, {
    faults: [{ method: "GET", path, mishap: { _tag: "Corrupt", atByte: 1030 } } satisfies Fault.Fault]
  })
  const tampered = yield* HttpRegistry.make({ url, retry: { times: 0 } })
  return yield* ModuleIngest.ingest({
    ...world.asAda,
    moduleId: subject.version.moduleId,
    digest: published.index.digest,
    deep: true
  }).pipe(
    Effect.provide(OciArtifactSource.layer({ registry: tampered })),
    Effect.flatMap(() => wentThrough("a flipped byte")),
    Effect.catchTag("IngestError", (error) => Effect.succeed({ reason: reasonOf(error.reason), detail: error.message }))
  )
}, Effect.scoped)

const reasonOf = (reason: ModuleIngestReason): string =>
  reason._tag === "SourceFailed" && reason.error instanceof ArtifactSource.ArtifactSourceError
    ? `${reason._tag} ${reason.error.kind}`
    : reason._tag

type ModuleIngestReason = { readonly _tag: string; readonly error?: unknown }

const anotherSigner = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const module = yield* variation(world, subject, "stranger")
  const repository = Publication.repositoryOf(world, module.name)
  const published = yield* Publication.publishQuietly(
    world,
    module,
    world.signing.strangerOf(repository, module.versionString)
  )
  return yield* ingestUntrusted(world, subject, published.index.digest)
})

// The same workflow in the certificate, by the same authority, but vouched for by another identity provider.
const anotherIssuer = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const { sigstore } = world.signing
  const module = yield* variation(world, subject, "issuer")
  const repository = Publication.repositoryOf(world, module.name)
  const issuer = "https://forge.example.net/api/actions"
  const signer = Signer.keyless({
    certificateAuthority: sigstore.misissuing({ issuerV1: issuer, issuerV2: issuer }),
    transparencyLog: sigstore.transparencyLog,
    identityToken: sigstore.identityToken({ repository, ref: `refs/tags/${module.versionString}` })
  })
  const published = yield* Publication.publishQuietly(world, module, signer)
  return yield* ingestUntrusted(world, subject, published.index.digest)
})

// A signature that does not count leaves a draft which is not verified, and goes no further.
const ingestUntrusted = Effect.fnUntraced(function*(world: World, subject: Subject, digest: string) {
  const { version } = yield* ModuleIngest.ingest({ ...world.asAda, moduleId: subject.version.moduleId, digest })
  const verdict = version.verdicts.find(({ verdict }) => !verdict.verified)?.verdict
  if (version.cosignVerified || verdict === undefined || verdict.verified) {
    return yield* wentThrough("an untrusted signature")
  }
  const refusals = yield* Promotion.promote({ ...world.asAda, versionId: version.id, to: "staging" }).pipe(
    Effect.flatMap(() => wentThrough("an unverified version")),
    Effect.catchReason(
      "PromotionError",
      "NotAllowed",
      ({ refusals }) => Effect.succeed(refusals.map(({ _tag }) => _tag))
    )
  )
  const rejected = verdict.rejected.find(({ tag }) => tag === verdict.tag)
  return {
    reason: verdict.tag,
    detail: `${rejected?.message ?? verdict.message}; it stays a draft, staging refuses it (${refusals.join(", ")})`
  }
})

const replayedWebhook = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const repository = Publication.repositoryOf(world, subject.module.name)
  const request = yield* Publication.callback(world, repository, subject.module.versionString)
  const first = yield* Publication.send(world, request)
  const second = yield* Publication.send(world, request)
  if (first.deliveryId !== second.deliveryId) return yield* wentThrough("a replay")
  return {
    reason: "Duplicate",
    detail: `answered ${second.status} with the same delivery ${second.deliveryId}; nothing was done twice`
  }
})

const oldWebhook = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const repository = Publication.repositoryOf(world, subject.module.name)
  const sentAt = (yield* Clock.currentTimeMillis) - 60 * 60 * 1000
  return yield* refusedWebhook(world, yield* Publication.callback(world, repository, "0.1.0", { sentAt }))
})

const staleSecret = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const { asAda, endpoint } = world
  const repository = Publication.repositoryOf(world, subject.module.name)
  const request = yield* Publication.callback(world, repository, subject.module.versionString)
  yield* WebhookEndpoints.rotateSecret({ ...asAda, endpointId: endpoint.id, overlapMillis: 0 })
  return yield* refusedWebhook(world, request)
})

// The sender learns nothing but 401; the operator sees why.
const refusedWebhook = Effect.fnUntraced(function*(world: World, request: Parameters<typeof Publication.send>[1]) {
  const { status, text } = yield* Publication.send(world, request)
  if (status !== 401) return yield* wentThrough("a webhook")
  const { refused: [latest] } = yield* WebhookInbox.recent({ ...world.asAda, endpointId: world.endpoint.id })
  return {
    reason: latest?.reason ?? "unknown",
    detail: `the sender got ${status} ${text}; the log says: ${latest?.detail ?? "nothing"}`
  }
})

// Somebody pushes something else, properly signed, to a tag that was taken in: here a build that claims another commit.
const movedTag = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const again = yield* Repository.make(world, subject.source, subject.module.versionString)
  const moved = { ...again, gitSha: "0".repeat(40) }
  const published = yield* Publication.publishQuietly(world, moved)
  const refused = yield* ModuleIngest.ingest({
    ...world.asAda,
    moduleId: subject.version.moduleId,
    tag: subject.module.versionString
  }).pipe(
    Effect.flatMap(() => wentThrough("a moved tag")),
    Effect.catchTag("IngestError", (error) => Effect.succeed({ reason: error.reason._tag, detail: error.message }))
  )
  // Put back, for whoever comes next.
  yield* Publication.publishQuietly(world, subject.module)
  return published.index.digest === subject.version.indexDigest ? yield* wentThrough("a moved tag") : refused
})

// Two modules that need each other, published and taken in like any other.
const cyclicDependency = Effect.fnUntraced(function*(world: World) {
  const suffix = crypto.randomUUID().slice(0, 8)
  const [egg, hen] = [`egg-${suffix}`, `hen-${suffix}`] as const
  const template = yield* Templates.createTemplate({ ...world.asAda, name: `loop-${suffix}` })
  for (const [name, needed] of [[egg, hen], [hen, egg]] as const) {
    const directory = yield* writeModule(world, name, needed)
    const module = yield* Repository.make(world, { directory, version: undefined }, "1.0.0")
    yield* Ingest.register(world, module, directory)
    const published = yield* Publication.publishQuietly(world, module)
    const { versionString } = yield* Ingest.ingestQuietly(world, name, published.index.digest)
    yield* Templates.assignModule({
      ...world.asAda,
      templateId: template.id,
      moduleName: name,
      channel: { version: versionString }
    })
  }
  const { isBlocked, problems } = yield* TemplateComposition.compose({
    ...world.asAda,
    templateId: template.id,
    architecture: world.options.architectures[0] ?? "amd64"
  })
  const cycle = problems.find(({ _tag }) => _tag === "Cycle")
  return cycle === undefined || !isBlocked
    ? yield* wentThrough(`a cycle (${problems.map(({ message }) => message).join("; ")})`)
    : { reason: cycle._tag, detail: cycle.message }
})

const writeModule = Effect.fnUntraced(function*({ state }: World, name: string, needed: string) {
  const directory = join(state.directory, "modules", name)
  yield* Effect.promise(async () => {
    await mkdir(join(directory, "rootfs", "etc"), { recursive: true })
    await writeFile(join(directory, "rootfs", "etc", name), `${name} needs ${needed}\n`)
    await writeFile(
      join(directory, "manifest.yaml"),
      [
        "schema_version: 1",
        `name: ${name}`,
        "category: userland",
        `file_spec: [/etc/${name}]`,
        "dependencies:",
        `  requires: [${needed}]`
      ].join("\n")
    )
  })
  return directory
})

const promotionWithoutApproval = Effect.fnUntraced(function*(world: World, subject: Subject) {
  const module = yield* variation(world, subject, "unapproved")
  const published = yield* Publication.publishQuietly(world, module)
  const { version } = yield* ModuleIngest.ingest({
    ...world.asAda,
    moduleId: subject.version.moduleId,
    digest: published.index.digest
  })
  for (const to of ["staging", "blessed"] as const) {
    yield* Promotion.promote({ ...world.asAda, versionId: version.id, to })
  }
  return yield* Promotion.promote({ ...world.asAda, versionId: version.id, to: "live", allowDowngrade: true }).pipe(
    Effect.flatMap(() => wentThrough("a promotion without approval")),
    Effect.catchTag("PromotionError", (error) => Effect.succeed({ reason: error.reason._tag, detail: error.message }))
  )
})
