import { assert, describe, it } from "@effect/vitest"
import { Actor } from "@lamina/core"
import { ModulePublisher, PlatformHandler } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import { asked, host } from "./support/hosts.ts"
import { build, repository } from "./support/modules.ts"

const api = "/api/v1/system"

const manifestText = `schema_version: 1
identity:
  name: my-redis
  category: userland
  cosign_identity_regexp: ^https://git\\.example/acme/my-redis/\\.gitea/workflows/build\\.yaml@refs/tags/.+$
  cosign_issuer_regexp: ^https://git\\.example/api/actions$
file_spec:
  include: [/etc/redis/**]
`

const world = Effect.gen(function*() {
  const first = yield* host()
  // The host's own idea of who is who: a header, in this test.
  const handler = PlatformHandler.make(first.run, {
    authenticate: (request) => {
      const name = request.headers.get("x-operator")
      if (name === "broken") throw new Error("the session store at db.internal is down")
      return name === null ? undefined : { accountId: first.asAda.accountId, actor: Actor.person(name) }
    }
  })
  const as = (name: string, headers: Readonly<Record<string, string>> = {}) => ({
    get: (path: string) => asked(handler, "GET", `${api}${path}`, { headers: { "x-operator": name, ...headers } }),
    post: (path: string, body?: unknown) =>
      asked(handler, "POST", `${api}${path}`, { body, headers: { "x-operator": name, ...headers } })
  })
  return { ...first, handler, as }
})

const decodeData = Schema.decodeUnknownSync(
  Schema.Struct({ success: Schema.Literal(true), data: Schema.Record(Schema.String, Schema.Unknown) })
)
const dataOf = ({ json, status }: { readonly json: unknown; readonly status: number }) => {
  assert.strictEqual(status, 200, JSON.stringify(json))
  return decodeData(json).data
}

const decodeFailure = Schema.decodeUnknownSync(
  Schema.Struct({
    success: Schema.Literal(false),
    error: Schema.String,
    code: Schema.String,
    details: Schema.optionalKey(Schema.Unknown)
  })
)

const failureOf = ({ json, status }: { readonly json: unknown; readonly status: number }) => {
  const { code, details } = decodeFailure(json)
  return { status, code, details }
}

const register = { manifest_text: manifestText, oci_repository: "acme/my-redis", forge_repository: "acme/my-redis" }

describe("an operator", () => {
  it.effect("whom the host does not know gets 401, whatever is asked", () =>
    Effect.gen(function*() {
      const { handler } = yield* world
      for (
        const [method, path] of [["GET", "/modules"], ["POST", "/modules"], [
          "POST",
          "/approval_requests/1/approve"
        ]] as const
      ) {
        const { json, status } = yield* asked(handler, method, `${api}${path}`)
        assert.deepStrictEqual(failureOf({ json, status }), {
          status: 401,
          code: "NotAuthenticated",
          details: undefined
        })
      }
    }))

  it.effect("has no routes at all, where the host does not say who is who", () =>
    Effect.gen(function*() {
      const { run } = yield* world
      const { status } = yield* asked(PlatformHandler.make(run), "GET", `${api}/modules`)
      assert.strictEqual(status, 404)
    }))

  it.effect("learns nothing of why the host failed to authenticate", () =>
    Effect.gen(function*() {
      const { as } = yield* world
      const { json, status } = yield* as("broken").get("/modules")
      assert.strictEqual(status, 500)
      assert.notInclude(JSON.stringify(json), "db.internal")
    }))

  it.effect("registers a module once under an idempotency key", () =>
    Effect.gen(function*() {
      const { as } = yield* world
      const { post } = as("ada", { "idempotency-key": "key-1" })
      const first = dataOf(yield* post("/modules", register))
      assert.strictEqual(first["name"], "my-redis")
      assert.strictEqual(dataOf(yield* post("/modules", register))["id"], first["id"])
      const other = yield* post("/modules", { ...register, manifest_text: manifestText.replace("my-redis", "other") })
      assert.deepInclude(failureOf(other), { status: 409, code: "IdempotencyConflict" })
      assert.deepInclude(failureOf(yield* as("ada").post("/modules", register)), { status: 409, code: "NameTaken" })
    }))

  it.effect("is told every issue of a manifest", () =>
    Effect.gen(function*() {
      const { as } = yield* world
      const answer = yield* as("ada").post("/modules", { manifest_text: "name: [" })
      assert.strictEqual(answer.status, 422)
      assert.include(JSON.stringify(failureOf(answer).details), "\"line\":1")
    }))

  it.effect("is told which field of a body is wrong", () =>
    Effect.gen(function*() {
      const { as } = yield* world
      const { json, status } = yield* as("ada").post("/modules", {})
      assert.strictEqual(status, 422)
      assert.include(JSON.stringify(json), "manifestText")
    }))

  it.effect("finds nothing under an id of nobody, or of nothing", () =>
    Effect.gen(function*() {
      const { as } = yield* world
      for (const id of ["01900000-0000-7000-8000-000000000000", "redis", "%00", "..%2F.."]) {
        assert.deepInclude(failureOf(yield* as("ada").get(`/modules/${id}`)), { status: 404, code: "NotFound" }, id)
      }
    }))

  it.effect("pages through lists, with limits that make sense whatever was asked", () =>
    Effect.gen(function*() {
      const { as } = yield* world
      for (const name of ["a", "b", "c"]) {
        const text = `schema_version: 1\nname: ${name}\ncategory: userland\nfile_spec: [/etc/${name}]\n`
        dataOf(yield* as("ada").post("/modules", { manifest_text: text }))
      }
      const names = Effect.fnUntraced(function*(query: string) {
        const { json } = yield* as("ada").get(`/modules?${query}`)
        return decodeRows(json).data
      })
      const [first, second] = yield* names("limit=2")
      assert.deepStrictEqual([first?.name, second?.name], ["a", "b"])
      assert.deepStrictEqual((yield* names(`limit=2&after=${second?.id}`)).map(({ name }) => name), ["c"])
      for (const limit of ["0", "-1", "x", "1e9", "1.5", ""]) {
        assert.strictEqual((yield* names(`limit=${limit}`)).length, 3)
      }
    }))

  it.effect("carries a version to live, for which a second person has to approve", () =>
    Effect.gen(function*() {
      const { as, registry, sigstore } = yield* world
      const { get, post } = as("ada")
      const directory = yield* repository({ "manifest.yaml": manifestText })
      const module = yield* build(directory)
      const published = yield* ModulePublisher.push(module, { registry, repository: "acme/my-redis" })
      const signer = sigstore.signer({ repository: "acme/my-redis", ref: "refs/tags/0.1.0" })
      yield* ModulePublisher.sign(module, published, { registry, signer })

      const { id: moduleId } = dataOf(yield* post("/modules", register))
      const ingested = decodeIngested((yield* post(`/modules/${moduleId}/ingest`, { tag: "0.1.0", deep: true })).json)
      const { version } = ingested.data
      assert.deepInclude(version, { cosign_verified: true, lifecycle_state: "draft", version_string: "0.1.0" })
      const promote = (to: string) => post(`/module_versions/${version.id}/promote`, { to })
      assert.deepInclude(failureOf(yield* promote("live")), { status: 422, code: "NotAllowed" })
      dataOf(yield* promote("staging"))
      dataOf(yield* promote("blessed"))

      const needed = failureOf(yield* promote("live"))
      assert.deepInclude(needed, { status: 409, code: "ApprovalRequired" })
      const [request] = decodeRows((yield* get("/approval_requests")).json).data
      assert.isDefined(request)
      assert.include(JSON.stringify(needed.details), request?.id ?? "")
      const own = yield* post(`/approval_requests/${request?.id}/approve`, {})
      assert.deepInclude(failureOf(own), { status: 403, code: "MayNotVote" })
      dataOf(yield* as("grace").post(`/approval_requests/${request?.id}/approve`, { reason: "tested" }))
      dataOf(yield* promote("live"))
      const live = dataOf(yield* get(`/module_versions/${version.id}`))
      assert.strictEqual(live["lifecycle_state"], "live")
      assert.strictEqual(decodeRows((yield* get(`/modules/${moduleId}/versions`)).json).data.length, 1)
    }))

  it.effect("is told that a tag does not exist, and that a step does not", () =>
    Effect.gen(function*() {
      const { as } = yield* world
      const { id } = dataOf(yield* as("ada").post("/modules", register))
      const missing = failureOf(yield* as("ada").post(`/modules/${id}/ingest`, { tag: "9.9.9" }))
      assert.deepInclude(missing, { status: 502, code: "SourceFailed" })
      assert.include(JSON.stringify(missing.details), "notFound")
      const step = yield* as("ada").post("/module_versions/1/promote", { to: "the moon" })
      assert.strictEqual(step.status, 422)
    }))
})

const decodeRows = Schema.decodeUnknownSync(Schema.Struct({
  data: Schema.Array(Schema.Struct({ id: Schema.String, name: Schema.optionalKey(Schema.String) }))
}))

const decodeIngested = Schema.decodeUnknownSync(Schema.Struct({
  data: Schema.Struct({
    version: Schema.Struct({
      id: Schema.String,
      cosign_verified: Schema.Boolean,
      lifecycle_state: Schema.String,
      version_string: Schema.String
    })
  })
}))
