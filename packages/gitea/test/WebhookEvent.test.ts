import { assert, describe, it } from "@effect/vitest"
import { WebhookEvent } from "@lamina/gitea"
import * as Result from "effect/Result"
import * as fc from "fast-check"
import * as Payload from "./payloads.ts"
import { bytes } from "./support.ts"

const parse = (eventType: string | undefined, payload: unknown) =>
  WebhookEvent.parse({ kind: "gitea-event", eventType, payload: bytes(JSON.stringify(payload)) })

const parseCallback = (kind: "module-callback" | "disk-image-callback", payload: unknown) =>
  WebhookEvent.parse({ kind, payload: bytes(JSON.stringify(payload)) })

const event = <Tag extends WebhookEvent.WebhookEvent["_tag"]>(
  result: ReturnType<typeof WebhookEvent.parse>,
  tag: Tag
): Extract<WebhookEvent.WebhookEvent, { _tag: Tag }> => {
  const value = Result.getOrThrow(result)
  const isWanted = (
    candidate: WebhookEvent.WebhookEvent
  ): candidate is Extract<WebhookEvent.WebhookEvent, { _tag: Tag }> => candidate._tag === tag
  if (!isWanted(value)) throw new Error(`expected ${tag}, got ${JSON.stringify(value)}`)
  return value
}

const pathOf = (result: ReturnType<typeof WebhookEvent.parse>): string =>
  Result.match(result, { onSuccess: (value) => `read as ${value._tag}`, onFailure: (error) => error.path })

describe("the type of an event", () => {
  it("is that of X-Gitea-Event-Type, for X-Gitea-Event may be empty", () => {
    const headers = { "X-Gitea-Event": "", "X-GitHub-Event": "", "X-Gitea-Event-Type": "package" }
    assert.strictEqual(WebhookEvent.eventTypeOf(headers), "package")
    assert.strictEqual(WebhookEvent.eventTypeOf({ "x-gitea-event": "push", "x-gitea-event-type": "" }), "push")
    assert.strictEqual(WebhookEvent.eventTypeOf(new Headers({ "X-Forgejo-Event-Type": "package" })), "package")
    assert.isUndefined(WebhookEvent.eventTypeOf({}))
    assert.isUndefined(WebhookEvent.eventTypeOf({ "x-gitea-event-type": ["push", "push"] }))
  })
})

describe("a push", () => {
  it("of a tag tells the tag, the commit and what happened to it", () => {
    const created = event(parse("push", Payload.push()), "TagPush")
    assert.deepStrictEqual([created.tag, created.change, created.after], ["v0.1.0", "created", Payload.sha])
    assert.deepStrictEqual([created.repository.owner, created.repository.name], ["acme", "redis"])
    assert.strictEqual(WebhookEvent.announcedTag(created), "v0.1.0")
    const moved = event(parse("push", Payload.push({ before: "1".repeat(40) })), "TagPush")
    assert.strictEqual(moved.change, "moved")
    const deleted = event(parse("push", Payload.push({ before: Payload.sha, after: Payload.zero })), "TagPush")
    assert.deepStrictEqual([deleted.change, deleted.after], ["deleted", undefined])
    assert.isUndefined(WebhookEvent.announcedTag(deleted))
  })

  it("of a branch is no tag, and tells how many commits were cut off", () => {
    const commit = { id: Payload.sha, message: "m", added: ["a"], removed: null, modified: null, verification: null }
    const pushed = event(
      parse("push", Payload.push({ ref: "refs/heads/main", commits: [commit], total_commits: 12 })),
      "BranchPush"
    )
    assert.deepStrictEqual([pushed.branch, pushed.commits.length, pushed.totalCommits], ["main", 1, 12])
    assert.deepStrictEqual(pushed.commits[0]?.removed, [])
    assert.isUndefined(WebhookEvent.announcedTag(pushed))
    assert.strictEqual(
      event(
        parse("push", Payload.push({ ref: "refs/heads/main", commits: null, total_commits: undefined })),
        "BranchPush"
      )
        .totalCommits,
      0
    )
  })

  it("of another reference is not known", () => {
    assert.include(event(parse("push", Payload.push({ ref: "refs/pull/7/head" })), "UnknownEvent").why, "refs/pull/7")
  })

  it("names the path of what is wrong", () => {
    assert.strictEqual(pathOf(parse("push", Payload.push({ ref: 7 }))), "ref")
    assert.strictEqual(pathOf(parse("push", Payload.push({ ref: "refs/tags/../x" }))), "ref")
    assert.strictEqual(pathOf(parse("push", Payload.push({ after: "main" }))), "after")
    const nameless = { ...Payload.repository, full_name: undefined }
    assert.strictEqual(pathOf(parse("push", Payload.push({ repository: nameless }))), "repository.full_name")
    for (const full_name of ["redis", "../redis", "acme/..", "acme/", "a/b?c", "/acme/redis", "acme//redis", "a/./b"]) {
      const repository = { ...Payload.repository, full_name }
      assert.strictEqual(pathOf(parse("push", Payload.push({ repository }))), "repository.full_name", full_name)
    }
    assert.strictEqual(pathOf(parse("push", Payload.push({ commits: [{ id: 1 }] }))), "commits.0.id")
  })
})

describe("the other native events", () => {
  it("create and delete are read with short and with full names", () => {
    const payload = { sha: Payload.sha, ref: "v1", ref_type: "tag", repository: Payload.repository, sender: null }
    assert.strictEqual(WebhookEvent.announcedTag(event(parse("create", payload), "Create")), "v1")
    assert.strictEqual(event(parse("create", { ...payload, ref: "refs/tags/v1" }), "Create").name, "v1")
    assert.isUndefined(WebhookEvent.announcedTag(event(parse("create", { ...payload, ref_type: "branch" }), "Create")))
    assert.strictEqual(event(parse("delete", { ...payload, pusher_type: "user" }), "Delete").name, "v1")
    assert.strictEqual(pathOf(parse("create", { ...payload, ref: "a..b" })), "ref")
  })

  it("release tells its tag; a draft and a deletion announce nothing", () => {
    const released = event(parse("release", Payload.release), "Release")
    assert.deepStrictEqual([released.tag, released.prerelease], ["v0.1.0", true])
    assert.strictEqual(WebhookEvent.announcedTag(released), "v0.1.0")
    const deleted = event(parse("release", { ...Payload.release, action: "deleted" }), "Release")
    assert.isUndefined(WebhookEvent.announcedTag(deleted))
    const release = { ...Payload.release.release, draft: true }
    assert.isUndefined(WebhookEvent.announcedTag(event(parse("release", { ...Payload.release, release }), "Release")))
  })

  it("package tells a tag from a digest and from a signature, and may have no repository", () => {
    const kinds = ["v0.1.0", `sha256:${"a".repeat(64)}`, `sha256-${"a".repeat(64)}.sig`, `sha256-${"a".repeat(64)}`]
      .map((version) => event(parse("package", Payload.packaged({ version })), "Package").versionKind)
    assert.deepStrictEqual(kinds, ["tag", "digest", "attachment", "attachment"])
    assert.isUndefined(event(parse("package", Payload.packaged()), "Package").repository)
    const linked = event(parse("package", Payload.packaged({ repository: Payload.repository })), "Package")
    assert.strictEqual(linked.repository?.fullName, "acme/redis")
  })

  it("workflow_run tells the tag from its path, and unset times are undefined", () => {
    const run = event(parse("workflow_run", Payload.workflowRun()), "WorkflowRun")
    assert.deepStrictEqual(run.reference, { _tag: "Tag", ref: "refs/tags/v0.1.0", name: "v0.1.0" })
    assert.deepStrictEqual([run.workflow, run.headBranch, run.completedAt], ["build.yaml", undefined, undefined])
    const queued = event(
      parse("workflow_run", { ...Payload.workflowRun({ conclusion: undefined, path: "b.yaml" }), action: "requested" }),
      "WorkflowRun"
    )
    assert.deepStrictEqual([queued.reference, queued.conclusion], [undefined, undefined])
  })
})

describe("the callbacks of CI builds", () => {
  it("of a module names a tag only for refs/tags/", () => {
    const built = event(parseCallback("module-callback", Payload.moduleCallback), "ModuleCallback")
    assert.strictEqual(WebhookEvent.announcedTag(built), "v0.1.0")
    for (const ref of ["refs/heads/main", "v0.1.0", "main"]) {
      const other = event(parseCallback("module-callback", { ...Payload.moduleCallback, ref }), "ModuleCallback")
      assert.isUndefined(WebhookEvent.announcedTag(other), ref)
    }
    const bare = { repository: { full_name: "acme/modules/redis" }, ref: "refs/tags/v1", artifact: null }
    assert.isUndefined(event(parseCallback("module-callback", bare), "ModuleCallback").artifact)
    assert.strictEqual(pathOf(parseCallback("module-callback", { ref: "refs/tags/v1" })), "repository")
    assert.strictEqual(pathOf(parseCallback("module-callback", { ...Payload.moduleCallback, artifact: 1 })), "artifact")
  })

  it("of a disk image tells platform, digest and size", () => {
    const built = event(parseCallback("disk-image-callback", Payload.diskImageCallback), "DiskImageCallback")
    assert.deepStrictEqual([built.platformName, built.arch, built.family], ["edge-arm64", "arm64", undefined])
    const prefixed = { ...Payload.diskImageCallback, sha256: `sha256:${"a".repeat(64)}` }
    assert.strictEqual(
      event(parseCallback("disk-image-callback", prefixed), "DiskImageCallback").sha256,
      "a".repeat(64)
    )
    const wrong: Record<string, unknown> = {
      platform_name: "a\nb",
      git_sha: "HEAD",
      sha256: "A".repeat(64),
      size_bytes: "12",
      oci_ref: ""
    }
    for (const [name, value] of Object.entries(wrong)) {
      const payload = { ...Payload.diskImageCallback, [name]: value }
      assert.strictEqual(pathOf(parseCallback("disk-image-callback", payload)), name)
    }
    for (const size_bytes of [-1, 0, 1.5, 1e300]) {
      assert.strictEqual(
        pathOf(parseCallback("disk-image-callback", { ...Payload.diskImageCallback, size_bytes })),
        "size_bytes"
      )
    }
  })
})

describe("what is not understood", () => {
  it("is an event of its own and never an error", () => {
    for (const type of ["issues", "workflow_job", "action_run_success", "made_up", "constructor", undefined]) {
      const unknown = event(parse(type, { any: ["thing"] }), "UnknownEvent")
      assert.strictEqual(unknown.eventType, type ?? "")
      assert.deepStrictEqual(unknown.payload, { any: ["thing"] })
    }
  })

  it("includes new actions of known events", () => {
    for (const [type, payload] of [["release", Payload.release], ["workflow_run", Payload.workflowRun()]] as const) {
      assert.strictEqual(event(parse(type, { ...payload, action: "invented" }), "UnknownEvent").eventType, type)
      assert.strictEqual(pathOf(parse(type, { ...payload, action: 1 })), "action")
    }
  })
})

describe("a hostile payload", () => {
  const parseBytes = (payload: Uint8Array) => WebhookEvent.parse({ kind: "gitea-event", eventType: "push", payload })

  it("is refused when it is no JSON, no UTF-8, too deep or too large", () => {
    const deep = bytes(`{"ref":${"[".repeat(65)}${"]".repeat(65)}}`)
    const endless = bytes("[".repeat(1_000_000))
    const large = new Uint8Array(WebhookEvent.maxPayloadBytes + 1).fill(0x20)
    const notUtf8 = new Uint8Array([0x22, 0xff, 0x22])
    for (const payload of [deep, endless, large, notUtf8, bytes(""), bytes("{"), bytes("{}{}"), bytes("\ufeff{}")]) {
      assert.strictEqual(pathOf(parseBytes(payload)), "")
    }
  })

  it("may have brackets in texts without being deep", () => {
    const message = `${"[{".repeat(500)}" ${"[{".repeat(500)} \u2028 \\`
    const commits = [{ id: Payload.sha, message, added: null }]
    const pushed = event(parse("push", Payload.push({ ref: "refs/heads/main", commits })), "BranchPush")
    assert.strictEqual(pushed.commits[0]?.message, message)
  })

  it("cannot hide its depth behind an escaped quote or backslash", () => {
    const deep = `${"[".repeat(65)}${"]".repeat(65)}`
    for (const text of [String.raw`"\""`, String.raw`"\\"`, String.raw`"\\\""`]) {
      assert.strictEqual(pathOf(parseBytes(bytes(`{"a":${text},"ref":${deep}}`))), "")
      const shallow = parseBytes(bytes(`{"a":${text},"ref":[]}`))
      assert.strictEqual(pathOf(shallow), "ref", "read as JSON, and only then found wanting")
    }
  })

  it("cannot put anything into a prototype", () => {
    const payload = JSON.stringify(Payload.push()).replace("{", `{"__proto__":{"polluted":true},`)
    assert.strictEqual(event(parseBytes(bytes(payload)), "TagPush").tag, "v0.1.0")
    assert.isUndefined(Reflect.get({}, "polluted"))
  })

  it("never makes the parser throw", () => {
    const types = fc.constantFrom("push", "create", "delete", "release", "package", "workflow_run", "other", undefined)
    const documents = [Payload.push(), Payload.release, Payload.packaged(), Payload.workflowRun()]
    const damaged = fc.tuple(fc.constantFrom(...documents), fc.string(), fc.jsonValue()).map((
      [document, key, value]
    ) => ({
      ...document,
      [key]: value,
      ...(typeof value === "object" && value !== null ? value : { repository: value })
    }))
    fc.assert(
      fc.property(types, fc.oneof(fc.jsonValue(), damaged), (type, document) => {
        const result = parse(type, document)
        assert.isTrue(Result.isSuccess(result) || result.failure._tag === "MalformedEvent")
      }),
      { numRuns: 3000 }
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (payload) => {
        assert.isDefined(pathOf(parseBytes(payload)))
      }),
      { numRuns: 2000 }
    )
  })
})
