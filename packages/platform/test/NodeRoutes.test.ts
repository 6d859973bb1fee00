import { assert, describe, it } from "@effect/vitest"
import { Fleet, Templates } from "@lamina/core"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import { asked, host, now } from "./support/hosts.ts"

const desiredState = "/api/v1/system/node_api/desired_state"
const heartbeat = "/api/v1/system/node_api/status/heartbeat"

const report = {
  boot_id: "boot-1",
  booted_at: now - 1000,
  sequence: 1,
  running_module_digests: { "my-redis": `sha256:${"a".repeat(64)}` },
  verification_failures: []
}

const world = Effect.gen(function*() {
  const { asAda, handler, use } = yield* host()
  const template = yield* use(Templates.createTemplate({ ...asAda, name: "edge" }))
  const { instance, token } = yield* use(
    Fleet.createInstance({ ...asAda, name: "edge-1", templateId: template.id, architecture: "amd64" })
  )
  return { asAda, handler, use, instance, template, headers: { authorization: `Bearer ${Redacted.value(token)}` } }
})

describe("a node", () => {
  it.effect("asks with its token what it is to run", () =>
    Effect.gen(function*() {
      const { handler, headers, instance, template } = yield* world
      const { json, status } = yield* asked(handler, "GET", desiredState, { headers })
      assert.strictEqual(status, 200)
      assert.include(JSON.stringify(json), `"instance_id":"${instance.id}","template_id":"${template.id}"`)
      assert.notInclude(JSON.stringify(json), "token")
    }))

  it.effect("reports what it runs", () =>
    Effect.gen(function*() {
      const { asAda, handler, headers, instance, use } = yield* world
      const { status } = yield* asked(handler, "POST", heartbeat, { headers, body: report })
      assert.strictEqual(status, 200)
      const drift = yield* use(Fleet.drift({ ...asAda, instanceId: instance.id }))
      assert.include(JSON.stringify(drift), "my-redis")
    }))

  const strangers: Readonly<Record<string, (token: string) => Readonly<Record<string, string>>>> = {
    "without a token": () => ({}),
    "with an empty token": () => ({ authorization: "Bearer " }),
    "with a token that is none": () => ({ authorization: "Bearer abc" }),
    "with a token whose secret is another": (token) => ({ authorization: `${token.slice(0, -4)}AAAA` }),
    "with a token of no instance": () => ({ authorization: "Bearer 01900000-0000-7000-8000-000000000000.secret" }),
    "with its token in another scheme": (token) => ({ authorization: token.replace("Bearer", "Basic") }),
    "with an endless token": () => ({ authorization: `Bearer ${"a".repeat(10_000)}` })
  }
  for (const [name, change] of Object.entries(strangers)) {
    it.effect(`${name} gets 401 for everything, before its body is looked at`, () =>
      Effect.gen(function*() {
        const { handler, headers } = yield* world
        const strange = change(headers.authorization)
        const asking = yield* asked(handler, "GET", desiredState, { headers: strange })
        const reporting = yield* asked(handler, "POST", heartbeat, { headers: strange, body: { not: "a report" } })
        assert.deepStrictEqual([asking.status, reporting.status], [401, 401])
        assert.deepStrictEqual(asking.json, reporting.json)
      }))
  }

  it.effect("gets 401 with a token that was rotated, or whose instance is gone", () =>
    Effect.gen(function*() {
      const { asAda, handler, headers, instance, use } = yield* world
      const { token } = yield* use(Fleet.rotateToken({ ...asAda, instanceId: instance.id }))
      assert.strictEqual((yield* asked(handler, "GET", desiredState, { headers })).status, 401)
      const rotated = { authorization: `bearer ${Redacted.value(token)}` }
      assert.strictEqual((yield* asked(handler, "GET", desiredState, { headers: rotated })).status, 200)
      yield* use(Fleet.deleteInstance({ ...asAda, instanceId: instance.id }))
      assert.strictEqual((yield* asked(handler, "GET", desiredState, { headers: rotated })).status, 401)
    }))

  const broken: Readonly<Record<string, unknown>> = {
    "without a field": { ...report, boot_id: undefined },
    "with a digest that is none": { ...report, running_module_digests: { "my-redis": "latest" } },
    "with a sequence that is no number": { ...report, sequence: "1" },
    "with more modules than a machine has": {
      ...report,
      running_module_digests: Object.fromEntries(
        Array.from({ length: 1001 }, (_, index) => [`m-${index}`, `sha256:${"a".repeat(64)}`])
      )
    }
  }
  for (const [name, body] of Object.entries(broken)) {
    it.effect(`gets 422 for a report ${name}`, () =>
      Effect.gen(function*() {
        const { handler, headers } = yield* world
        const { json, status } = yield* asked(handler, "POST", heartbeat, { headers, body })
        assert.strictEqual(status, 422)
        assert.include(JSON.stringify(json), "\"code\":\"UnusableBody\"")
      }))
  }
})
