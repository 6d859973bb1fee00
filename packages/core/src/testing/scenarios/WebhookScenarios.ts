/**
 * Scenarios of webhooks, from the sender to the catalog, and of events on their way out.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as ModuleCatalog from "../../catalog/ModuleCatalog.ts"
import type * as Event from "../../events/Event.ts"
import * as Events from "../../events/Events.ts"
import { ArtifactSource, ArtifactSourceError } from "../../ingest/ArtifactSource.ts"
import { JobQueue } from "../../storage/JobQueue.ts"
import { Storage } from "../../storage/Storage.ts"
import { StorageError, Unavailable } from "../../storage/StorageError.ts"
import type { WebhookContent } from "../../webhooks/WebhookAuthenticator.ts"
import * as WebhookDelivery from "../../webhooks/WebhookDelivery.ts"
import * as WebhookEndpoints from "../../webhooks/WebhookEndpoints.ts"
import * as WebhookInbox from "../../webhooks/WebhookInbox.ts"
import * as WebhookRefusals from "../../webhooks/WebhookRefusals.ts"
import * as WebhookWorker from "../../webhooks/WebhookWorker.ts"
import { type ContractCase, equal } from "../ContractCase.ts"
import { send } from "../FakeWebhookAuthenticator.ts"
import { asAda, publish, refused, register, scenario, World } from "./World.ts"

const hint = (tag: string, module = "my-redis"): WebhookContent => ({
  kind: "moduleTag",
  repositoryFullName: `modules/${module}`,
  tag
})

const deliver = Effect.fnUntraced(function*(
  endpointId: string,
  secret: Redacted.Redacted<string>,
  content: WebhookContent,
  messageId?: string
) {
  const receivedAt = yield* Clock.currentTimeMillis
  return yield* WebhookInbox.receive({
    endpointId,
    incoming: send(content, secret, { receivedAt, ...(messageId === undefined ? {} : { messageId }) })
  })
})

const endpointFor = Effect.fnUntraced(function*() {
  const options = yield* asAda
  const { endpoint, secret } = yield* WebhookEndpoints.createEndpoint({ ...options, name: "ci" })
  return { options, endpoint, secret, at: { ...options, endpointId: endpoint.id } }
})

const versionStrings = Effect.fnUntraced(function*(moduleId: string) {
  const { accountId } = yield* World
  const versions = yield* ModuleCatalog.listVersions({ accountId, moduleId })
  return versions.map(({ versionString }) => versionString)
})

/**
 * The scenarios.
 *
 * @category scenarios
 * @since 0.1.0
 */
export const cases: ReadonlyArray<ContractCase> = [
  scenario(
    "a webhook is taken in once, and a worker makes a version of what it hints at",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const { endpoint, secret, at } = yield* endpointFor()
      yield* publish(module, "0.1.0")
      const first = yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      const second = yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      yield* equal("outcomes", [first.outcome, second.outcome], ["accepted", "duplicate"])
      yield* equal("the delivery", second.deliveryId, first.deliveryId)
      const worked = yield* WebhookWorker.processOnce()
      yield* equal("worked", worked.map(({ outcome }) => outcome), ["processed"])
      yield* equal("versions", yield* versionStrings(module.id), ["0.1.0"])
      yield* equal("nothing is left", yield* WebhookWorker.processOnce(), [])
      const { deliveries } = yield* WebhookInbox.recent(at)
      yield* equal("recent", deliveries.map(({ state }) => state), ["processed"])
    })
  ),

  scenario(
    "a message with an id is known by it, and by its body when somebody takes the id away",
    Effect.gen(function*() {
      const { endpoint, secret } = yield* endpointFor()
      const named = (id: string) => deliver(endpoint.id, secret, hint("v0.1.0"), id)
      const first = yield* named("msg_1")
      yield* equal("again", yield* named("msg_1"), { outcome: "duplicate", deliveryId: first.deliveryId })
      const stripped = yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      yield* equal("stripped", stripped, { outcome: "duplicate", deliveryId: first.deliveryId })
      yield* equal("a new message of the same body", (yield* named("msg_2")).outcome, "accepted")
    })
  ),

  scenario(
    "of the same webhook a hundred times at once one is taken in",
    Effect.gen(function*() {
      const { endpoint, secret, at } = yield* endpointFor()
      const outcomes = yield* Effect.forEach(
        Array.from({ length: 100 }),
        () => deliver(endpoint.id, secret, hint("v0.1.0")),
        { concurrency: 10 }
      )
      yield* equal("accepted", outcomes.filter(({ outcome }) => outcome === "accepted").length, 1)
      yield* equal("deliveries", (yield* WebhookInbox.recent(at)).deliveries.length, 1)
      const queue = yield* JobQueue
      const jobs = yield* queue.claim({ kinds: [WebhookDelivery.jobKind], limit: 100, leaseMillis: 1000 })
      yield* equal("jobs", jobs.length, 1)
    })
  ),

  scenario(
    "whatever is wrong, the sender learns nothing, and the operator everything",
    Effect.gen(function*() {
      const { endpoint, secret, at, options } = yield* endpointFor()
      const wrong = Redacted.make("wrong")
      yield* refused("a wrong secret", deliver(endpoint.id, wrong, hint("v0.1.0")), "WebhookRefused")
      yield* refused("an unknown endpoint", deliver(options.accountId, wrong, hint("v0.1.0")), "WebhookRefused")
      yield* refused("no id at all", deliver("../../etc", wrong, hint("v0.1.0")), "WebhookRefused")
      yield* refused("what no row can hold", deliver(endpoint.id, secret, hint("v1\u0000")), "WebhookRefused")
      const recent = yield* WebhookInbox.recent(at)
      yield* equal("refused", recent.refused.map(({ reason }) => reason), ["MalformedContent", "SignatureMismatch"])
      yield* equal("taken in", recent.deliveries, [])
    })
  ),

  scenario(
    "refused attempts are counted all and remembered in part",
    Effect.gen(function*() {
      const { endpoint, at } = yield* endpointFor()
      const times = WebhookRefusals.remembered + 5
      yield* Effect.forEach(
        Array.from({ length: times }),
        () => Effect.flip(deliver(endpoint.id, Redacted.make("wrong"), hint("v0.1.0")))
      )
      const recent = yield* WebhookInbox.recent(at)
      yield* equal("counted", recent.refusedTotal, times)
      yield* equal("remembered", recent.refused.length, WebhookRefusals.remembered)
    })
  ),

  scenario(
    "after a rotation both secrets count until the overlap is over; after a revocation none",
    Effect.gen(function*() {
      const { advance } = yield* World
      const { endpoint, secret, at } = yield* endpointFor()
      const rotated = yield* WebhookEndpoints.rotateSecret({ ...at, overlapMillis: 1000 })
      yield* deliver(endpoint.id, secret, hint("v1"))
      yield* deliver(endpoint.id, rotated.secret, hint("v2"))
      yield* advance(1000)
      yield* refused("the old secret", deliver(endpoint.id, secret, hint("v3")), "WebhookRefused")
      yield* deliver(endpoint.id, rotated.secret, hint("v3"))
      yield* WebhookEndpoints.revokeEndpoint(at)
      yield* refused("a revoked endpoint", deliver(endpoint.id, rotated.secret, hint("v4")), "WebhookRefused")
      yield* refused("rotating it", WebhookEndpoints.rotateSecret(at), "EndpointRevoked")
    })
  ),

  scenario(
    "stored secrets do not open for another endpoint",
    Effect.gen(function*() {
      const { endpoint, at } = yield* endpointFor()
      const stored = yield* WebhookEndpoints.getEndpoint(at)
      yield* equal("keys", stored.keys.length, 1)
      const other = yield* WebhookEndpoints.createEndpoint({ ...(yield* asAda), name: "other" })
      yield* refused("another's secret", deliver(endpoint.id, other.secret, hint("v1")), "WebhookRefused")
      yield* refused(
        "the same name",
        WebhookEndpoints.createEndpoint({ ...(yield* asAda), name: "other" }),
        "EndpointNameTaken"
      )
    })
  ),

  scenario(
    "a tag that is announced before it is published is waited for",
    Effect.gen(function*() {
      const { advance } = yield* World
      const module = yield* register("my-redis")
      const { endpoint, secret } = yield* endpointFor()
      yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      const early = yield* WebhookWorker.processOnce()
      yield* equal("early", early.map(({ outcome }) => outcome), ["postponed"])
      yield* equal("not yet due", yield* WebhookWorker.processOnce(), [])
      yield* publish(module, "0.1.0")
      yield* advance(10 * 60 * 1000)
      const due = yield* WebhookWorker.processOnce()
      yield* equal("due", due.map(({ outcome }) => outcome), ["processed"])
    })
  ),

  scenario(
    "what cannot work is given up with the reason, and tried again when somebody asks",
    Effect.gen(function*() {
      const { endpoint, secret, at, options } = yield* endpointFor()
      const { deliveryId } = yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      const worked = yield* WebhookWorker.processOnce()
      yield* equal("worked", worked, [
        { deliveryId, outcome: "givenUp", detail: "no module has the forge repository modules/my-redis" }
      ])
      const { deliveries } = yield* WebhookInbox.recent(at)
      yield* equal("recent", deliveries.map(({ state, detail }) => [state, detail]), [
        ["failed", "no module has the forge repository modules/my-redis"]
      ])
      const module = yield* register("my-redis")
      yield* publish(module, "0.1.0")
      yield* WebhookInbox.retry({ ...options, deliveryId })
      const again = yield* WebhookWorker.processOnce()
      yield* equal("again", again.map(({ outcome }) => outcome), ["processed"])
    })
  ),

  scenario(
    "a worker that dies loses its lease, and the version appears exactly once",
    Effect.gen(function*() {
      const { advance } = yield* World
      const module = yield* register("my-redis")
      const { endpoint, secret, at } = yield* endpointFor()
      yield* publish(module, "0.1.0")
      yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      const queue = yield* JobQueue
      const dead = yield* queue.claim({ kinds: [WebhookDelivery.jobKind], limit: 1, leaseMillis: 1000 })
      yield* equal("claimed by the dead one", dead.length, 1)
      yield* equal("while it is leased", yield* WebhookWorker.processOnce(), [])
      yield* advance(1001)
      const worked = yield* WebhookWorker.processOnce()
      yield* equal("afterwards", worked.map(({ outcome }) => outcome), ["processed"])
      yield* equal("versions", yield* versionStrings(module.id), ["0.1.0"])
      yield* equal("recent", (yield* WebhookInbox.recent(at)).deliveries.map(({ state }) => state), ["processed"])
    })
  ),

  scenario(
    "a worker that was too slow and failed does not undo what another one did meanwhile",
    Effect.gen(function*() {
      const { advance } = yield* World
      const module = yield* register("my-redis")
      const { endpoint, secret, at } = yield* endpointFor()
      yield* publish(module, "0.1.0")
      yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      const context = yield* Effect.context<WebhookWorker.Requirements>()
      const source = yield* ArtifactSource
      const slow = ArtifactSource.of({
        ...source,
        resolve: (subject) =>
          Effect.gen(function*() {
            yield* advance(1001)
            const worked = yield* WebhookWorker.processOnce()
            yield* Effect.orDie(equal("the other one", worked.map(({ outcome }) => outcome), ["processed"]))
            return yield* new ArtifactSourceError({ operation: "resolve", subject, kind: "denied", detail: "too late" })
          }).pipe(
            Effect.catchTag("StorageError", Effect.die),
            Effect.provide(context)
          )
      })
      const worked = yield* Effect.provideService(
        WebhookWorker.processOnce({ leaseMillis: 1000 }),
        ArtifactSource,
        slow
      )
      yield* equal("the slow one", worked.map(({ outcome }) => outcome), ["lost"])
      yield* equal("recent", (yield* WebhookInbox.recent(at)).deliveries.map(({ state }) => state), ["processed"])
    })
  ),

  scenario(
    "a delivery whose workers all die is given up in the end",
    Effect.gen(function*() {
      const { advance } = yield* World
      const module = yield* register("my-redis")
      const { endpoint, secret, at } = yield* endpointFor()
      yield* publish(module, "0.1.0")
      yield* deliver(endpoint.id, secret, hint("v0.1.0"))
      const queue = yield* JobQueue
      for (let attempt = 0; attempt < 3; attempt++) {
        yield* queue.claim({ kinds: [WebhookDelivery.jobKind], limit: 1, leaseMillis: 1000 })
        yield* advance(1001)
      }
      const worked = yield* WebhookWorker.processOnce({ maximumAttempts: 3 })
      yield* equal("worked", worked.map(({ outcome }) => outcome), ["givenUp"])
      yield* equal("recent", (yield* WebhookInbox.recent(at)).deliveries.map(({ state }) => state), ["failed"])
      yield* equal("nothing is left", yield* WebhookWorker.processOnce(), [])
    })
  ),

  scenario(
    "a worker holds on to one delivery at a time",
    Effect.gen(function*() {
      const module = yield* register("my-redis")
      const { endpoint, secret } = yield* endpointFor()
      for (const versionString of ["0.1.0", "0.2.0"]) {
        yield* publish(module, versionString)
        yield* deliver(endpoint.id, secret, hint(`v${versionString}`))
      }
      const broken = ArtifactSource.of({ ...(yield* ArtifactSource), resolve: () => Effect.die("broken") })
      yield* Effect.exit(Effect.provideService(WebhookWorker.processOnce(), ArtifactSource, broken))
      const worked = yield* WebhookWorker.processOnce()
      yield* equal("worked meanwhile", worked.map(({ outcome }) => outcome), ["processed"])
      yield* equal("versions", yield* versionStrings(module.id), ["0.2.0"])
    })
  ),

  scenario(
    "a webhook that is refused is refused alike when the refusal cannot be noted",
    Effect.gen(function*() {
      const { endpoint } = yield* endpointFor()
      const storage = yield* Storage
      let calls = 0
      const failing = Storage.of({
        transaction: (body) =>
          calls++ === 0
            ? storage.transaction(body)
            : Effect.fail(new StorageError({ reason: new Unavailable({ detail: "the disk is full" }) }))
      })
      const receive = deliver(endpoint.id, Redacted.make("wrong"), hint("v0.1.0"))
      yield* refused("it", Effect.provideService(receive, Storage, failing), "WebhookRefused")
    })
  ),

  scenario(
    "what is authentic and of no concern is noted and not worked on",
    Effect.gen(function*() {
      const { endpoint, secret, at } = yield* endpointFor()
      yield* deliver(endpoint.id, secret, { kind: "ignored", event: "issues", why: "not an event of modules" })
      yield* equal("work", yield* WebhookWorker.processOnce(), [])
      yield* equal("recent", (yield* WebhookInbox.recent(at)).deliveries.map(({ state }) => state), ["ignored"])
    })
  ),

  scenario(
    "every event that was committed is delivered, one that failed again, one that was undone never",
    Effect.gen(function*() {
      const { accountId, advance } = yield* World
      yield* register("my-redis")
      const storage = yield* Storage
      yield* Effect.flip(storage.transaction((transaction) =>
        Effect.andThen(
          transaction.enqueue({ accountId, kind: "event.deliver", key: "undone", payload: { eventId: "undone" } }),
          Effect.fail("undone")
        )
      ))
      const delivered: Array<Event.Event> = []
      const seen = new Set<string>()
      const deliverOnce = (event: Event.Event) =>
        event.type === "module.registered" && !seen.has(event.id)
          ? Effect.andThen(Effect.sync(() => seen.add(event.id)), Effect.fail("the receiver is down"))
          : Effect.sync(() => void delivered.push(event))
      const first = yield* Events.drainOnce({ deliver: deliverOnce, limit: 100 })
      yield* equal("postponed", first.postponed, 1)
      yield* advance(60_000)
      const second = yield* Events.drainOnce({ deliver: deliverOnce, limit: 100 })
      yield* equal("second round", second, { delivered: 1, postponed: 0, givenUp: 0 })
      const written = yield* Events.list({ accountId, limit: 1000 })
      const ids = (events: ReadonlyArray<Event.Event>) => events.map(({ id }) => id).sort()
      yield* equal("delivered", ids(delivered), ids(written))
    })
  )
]
