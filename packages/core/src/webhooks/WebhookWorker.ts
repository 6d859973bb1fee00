/**
 * The worker: does what accepted webhooks hint at. It may be killed at any moment; somebody takes up the job again, and
 * what was done already is found to be done.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Module from "../catalog/Module.ts"
import { service } from "../events/Actor.ts"
import * as Command from "../events/Command.ts"
import type { CommandError } from "../events/CommandError.ts"
import { IngestError } from "../ingest/IngestError.ts"
import * as ModuleIngest from "../ingest/ModuleIngest.ts"
import { backoffMillis } from "../internal/backoff.ts"
import { unlessLeaseLost } from "../internal/lease.ts"
import * as Reading from "../internal/reading.ts"
import type { Job } from "../storage/Job.ts"
import { JobQueue } from "../storage/JobQueue.ts"
import * as RowCodec from "../storage/RowCodec.ts"
import { Storage } from "../storage/Storage.ts"
import { StorageError } from "../storage/StorageError.ts"
import * as WebhookDelivery from "./WebhookDelivery.ts"

/**
 * How much a round takes on.
 *
 * @category models
 * @since 0.1.0
 */
export interface WorkOptions {
  /** How many deliveries at most; 10 when absent. */
  readonly limit?: number | undefined
  /** How long one may take before another worker takes it over, in milliseconds; ten minutes when absent. */
  readonly leaseMillis?: number | undefined
  /**
   * How often one is tried before it is given up; 10 times when absent, which is about half an hour. A worker that died
   * over it has tried, too.
   */
  readonly maximumAttempts?: number | undefined
  /** Whether to ingest in `deep` mode. */
  readonly deep?: boolean | undefined
}

/**
 * What came of one delivery. `lost`: another worker has taken it over meanwhile.
 *
 * @category models
 * @since 0.1.0
 */
export type Worked =
  & { readonly deliveryId: string }
  & (
    | { readonly outcome: "processed"; readonly versionId: string }
    | { readonly outcome: "postponed"; readonly detail: string; readonly availableAt: number }
    | { readonly outcome: "givenUp"; readonly detail: string }
    | { readonly outcome: "settledBefore" | "lost" }
  )

/**
 * What the worker needs.
 *
 * @category models
 * @since 0.1.0
 */
export type Requirements = ModuleIngest.Requirements | JobQueue

/**
 * Sees to the deliveries that are due, one after another. Each is leased when its turn comes, so that what a worker has
 * not begun is not kept from others.
 *
 * @category working
 * @since 0.1.0
 */
export const processOnce = Effect.fn("WebhookWorker.processOnce")(function*(
  options: WorkOptions = {}
): Effect.fn.Return<ReadonlyArray<Worked>, StorageError, Requirements> {
  const queue = yield* JobQueue
  const claim = queue.claim({
    kinds: [WebhookDelivery.jobKind],
    limit: 1,
    leaseMillis: options.leaseMillis ?? 10 * 60 * 1000
  })
  const worked: Array<Worked> = []
  while (worked.length < (options.limit ?? 10)) {
    const [job] = yield* claim
    if (job === undefined) break
    worked.push(yield* work(job, options))
  }
  return worked
})

const attemptsOf = (options: WorkOptions): number => options.maximumAttempts ?? 10

const Payload = Schema.Struct({ deliveryId: Schema.String })

const work = Effect.fnUntraced(function*(
  job: Job,
  options: WorkOptions
): Effect.fn.Return<Worked, StorageError, Requirements> {
  const deliveryId = Option.match(Schema.decodeUnknownOption(Payload)(job.payload), {
    onNone: () => "",
    onSome: (payload) => payload.deliveryId
  })
  const lost: Worked = { deliveryId, outcome: "lost" }
  return yield* unlessLeaseLost(workOn(job, deliveryId, options), lost)
})

const workOn = Effect.fnUntraced(function*(
  job: Job,
  deliveryId: string,
  options: WorkOptions
): Effect.fn.Return<Worked, StorageError, Requirements> {
  const queue = yield* JobQueue
  const storage = yield* Storage
  const found = yield* storage.transaction((transaction) =>
    transaction.get(WebhookDelivery.collection, job.accountId, deliveryId)
  )
  if (Option.isNone(found)) {
    yield* queue.fail(job, "the delivery does not exist")
    return { deliveryId, outcome: "givenUp", detail: "the delivery does not exist" }
  }
  if (found.value.state !== "received") return yield* tidyUp(job, found.value)
  if (job.attempts > attemptsOf(options)) {
    return yield* giveUp(job, deliveryId, `${job.attempts - 1} workers died over it, or were stopped`)
  }
  return yield* Effect.matchEffect(seeTo(found.value, options), {
    onSuccess: (versionId) => finish(job, deliveryId, versionId),
    onFailure: (failure) => postponeOrGiveUp(job, deliveryId, failure, options)
  })
})

/** A delivery that was settled otherwise than by this job. */
const tidyUp = Effect.fnUntraced(function*(job: Job, delivery: WebhookDelivery.WebhookDelivery) {
  const storage = yield* Storage
  yield* storage.transaction((transaction) => transaction.complete(job))
  const settledBefore: Worked = { deliveryId: delivery.id, outcome: "settledBefore" }
  return settledBefore
})

/**
 * Why a delivery could not be seen to, and whether it may work out later.
 */
interface Obstacle {
  readonly detail: string
  readonly mayPass: boolean
}

const seeTo = Effect.fnUntraced(function*(
  delivery: WebhookDelivery.WebhookDelivery,
  options: WorkOptions
): Effect.fn.Return<string, Obstacle, ModuleIngest.Requirements> {
  const { content, accountId } = delivery
  switch (content.kind) {
    case "moduleTag": {
      const module = yield* Effect.mapError(findModule(accountId, content.repositoryFullName), obstacle)
      if (Option.isNone(module)) {
        return yield* Effect.fail({
          detail: `no module has the forge repository ${content.repositoryFullName}`,
          mayPass: false
        })
      }
      const ingested = yield* Effect.mapError(
        ModuleIngest.ingest({
          accountId,
          actor: service(`webhook-endpoint/${delivery.endpointId}`),
          correlationId: delivery.id,
          moduleId: module.value.id,
          tag: content.tag,
          deep: options.deep
        }),
        obstacle
      )
      return ingested.version.id
    }
    case "diskImage":
      return yield* Effect.fail({ detail: "disk images are not processed by this version", mayPass: false })
    case "ignored":
      return yield* Effect.fail({ detail: content.why, mayPass: false })
  }
})

const findModule = Effect.fnUntraced(function*(accountId: string, forgeRepository: string) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) =>
    transaction.find(Module.collection, accountId, "byForgeRepository", [forgeRepository])
  )
})

const obstacle = (error: IngestError | CommandError | StorageError): Obstacle => ({
  detail: error.message,
  mayPass: mayPass(error)
})

const mayPass = (error: IngestError | CommandError | StorageError): boolean => {
  if (error instanceof StorageError) return error.reason._tag === "Unavailable"
  if (!(error instanceof IngestError)) return error.reason._tag === "Stale"
  // The forge announces a tag when it is pushed; what is built from it is published a while later.
  const notYetPublished = error.reason._tag === "SourceFailed" && error.reason.error.kind === "notFound"
  return error.retryable || notYetPublished
}

const finish = Effect.fnUntraced(function*(job: Job, deliveryId: string, versionId: string) {
  yield* settle(job, deliveryId, { state: "processed", versionId })
  const processed: Worked = { deliveryId, outcome: "processed", versionId }
  return processed
})

const postponeOrGiveUp = Effect.fnUntraced(function*(
  job: Job,
  deliveryId: string,
  { detail, mayPass }: Obstacle,
  options: WorkOptions
): Effect.fn.Return<Worked, StorageError, Storage | JobQueue> {
  if (mayPass && job.attempts < attemptsOf(options)) {
    const queue = yield* JobQueue
    const availableAt = (yield* Clock.currentTimeMillis) + backoffMillis(job.attempts)
    yield* queue.retry(job, { availableAt, error: detail })
    return { deliveryId, outcome: "postponed", detail, availableAt }
  }
  return yield* giveUp(job, deliveryId, detail)
})

const giveUp = Effect.fnUntraced(function*(job: Job, deliveryId: string, detail: string) {
  yield* settle(job, deliveryId, { state: "failed", detail: RowCodec.storableErrorText(detail) })
  const givenUp: Worked = { deliveryId, outcome: "givenUp", detail }
  return givenUp
})

/**
 * Writes down what came of a delivery and that its job is done, both or neither: whoever lost the lease has nothing to
 * say any more. Why a delivery was given up stands in the delivery.
 */
const settle = (
  job: Job,
  deliveryId: string,
  settled: Pick<WebhookDelivery.WebhookDelivery, "state" | "detail" | "versionId">
): Effect.Effect<void, StorageError, Storage> =>
  Command.run(
    {
      name: "webhook.settle",
      options: { accountId: job.accountId, actor: service("webhook-worker"), correlationId: deliveryId },
      request: {},
      result: Schema.Void
    },
    Effect.fnUntraced(function*(change) {
      const delivery = yield* Reading.required(
        change.transaction,
        WebhookDelivery.collection,
        change.accountId,
        "webhook delivery",
        deliveryId
      )
      const updated = yield* change.transaction.update(WebhookDelivery.collection, {
        ...delivery,
        ...settled,
        settledAt: change.now
      })
      yield* change.transaction.complete(job)
      yield* change.record({
        type: `webhook.${settled.state}`,
        aggregateKind: "webhook_delivery",
        aggregate: updated,
        before: { state: delivery.state },
        after: { state: updated.state },
        detail: Command.toJson({ detail: settled.detail, versionId: settled.versionId })
      })
    })
    // The delivery and its account were there a moment ago and nothing deletes them.
  ).pipe(Effect.catchTag("CommandError", Effect.die))
