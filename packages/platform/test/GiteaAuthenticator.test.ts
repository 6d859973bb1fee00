import { assert, describe, it } from "@effect/vitest"
import { WebhookAuthenticator } from "@lamina/core"
import { WebhookKey, WebhookSigner } from "@lamina/gitea"
import { GiteaAuthenticator } from "@lamina/platform"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

const now = 1_780_000_000_000
const secret = Redacted.make("It's a Secret to Everybody")
const key = Result.getOrThrow(WebhookKey.make({ id: "first", secret }))
const keys = [{ id: "first", secret, notBefore: undefined, notAfter: undefined }]

const authenticator = (options?: GiteaAuthenticator.Options) =>
  Effect.runSync(Effect.provide(WebhookAuthenticator.WebhookAuthenticator, GiteaAuthenticator.layer(options)))

interface Sent {
  readonly document: unknown
  readonly event?: string
  readonly sign?: "gitea" | "powernode" | "standard" | "both" | "none"
  readonly headers?: Readonly<Record<string, string>>
  readonly sentAt?: number
}

const request = ({ document, event, headers, sentAt = now, sign = "gitea" }: Sent) => {
  const body = new TextEncoder().encode(typeof document === "string" ? document : JSON.stringify(document))
  const standard = { id: "msg_1", timestampSeconds: Math.floor(sentAt / 1000), key, body }
  return {
    body,
    receivedAt: now,
    headers: {
      "content-type": "application/json",
      ...(event === undefined ? {} : { "x-gitea-event": event, "x-gitea-event-type": event }),
      ...(sign === "gitea" || sign === "both" ? WebhookSigner.moduleCallback({ key, body }) : {}),
      ...(sign === "powernode" ? WebhookSigner.diskImageCallback({ key, body }) : {}),
      ...(sign === "standard" || sign === "both" ? WebhookSigner.standardWebhooks(standard) : {}),
      ...headers
    }
  }
}

const authenticate = (sent: Sent, options?: GiteaAuthenticator.Options) =>
  authenticator(options).authenticate(request(sent), keys)

const contentOf = (sent: Sent) => Result.getOrThrow(authenticate(sent)).content

const refusalOf = (result: Result.Result<unknown, WebhookAuthenticator.WebhookRefused>) =>
  Result.match(result, { onSuccess: () => "accepted", onFailure: ({ reason }) => reason })

const repository = { id: 7, owner: { id: 3, login: "acme" }, name: "redis", full_name: "acme/redis" }
const sha = "4f2c9d0e8a7b6c5d4e3f2a1b0c9d8e7f6a5b4c3d"
const zero = "0".repeat(40)
const push = { ref: "refs/tags/v0.1.0", before: zero, after: sha, repository }
const release = { action: "published", release: { id: 1, tag_name: "v0.1.0" }, repository }
const callback = { repository: { full_name: "acme/redis" }, ref: "refs/tags/v0.1.0" }
const diskImage = {
  platform_name: "edge",
  git_sha: sha,
  sha256: `sha256:${"a".repeat(64)}`,
  size_bytes: 1024,
  oci_ref: "registry.example/acme/edge@sha256:1"
}

const tag = { kind: "moduleTag", repositoryFullName: "acme/redis", tag: "v0.1.0" } as const

describe("an authentic webhook", () => {
  it("announces a module's tag: a callback, a push, a release", () => {
    assert.deepStrictEqual(contentOf({ document: callback }), tag)
    assert.deepStrictEqual(contentOf({ document: push, event: "push" }), tag)
    assert.deepStrictEqual(contentOf({ document: release, event: "release" }), tag)
  })

  it("announces a disk image, for amd64 unless it says otherwise", () => {
    const content = {
      kind: "diskImage",
      platformName: "edge",
      ociRef: "registry.example/acme/edge@sha256:1",
      gitSha: sha,
      sha256: "a".repeat(64),
      sizeBytes: 1024
    }
    assert.deepStrictEqual<unknown>(contentOf({ document: diskImage, sign: "powernode" }), {
      ...content,
      architecture: "amd64"
    })
    assert.deepStrictEqual<unknown>(contentOf({ document: { ...diskImage, arch: "arm64" }, sign: "powernode" }), {
      ...content,
      architecture: "arm64"
    })
  })

  it("of either callback may be signed with Standard Webhooks headers alone", () => {
    assert.deepStrictEqual(contentOf({ document: callback, sign: "standard" }), tag)
    assert.strictEqual(contentOf({ document: diskImage, sign: "standard" }).kind, "diskImage")
    assert.deepStrictEqual(contentOf({ document: callback, sign: "both" }), tag)
  })

  it("sent as a form, as Gitea can, is read from the form", () => {
    const payload = JSON.stringify(push)
    const signature = WebhookSigner.giteaEvent({ key, payload: new TextEncoder().encode(payload) })
    const content = contentOf({
      document: new URLSearchParams({ payload }).toString(),
      event: "push",
      sign: "none",
      headers: { ...signature, "content-type": "application/x-www-form-urlencoded" }
    })
    assert.deepStrictEqual(content, tag)
  })

  const ignored: Readonly<Record<string, Sent>> = {
    "a callback for a branch": { document: { ...callback, ref: "refs/heads/main" } },
    "a push to a branch": { document: { ...push, ref: "refs/heads/main" }, event: "push" },
    "a deleted tag": { document: { ...push, after: zero, before: sha }, event: "push" },
    "a draft of a release": {
      document: { ...release, release: { id: 1, tag_name: "v1", draft: true } },
      event: "release"
    },
    "a deleted release": { document: { ...release, action: "deleted" }, event: "release" },
    "the creation of a tag, which comes with a push": {
      document: { sha, ref: "v0.1.0", ref_type: "tag", repository },
      event: "create"
    },
    "an event of another type": { document: { anything: true }, event: "issues" },
    "an event without a type": { document: { anything: true }, headers: { "x-gitea-event": "" } }
  }
  for (const [name, sent] of Object.entries(ignored)) {
    it(`is taken and ignored: ${name}`, () => {
      const content = contentOf(sent)
      assert.strictEqual(content.kind, "ignored")
      if (content.kind === "ignored") assert.isAbove(content.why.length, 0)
    })
  }

  it("has the hash of its body, and the message id of Standard Webhooks", () => {
    const first = Result.getOrThrow(authenticate({ document: callback }))
    const replayed = Result.getOrThrow(authenticate({ document: callback, headers: { "x-gitea-delivery": "other" } }))
    assert.deepStrictEqual([replayed.messageId, replayed.bodySha256], [undefined, first.bodySha256])
    const standard = Result.getOrThrow(authenticate({ document: callback, sign: "standard" }))
    assert.deepStrictEqual([standard.messageId, standard.family], ["msg_1", "standard-webhooks"])
    assert.deepStrictEqual([first.keyId, first.family], ["first", "module-callback"])
  })
})

describe("a webhook is refused", () => {
  const refused: Readonly<Record<string, readonly [Sent, string]>> = {
    "without a signature": [{ document: callback, sign: "none" }, "MissingSignature"],
    "with an empty signature": [{ document: callback, headers: { "x-gitea-signature": "" } }, "MalformedSignature"],
    "with a signature by another key": [
      { document: callback, headers: { "x-gitea-signature": "0".repeat(64) } },
      "SignatureMismatch"
    ],
    "with one good and one bad signature": [
      { document: callback, sign: "both", headers: { "x-gitea-signature": "0".repeat(64) } },
      "SignatureMismatch"
    ],
    "when it is old": [{ document: callback, sign: "standard", sentAt: now - 3_600_000 }, "TimestampOutOfWindow"],
    "when it is from the future": [
      { document: callback, sign: "standard", sentAt: now + 3_600_000 },
      "TimestampOutOfWindow"
    ],
    "when it is authentic and no JSON": [{ document: "{" }, "MalformedEvent"],
    "when it is authentic and lacks what it is about": [{ document: {} }, "MalformedEvent"],
    "when it is neither of the callbacks": [{ document: {}, sign: "standard" }, "MalformedEvent"]
  }
  for (const [name, [sent, reason]] of Object.entries(refused)) {
    it(name, () => assert.strictEqual(refusalOf(authenticate(sent)), reason))
  }

  it("for an unknown endpoint, good signature or not", () => {
    for (const sign of ["gitea", "standard", "none"] as const) {
      assert.strictEqual(
        refusalOf(authenticator().authenticate(request({ document: callback, sign }), [])),
        "UnknownEndpoint"
      )
    }
  })

  it("under a key that counts no more, or not yet", () => {
    const outside = [{ notBefore: undefined, notAfter: now }, { notBefore: now + 1, notAfter: undefined }]
    for (const validity of outside) {
      const result = authenticator().authenticate(request({ document: callback }), [{
        id: "first",
        secret,
        ...validity
      }])
      assert.strictEqual(refusalOf(result), "NoActiveKey")
    }
  })

  it("under a key that is none, and the reason does not tell it", () => {
    const broken = [{ id: "first", secret: Redacted.make("whsec_secret!"), notBefore: undefined, notAfter: undefined }]
    const result = authenticator().authenticate(request({ document: callback }), broken)
    assert.isTrue(Result.isFailure(result))
    if (Result.isSuccess(result)) return
    assert.strictEqual(result.failure.reason, "UnusableKeys")
    assert.notInclude(result.failure.message, "secret!")
  })

  it("without protection against replay, where that is required", () => {
    const required = { replayProtection: "required" } as const
    assert.strictEqual(refusalOf(authenticate({ document: callback }, required)), "MissingSignature")
    assert.strictEqual(refusalOf(authenticate({ document: callback, sign: "standard" }, required)), "accepted")
  })
})

describe("whoever changes the headers of an authentic request", () => {
  it("gets no other content out of it than a hint that the same bytes hold", () => {
    // The signature covers the bytes only: a push read as a callback names the same tag, under the same key.
    const asPush = Result.getOrThrow(authenticate({ document: push, event: "push" }))
    const asCallback = Result.getOrThrow(authenticate({ document: push }))
    assert.deepStrictEqual(asCallback.content, asPush.content)
    assert.strictEqual(asCallback.bodySha256, asPush.bodySha256)
    const body = new TextEncoder().encode(JSON.stringify(push))
    const relabelled = authenticate({
      document: push,
      sign: "none",
      headers: WebhookSigner.diskImageCallback({ key, body })
    })
    assert.strictEqual(refusalOf(relabelled), "MalformedEvent")
  })
})
