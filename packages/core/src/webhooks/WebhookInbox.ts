/**
 * The inbox: takes in authentic webhooks, once each, durably, before the sender is answered.
 *
 * What a webhook claims is a hint. Nothing is done here but to write it down together with the promise to see to it.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { service } from "../events/Actor.ts"
import * as Command from "../events/Command.ts"
import type { CommandError } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import { hashOf } from "../internal/contentHash.ts"
import * as Reading from "../internal/reading.ts"
import * as RowCodec from "../storage/RowCodec.ts"
import { Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { SecretBox } from "./SecretBox.ts"
import {
  type AuthenticWebhook,
  type IncomingWebhook,
  WebhookAuthenticator,
  type WebhookKey,
  WebhookRefused
} from "./WebhookAuthenticator.ts"
import * as WebhookDelivery from "./WebhookDelivery.ts"
import * as WebhookEndpoint from "./WebhookEndpoint.ts"
import { EndpointRevoked, WebhookError } from "./WebhookError.ts"
import * as WebhookRefusals from "./WebhookRefusals.ts"

/**
 * That a webhook was accepted: for the first time, or again, which the sender need not know.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Received = Schema.Struct({
  outcome: Schema.Literals(["accepted", "duplicate"]),
  deliveryId: Schema.String
})

/**
 * That a webhook was accepted.
 *
 * @category models
 * @since 0.1.0
 */
export type Received = typeof Received.Type

/**
 * Authenticates a webhook and writes it down. Whatever is wrong with it, the error is a `WebhookError`; its reason is for
 * operators and in `recent`, never for the sender. An unknown endpoint costs the same look-up, opening of a secret and
 * check of a signature as a known one.
 *
 * @category commands
 * @since 0.1.0
 */
export const receive = Effect.fn("WebhookInbox.receive")(function*(
  input: { readonly endpointId: string; readonly incoming: IncomingWebhook }
): Effect.fn.Return<
  Received,
  WebhookError | CommandError | StorageError,
  Storage | SecretBox | WebhookAuthenticator
> {
  const { endpointId, incoming } = input
  const storage = yield* Storage
  const authenticator = yield* WebhookAuthenticator
  const now = yield* Clock.currentTimeMillis
  const endpoint = Option.getOrUndefined(
    yield* storage.transaction((transaction) => transaction.locate(WebhookEndpoint.collection, endpointId))
  )
  const keys = endpoint === undefined ? yield* openNothing : yield* openKeys(endpoint, now)
  const authentic = Result.flatMap(authenticator.authenticate(incoming, keys), requireText)
  if (endpoint !== undefined && Result.isSuccess(authentic)) return yield* accept(endpoint, incoming, authentic.success)
  const reason = Result.isFailure(authentic) ? authentic.failure : unknownEndpoint
  yield* noteRefusal(endpoint, reason, now)
  return yield* new WebhookError({ reason })
})

/** Seals a secret that nobody knows, which costs what opening one does. */
const openNothing = Effect.gen(function*() {
  const box = yield* SecretBox
  yield* box.seal("webhook-endpoint/unknown", yield* box.generate)
  return noKeys
})

const noKeys: ReadonlyArray<WebhookKey> = []

const openKeys = Effect.fnUntraced(function*(endpoint: WebhookEndpoint.WebhookEndpoint, now: number) {
  const box = yield* SecretBox
  const opened = yield* Effect.forEach(
    WebhookEndpoint.activeKeys(endpoint, now),
    (key) =>
      box.open(WebhookEndpoint.sealPurpose(endpoint.id, key.id), key.sealed).pipe(
        Effect.map((secret): ReadonlyArray<WebhookKey> => [
          { id: key.id, secret, notBefore: undefined, notAfter: key.notAfter }
        ]),
        // The other keys of the endpoint are as good as ever.
        Effect.catch((error) =>
          Effect.as(Effect.logError(`webhook endpoint ${endpoint.id}, key ${key.id}: ${error.message}`), noKeys)
        )
      )
  )
  return opened.flat()
})

const unknownEndpoint = new WebhookRefused({ reason: "UnknownEndpoint", detail: "there is no such endpoint" })

/** Who knows the secret may still send what no row can hold. */
const requireText = (authentic: AuthenticWebhook): Result.Result<AuthenticWebhook, WebhookRefused> => {
  const { bodySha256, content } = authentic
  const isText = Object.values(content).every((value) =>
    typeof value !== "string" || (value.length <= maximumTextLength && RowCodec.isStorableText(value))
  )
  const detail = `expected texts of at most ${maximumTextLength} characters without U+0000`
  return isText
    ? Result.succeed(authentic)
    : Result.fail(new WebhookRefused({ reason: "MalformedContent", detail, bodySha256 }))
}

const maximumTextLength = 1000

const accept = Effect.fnUntraced(function*(
  endpoint: WebhookEndpoint.WebhookEndpoint,
  incoming: IncomingWebhook,
  authentic: AuthenticWebhook
) {
  const { accountId } = endpoint
  return yield* Command.run(
    {
      name: "webhook.receive",
      options: { accountId, actor: service(`webhook-endpoint/${endpoint.id}`) },
      request: {},
      result: Received
    },
    Effect.fnUntraced(function*(change): Effect.fn.Return<Received, WebhookError | StorageError> {
      const { transaction } = change
      const current = yield* transaction.get(WebhookEndpoint.collection, accountId, endpoint.id)
      if (Option.isNone(current) || current.value.state === "revoked") {
        return yield* new WebhookError({ reason: new EndpointRevoked({ endpointId: endpoint.id }) })
      }
      const earlier = yield* findEarlier(transaction, endpoint, authentic)
      if (Option.isSome(earlier)) return { outcome: "duplicate", deliveryId: earlier.value.id }
      const delivery = yield* insertDelivery(change, endpoint, incoming, authentic)
      return { outcome: "accepted", deliveryId: delivery.id }
    })
  )
})

/**
 * The delivery that this one repeats. Without a message id any delivery of the body counts, also one that had an id: its
 * headers may have been taken away to have it done twice.
 */
const findEarlier = (
  transaction: Transaction,
  { accountId, id }: WebhookEndpoint.WebhookEndpoint,
  authentic: AuthenticWebhook
) =>
  authentic.messageId === undefined
    ? transaction.find(WebhookDelivery.collection, accountId, "byBody", [id, authentic.bodySha256])
    : transaction.find(WebhookDelivery.collection, accountId, "byDedupeKey", [id, dedupeKeyOf(authentic)])

const dedupeKeyOf = ({ bodySha256, messageId }: AuthenticWebhook): string =>
  messageId === undefined ? `body:${bodySha256}` : `id:${storableKey(messageId)}`

/** Senders make up message ids; one that is no key is as good as its hash. */
const storableKey = (key: string): string => key.length <= 200 && RowCodec.isStorableText(key) ? key : hashOf(key)

const insertDelivery = Effect.fnUntraced(function*(
  change: Command.Change,
  endpoint: WebhookEndpoint.WebhookEndpoint,
  incoming: IncomingWebhook,
  authentic: AuthenticWebhook
) {
  const { content } = authentic
  const delivery = yield* change.transaction.insert(WebhookDelivery.collection, {
    id: yield* Id.next,
    accountId: change.accountId,
    rev: 1,
    endpointId: endpoint.id,
    dedupeKey: dedupeKeyOf(authentic),
    family: authentic.family,
    keyId: authentic.keyId,
    bodySha256: authentic.bodySha256,
    content,
    receivedAt: incoming.receivedAt,
    ...(content.kind === "ignored"
      ? { state: "ignored", detail: content.why, settledAt: change.now }
      : { state: "received" })
  })
  if (delivery.state === "received") yield* promise(change, delivery)
  yield* change.record({
    type: "webhook.received",
    aggregateKind: "webhook_delivery",
    aggregate: delivery,
    after: { state: delivery.state },
    detail: Command.toJson({ endpointId: endpoint.id, family: delivery.family, content })
  })
  return delivery
})

const promise = (change: Command.Change, delivery: WebhookDelivery.WebhookDelivery) =>
  change.transaction.enqueue({
    accountId: change.accountId,
    kind: WebhookDelivery.jobKind,
    key: `${delivery.id}/${delivery.rev}`,
    payload: { deliveryId: delivery.id }
  })

const noteRefusal = Effect.fnUntraced(function*(
  endpoint: WebhookEndpoint.WebhookEndpoint | undefined,
  refused: WebhookRefused,
  now: number
) {
  const attempt: WebhookRefusals.RefusedAttempt = {
    at: now,
    reason: RowCodec.storableErrorText(refused.reason),
    detail: RowCodec.storableErrorText(refused.detail).slice(0, 500),
    bodySha256: refused.bodySha256
  }
  if (endpoint === undefined) {
    return yield* Effect.logWarning(`webhook to an unknown endpoint refused: ${attempt.reason}`)
  }
  const { id, accountId } = endpoint
  yield* Command.run(
    {
      name: "webhook.refuse",
      options: { accountId, actor: service(`webhook-endpoint/${id}`) },
      request: {},
      result: Schema.Void
    },
    Effect.fnUntraced(function*({ transaction }) {
      const noted = yield* transaction.get(WebhookRefusals.collection, accountId, id)
      if (Option.isNone(noted)) {
        yield* transaction.insert(WebhookRefusals.collection, { id, accountId, rev: 1, total: 1, latest: [attempt] })
        return
      }
      yield* transaction.update(WebhookRefusals.collection, {
        ...noted.value,
        total: noted.value.total + 1,
        latest: [attempt, ...noted.value.latest].slice(0, WebhookRefusals.remembered)
      })
    })
  ).pipe(
    // The answer to the sender must not tell how well we take notes.
    Effect.catch((error) =>
      Effect.logError(`webhook endpoint ${id}: ${attempt.reason} could not be noted: ${error.message}`)
    )
  )
})

/**
 * What came in at an endpoint lately.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recent {
  /** The latest first. */
  readonly deliveries: ReadonlyArray<WebhookDelivery.WebhookDelivery>
  /** The latest first, at most `WebhookRefusals.remembered`. */
  readonly refused: ReadonlyArray<WebhookRefusals.RefusedAttempt>
  /** How many were refused in all. */
  readonly refusedTotal: number
}

/**
 * What came in at an endpoint lately, with the reasons of what was refused.
 *
 * @category queries
 * @since 0.1.0
 */
export const recent = Effect.fn("WebhookInbox.recent")(function*(
  input: { readonly accountId: string; readonly endpointId: string; readonly limit?: number | undefined }
): Effect.fn.Return<Recent, CommandError | StorageError, Storage> {
  const { accountId, endpointId } = input
  const storage = yield* Storage
  return yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
    yield* Reading.required(transaction, WebhookEndpoint.collection, accountId, "webhook endpoint", endpointId)
    const deliveries = yield* transaction.list(WebhookDelivery.collection, accountId, "byEndpoint", [endpointId], {
      limit: input.limit ?? 50,
      descending: true
    })
    const refusals = yield* transaction.get(WebhookRefusals.collection, accountId, endpointId)
    const noted = Option.getOrElse(refusals, () => ({ latest: [], total: 0 }))
    return { deliveries, refused: noted.latest, refusedTotal: noted.total }
  }))
})

/**
 * A delivery.
 *
 * @category queries
 * @since 0.1.0
 */
export const getDelivery = Effect.fn("WebhookInbox.getDelivery")(function*(
  input: { readonly accountId: string; readonly deliveryId: string }
) {
  return yield* Reading.one(WebhookDelivery.collection, input.accountId, "webhook delivery", input.deliveryId)
})

/**
 * Sees to a delivery once more that was given up, after somebody mended what was wrong. Others are left as they are.
 *
 * @category commands
 * @since 0.1.0
 */
export const retry = Effect.fn("WebhookInbox.retry")((input: Command.Options & { readonly deliveryId: string }) =>
  Command.run(
    {
      name: "webhook.retry",
      options: input,
      request: { deliveryId: input.deliveryId },
      result: WebhookDelivery.WebhookDelivery
    },
    Effect.fnUntraced(function*(change) {
      const delivery = yield* Reading.required(
        change.transaction,
        WebhookDelivery.collection,
        change.accountId,
        "webhook delivery",
        input.deliveryId
      )
      if (delivery.state !== "failed") return delivery
      const renewed = yield* change.transaction.update(WebhookDelivery.collection, {
        ...delivery,
        state: "received",
        detail: undefined,
        settledAt: undefined
      })
      yield* promise(change, renewed)
      yield* change.record({
        type: "webhook.retried",
        aggregateKind: "webhook_delivery",
        aggregate: renewed,
        before: { state: delivery.state },
        after: { state: renewed.state }
      })
      return renewed
    })
  )
)
