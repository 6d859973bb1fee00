import { assert, describe, it } from "@effect/vitest"
import { GiteaClient, type GiteaError, ServerVersion } from "@lamina/gitea"
import { FakeGitea } from "@lamina/gitea/testing"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { text } from "./support.ts"

const redis = { owner: "acme", name: "redis" }
const token = "a-token-of-the-platform"

const setUp = Effect.fnUntraced(function*(version = "1.26.3") {
  const fake = FakeGitea.make({ version, token })
  fake.addRepository(redis)
  fake.addWorkflow(redis, "build.yaml")
  yield* Effect.promise(() =>
    fake.commit(redis, { files: { "manifest.yaml": "name: redis\n", "rootfs/etc/ü x": "1" } })
  )
  const gitea = yield* GiteaClient.make({
    baseUrl: fake.url,
    token: Redacted.make(token),
    transport: fake.transport
  })
  return { fake, gitea }
})

const reasonOf = <A>(effect: Effect.Effect<A, GiteaError.GiteaError>) =>
  Effect.map(Effect.flip(effect), (error) => error.reason._tag)

describe("the version", () => {
  it("is Gitea's or Forgejo's, whose right half is not believed", () => {
    const parse = (version: string) => Result.getOrThrow(ServerVersion.parse(version))
    assert.include(parse("1.26.3"), { product: "gitea", major: 1, minor: 26, patch: 3 })
    assert.include(parse("1.27.0+dev-123-gabcdef"), { product: "gitea", minor: 27 })
    assert.include(parse("1.27.0-rc0"), { product: "gitea", minor: 27 })
    assert.include(parse("15.0.3+gitea-1.22.0"), { product: "forgejo", major: 15, patch: 3 })
    assert.isTrue(ServerVersion.supports(parse("1.26.0"), "the run of a workflow dispatch"))
    assert.isFalse(ServerVersion.supports(parse("1.25.9"), "the run of a workflow dispatch"))
    assert.isFalse(ServerVersion.supports(parse("15.0.3+gitea-1.26.0"), "job logs"))
    for (const wrong of ["", "main", "1", "1.2.3.4", "v", "1.26.3\n", "1".repeat(200)]) {
      assert.isTrue(Result.isFailure(ServerVersion.parse(wrong)), wrong)
    }
  })

  it.effect("is asked for once", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      assert.strictEqual((yield* gitea.version).text, "1.26.3")
      yield* gitea.version
      assert.strictEqual(fake.requests.filter((request) => request.endsWith("/version")).length, 1)
    }))
})

describe("reading a repository", () => {
  it.effect("gives the repository, its files at a reference and its tags", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      const { sha } = yield* Effect.promise(() => fake.pushTag(redis, "v0.1.0"))
      yield* Effect.promise(() => fake.commit(redis, { files: { "manifest.yaml": "name: changed\n" } }))
      assert.strictEqual((yield* gitea.repositories.get(redis)).fullName, "acme/redis")
      for (const ref of ["v0.1.0", "refs/tags/v0.1.0", sha]) {
        const file = yield* gitea.contents.get(redis, { path: "manifest.yaml", ref })
        assert.strictEqual(text(file.bytes), "name: redis\n")
      }
      assert.strictEqual(text((yield* gitea.contents.get(redis, { path: "manifest.yaml" })).bytes), "name: changed\n")
      assert.strictEqual(text((yield* gitea.contents.get(redis, { path: "rootfs/etc/ü x" })).bytes), "1")
      const tags = yield* Stream.runCollect(gitea.tags.list(redis))
      assert.deepStrictEqual([...tags], [{ name: "v0.1.0", object: sha, commit: sha }])
    }))

  it.effect("tells what is absent, what is a directory and what is too large", () =>
    Effect.gen(function*() {
      const { gitea } = yield* setUp()
      assert.strictEqual(yield* reasonOf(gitea.repositories.get({ owner: "acme", name: "none" })), "NotFound")
      assert.strictEqual(yield* reasonOf(gitea.contents.get(redis, { path: "none" })), "NotFound")
      assert.strictEqual(yield* reasonOf(gitea.contents.get(redis, { path: "rootfs" })), "MalformedResponse")
      const limited = gitea.contents.get(redis, { path: "manifest.yaml", limitBytes: 3 })
      assert.strictEqual(yield* reasonOf(limited), "ResponseTooLarge")
    }))

  it.effect("cannot be led out of its path", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      const before = fake.requests.length
      for (const path of ["../../admin", "a/./b", "a//b", "", "/etc", "a/../b", "a\nb", "\ud800"]) {
        assert.strictEqual(yield* reasonOf(gitea.contents.get(redis, { path })), "InvalidInput", path)
      }
      for (const owner of ["..", ".", ""]) {
        assert.strictEqual(yield* reasonOf(gitea.repositories.get({ owner, name: "redis" })), "InvalidInput")
      }
      assert.strictEqual(fake.requests.length, before)
      assert.strictEqual(yield* reasonOf(gitea.repositories.get({ owner: "acme/redis", name: "?a=b#c" })), "NotFound")
      assert.strictEqual(fake.requests.at(-1), "GET /api/v1/repos/acme%2Fredis/%3Fa%3Db%23c")
    }))

  it.effect("follows the pages of a list to their end", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      for (let index = 0; index < 120; index++) yield* Effect.promise(() => fake.pushTag(redis, `v${index}`))
      const tags = yield* Stream.runCollect(gitea.tags.list(redis))
      assert.strictEqual(new Set([...tags].map(({ name }) => name)).size, 120)
      assert.strictEqual(fake.requests.filter((request) => request.endsWith("/tags")).length, 3)
      const two = yield* Stream.runCollect(Stream.take(gitea.tags.list(redis), 2))
      assert.lengthOf(two, 2)
      assert.strictEqual(fake.requests.filter((request) => request.endsWith("/tags")).length, 4)
    }))
})

describe("hooks", () => {
  it.effect("are created active, listed and deleted, on repositories and organizations", () =>
    Effect.gen(function*() {
      const { gitea } = yield* setUp()
      for (const owner of [redis, { organization: "acme" }]) {
        const hook = yield* gitea.hooks.create(owner, {
          url: "https://platform.test/hook",
          secret: Redacted.make("s"),
          events: ["push", "package"],
          authorizationHeader: Redacted.make("Bearer second-factor")
        })
        assert.isTrue(hook.active)
        const listed = [...yield* Stream.runCollect(gitea.hooks.list(owner))]
        assert.deepStrictEqual(listed, [hook])
        assert.notInclude(JSON.stringify(listed), "second-factor")
        yield* gitea.hooks.delete(owner, hook.id)
        assert.lengthOf(yield* Stream.runCollect(gitea.hooks.list(owner)), 0)
        assert.strictEqual(yield* reasonOf(gitea.hooks.delete(owner, hook.id)), "NotFound")
      }
    }))

  it.effect("are not created without a secret or an event", () =>
    Effect.gen(function*() {
      const { gitea } = yield* setUp()
      const hook = { url: "https://platform.test/hook", secret: Redacted.make("s"), events: ["push"] }
      const blank = gitea.hooks.create(redis, { ...hook, secret: Redacted.make(" ") })
      assert.strictEqual(yield* reasonOf(blank), "InvalidInput")
      assert.strictEqual(yield* reasonOf(gitea.hooks.create(redis, { ...hook, events: [] })), "InvalidInput")
    }))
})

describe("action secrets", () => {
  it.effect("are created, updated and deleted", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      const put = (value: string) => gitea.actionSecrets.put(redis, "webhook_secret", Redacted.make(value))
      assert.strictEqual(yield* put("one"), "created")
      assert.strictEqual(yield* put("two"), "updated")
      assert.strictEqual(fake.secret(redis, "WEBHOOK_SECRET"), "two")
      yield* gitea.actionSecrets.delete(redis, "WEBHOOK_SECRET")
      assert.strictEqual(yield* reasonOf(gitea.actionSecrets.delete(redis, "WEBHOOK_SECRET")), "NotFound")
    }))

  it.effect("with a name or size that the server would refuse are refused before they leave", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      const before = fake.requests.length
      for (const name of ["", "1A", "A-B", "gitea_token", "GITHUB_X", "ci", "../x"]) {
        assert.strictEqual(
          yield* reasonOf(gitea.actionSecrets.put(redis, name, Redacted.make("v"))),
          "InvalidInput",
          name
        )
      }
      const large = Redacted.make("ü".repeat(32_769))
      assert.strictEqual(yield* reasonOf(gitea.actionSecrets.put(redis, "A", large)), "InvalidInput")
      assert.strictEqual(fake.requests.length, before)
    }))
})

describe("workflows", () => {
  it.effect("are started, and the run is known where the server tells it", () =>
    Effect.gen(function*() {
      const dispatch = { workflow: "build.yaml", ref: "refs/heads/main", inputs: { arch: "arm64" } }
      for (const version of ["1.26.3", "15.0.3+gitea-1.22.0"]) {
        const { fake, gitea } = yield* setUp(version)
        const dispatched = yield* gitea.workflows.dispatch(redis, dispatch)
        if (dispatched._tag === "RunUnknown") return assert.fail("expected a run")
        const run = yield* gitea.runs.get(redis, dispatched.runId)
        assert.deepStrictEqual([run.event, run.conclusion], ["workflow_dispatch", undefined])
        assert.deepStrictEqual(fake.inputs(redis, dispatched.runId), { arch: "arm64" })
      }
      const { gitea } = yield* setUp("1.25.1")
      assert.deepStrictEqual(yield* gitea.workflows.dispatch(redis, dispatch), { _tag: "RunUnknown" })
      assert.lengthOf(yield* Stream.runCollect(gitea.runs.list(redis, { event: "workflow_dispatch" })), 1)
    }))

  it.effect("that do not exist, at a bare tag or at no reference are not started", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      yield* Effect.promise(() => fake.pushTag(redis, "v0.1.0"))
      const dispatch = (workflow: string, ref: string) => gitea.workflows.dispatch(redis, { workflow, ref })
      assert.strictEqual(yield* reasonOf(dispatch("none.yaml", "main")), "NotFound")
      assert.strictEqual(yield* reasonOf(dispatch("build.yaml", "v0.1.0")), "NotFound")
      assert.strictEqual(yield* reasonOf(dispatch("build.yaml", "")), "InvalidInput")
      assert.strictEqual((yield* dispatch("build.yaml", "refs/tags/v0.1.0"))._tag, "RunKnown")
    }))

  it.effect("have runs, jobs and logs that can be followed", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      const { sha } = yield* Effect.promise(() => fake.pushTag(redis, "v0.1.0"))
      const { jobId, runId } = yield* Effect.promise(() =>
        fake.startRun(redis, { workflow: "build.yaml", ref: "refs/tags/v0.1.0" })
      )
      const [run] = yield* Stream.runCollect(gitea.runs.list(redis, { headSha: sha }))
      assert.deepStrictEqual([run?.id, run?.status, run?.headBranch], [runId, "queued", undefined])
      assert.lengthOf(yield* Stream.runCollect(gitea.runs.list(redis, { branch: "v0.1.0" })), 0)
      assert.strictEqual(yield* reasonOf(gitea.runs.log(redis, jobId)), "NotFound")

      yield* Effect.promise(() => fake.advanceRun(redis, runId, "in_progress"))
      fake.appendLog(redis, runId, "line one\n")
      const first = yield* gitea.runs.log(redis, jobId)
      assert.strictEqual(text(first.bytes), "line one\n")
      const none = yield* gitea.runs.log(redis, jobId, { offset: first.nextOffset })
      assert.deepStrictEqual([none.bytes.length, none.nextOffset], [0, first.nextOffset])
      fake.appendLog(redis, runId, "line two\n")
      const cut = yield* gitea.runs.log(redis, jobId, { offset: first.nextOffset, limitBytes: 4 })
      assert.strictEqual(text(cut.bytes), "line")
      const rest = yield* gitea.runs.log(redis, jobId, { offset: cut.nextOffset })
      assert.strictEqual(text(rest.bytes), " two\n")

      yield* Effect.promise(() => fake.advanceRun(redis, runId, "failure"))
      const [job] = yield* Stream.runCollect(gitea.runs.jobs(redis, runId))
      assert.deepStrictEqual([job?.id, job?.status, job?.conclusion], [jobId, "completed", "failure"])
    }))

  it.effect("are told apart from a server that is too old", () =>
    Effect.gen(function*() {
      const { gitea } = yield* setUp("1.23.8")
      const error = yield* Effect.flip(gitea.workflows.dispatch(redis, { workflow: "build.yaml", ref: "main" }))
      assert.strictEqual(error.reason._tag, "Unsupported")
      assert.include(error.message, "needs Gitea 1.24 or Forgejo 7, the server is gitea 1.23.8")
      assert.strictEqual(yield* reasonOf(Stream.runCollect(gitea.runs.list(redis))), "Unsupported")
      const { gitea: forgejo } = yield* setUp("15.0.3+gitea-1.22.0")
      assert.strictEqual(yield* reasonOf(forgejo.runs.log(redis, 1)), "Unsupported")
    }))

  it.effect("have Forgejo's words turned into Gitea's", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp("15.0.3+gitea-1.22.0")
      const { runId } = yield* Effect.promise(() =>
        fake.startRun(redis, { workflow: "build.yaml", ref: "refs/heads/main" })
      )
      yield* Effect.promise(() => fake.advanceRun(redis, runId, "in_progress"))
      assert.strictEqual((yield* gitea.runs.get(redis, runId)).status, "in_progress")
      yield* Effect.promise(() => fake.advanceRun(redis, runId, "success"))
      const run = yield* gitea.runs.get(redis, runId)
      assert.deepStrictEqual([run.status, run.conclusion, run.path], ["completed", "success", "build.yaml"])
    }))
})

describe("packages", () => {
  it.effect("are listed and linked, names with a slash too", () =>
    Effect.gen(function*() {
      const { fake, gitea } = yield* setUp()
      const image = { owner: "acme", name: "modules/redis", version: "v0.1.0" }
      yield* Effect.promise(() => fake.publishPackage(image))
      yield* Effect.promise(() => fake.publishPackage({ ...image, type: "generic", name: "redis" }))
      yield* gitea.packages.link({ owner: "acme", type: "container", name: "modules/redis", repository: "redis" })
      const found = yield* Stream.runCollect(gitea.packages.list({ owner: "acme", type: "container" }))
      assert.deepStrictEqual(found.map((item) => [item.name, item.version, item.repositoryFullName]), [
        ["modules/redis", "v0.1.0", "acme/redis"]
      ])
      const missing = gitea.packages.link({ owner: "acme", type: "container", name: "none", repository: "redis" })
      assert.strictEqual(yield* reasonOf(missing), "NotFound")
    }))
})
