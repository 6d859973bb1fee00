/**
 * The fleet: instances, what they are to run, what they report, and how the two compare.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Mac from "effect/crypto/Mac"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Command from "../events/Command.ts"
import { type CommandError, invalidInput } from "../events/CommandError.ts"
import * as Id from "../events/Id.ts"
import { changing } from "../internal/changing.ts"
import { hashOf } from "../internal/contentHash.ts"
import * as Reading from "../internal/reading.ts"
import { type ListOptions, Storage, type Transaction } from "../storage/Storage.ts"
import type { StorageError } from "../storage/StorageError.ts"
import * as Template from "../templates/Template.ts"
import { SecretBox } from "../webhooks/SecretBox.ts"
import * as DesiredState from "./DesiredState.ts"
import * as Drift from "./Drift.ts"
import { FleetError, InstanceNameTaken, NotAuthenticated } from "./FleetError.ts"
import * as Heartbeat from "./Heartbeat.ts"
import * as Instance from "./Instance.ts"
import * as RunningModule from "./RunningModule.ts"

/**
 * What an operation of the fleet may fail with.
 *
 * @category errors
 * @since 0.1.0
 */
export type Failure = FleetError | CommandError | StorageError

/**
 * An instance together with its agent's new token, which cannot be read again.
 *
 * @category models
 * @since 0.1.0
 */
export interface InstanceWithToken {
  readonly instance: Instance.Instance
  readonly token: Redacted.Redacted<string>
}

/**
 * What every command that makes a token is given. There is no idempotency key: a stored result would hold the token.
 *
 * @category models
 * @since 0.1.0
 */
export type TokenOptions = Omit<Command.Options, "idempotencyKey">

/**
 * Makes an instance that follows a template.
 *
 * @category commands
 * @since 0.1.0
 */
export const createInstance = Effect.fn("Fleet.createInstance")(function*(
  input: TokenOptions & { readonly name: string; readonly templateId: string; readonly architecture: string }
): Effect.fn.Return<InstanceWithToken, Failure, Storage | SecretBox> {
  const name = input.name.trim()
  if (name.length === 0 || name.length > 200) {
    return yield* invalidInput("name", "1 to 200 characters", JSON.stringify(input.name.slice(0, 220)))
  }
  if (!/^[a-z0-9][a-z0-9_-]{0,31}$/.test(input.architecture)) {
    return yield* invalidInput(
      "architecture",
      "a name such as amd64 or arm64",
      JSON.stringify(input.architecture.slice(0, 50))
    )
  }
  const id = yield* Id.next
  const { secret, tokenHash } = yield* makeSecret
  const { templateId, architecture } = input
  const instance = yield* Command.run(
    {
      name: "instance.create",
      options: input,
      request: { name, templateId, architecture },
      result: Instance.Instance
    },
    Effect.fnUntraced(function*(change) {
      const { transaction, accountId } = change
      yield* Reading.required(transaction, Template.collection, accountId, "template", templateId)
      const other = yield* transaction.find(Instance.collection, accountId, "byName", [name])
      if (Option.isSome(other)) {
        return yield* new FleetError({ reason: new InstanceNameTaken({ name, instanceId: other.value.id }) })
      }
      const instance = yield* transaction.insert(Instance.collection, {
        id,
        accountId,
        rev: 1,
        name,
        templateId,
        architecture,
        tokenHash,
        createdAt: change.now
      })
      yield* change.record({
        type: "instance.created",
        aggregateKind: "instance",
        aggregate: instance,
        after: { name, templateId, architecture }
      })
      return instance
    })
  )
  return { instance, token: tokenOf(instance, secret) }
})

/**
 * Gives the agent a new token; the one before is worth nothing from then on.
 *
 * @category commands
 * @since 0.1.0
 */
export const rotateToken = Effect.fn("Fleet.rotateToken")(function*(
  input: TokenOptions & { readonly instanceId: string }
): Effect.fn.Return<InstanceWithToken, Failure, Storage | SecretBox> {
  const { secret, tokenHash } = yield* makeSecret
  const instance = yield* Command.run(
    {
      name: "instance.rotate_token",
      options: input,
      request: { instanceId: input.instanceId },
      result: Instance.Instance
    },
    Effect.fnUntraced(function*(change) {
      const instance = yield* requireInstance(change.transaction, change.accountId, input.instanceId)
      const updated = yield* change.transaction.update(Instance.collection, { ...instance, tokenHash })
      yield* change.record({ type: "instance.token_rotated", aggregateKind: "instance", aggregate: updated })
      return updated
    })
  )
  return { instance, token: tokenOf(instance, secret) }
})

const makeSecret = Effect.gen(function*() {
  const box = yield* SecretBox
  const secret = yield* box.generate
  return { secret, tokenHash: hashOf(Redacted.value(secret)) }
})

const tokenOf = (instance: Instance.Instance, secret: Redacted.Redacted<string>): Redacted.Redacted<string> =>
  Redacted.make(`${instance.id}.${Redacted.value(secret)}`)

/**
 * The instance whose token this is. Every failure looks the same.
 *
 * @category queries
 * @since 0.1.0
 */
export const authenticate = Effect.fn("Fleet.authenticate")(function*(
  token: Redacted.Redacted<string>
): Effect.fn.Return<Instance.Instance, FleetError | StorageError, Storage> {
  const storage = yield* Storage
  const text = Redacted.value(token)
  const dot = text.indexOf(".")
  const found = yield* storage.transaction((transaction) =>
    transaction.locate(Instance.collection, text.slice(0, Math.max(dot, 0)))
  )
  const utf8 = new TextEncoder()
  const presented = utf8.encode(hashOf(text.slice(dot + 1)))
  const expected = utf8.encode(Option.isSome(found) ? found.value.tokenHash : hashOf(""))
  const matches = Mac.timingSafeEqual(presented, expected)
  if (Option.isNone(found) || !matches) return yield* new FleetError({ reason: new NotAuthenticated() })
  return found.value
})

/**
 * Deletes an instance and what it reported.
 *
 * @category commands
 * @since 0.1.0
 */
export const deleteInstance = Effect.fn("Fleet.deleteInstance")((
  input: Command.Options & { readonly instanceId: string; readonly expectedRev?: number | undefined }
): Effect.Effect<Instance.Instance, Failure, Storage> =>
  Command.run(
    {
      name: "instance.delete",
      options: input,
      request: { instanceId: input.instanceId, expectedRev: input.expectedRev },
      result: Instance.Instance
    },
    Effect.fnUntraced(function*(change) {
      const { transaction, accountId } = change
      const instance = yield* requireInstance(transaction, accountId, input.instanceId)
      yield* Command.expectRev("instance", instance, input.expectedRev)
      for (const running of yield* runningOf(transaction, instance)) {
        yield* transaction.remove(RunningModule.collection, running)
      }
      const heartbeat = yield* transaction.get(Heartbeat.collection, accountId, instance.id)
      if (Option.isSome(heartbeat)) yield* transaction.remove(Heartbeat.collection, heartbeat.value)
      yield* transaction.remove(Instance.collection, instance)
      yield* change.record({
        type: "instance.deleted",
        aggregateKind: "instance",
        aggregate: instance,
        before: { name: instance.name, templateId: instance.templateId, architecture: instance.architecture }
      })
      return instance
    })
  )
)

/**
 * An instance by its id.
 *
 * @category queries
 * @since 0.1.0
 */
export const getInstance = Effect.fn("Fleet.getInstance")(function*(
  input: { readonly accountId: string; readonly instanceId: string }
) {
  return yield* Reading.one(Instance.collection, input.accountId, "instance", input.instanceId)
})

/**
 * A page of an account's instances.
 *
 * @category queries
 * @since 0.1.0
 */
export const listInstances = Effect.fn("Fleet.listInstances")(function*(
  input: { readonly accountId: string } & ListOptions
) {
  const storage = yield* Storage
  return yield* storage.transaction((transaction) => transaction.scan(Instance.collection, input.accountId, input))
})

/**
 * What an instance is to run now. Fails with `CompositionBlocked` when its template cannot be composed.
 *
 * @category queries
 * @since 0.1.0
 */
export const desiredState = Effect.fn("Fleet.desiredState")(function*(
  input: { readonly accountId: string; readonly instanceId: string }
): Effect.fn.Return<DesiredState.DesiredState, Failure, Storage> {
  const storage = yield* Storage
  const now = yield* Clock.currentTimeMillis
  return yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
    const instance = yield* requireInstance(transaction, input.accountId, input.instanceId)
    return yield* DesiredState.compute(transaction, instance, now)
  }))
})

/**
 * Takes a report in. One that is not newer than the last is not accepted and changes nothing.
 *
 * @category commands
 * @since 0.1.0
 */
export const heartbeat = Effect.fn("Fleet.heartbeat")(function*(
  input: { readonly accountId: string; readonly instanceId: string; readonly report: Heartbeat.Report }
): Effect.fn.Return<{ readonly accepted: boolean }, Failure, Storage> {
  const receivedAt = yield* Clock.currentTimeMillis
  const report = yield* Effect.mapError(
    Schema.decodeEffect(Heartbeat.Report)(input.report),
    (error) => invalidInput("report", "a report", error.message.slice(0, 2000))
  )
  return yield* changing(Effect.fnUntraced(function*(transaction) {
    const { accountId } = input
    const instance = yield* requireInstance(transaction, accountId, input.instanceId)
    const last = yield* transaction.get(Heartbeat.collection, accountId, instance.id)
    if (Option.isSome(last) && !Heartbeat.isNewer(report, last.value)) return { accepted: false }
    const row = { ...report, id: instance.id, accountId, receivedAt }
    if (Option.isNone(last)) yield* transaction.insert(Heartbeat.collection, { ...row, rev: 1 })
    else yield* transaction.update(Heartbeat.collection, { ...row, rev: last.value.rev })
    const before = Option.isSome(last) ? last.value.runningModuleDigests : {}
    if (hashOf(before) !== hashOf(report.runningModuleDigests)) yield* replaceRunning(transaction, instance, report)
    return { accepted: true }
  }))
})

const replaceRunning = Effect.fnUntraced(function*(
  transaction: Transaction,
  instance: Instance.Instance,
  report: Heartbeat.Report
) {
  const reported = new Map(Object.entries(report.runningModuleDigests))
  for (const running of yield* runningOf(transaction, instance)) {
    if (reported.get(running.moduleName) === running.composefsDigest) reported.delete(running.moduleName)
    else yield* transaction.remove(RunningModule.collection, running)
  }
  for (const [moduleName, composefsDigest] of reported) {
    yield* transaction.insert(RunningModule.collection, {
      id: yield* Id.next,
      accountId: instance.accountId,
      rev: 1,
      instanceId: instance.id,
      moduleName,
      composefsDigest
    })
  }
})

const runningOf = (transaction: Transaction, instance: Instance.Instance) =>
  Reading.everyPage((options) =>
    transaction.list(RunningModule.collection, instance.accountId, "byInstance", [instance.id], options)
  )

/**
 * How an instance compares with what it is to run. Fails with `CompositionBlocked` when that cannot be said.
 *
 * @category queries
 * @since 0.1.0
 */
export const drift = Effect.fn("Fleet.drift")(function*(
  input: {
    readonly accountId: string
    readonly instanceId: string
    readonly patience?: Drift.Patience | undefined
  }
): Effect.fn.Return<Drift.DriftReport, Failure, Storage> {
  const storage = yield* Storage
  const now = yield* Clock.currentTimeMillis
  return yield* storage.transaction(Effect.fnUntraced(function*(transaction) {
    const instance = yield* requireInstance(transaction, input.accountId, input.instanceId)
    const desired = yield* DesiredState.compute(transaction, instance, now)
    const heartbeat = yield* transaction.get(Heartbeat.collection, input.accountId, instance.id)
    return Drift.compare(
      { digests: DesiredState.digestsOf(desired), planHash: desired.planHash, since: desired.since },
      Option.getOrUndefined(heartbeat),
      now,
      input.patience
    )
  }))
})

const requireInstance = (transaction: Transaction, accountId: string, instanceId: string) =>
  Reading.required(transaction, Instance.collection, accountId, "instance", instanceId)
