/**
 * Scenarios of templates and the machines that follow them.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as ModuleCatalog from "../../catalog/ModuleCatalog.ts"
import * as ModuleDeletion from "../../catalog/ModuleDeletion.ts"
import * as DesiredState from "../../fleet/DesiredState.ts"
import * as Fleet from "../../fleet/Fleet.ts"
import type * as Heartbeat from "../../fleet/Heartbeat.ts"
import * as ModulePresence from "../../fleet/ModulePresence.ts"
import * as TemplateComposition from "../../templates/TemplateComposition.ts"
import * as Templates from "../../templates/Templates.ts"
import * as Promotion from "../../versions/Promotion.ts"
import { type ContractCase, equal } from "../ContractCase.ts"
import { asAda, goLive, manifest, refused, register, release, scenario, World } from "./World.ts"

const edge = Effect.fnUntraced(function*() {
  const options = yield* asAda
  const base = yield* register("system-base", { category: "system-base" })
  const redis = yield* register("my-redis", { requires: ["system-base"] })
  yield* release(base, "1.0.0", "live")
  yield* release(redis, "0.1.0", "live")
  const template = yield* Templates.createTemplate({ ...options, name: "edge" })
  yield* Templates.assignModule({ ...options, templateId: template.id, moduleName: "my-redis" })
  const { instance, token } = yield* Fleet.createInstance({
    ...options,
    name: "edge-1",
    templateId: template.id,
    architecture: "amd64"
  })
  return { base, redis, template, instance, token, options }
})

const report = (
  desired: DesiredState.DesiredState,
  sequence: number,
  changes: Partial<Heartbeat.Report> = {}
): Heartbeat.Report => ({
  bootId: "first",
  bootedAt: 0,
  sequence,
  runningModuleDigests: Object.fromEntries(DesiredState.digestsOf(desired)),
  verificationFailures: [],
  observedPlanHash: desired.planHash,
  ...changes
})

const another = `sha256:${"f".repeat(64)}`

/**
 * The scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  scenario(
    "a template composes into layers, with what its modules require below them",
    Effect.gen(function*() {
      const { template, options } = yield* edge()
      const composed = yield* TemplateComposition.compose({
        ...options,
        templateId: template.id,
        architecture: "amd64"
      })
      yield* equal("layers", composed.plan.layers.map(({ moduleName }) => moduleName), ["system-base", "my-redis"])
      yield* equal("blocked", composed.isBlocked, false)
      yield* equal("why", composed.chosen.map(({ module, requiredBy }) => [module.name, requiredBy]), [
        ["system-base", "my-redis"],
        ["my-redis", undefined]
      ])
      const owners = composed.plan.layers.flatMap(({ files }) => files)
      yield* equal("files", owners, ["/opt/system-base/main", "/opt/my-redis/main"])
    })
  ),

  scenario(
    "a layer runs the services of its version's manifest, whatever the module's record says by now",
    Effect.gen(function*() {
      const { options, redis, template } = yield* edge()
      const services = `services: [{ name: redis, start_command: "redis-server --port 6379", env: { LOG: "1.10" } }]`
      yield* release(redis, "0.2.0", "live", { manifestText: `${manifest("my-redis")}${services}\n` })
      const { plan } = yield* TemplateComposition.compose({
        ...options,
        templateId: template.id,
        architecture: "amd64"
      })
      const layer = plan.layers.find(({ moduleName }) => moduleName === "my-redis")
      const found = layer?.services?.map(({ env, name, startCommand }) => ({ name, startCommand, env }))
      const expected = [{ name: "redis", startCommand: "redis-server --port 6379", env: { LOG: "1.10" } }]
      yield* equal("services", found, expected)
    })
  ),

  scenario(
    "a child whose parent was deleted reaches no machine without the parent's window",
    Effect.gen(function*() {
      const options = yield* asAda
      const parent = yield* register("my-redis")
      const child = yield* ModuleCatalog.registerModule({
        ...options,
        manifestText: `${manifest("redis-config")}variety: config\nparent_module: my-redis\n`,
        ociRepository: "registry.example.org/redis-config",
        trustPolicy: parent.trustPolicy
      })
      yield* release(child, "0.1.0", "live")
      const template = yield* Templates.createTemplate({ ...options, name: "edge" })
      yield* Templates.assignModule({ ...options, templateId: template.id, moduleId: child.id })
      yield* ModuleDeletion.deleteModule({ ...options, moduleId: parent.id, force: true })
      const { plan } = yield* TemplateComposition.compose({
        ...options,
        templateId: template.id,
        architecture: "amd64"
      })
      yield* equal("conflicts", plan.conflicts.map(({ _tag }) => _tag), ["ParentMissing"])
      yield* equal("blocked", plan.isBlocked, true)
    })
  ),

  scenario(
    "assigning again changes the channel; a version that is named has to be there",
    Effect.gen(function*() {
      const { redis, template, options } = yield* edge()
      const assign = (channel: Templates.AssignInput["channel"]) =>
        Templates.assignModule({ ...options, templateId: template.id, moduleId: redis.id, channel })
      yield* refused("an unknown version", assign({ version: "9.9.9" }), "NotFound")
      yield* assign({ version: "0.1.0" })
      const assignments = yield* Templates.listAssignments({ ...options, templateId: template.id })
      yield* equal("assignments", assignments.map(({ channel }) => channel), [{ version: "0.1.0" }])
      const unassign = Templates.unassignModule({ ...options, templateId: template.id, moduleId: redis.id })
      yield* equal("taken out", yield* unassign, { removed: true })
      yield* equal("taken out again", yield* unassign, { removed: false })
      yield* refused("deleting", Templates.deleteTemplate({ ...options, templateId: template.id }), "TemplateInUse")
    })
  ),

  scenario(
    "an agent is known by its token, and by nothing near it",
    Effect.gen(function*() {
      const { instance, token, options } = yield* edge()
      yield* equal("the instance", (yield* Fleet.authenticate(token)).id, instance.id)
      const text = Redacted.value(token)
      for (
        const wrong of [
          "",
          ".",
          instance.id,
          `${instance.id}.`,
          `${text}x`,
          text.replace(instance.id, instance.templateId)
        ]
      ) {
        yield* refused(`the token ${wrong.length}`, Fleet.authenticate(Redacted.make(wrong)), "NotAuthenticated")
      }
      const renewed = yield* Fleet.rotateToken({ ...options, instanceId: instance.id })
      yield* refused("the old token", Fleet.authenticate(token), "NotAuthenticated")
      yield* equal("the new token", (yield* Fleet.authenticate(renewed.token)).id, instance.id)
    })
  ),

  scenario(
    "an instance that runs what is desired has no drift, and one that runs something else has",
    Effect.gen(function*() {
      const { instance, options } = yield* edge()
      const at = { ...options, instanceId: instance.id }
      yield* equal("before it reports", (yield* Fleet.drift(at)).class, "unknown")
      const desired = yield* Fleet.desiredState(at)
      yield* equal("modules", desired.modules.map(({ name }) => name), ["system-base", "my-redis"])
      yield* Fleet.heartbeat({ ...at, report: report(desired, 1) })
      const calm = yield* Fleet.drift(at)
      yield* equal("drift", [calm.drift, calm.class], [false, "in_sync"])

      const running = { ...report(desired, 2).runningModuleDigests, "my-redis": another }
      yield* Fleet.heartbeat({ ...at, report: report(desired, 2, { runningModuleDigests: running }) })
      const drifted = yield* Fleet.drift(at)
      yield* equal("drift", [drifted.drift, drifted.class], [true, "drifted"])
      yield* equal("mismatched", drifted.mismatched.map(({ moduleName, running }) => [moduleName, running]), [
        ["my-redis", another]
      ])
      const presence = yield* ModulePresence.explain({ ...at, moduleName: "my-redis" })
      yield* equal("why", presence.reason, "runsAnotherVersion")
    })
  ),

  scenario(
    "a report that comes late or twice changes nothing",
    Effect.gen(function*() {
      const { instance, options } = yield* edge()
      const at = { ...options, instanceId: instance.id }
      const desired = yield* Fleet.desiredState(at)
      const nothing = { runningModuleDigests: {} }
      yield* equal("first", yield* Fleet.heartbeat({ ...at, report: report(desired, 5) }), { accepted: true })
      yield* equal("late", yield* Fleet.heartbeat({ ...at, report: report(desired, 4, nothing) }), { accepted: false })
      yield* equal("again", yield* Fleet.heartbeat({ ...at, report: report(desired, 5, nothing) }), { accepted: false })
      yield* equal("drift", (yield* Fleet.drift(at)).class, "in_sync")
      const rebooted = report(desired, 1, { bootId: "second", bootedAt: 1, ...nothing })
      yield* equal("another boot", yield* Fleet.heartbeat({ ...at, report: rebooted }), { accepted: true })
      const old = report(desired, 9)
      yield* equal("the boot before", yield* Fleet.heartbeat({ ...at, report: old }), { accepted: false })
      yield* equal("missing", (yield* Fleet.drift(at)).missing.length, 2)
    })
  ),

  scenario(
    "a report that cannot be kept is refused",
    Effect.gen(function*() {
      const { instance, options } = yield* edge()
      const at = { ...options, instanceId: instance.id }
      const desired = yield* Fleet.desiredState(at)
      const strange = report(desired, 1, { runningModuleDigests: { "my\u0000redis": another } })
      yield* refused("it", Fleet.heartbeat({ ...at, report: strange }), "InvalidInput")
      yield* equal("the class", (yield* Fleet.drift(at)).class, "unknown")
    })
  ),

  scenario(
    "a change is pending until the instance takes it up or the grace period is over; silence is stale",
    Effect.gen(function*() {
      const { advance } = yield* World
      const { instance, redis, options } = yield* edge()
      const at = { ...options, instanceId: instance.id, patience: { graceMillis: 60_000, staleMillis: 90_000 } }
      const desired = yield* Fleet.desiredState(at)
      yield* Fleet.heartbeat({ ...at, report: report(desired, 1) })
      const next = yield* release(redis, "0.2.0", "blessed")
      yield* goLive(next.id)
      yield* equal("after the change", (yield* Fleet.drift(at)).class, "pending")
      yield* equal("why", (yield* ModulePresence.explain({ ...at, moduleName: "my-redis" })).reason, "pending")
      yield* advance(60_001)
      yield* Fleet.heartbeat({ ...at, report: report(desired, 2) })
      yield* equal("after the grace period", (yield* Fleet.drift(at)).class, "drifted")
      yield* Fleet.heartbeat({ ...at, report: report(yield* Fleet.desiredState(at), 3) })
      yield* equal("taken up", (yield* Fleet.drift(at)).class, "in_sync")
      yield* advance(90_001)
      yield* equal("silent", (yield* Fleet.drift(at)).class, "stale")
    })
  ),

  scenario(
    "there is one reason why a module does not run",
    Effect.gen(function*() {
      const { instance, redis, template, options } = yield* edge()
      const at = { ...options, instanceId: instance.id }
      const reason = (moduleName: string) =>
        Effect.map(ModulePresence.explain({ ...at, moduleName }), (presence) => presence.reason)
      yield* equal("an unknown one", yield* reason("nothing"), "notInCatalog")
      yield* register("spare")
      yield* equal("one that is not assigned", yield* reason("spare"), "notAssigned")
      const assign = { ...options, templateId: template.id, moduleName: "spare" }
      yield* Templates.assignModule({ ...assign, enabled: false })
      yield* equal("a disabled one", yield* reason("spare"), "assignmentDisabled")
      yield* Templates.assignModule({ ...assign, enabled: true })
      yield* equal("one without versions", yield* reason("spare"), "nothingPublished")
      yield* Templates.unassignModule({ ...assign, moduleId: (yield* register("other")).id })

      yield* equal("one that never reported", yield* reason("my-redis"), "compositionBlocked")
      yield* Templates.assignModule({ ...assign, enabled: false })
      yield* equal("one that never reported", yield* reason("my-redis"), "neverReported")
      const desired = yield* Fleet.desiredState(at)
      const failed = { verificationFailures: [{ moduleName: "my-redis", reason: "root hash differs" }] }
      yield* Fleet.heartbeat({ ...at, report: report(desired, 1, { runningModuleDigests: {}, ...failed }) })
      yield* equal("one that the agent refused", yield* reason("my-redis"), "verificationFailedOnInstance")
      yield* equal("one that was not started", yield* reason("system-base"), "notStarted")
      yield* Fleet.heartbeat({ ...at, report: report(desired, 2) })
      yield* equal("one that runs", yield* reason("my-redis"), "running")
      const live = (yield* Fleet.desiredState(at)).modules.find(({ name }) => name === redis.name)
      yield* Promotion.quarantine({ ...options, versionId: live?.versionId ?? "", reason: "a report" })
      yield* equal("one in quarantine", yield* reason("my-redis"), "quarantined")
    })
  ),

  scenario(
    "a template that cannot be composed gives no desired state",
    Effect.gen(function*() {
      const { instance, base, options } = yield* edge()
      const pinned = yield* Fleet.desiredState({ ...options, instanceId: instance.id })
      const live = pinned.modules.find(({ name }) => name === base.name)
      yield* Promotion.quarantine({ ...options, versionId: live?.versionId ?? "", reason: "a report" })
      yield* refused(
        "the desired state",
        Fleet.desiredState({ ...options, instanceId: instance.id }),
        "CompositionBlocked"
      )
    })
  ),

  scenario(
    "what an instance runs is not archived",
    Effect.gen(function*() {
      const { instance, redis, options } = yield* edge()
      const at = { ...options, instanceId: instance.id }
      const desired = yield* Fleet.desiredState(at)
      yield* Fleet.heartbeat({ ...at, report: report(desired, 1) })
      const former = desired.modules.find(({ name }) => name === redis.name)
      const next = yield* release(redis, "0.2.0", "blessed")
      yield* goLive(next.id)
      const archive = Promotion.archive({ ...options, versionId: former?.versionId ?? "" })
      yield* refused("archiving what runs", archive, "NotAllowed")
      yield* Fleet.heartbeat({ ...at, report: report(yield* Fleet.desiredState(at), 2) })
      yield* equal("archiving what runs no more", (yield* archive).lifecycleState, "archived")
    })
  )
]
