import { afterEach, assert, describe, it } from "@effect/vitest"
import { Actor, StorageError } from "@lamina/core"
import { WebhookKey, WebhookSigner } from "@lamina/gitea"
import { MemoryRegistry } from "@lamina/oci"
import { createPlatform, type PlatformClient, type PlatformOptions } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import { setTimeout as delay } from "node:timers/promises"

const secretKey = "0123456789abcdef0123456789abcdef"
const ada = Actor.person("ada")
const unhandled: Array<unknown> = []
const note = (reason: unknown) => {
  unhandled.push(reason)
}
process.on("unhandledRejection", note)
afterEach(() => assert.deepStrictEqual(unhandled, []))

const create = async (options: Partial<PlatformOptions.PlatformOptions> = {}) =>
  createPlatform({ registry: await Effect.runPromise(MemoryRegistry.make()), secretKey, ...options })

const rejection = (promise: Promise<unknown>) =>
  promise.then(() => assert.fail("it did not reject"), (error: unknown) => error)

/** An endpoint, and one delivery in its inbox. */
const receiveOne = async (platform: PlatformClient.PlatformClient) => {
  const { id: accountId } = await platform.accounts.create({ actor: ada, name: "acme" })
  const { endpoint, secret } = await platform.webhooks.createEndpoint({ accountId, actor: ada, name: "ci" })
  const key = Result.getOrThrow(WebhookKey.make({ id: "ci", secret }))
  const body = new TextEncoder().encode(
    JSON.stringify({ repository: { full_name: "acme/redis" }, ref: "refs/tags/v0.1.0" })
  )
  const headers = WebhookSigner.moduleCallback({ key, body })
  const { deliveryId } = await platform.webhooks.receive({
    endpointId: endpoint.id,
    incoming: { headers, body, receivedAt: Date.now() }
  })
  return { accountId, deliveryId }
}

const until = async (condition: () => Promise<boolean>) => {
  while (!await condition()) await delay(10)
}

describe("a platform", () => {
  it("offers the operations as promises", async () => {
    await using platform = await create()
    const { id: accountId } = await platform.accounts.create({ actor: ada, name: "acme" })
    const manifestText = "schema_version: 1\nname: redis\ncategory: userland\nfile_spec: [/etc/redis/**]\n"
    const module = await platform.modules.register({ accountId, actor: ada, manifestText })
    assert.deepStrictEqual((await platform.modules.list({ accountId })).map(({ id }) => id), [module.id])
  })

  it("rejects with the error of the operation itself", async () => {
    await using platform = await create()
    const { id: accountId } = await platform.accounts.create({ actor: ada, name: "acme" })
    const error = await rejection(platform.modules.get({ accountId, moduleName: "redis" }))
    assert.deepInclude(error, { _tag: "CommandError" })
    assert.include(JSON.stringify(error), "\"NotFound\"")
  })

  it("runs any effect that needs its services, and rejects with its error", async () => {
    await using platform = await create()
    assert.strictEqual(await platform.run(Effect.succeed(1)), 1)
    const reason = new StorageError.Unavailable({ detail: "gone" })
    const failure = new StorageError.StorageError({ reason })
    assert.strictEqual(await rejection(platform.run(Effect.fail(failure))), failure)
    const defect = new Error("a defect")
    assert.strictEqual(await rejection(platform.run(Effect.die(defect))), defect)
  })

  it("gives up what a signal aborts, for the signal's reason", async () => {
    await using platform = await create()
    const controller = new AbortController()
    const running = rejection(platform.run(Effect.never, { signal: controller.signal }))
    controller.abort(new Error("the caller went away"))
    assert.deepInclude(await running, { message: "the caller went away" })
    const late = rejection(platform.accounts.get({ accountId: "none" }, { signal: controller.signal }))
    assert.deepInclude(await late, { message: "the caller went away" })
  })

  it("rejects with what went wrong, when that was not the signal", async () => {
    await using platform = await create()
    const controller = new AbortController()
    const failing = Effect.suspend(() => {
      controller.abort()
      return Effect.fail("broken")
    })
    assert.strictEqual(
      await rejection(platform.run(Effect.uninterruptible(failing), { signal: controller.signal })),
      "broken"
    )
  })

  it("is closed at the end of its block, once or twice, with everything that runs", async () => {
    const running = await (async () => {
      await using platform = await create()
      const never = rejection(platform.run(Effect.never))
      await platform.close()
      await rejection(platform.run(Effect.void))
      return { never }
    })()
    assert.instanceOf(await running.never, Error)
  })

  it("that is closed still answers requests, with 500", async () => {
    const platform = await create()
    const handler = platform.handler()
    await platform.close()
    const response = await handler(new Request("http://a/api/v1/system/node_api/desired_state"))
    assert.strictEqual(response.status, 500)
  })

  it("does not start over a database that cannot be reached", async () => {
    const unreachable = "postgres://nobody@127.0.0.1:1/none"
    const error = await rejection(create({ storage: { kind: "postgres", url: unreachable } }))
    assert.deepInclude(error, { _tag: "StorageError" })
  })

  it("answers requests of the Web", async () => {
    await using platform = await create()
    const { id: accountId } = await platform.accounts.create({ actor: ada, name: "acme" })
    const handler = platform.handler({ authenticate: () => ({ accountId, actor: ada }) })
    const response = await handler(new Request("http://a/api/v1/system/modules"))
    assert.deepStrictEqual<unknown>(await response.json(), { success: true, data: [] })
  })
})

describe("a worker", () => {
  it("works off what webhooks promised, until it is stopped", async () => {
    await using platform = await create()
    const stop = platform.startWorker({ idle: "5 millis" })
    const { accountId, deliveryId } = await receiveOne(platform)
    await until(async () => (await platform.webhooks.getDelivery({ accountId, deliveryId })).state !== "received")
    const { detail, state } = await platform.webhooks.getDelivery({ accountId, deliveryId })
    assert.deepStrictEqual([state, detail], ["failed", "no module has the forge repository acme/redis"])
    await stop()
    const later = await receiveOne(platform)
    await delay(50)
    assert.strictEqual((await platform.webhooks.getDelivery(later)).state, "received")
    await stop()
  })

  it("tells of every event, and again what its listener refused", async () => {
    await using platform = await create()
    const heard: Array<string> = []
    let refusals = 1
    platform.startWorker({
      idle: "5 millis",
      onEvent: ({ type }) => {
        heard.push(type)
        if (type === "category.created" && refusals-- > 0) throw new Error("not now")
      }
    })
    const { id: accountId } = await platform.accounts.create({ actor: ada, name: "acme" })
    const written = (await platform.events.list({ accountId })).map(({ type }) => type)
    // The refused event is heard once more than it was written; others may come after it.
    const times = (types: ReadonlyArray<string>) => types.filter((type) => type === "category.created").length
    await until(() => Promise.resolve(times(heard) > times(written) && written.every((type) => heard.includes(type))))
    assert.sameMembers([...new Set(heard)], [...new Set(written)])
    assert.isTrue(written.includes("account.created"))
  })

  it("stops with the platform, and nothing is left unhandled", async () => {
    const platform = await create()
    const stop = platform.startWorker({ idle: "5 millis" })
    await platform.close()
    await stop()
    await delay(10)
  })
})
