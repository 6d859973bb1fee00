/**
 * Decides whether a webhook request was signed by a holder of one of the endpoint's keys.
 *
 * Everything here is pure and happens before anything of the request is parsed. Three ways of signing are known: the
 * native events of Gitea and Forgejo, the callbacks of CI builds, and Standard Webhooks headers on any of them, which
 * add protection against replay.
 *
 * @since 0.1.0
 */
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { createHash } from "node:crypto"
import { decodeFormPayload, isFormContent } from "./internal/formPayload.ts"
import { hexClaim, holds, type SignatureClaim, type StandardClaim, standardClaim } from "./internal/signatureClaim.ts"
import * as KeyRing from "./KeyRing.ts"
import * as WebhookHeaders from "./WebhookHeaders.ts"
import type * as WebhookKey from "./WebhookKey.ts"
import * as WebhookKind from "./WebhookKind.ts"
import { WebhookRefused, type WebhookRefusedReason } from "./WebhookRefused.ts"

/**
 * What was signed, and by whom.
 *
 * `payload` is the JSON document: the body, or the decoded `payload` field of a native event sent as a form.
 * `bodyHash` is the SHA-256 of it in hex. `dedupeKey` is the same for every delivery of one message as far as the
 * signed bytes can tell: the id of Standard Webhooks where there is one, otherwise the hash (Gitea's delivery id is
 * not signed, and a replay gets a new one).
 *
 * @category models
 * @since 0.1.0
 */
export interface Verified {
  readonly kind: WebhookKind.WebhookKind
  readonly family: SignatureFamily
  readonly keyId: string
  /** Whether the key is one that runs out: while this is counted, the old secret is still in use. */
  readonly keyIsRetiring: boolean
  readonly payload: Uint8Array
  readonly bodyHash: string
  readonly dedupeKey: string
  /** `webhook-id` and `webhook-timestamp` (seconds since the epoch), when the family is `standard-webhooks`. */
  readonly standard: { readonly id: string; readonly timestampSeconds: number } | undefined
}

/**
 * How a request was signed: in the way of its kind, or (also) with Standard Webhooks headers.
 *
 * @category models
 * @since 0.1.0
 */
export type SignatureFamily = WebhookKind.WebhookKind | "standard-webhooks"

/**
 * A request as it came in, and what it is measured by.
 *
 * `now` is in milliseconds since the epoch. `replayProtection: "required"` refuses a request without Standard
 * Webhooks headers (the default takes both). `toleranceSeconds` is 300 unless told otherwise.
 *
 * @category models
 * @since 0.1.0
 */
export interface VerifyOptions {
  readonly kind: WebhookKind.WebhookKind
  readonly headers: WebhookHeaders.WebhookHeaders
  readonly body: Uint8Array
  readonly keys: KeyRing.KeyRing
  readonly now: number
  readonly replayProtection?: "optional" | "required" | undefined
  readonly toleranceSeconds?: number | undefined
}

/**
 * How far `webhook-timestamp` may be from now, in seconds, in both directions (Standard Webhooks, "Timestamp").
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultToleranceSeconds = 300

/**
 * Verifies a request against every key that is good now.
 *
 * Every signature header that is present has to hold, under the same key; an empty one is refused and nothing else
 * is tried in its place. All keys and signatures are compared, in constant time, before the outcome is looked at.
 *
 * @example
 * ```ts
 * import { KeyRing, WebhookSignature } from "@lamina/gitea"
 * import * as Redacted from "effect/Redacted"
 * import * as Result from "effect/Result"
 *
 * const verified = Result.map(
 *   KeyRing.single({ id: "first", secret: Redacted.make("It's a Secret to Everybody") }),
 *   (keys) =>
 *     WebhookSignature.verify({
 *       kind: "module-callback",
 *       headers: { "x-gitea-signature": "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" },
 *       body: new TextEncoder().encode("Hello, World!"),
 *       keys,
 *       now: 0
 *     })
 * )
 * ```
 *
 * @category verification
 * @since 0.1.0
 */
export const verify = (options: VerifyOptions): Result.Result<Verified, WebhookRefused> =>
  Result.gen(function*() {
    const payload = yield* signedPayload(options)
    const claims = yield* claimsOf(options, payload)
    const key = yield* keyThatHolds(options, claims.all)
    yield* checkTimestamp(options, claims.standard, key)
    return describe(options.kind, payload, key, claims.standard)
  })

/**
 * Does the work of {@link verify} for an endpoint that does not exist and always refuses, so that neither the answer
 * nor its time tells which endpoints there are.
 *
 * @category verification
 * @since 0.1.0
 */
export const dummyVerify = (options: Omit<VerifyOptions, "keys">): Result.Result<never, WebhookRefused> =>
  Result.flatMap(decoyKeys, (keys) => {
    verify({ ...options, keys })
    return refuse({ _tag: "UnknownEndpoint" })
  }).pipe(Result.mapError(() => new WebhookRefused({ reason: { _tag: "UnknownEndpoint" } })))

// It may be known to everybody: what it verifies never counts.
const decoyKeys = KeyRing.single({ id: "decoy", secret: Redacted.make("the key of an endpoint that does not exist") })

const refuse = (reason: typeof WebhookRefusedReason.Type): Result.Result<never, WebhookRefused> =>
  Result.fail(new WebhookRefused({ reason }))

const signedPayload = ({ body, headers, kind }: VerifyOptions): Result.Result<Uint8Array, WebhookRefused> =>
  WebhookKind.signsFormPayload(kind) && isFormContent(WebhookHeaders.get(headers, "content-type"))
    ? Result.mapError(
      decodeFormPayload(body),
      (problem) => new WebhookRefused({ reason: { _tag: "MalformedBody", problem } })
    )
    : Result.succeed(body)

interface Claims {
  readonly all: ReadonlyArray<SignatureClaim>
  readonly standard: StandardClaim | undefined
}

const claimsOf = (options: VerifyOptions, payload: Uint8Array): Result.Result<Claims, WebhookRefused> =>
  Result.gen(function*() {
    const hexHeaders = WebhookKind.signatureHeaders(options.kind)
    const hex = yield* hexClaim(options.headers, hexHeaders, payload)
    const standard = yield* standardClaim(options.headers, options.body)
    if (standard === undefined && options.replayProtection === "required") {
      return yield* refuse({ _tag: "MissingSignature", expectedHeaders: ["webhook-signature"] })
    }
    const all = [hex, standard].filter((claim) => claim !== undefined)
    if (all.length === 0) {
      const expectedHeaders = [...hexHeaders.map(({ name }) => name), "webhook-signature"]
      return yield* refuse({ _tag: "MissingSignature", expectedHeaders })
    }
    return { all, standard }
  })

const keyThatHolds = (
  { keys, now }: VerifyOptions,
  claims: ReadonlyArray<SignatureClaim>
): Result.Result<WebhookKey.WebhookKey, WebhookRefused> => {
  const active = KeyRing.active(keys, now)
  const outcomes = active.map((key) => claims.map((claim) => holds(claim, key)))
  spend(claims, usualKeys - active.length)
  if (active.length === 0) return refuse({ _tag: "NoActiveKey", keys: keys.keys.length })
  const index = outcomes.findIndex((claimsHold) => claimsHold.every((claimHolds) => claimHolds))
  const key = active[index]
  return key === undefined
    ? refuse({
      _tag: "SignatureMismatch",
      headers: claims.flatMap((claim) => claim.headers),
      keysTried: active.length
    })
    : Result.succeed(key)
}

/** A key, and in a rotation the one before it. */
const usualKeys = 2

// Time must not tell whether an endpoint exists, has a key that is good, or is just having its secret rotated.
const spend = (claims: ReadonlyArray<SignatureClaim>, times: number): void => {
  Result.map(decoyKeys, ({ keys: [decoy] }) => {
    for (let spent = 0; spent < times; spent++) claims.forEach((claim) => holds(claim, decoy))
  })
}

// After the signature: a wrong time is worth reporting as such only when the request is authentic.
const checkTimestamp = (
  { now, toleranceSeconds = defaultToleranceSeconds }: VerifyOptions,
  standard: StandardClaim | undefined,
  key: WebhookKey.WebhookKey
): Result.Result<void, WebhookRefused> => {
  if (standard === undefined) return Result.succeed(undefined)
  const skewSeconds = standard.timestampSeconds - Math.floor(now / 1000)
  return Math.abs(skewSeconds) <= toleranceSeconds
    ? Result.succeed(undefined)
    : refuse({ _tag: "TimestampOutOfWindow", skewSeconds, toleranceSeconds, keyId: key.id })
}

const describe = (
  kind: WebhookKind.WebhookKind,
  payload: Uint8Array,
  key: WebhookKey.WebhookKey,
  standard: StandardClaim | undefined
): Verified => {
  const bodyHash = createHash("sha256").update(payload).digest("hex")
  return {
    kind,
    family: standard === undefined ? kind : "standard-webhooks",
    keyId: key.id,
    keyIsRetiring: key.notAfter !== undefined,
    payload,
    bodyHash,
    dedupeKey: standard === undefined ? `sha256:${bodyHash}` : `id:${standard.id}`,
    standard: standard === undefined ? undefined : { id: standard.id, timestampSeconds: standard.timestampSeconds }
  }
}
