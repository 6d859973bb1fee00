import { assert, describe, it } from "@effect/vitest"
import { CatalogError, CommandError, FleetError, PromotionError, StorageError } from "@lamina/core"
import * as Reply from "@lamina/platform/http/Reply"
import * as RequestBody from "@lamina/platform/http/RequestBody"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"

const jsonOf = (response: Response) => Effect.promise((): Promise<unknown> => response.json())

describe("an answer", () => {
  it.effect("holds its value in snake_case, and leaves alone the keys that are data", () =>
    Effect.gen(function*() {
      const response = Reply.ok({
        lifecycleState: "draft",
        artifacts: [{ composefsDigest: "sha256:1", sizeBytes: 1 }],
        files: { "/etc/X11/Xorg.conf": { ownedBy: "my-redis" } },
        nothing: null
      })
      assert.strictEqual(response.status, 200)
      assert.deepStrictEqual(yield* jsonOf(response), {
        success: true,
        data: {
          lifecycle_state: "draft",
          artifacts: [{ composefs_digest: "sha256:1", size_bytes: 1 }],
          files: { "/etc/X11/Xorg.conf": { owned_by: "my-redis" } },
          nothing: null
        }
      })
    }))

  it("is not kept, nor guessed to be something else", () => {
    const { headers } = Reply.ok({})
    assert.strictEqual(headers.get("cache-control"), "no-store")
    assert.strictEqual(headers.get("x-content-type-options"), "nosniff")
    assert.strictEqual(headers.get("content-type"), "application/json; charset=utf-8")
  })

  it.effect("never shows a secret", () =>
    Effect.gen(function*() {
      const response = Reply.ok({ secret: Redacted.make("hunter2") })
      assert.notInclude(JSON.stringify(yield* jsonOf(response)), "hunter2")
    }))
})

describe("an error of the domain", () => {
  const statuses: ReadonlyArray<readonly [unknown, number, string]> = [
    [CommandError.notFound("account", "module", "redis"), 404, "NotFound"],
    [CommandError.invalidInput("name", "a name", "\"\""), 422, "InvalidInput"],
    [
      new CommandError.CommandError({
        reason: new CommandError.Stale({ kind: "module", id: "1", expected: 1, current: 2 })
      }),
      409,
      "Stale"
    ],
    [new FleetError.FleetError({ reason: new FleetError.NotAuthenticated() }), 401, "NotAuthenticated"],
    [
      new CatalogError.CatalogError({
        reason: new CatalogError.NameTaken({ kind: "module", name: "redis", id: "1" })
      }),
      409,
      "NameTaken"
    ],
    [
      new PromotionError.PromotionError({
        reason: new PromotionError.PersonNeeded({ step: "rollback", actor: "service ci" })
      }),
      403,
      "PersonNeeded"
    ]
  ]
  for (const [error, status, code] of statuses) {
    it.effect(`${code} is ${status}, with its message and what can be acted upon`, () =>
      Effect.gen(function*() {
        const response = Reply.fromError(error)
        assert.strictEqual(response.status, status)
        const json = yield* jsonOf(response)
        assert.include(JSON.stringify(json), `"code":"${code}"`)
        assert.notInclude(JSON.stringify(json), "account_id")
      }))
  }
})

describe("an error of the storage", () => {
  const storageError = (reason: StorageError.Reason) => new StorageError.StorageError({ reason })

  it.effect("says what to do, and nothing of the storage", () =>
    Effect.gen(function*() {
      const cases = [
        [new StorageError.Unavailable({ detail: "db.internal:5432", cause: new Error("password") }), 503],
        [new StorageError.StaleRevision({ collection: "module_rows", id: "1", expected: 1, actual: 2 }), 409],
        [new StorageError.UniqueViolation({ collection: "module_rows", index: "byName" }), 409],
        [new StorageError.CorruptRow({ collection: "module_rows", id: "1", detail: "db.internal" }), 500]
      ] as const
      for (const [reason, status] of cases) {
        const response = Reply.fromError(storageError(reason))
        assert.strictEqual(response.status, status)
        const text = JSON.stringify(yield* jsonOf(response))
        assert.notMatch(text, /db\.internal|password|module_rows/)
      }
    }))
})

class Strange extends Schema.TaggedError<Strange>()("Strange", { detail: Schema.String }) {}

describe("an error that nobody foresaw", () => {
  const errors = {
    "a plain error": new Error("SELECT * FROM secrets"),
    "a text": "SELECT * FROM secrets",
    nothing: undefined,
    "an error with another tag": new Strange({ detail: "SELECT * FROM secrets" }),
    "an object that looks like one of ours": { _tag: "CommandError", reason: { _tag: "NotFound", sql: "secrets" } }
  }
  for (const [name, error] of Object.entries(errors)) {
    it.effect(`leaks nothing: ${name}`, () =>
      Effect.gen(function*() {
        const response = Reply.fromError(error)
        assert.strictEqual(response.status, 500)
        assert.deepStrictEqual(yield* jsonOf(response), {
          success: false,
          error: "an unexpected error; it is in the server's log",
          code: "InternalError"
        })
      }))
  }

  it.effect("is in the log", () =>
    Effect.gen(function*() {
      const logged: Array<string> = []
      const log = Logger.layer([
        Logger.make(({ cause, message }) => logged.push(`${String(message)}: ${Cause.pretty(cause)}`))
      ])
      yield* Effect.provide(Reply.answer(Effect.die(new Error("the details"))), log)
      yield* Effect.provide(Reply.answer(CommandError.notFound("account", "module", "redis")), log)
      assert.strictEqual(logged.length, 1)
      assert.include(logged[0], "the details")
    }))
})

describe("a body", () => {
  const Body = Schema.Struct({ toVersionId: Schema.String, inner: Schema.optionalKey(Schema.Unknown) })
  const read = (body: string, headers: Readonly<Record<string, string>> = { "content-type": "application/json" }) =>
    RequestBody.json(new Request("http://platform.test/", { method: "POST", body, headers }), Body)

  it.effect("is read with its own keys in snake_case, and those inside untouched", () =>
    Effect.gen(function*() {
      const inner = { snake_case: { "my-redis": 1 } }
      const body = yield* read(JSON.stringify({ to_version_id: "1", inner }), {
        "content-type": "Application/JSON ; charset=utf-8"
      })
      assert.deepStrictEqual(body, { toVersionId: "1", inner })
    }))

  const refused: ReadonlyArray<readonly [string, string, Readonly<Record<string, string>> | undefined, number]> = [
    ["no JSON", "{", undefined, 400],
    ["no object", "[]", undefined, 400],
    ["nothing", "", undefined, 400],
    ["an object without a field that is needed", "{}", undefined, 422],
    ["an object with a field of another kind", "{\"to_version_id\":1}", undefined, 422],
    ["too large", JSON.stringify({ to_version_id: "a".repeat(1024 * 1024) }), undefined, 413],
    [
      "of another type, as a form of another site is",
      "{\"to_version_id\":\"1\"}",
      { "content-type": "text/plain" },
      415
    ],
    ["of a type that only begins like it", "{}", { "content-type": "application/jsonp" }, 415],
    ["compressed", "{}", { "content-type": "application/json", "content-encoding": "gzip" }, 415]
  ]
  for (const [name, body, headers, status] of refused) {
    it.effect(`is refused with ${status} when it is ${name}`, () =>
      Effect.gen(function*() {
        const error = yield* Effect.flip(read(body, headers))
        assert.strictEqual(error.status, status)
        assert.strictEqual(Reply.fromError(error).status, status)
      }))
  }

  it.effect("gets no prototype from its sender", () =>
    Effect.gen(function*() {
      const body = yield* read("{\"__proto__\":{\"polluted\":true},\"to_version_id\":\"1\"}")
      assert.notProperty(body, "polluted")
      assert.notProperty({}, "polluted")
    }))
})
