/**
 * Core's `WebhookAuthenticator` on the webhooks of Gitea, Forgejo and CI builds.
 *
 * @since 0.1.0
 */
import { WebhookAuthenticator } from "@lamina/core"
import {
  GitReference,
  KeyRing,
  WebhookEvent,
  WebhookHeaders,
  WebhookKey,
  type WebhookKind,
  type WebhookRefused,
  WebhookSignature
} from "@lamina/gitea"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"

/**
 * With `replayProtection: "required"` only Standard Webhooks signatures are accepted, which native Gitea cannot make.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly replayProtection?: "optional" | "required"
}

/**
 * Provides `WebhookAuthenticator`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<WebhookAuthenticator.WebhookAuthenticator> =>
  Layer.succeed(
    WebhookAuthenticator.WebhookAuthenticator,
    WebhookAuthenticator.WebhookAuthenticator.of({
      authenticate: (webhook, keys) =>
        Result.gen(function*() {
          const verified = yield* verify(webhook, keys, options)
          const content = yield* read(verified, webhook)
          return {
            keyId: verified.keyId,
            family: verified.family,
            messageId: verified.standard?.id,
            bodySha256: verified.bodyHash,
            content
          }
        })
    })
  )

const verify = (
  webhook: WebhookAuthenticator.IncomingWebhook,
  keys: ReadonlyArray<WebhookAuthenticator.WebhookKey>,
  options: Options
): Result.Result<WebhookSignature.Verified, WebhookAuthenticator.WebhookRefused> => {
  const request = {
    kind: kindOf(webhook.headers),
    headers: webhook.headers,
    body: webhook.body,
    now: webhook.receivedAt,
    replayProtection: options.replayProtection
  }
  if (keys.length === 0) return Result.mapError(WebhookSignature.dummyVerify(request), refusedBySignature)
  return Result.gen(function*() {
    const ring = yield* keyRing(keys)
    return yield* Result.mapError(WebhookSignature.verify({ ...request, keys: ring }), refusedBySignature)
  })
}

// The headers are not signed, and choose which signatures are checked and how the body is read. All are made with the
// endpoint's own keys, so whoever lies about the kind can only have bytes read that a holder of a key signed: a push as
// a callback, say. Either is a hint, the tag is read again from the registry, and the same bytes count once.
const kindOf = (headers: Readonly<Record<string, string>>): WebhookKind.WebhookKind => {
  if (WebhookHeaders.get(headers, "x-powernode-signature") !== undefined) return "disk-image-callback"
  const isNative = ["x-gitea-event-type", "x-gitea-event", "x-forgejo-event"]
    .some((name) => WebhookHeaders.get(headers, name) !== undefined)
  return isNative ? "gitea-event" : "module-callback"
}

const keyRing = (
  keys: ReadonlyArray<WebhookAuthenticator.WebhookKey>
): Result.Result<KeyRing.KeyRing, WebhookAuthenticator.WebhookRefused> =>
  Result.gen(function*() {
    const made: Array<WebhookKey.WebhookKey> = []
    for (const key of keys) made.push(yield* WebhookKey.make(key))
    return yield* KeyRing.make(made)
  }).pipe(
    Result.mapError((error) =>
      new WebhookAuthenticator.WebhookRefused({ reason: "UnusableKeys", detail: error.message })
    )
  )

const refusedBySignature = (error: WebhookRefused.WebhookRefused): WebhookAuthenticator.WebhookRefused =>
  new WebhookAuthenticator.WebhookRefused({ reason: error.reason._tag, detail: error.message })

const read = (
  verified: WebhookSignature.Verified,
  webhook: WebhookAuthenticator.IncomingWebhook
): Result.Result<WebhookAuthenticator.WebhookContent, WebhookAuthenticator.WebhookRefused> => {
  const eventType = WebhookEvent.eventTypeOf(webhook.headers)
  const parsed = WebhookEvent.parse({ ...verified, eventType })
  // With Standard Webhooks headers alone, no header tells one callback from the other, but the signed body does.
  const isEitherCallback = verified.family === "standard-webhooks" && verified.kind === "module-callback"
  const event = Result.isFailure(parsed) && isEitherCallback
    ? Result.orElse(WebhookEvent.parse({ ...verified, kind: "disk-image-callback" }), () => parsed)
    : parsed
  return Result.mapBoth(event, {
    onSuccess: contentOf,
    onFailure: (error) =>
      new WebhookAuthenticator.WebhookRefused({
        reason: error._tag,
        detail: error.message,
        bodySha256: verified.bodyHash
      })
  })
}

const contentOf = (event: WebhookEvent.WebhookEvent): WebhookAuthenticator.WebhookContent => {
  switch (event._tag) {
    case "ModuleCallback": {
      const tag = GitReference.tagName(event.reference)
      return tag === undefined
        ? ignored(event._tag, `${event.reference.ref} is not a tag`)
        : { kind: "moduleTag", repositoryFullName: event.repositoryFullName, tag }
    }
    case "TagPush":
      return event.change === "deleted"
        ? ignored(event._tag, `the tag ${event.tag} was deleted; versions stay`)
        : { kind: "moduleTag", repositoryFullName: event.repository.fullName, tag: event.tag }
    case "Release":
      return event.action === "deleted" || event.draft
        ? ignored(event._tag, event.draft ? "it is a draft" : "the release was deleted; versions stay")
        : { kind: "moduleTag", repositoryFullName: event.repository.fullName, tag: event.tag }
    case "DiskImageCallback":
      return {
        kind: "diskImage",
        platformName: event.platformName,
        ociRef: event.ociRef,
        gitSha: event.gitSha,
        sha256: event.sha256,
        sizeBytes: event.sizeBytes,
        architecture: event.arch ?? "amd64"
      }
    case "UnknownEvent":
      return ignored(event.eventType, event.why)
    default:
      return ignored(event._tag, "no module is published by such an event")
  }
}

const ignored = (event: string, why: string): WebhookAuthenticator.WebhookContent => ({ kind: "ignored", event, why })
