/**
 * Managing endpoints. A secret is shown once, when it is made; stored is what does not reveal it.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Redacted from "effect/Redacted"
import * as Command from "../events/Command.ts"
import { type CommandError, invalidInput } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import * as Reading from "../internal/reading.ts"
import { type ListOptions, Storage } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import { SecretBox } from "./SecretBox.ts"
import * as WebhookEndpoint from "./WebhookEndpoint.ts"
import { EndpointNameTaken, EndpointRevoked, WebhookError } from "./WebhookError.ts"

/**
 * An endpoint together with its new secret, which cannot be read again.
 *
 * @category models
 * @since 0.1.0
 */
export interface EndpointWithSecret {
  readonly endpoint: WebhookEndpoint.WebhookEndpoint
  readonly secret: Redacted.Redacted<string>
}

/**
 * What every command about endpoints is given. There is no idempotency key: a stored result would hold the secret.
 *
 * @category models
 * @since 0.1.0
 */
export type EndpointOptions = Omit<Command.Options, "idempotencyKey">

/**
 * What a command about an endpoint may fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = WebhookError | CommandError | StorageError

/**
 * How long a secret still counts after it was rotated, unless the caller says: a week, in milliseconds.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultOverlapMillis = 7 * 24 * 60 * 60 * 1000

/**
 * Makes an endpoint and its first secret.
 *
 * @category commands
 * @since 0.1.0
 */
export const createEndpoint = Effect.fn("WebhookEndpoints.createEndpoint")(function*(
  input: EndpointOptions & { readonly name: string }
): Effect.fn.Return<EndpointWithSecret, Failure, Storage | SecretBox> {
  const name = input.name.trim()
  if (name.length === 0 || name.length > 200) {
    return yield* invalidInput("name", "1 to 200 characters", JSON.stringify(input.name.slice(0, 220)))
  }
  const id = yield* Id.next
  const { key, secret } = yield* makeKey(id)
  const endpoint = yield* Command.run(
    { name: "webhook_endpoint.create", options: input, request: { name }, result: WebhookEndpoint.WebhookEndpoint },
    Effect.fnUntraced(function*(change) {
      const other = yield* change.transaction.find(WebhookEndpoint.collection, change.accountId, "byName", [name])
      if (Option.isSome(other)) {
        return yield* new WebhookError({ reason: new EndpointNameTaken({ name, endpointId: other.value.id }) })
      }
      const endpoint = yield* change.transaction.insert(WebhookEndpoint.collection, {
        id,
        accountId: change.accountId,
        rev: 1,
        name,
        state: "active",
        keys: [{ ...key, createdAt: change.now }],
        createdAt: change.now
      })
      yield* recordEndpoint(change, "webhook_endpoint.created", endpoint)
      return endpoint
    })
  )
  return { endpoint, secret }
})

/**
 * Gives an endpoint a new secret. It counts at once; the ones before count on for the overlap, or not at all with 0.
 *
 * @category commands
 * @since 0.1.0
 */
export const rotateSecret = Effect.fn("WebhookEndpoints.rotateSecret")(function*(
  input: EndpointOptions & {
    readonly endpointId: string
    readonly overlapMillis?: number | undefined
    readonly expectedRev?: number | undefined
  }
): Effect.fn.Return<EndpointWithSecret, Failure, Storage | SecretBox> {
  const overlapMillis = Math.max(0, input.overlapMillis ?? defaultOverlapMillis)
  const { key, secret } = yield* makeKey(input.endpointId)
  const endpoint = yield* Command.run(
    {
      name: "webhook_endpoint.rotate_secret",
      options: input,
      request: { endpointId: input.endpointId, overlapMillis },
      result: WebhookEndpoint.WebhookEndpoint
    },
    Effect.fnUntraced(function*(change) {
      const endpoint = yield* requireActive(change, input.endpointId)
      yield* Command.expectRev("webhook endpoint", endpoint, input.expectedRev)
      const rotated = yield* change.transaction.update(WebhookEndpoint.collection, {
        ...endpoint,
        keys: [
          { ...key, createdAt: change.now },
          ...WebhookEndpoint.activeKeys(endpoint, change.now)
            .slice(0, maximumKeys - 1)
            .map((older) => ({ ...older, notAfter: Math.min(older.notAfter ?? Infinity, change.now + overlapMillis) }))
        ]
      })
      yield* recordEndpoint(change, "webhook_endpoint.secret_rotated", rotated)
      return rotated
    })
  )
  return { endpoint, secret }
})

const maximumKeys = 5

/**
 * Revokes an endpoint for good: nothing is accepted there any more.
 *
 * @category commands
 * @since 0.1.0
 */
export const revokeEndpoint = Effect.fn("WebhookEndpoints.revokeEndpoint")((
  input: Command.Options & { readonly endpointId: string }
) =>
  Command.run(
    {
      name: "webhook_endpoint.revoke",
      options: input,
      request: { endpointId: input.endpointId },
      result: WebhookEndpoint.WebhookEndpoint
    },
    Effect.fnUntraced(function*(change) {
      const endpoint = yield* requireActive(change, input.endpointId)
      const revoked = yield* change.transaction.update(WebhookEndpoint.collection, {
        ...endpoint,
        state: "revoked",
        keys: []
      })
      yield* recordEndpoint(change, "webhook_endpoint.revoked", revoked)
      return revoked
    })
  )
)

const makeKey = Effect.fnUntraced(function*(endpointId: string) {
  const box = yield* SecretBox
  const id = yield* Id.next
  const secret = yield* box.generate
  const sealed = yield* box.seal(WebhookEndpoint.sealPurpose(endpointId, id), secret)
  return { key: { id, sealed }, secret }
})

const requireActive = Effect.fnUntraced(function*(change: Command.Change, endpointId: string) {
  const endpoint = yield* Reading.required(
    change.transaction,
    WebhookEndpoint.collection,
    change.accountId,
    "webhook endpoint",
    endpointId
  )
  if (endpoint.state === "revoked") return yield* new WebhookError({ reason: new EndpointRevoked({ endpointId }) })
  return endpoint
})

const recordEndpoint = (change: Command.Change, type: string, endpoint: WebhookEndpoint.WebhookEndpoint) =>
  change.record({
    type,
    aggregateKind: "webhook_endpoint",
    aggregate: endpoint,
    after: Command.toJson({
      name: endpoint.name,
      state: endpoint.state,
      keys: endpoint.keys.map(({ id, notAfter }) => ({ id, notAfter }))
    })
  })

/**
 * An endpoint.
 *
 * @category queries
 * @since 0.1.0
 */
export const getEndpoint = Effect.fn("WebhookEndpoints.getEndpoint")(function*(
  input: { readonly accountId: string; readonly endpointId: string }
) {
  return yield* Reading.one(WebhookEndpoint.collection, input.accountId, "webhook endpoint", input.endpointId)
})

/**
 * A page of an account's endpoints.
 *
 * @category queries
 * @since 0.1.0
 */
export const listEndpoints = Effect.fn("WebhookEndpoints.listEndpoints")(function*(
  input: { readonly accountId: string } & ListOptions
) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) =>
    transaction.scan(WebhookEndpoint.collection, input.accountId, input)
  )
})
