/**
 * Scenarios of what is taken in, and what is not.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as ModuleCatalog from "../../catalog/ModuleCatalog.ts"
import * as Events from "../../events/Events.ts"
import * as IngestRejections from "../../ingest/IngestRejections.ts"
import * as ModuleIngest from "../../ingest/ModuleIngest.ts"
import * as RegistryPoller from "../../ingest/RegistryPoller.ts"
import { SignatureVerifier } from "../../ingest/SignatureVerifier.ts"
import { Storage } from "../../storage/Storage.ts"
import * as Promotion from "../../versions/Promotion.ts"
import { type ContractCase, equal } from "../ContractCase.ts"
import { FakeRegistry } from "../FakeRegistry.ts"
import * as FakeSigners from "../FakeSigners.ts"
import {
  asAda,
  ci,
  contains,
  getVersion,
  ingest,
  manifest,
  publish,
  refused,
  register,
  release,
  scenario,
  signer,
  World
} from "./World.ts"

const mallory: FakeSigners.Signer = { issuer: signer.issuer, identity: "https://git.example.org/mallory" }

const versionsOf = Effect.fnUntraced(function*(moduleId: string) {
  const { accountId } = yield* World
  return yield* ModuleCatalog.listVersions({ accountId, moduleId })
})

const eventTypes = Effect.fnUntraced(function*() {
  const { accountId } = yield* World
  return (yield* Events.list({ accountId, limit: 1000 })).map(({ type }) => type)
})

/**
 * The scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  scenario(
    "a signed publication becomes a verified draft with the digests of its bytes",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const published = yield* publish(module, "0.1.0", { architectures: ["amd64", "arm64"] })
      const { outcome, version, differences } = yield* ingest(module, "v0.1.0")
      yield* equal("outcome", outcome, "recorded")
      yield* equal("state", version.lifecycleState, "draft")
      yield* equal("verified", version.cosignVerified, true)
      yield* equal("digest", version.indexDigest, published.indexDigest)
      yield* equal("differences", differences, [])
      yield* equal(
        "artifacts",
        version.artifacts.map(({ architecture, composefsDigest, fsverityRootHash, recomputed }) => ({
          architecture,
          composefsDigest,
          fsverityRootHash,
          recomputed
        })),
        published.artifacts.map(({ architecture, composefsDigest, fsverityRootHash }) => ({
          architecture,
          composefsDigest,
          fsverityRootHash,
          recomputed: true
        }))
      )
      yield* equal("subjects", version.verdicts.map(({ subject }) => subject), ["index", "amd64", "arm64"])
    })
  ),

  scenario(
    "taking the same digest in again does nothing, even at once and by another tag",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0")
      const outcomes = yield* Effect.forEach(Array.from({ length: 8 }), () => ingest(module, "v0.1.0"), {
        concurrency: "unbounded"
      })
      yield* equal("recorded", outcomes.filter(({ outcome }) => outcome === "recorded").length, 1)
      yield* equal("versions", new Set(outcomes.map(({ version }) => version.id)).size, 1)
      yield* equal("rows", (yield* versionsOf(module.id)).length, 1)
      const events = yield* eventTypes()
      yield* equal("events", events.filter((type) => type === "module_version.ingested").length, 1)
    })
  ),

  scenario(
    "the tag is asked for once",
    Effect.gen(function*() {
      const registry = yield* FakeRegistry
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0")
      yield* ingest(module, "v0.1.0")
      const calls = yield* registry.calls
      yield* equal("resolutions", calls.filter((call) => call.startsWith("resolve ")).length, 1)
    })
  ),

  scenario(
    "a moved tag changes nothing, and is told once",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const original = yield* publish(module, "0.1.0")
      const { version } = yield* ingest(module, "v0.1.0")
      const moved = yield* publish(module, "0.1.0", { build: "another" })
      const error = yield* refused("the moved tag", ingest(module, "v0.1.0"), "VersionConflict")
      for (const digest of [original.indexDigest, moved.indexDigest]) {
        yield* contains("the message", error.message, digest)
      }
      yield* refused("the moved tag again", ingest(module, "v0.1.0"), "VersionConflict")
      yield* equal("the version", (yield* getVersion(version.id)).indexDigest, original.indexDigest)
      yield* equal("versions", (yield* versionsOf(module.id)).length, 1)
      const events = yield* eventTypes()
      yield* equal("events", events.filter((type) => type === "module_version.conflict").length, 1)
      const [poll] = yield* RegistryPoller.pollOnce({ accountId })
      yield* equal("the poller", poll?.tags.map(({ outcome }) => outcome), ["rejectedBefore"])
    })
  ),

  scenario(
    "bytes that are not what the publisher said are not recorded",
    Effect.gen(function*() {
      const registry = yield* FakeRegistry
      const module = yield* register("my-redis")
      const published = yield* publish(module, "0.1.0")
      yield* registry.corrupt(published.artifacts[0]?.manifestDigest ?? "")
      yield* refused("ingest", ingest(module, "v0.1.0"), "DigestMismatch")
      yield* equal("versions", (yield* versionsOf(module.id)).length, 0)
    })
  ),

  scenario(
    "what nobody trusted has signed is a draft that goes nowhere, until the policy is mended",
    Effect.gen(function*() {
      const registry = yield* FakeRegistry
      const module = yield* register("my-redis")
      const options = yield* asAda
      yield* publish(module, "0.1.0", { signedBy: mallory })
      const { version } = yield* ingest(module, "v0.1.0")
      yield* equal("verified", version.cosignVerified, false)
      yield* equal("recomputed", version.artifacts.map(({ recomputed }) => recomputed), [false])
      const calls = yield* registry.calls
      yield* equal("bytes fetched", calls.filter((call) => call.startsWith("recompute ")).length, 0)
      const promote = Promotion.promote({ ...options, versionId: version.id, to: "staging" })
      const error = yield* refused("promoting", promote, "NotAllowed")
      yield* contains("the message", error.message, "not verified")

      yield* ModuleCatalog.updateModule({
        ...options,
        moduleId: module.id,
        changes: { trustPolicy: FakeSigners.trusting(mallory) }
      })
      const verified = yield* ModuleIngest.reverify({ ...options, versionId: version.id })
      yield* equal("verified now", verified.cosignVerified, true)
      yield* equal("recomputed now", verified.artifacts.map(({ recomputed }) => recomputed), [true])
      yield* equal("promoted", (yield* promote).lifecycleState, "staging")
    })
  ),

  scenario(
    "what was verified and no longer is stays where it is, and goes no further",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const version = yield* release(module, "0.1.0", "blessed")
      yield* ModuleCatalog.updateModule({
        ...options,
        moduleId: module.id,
        changes: { trustPolicy: FakeSigners.trusting(mallory) }
      })
      const again = yield* ModuleIngest.reverify({ ...options, versionId: version.id })
      yield* equal("verified", again.cosignVerified, false)
      yield* equal("state", again.lifecycleState, "blessed")
      yield* equal("recomputed", again.artifacts.map(({ recomputed }) => recomputed), [true])
      yield* refused(
        "promoting",
        Promotion.promote({ ...options, versionId: version.id, to: "live" }),
        "NotAllowed"
      )
    })
  ),

  scenario(
    "a verdict under a trust policy that was changed meanwhile is not recorded",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      yield* publish(module, "0.1.0")
      const verifier = yield* SignatureVerifier
      const storage = yield* Storage
      const distrust = ModuleCatalog.updateModule({
        ...options,
        moduleId: module.id,
        changes: { trustPolicy: FakeSigners.trusting(mallory) }
      }).pipe(Effect.provideService(Storage, storage), Effect.orDie)
      const slow = SignatureVerifier.of({
        verify: (repository, digest, policy) => Effect.tap(verifier.verify(repository, digest, policy), distrust)
      })
      yield* refused(
        "ingest",
        Effect.provideService(ingest(module, "v0.1.0"), SignatureVerifier, slow),
        "Stale"
      )
      yield* equal("versions", (yield* versionsOf(module.id)).length, 0)
    })
  ),

  scenario(
    "a signature on the index alone is not enough",
    Effect.gen(function*() {
      const signers = yield* FakeSigners.FakeSigners
      const module = yield* register("my-redis")
      const published = yield* publish(module, "0.1.0", { signedBy: "nobody" })
      yield* signers.signDigest(published.indexDigest, signer)
      const { version } = yield* ingest(module, "v0.1.0")
      yield* equal("verified", version.cosignVerified, false)
      yield* equal("verdicts", version.verdicts.map(({ verdict }) => verdict.verified), [true, false])
    })
  ),

  scenario(
    "a module that trusts nobody verifies nothing",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* ModuleCatalog.registerModule({
        ...(yield* asAda),
        manifestText: manifest("careless"),
        ociRepository: "registry.example.org/careless"
      })
      yield* publish(module, "0.1.0")
      const { version } = yield* ModuleIngest.ingest({
        accountId,
        actor: ci,
        moduleName: "careless",
        tag: "v0.1.0"
      })
      yield* equal("verified", version.cosignVerified, false)
    })
  ),

  scenario(
    "another module, another version under the tag, and a missing architecture are refused",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0", { moduleName: "my-postgres" })
      yield* refused("another module", ingest(module, "v0.1.0"), "OtherContent")
      yield* publish(module, "0.1.0 or so", { tag: "odd" })
      yield* refused("a version that is none", ingest(module, "odd"), "OtherContent")
      yield* publish(module, "0.3.0", { tag: "v0.2.0" })
      yield* refused("another version", ingest(module, "v0.2.0"), "OtherContent")
      yield* ModuleCatalog.updateModule({
        ...(yield* asAda),
        moduleId: module.id,
        changes: { requiredArchitectures: ["amd64", "arm64"] }
      })
      yield* publish(module, "0.4.0")
      yield* refused("a missing architecture", ingest(module, "v0.4.0"), "WrongArchitectures")
      yield* equal("versions", (yield* versionsOf(module.id)).length, 0)
    })
  ),

  scenario(
    "a registry that does not answer is another matter than a wrong publication",
    Effect.gen(function*() {
      const registry = yield* FakeRegistry
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0")
      yield* registry.setAvailable(false)
      const error = yield* refused("ingest", ingest(module, "v0.1.0"), "SourceFailed")
      yield* equal("retryable", error._tag === "IngestError" && error.retryable, true)
      yield* registry.setAvailable(true)
      const nothing = yield* refused("an unknown tag", ingest(module, "v9.9.9"), "SourceFailed")
      yield* equal("retryable", nothing._tag === "IngestError" && nothing.retryable, false)
      yield* equal("outcome", (yield* ingest(module, "v0.1.0")).outcome, "recorded")
    })
  ),

  scenario(
    "the poller finds what nobody announced, and looks past what is broken",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const registry = yield* FakeRegistry
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0")
      const broken = yield* publish(module, "0.2.0")
      yield* registry.corrupt(broken.artifacts[0]?.manifestDigest ?? "")
      yield* publish(module, "0.3.0", { tag: `sha256-${"a".repeat(64)}.sig` })
      const [first] = yield* RegistryPoller.pollOnce({ accountId })
      yield* equal("first round", first?.tags.map(({ outcome }) => outcome), ["recorded", "failed"])
      const [second] = yield* RegistryPoller.pollOnce({ accountId })
      yield* equal("second round", second?.tags.map(({ outcome }) => outcome), ["known", "rejectedBefore"])
    })
  ),

  scenario(
    "what was rejected and taken in after all is known to the poller",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const change = (requiredArchitectures: ReadonlyArray<string>) =>
        Effect.flatMap(
          asAda,
          (options) =>
            ModuleCatalog.updateModule({ ...options, moduleId: module.id, changes: { requiredArchitectures } })
        )
      const outcomes = Effect.map(
        RegistryPoller.pollOnce({ accountId }),
        (polls) => polls.flatMap(({ tags }) => tags.map(({ outcome }) => outcome))
      )
      yield* change(["riscv64"])
      yield* publish(module, "0.1.0")
      yield* equal("first", yield* outcomes, ["failed"])
      yield* equal("again", yield* outcomes, ["rejectedBefore"])
      yield* change([])
      yield* ingest(module, "v0.1.0")
      yield* equal("in the end", yield* outcomes, ["known"])
      yield* equal("rejections", yield* IngestRejections.list({ accountId, moduleId: module.id }), [])
    })
  ),

  scenario(
    "a manifest that is all errors does not swell the record of what differs",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0", { manifestText: `a: ${"*".repeat(100_000)}` })
      const { differences } = yield* ingest(module, "v0.1.0")
      yield* equal("fields", differences.map(({ field }) => field), ["manifest"])
      yield* equal("its length", JSON.stringify(differences).length < 10_000, true)
    })
  )
]
