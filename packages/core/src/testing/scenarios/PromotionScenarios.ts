/**
 * Scenarios of versions on their way to users and back.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Approvals from "../../approvals/Approvals.ts"
import * as Accounts from "../../catalog/Accounts.ts"
import * as ModuleCatalog from "../../catalog/ModuleCatalog.ts"
import * as Events from "../../events/Events.ts"
import * as TemplateComposition from "../../templates/TemplateComposition.ts"
import * as Templates from "../../templates/Templates.ts"
import * as Promotion from "../../versions/Promotion.ts"
import { type ContractCase, equal } from "../ContractCase.ts"
import {
  ada,
  approvalRequired,
  asAda,
  bob,
  contains,
  getModule,
  getVersion,
  liveVersions,
  promoteTo,
  publish,
  refused,
  register,
  release,
  scenario,
  World
} from "./World.ts"

/**
 * The scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  scenario(
    "a version goes from draft to live, and the pointer with it",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const live = yield* release(module, "0.1.0", "live")
      yield* equal("state", live.lifecycleState, "live")
      yield* equal("pointer", (yield* getModule(module.id)).liveVersionId, live.id)
    })
  ),

  scenario(
    "a refusal names everything at once, and the check says the same as the command",
    Effect.gen(function*() {
      const module = yield* register("my-redis", { requires: ["system-base@^1.0"] })
      const options = yield* asAda
      const version = yield* release(module, "0.1.0", "draft")
      yield* Promotion.quarantine({ ...options, versionId: version.id, reason: "a report" })
      const promote = Promotion.promote({ ...options, versionId: version.id, to: "staging" })
      const error = yield* refused("promoting", promote, "NotAllowed")
      const refusals = error._tag === "PromotionError" && error.reason._tag === "NotAllowed"
        ? error.reason.refusals
        : []
      yield* equal("refusals", refusals.map(({ _tag }) => _tag), ["Quarantined", "DependenciesNotReady"])
      const explained = yield* Promotion.explain({
        ...options,
        versionId: version.id,
        command: { _tag: "Promote", to: "staging", releaseHold: false, allowDowngrade: false }
      })
      yield* equal("the check", explained.refusals, refusals)
      const base = yield* register("system-base", { category: "system-base" })
      yield* release(base, "1.2.0", "staging")
      yield* Promotion.releaseQuarantine({ ...options, versionId: version.id })
      yield* equal("mended", (yield* promote).lifecycleState, "staging")
    })
  ),

  scenario(
    "a pre-release fulfils a requirement only where the range names one, for the promotion and for the composition",
    Effect.gen(function*() {
      const options = yield* asAda
      const base = yield* register("system-base", { category: "system-base" })
      yield* release(base, "1.1.0-rc.1", "staging")
      const stages = Effect.fnUntraced(function*(name: string, range: string) {
        const module = yield* register(name, { requires: [`system-base@${range}`] })
        const version = yield* release(module, "0.1.0", "draft")
        const promoted = yield* Effect.exit(Promotion.promote({ ...options, versionId: version.id, to: "staging" }))
        const template = yield* Templates.createTemplate({ ...options, name })
        const at = { ...options, templateId: template.id }
        yield* Templates.assignModule({ ...at, moduleId: module.id, channel: { version: "0.1.0" } })
        const { problems } = yield* TemplateComposition.compose({ ...at, architecture: "amd64" })
        return { promoted: Exit.isSuccess(promoted), unmet: problems.some(({ _tag }) => _tag === "RangeUnmet") }
      })
      yield* equal("a range of releases", yield* stages("first", "^1.0"), { promoted: false, unmet: true })
      yield* equal("a range that names one", yield* stages("second", "^1.1.0-rc.0"), { promoted: true, unmet: false })
      yield* equal("any version", yield* stages("third", "*"), { promoted: true, unmet: false })
    })
  ),

  scenario(
    "modules that require each other get nowhere, and the loop is shown",
    Effect.gen(function*() {
      const first = yield* register("first", { requires: ["second"] })
      yield* register("second", { requires: ["first"] })
      const version = yield* release(first, "0.1.0", "draft")
      const promote = Promotion.promote({ ...(yield* asAda), versionId: version.id, to: "staging" })
      const error = yield* refused("promoting", promote, "NotAllowed")
      yield* contains("the message", error.message, "first → second → first")
    })
  ),

  scenario(
    "an account that asks for an SBOM and a scan gets both before anything is blessed",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      yield* Accounts.setPromotionRules({
        ...options,
        promotionRules: {
          requireSbom: true,
          requireVulnerabilityGate: true,
          minimumStagingMillis: 1000,
          minimumBlessedMillis: 0
        }
      })
      const version = yield* release(module, "0.1.0", "staging", { sbom: false })
      const { advance } = yield* World
      const bless = Promotion.promote({ ...options, versionId: version.id, to: "blessed" })
      const error = yield* refused("blessing", bless, "NotAllowed")
      const refusals = error._tag === "PromotionError" && error.reason._tag === "NotAllowed"
        ? error.reason.refusals
        : []
      yield* equal("refusals", refusals.map(({ _tag }) => _tag), ["SbomMissing", "VulnerabilityGateClosed", "TooEarly"])
      const better = yield* release(module, "0.1.1", "staging")
      yield* Promotion.recordScan({ ...options, versionId: better.id, passed: true, detail: "nothing found" })
      yield* advance(1000)
      const blessed = yield* Promotion.promote({ ...options, versionId: better.id, to: "blessed" })
      yield* equal("the better one", blessed.lifecycleState, "blessed")
    })
  ),

  scenario(
    "the former live version becomes blessed, and an older one does not slip past it",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const older = yield* release(module, "0.1.0", "live")
      const newer = yield* release(module, "0.2.0", "live")
      yield* equal("live", yield* liveVersions(module.id), ["0.2.0"])
      yield* equal("the former", (yield* getVersion(older.id)).lifecycleState, "blessed")
      yield* equal("remembered", (yield* getModule(module.id)).previousLiveVersionIds, [older.id])
      const back = Promotion.promote({ ...(yield* asAda), versionId: older.id, to: "live" })
      const error = yield* refused("going back", back, "NotAllowed")
      yield* contains("the message", error.message, "live is 0.2.0, which is newer than 0.1.0")
      yield* equal("still live", (yield* getVersion(newer.id)).lifecycleState, "live")
    })
  ),

  scenario(
    "of versions that go live at once exactly one is live in the end, and the pointer names it",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      yield* Approvals.deletePolicy({
        ...options,
        policyId: (yield* Approvals.listPolicies(options))
          .find(({ action }) => action === "module_promote_to_live")?.id ?? ""
      })
      yield* Approvals.createPolicy({
        ...options,
        rule: {
          name: "free",
          action: "module_promote_to_live",
          moduleName: "*",
          decision: "auto_approve",
          quorum: 1,
          lifetimeMillis: 60_000
        }
      })
      const versions = []
      for (const versionString of ["0.1.0", "0.2.0", "0.3.0", "0.4.0"]) {
        versions.push(yield* release(module, versionString, "blessed"))
      }
      const exits = yield* Effect.forEach(
        versions,
        ({ id }) => Effect.exit(Promotion.promote({ ...options, versionId: id, to: "live", allowDowngrade: true })),
        { concurrency: "unbounded" }
      )
      yield* equal("how many succeeded", exits.filter(Exit.isSuccess).length, 4)
      const live = yield* liveVersions(module.id)
      yield* equal("how many are live", live.length, 1)
      const pointed = yield* getVersion((yield* getModule(module.id)).liveVersionId ?? "")
      yield* equal("the pointer", [pointed.versionString], live)
    })
  ),

  scenario(
    "a command that is given twice with the same key is done once, and its key stands for nothing else",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const version = yield* release(module, "0.1.0", "draft")
      const promote = Promotion.promote({
        ...(yield* asAda),
        versionId: version.id,
        to: "staging",
        idempotencyKey: "once"
      })
      const first = yield* promote
      const second = yield* promote
      yield* equal("the second result", second, first)
      const events = yield* Events.list({ accountId, aggregate: { kind: "module_version", id: version.id } })
      yield* equal("promotions", events.filter(({ type }) => type === "module_version.promoted").length, 1)
      yield* refused(
        "another request",
        Promotion.pin({ ...(yield* asAda), versionId: version.id, idempotencyKey: "once" }),
        "IdempotencyConflict"
      )
    })
  ),

  scenario(
    "a caller who saw an older revision is told so",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const version = yield* release(module, "0.1.0", "draft")
      const options = { ...(yield* asAda), versionId: version.id, expectedRev: version.rev }
      yield* Promotion.pin(options)
      yield* refused("the second command", Promotion.promote({ ...options, to: "staging" }), "Stale")
    })
  ),

  scenario(
    "a version is archived when nothing holds on to it, and restored when it was just verified",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const options = yield* asAda
      const version = yield* release(module, "0.1.0", "staging")
      yield* Promotion.pin({ ...options, versionId: version.id })
      const archive = Promotion.archive({ ...options, versionId: version.id })
      yield* refused("a pinned version", archive, "NotAllowed")
      yield* Promotion.unpin({ ...options, versionId: version.id })
      yield* equal("archived", (yield* archive).lifecycleState, "archived")
      const { requestId } = yield* approvalRequired(Promotion.restore({ ...options, versionId: version.id }))
      yield* Approvals.approve({ ...options, actor: bob, requestId })
      const restored = yield* Promotion.restore({ ...options, versionId: version.id })
      yield* equal("restored", restored.lifecycleState, "blessed")
    })
  ),

  scenario(
    "demoting voids the approvals that were given",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const options = yield* asAda
      const version = yield* release(module, "0.1.0", "blessed")
      const { requestId } = yield* approvalRequired(
        Promotion.promote({ ...options, versionId: version.id, to: "live" })
      )
      yield* Approvals.approve({ ...options, actor: bob, requestId })
      yield* Promotion.demote({ ...options, versionId: version.id, reason: "second thoughts" })
      yield* equal("the approval", (yield* Approvals.getRequest({ accountId, requestId })).state, "cancelled")
      yield* equal("the version", (yield* getVersion(version.id)).lifecycleState, "staging")
    })
  ),

  scenario(
    "the events of a version, replayed, give its state",
    Effect.gen(function*() {
      const { accountId } = yield* World
      const module = yield* register("my-redis")
      const version = yield* release(module, "0.1.0", "live")
      yield* Promotion.pin({ ...(yield* asAda), versionId: version.id })
      yield* publish(module, "0.2.0")
      const events = yield* Events.list({ accountId, aggregate: { kind: "module_version", id: version.id } })
      const states = events.flatMap(({ after }) =>
        typeof after === "object" && after !== null && "lifecycleState" in after ? [after.lifecycleState] : []
      )
      yield* equal("states", states, ["draft", "staging", "blessed", "live", "live"])
      const revisions = events.map(({ aggregateRev }) => aggregateRev)
      yield* equal("revisions", revisions, [...revisions].sort((left, right) => left - right))
    })
  ),

  scenario(
    "another account sees nothing and moves nothing",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const version = yield* release(module, "0.1.0", "draft")
      const stranger = yield* Accounts.createAccount({ actor: ada, name: "Globex" })
      const options = { accountId: stranger.id, actor: ada, versionId: version.id }
      yield* refused("reading", ModuleCatalog.getVersion(options), "NotFound")
      yield* refused("promoting", Promotion.promote({ ...options, to: "staging" }), "NotFound")
      yield* refused("an account that is not there", Promotion.pin({ ...options, accountId: version.id }), "NotFound")
      yield* promoteTo(version, "staging")
    })
  )
]
