import * as Result from "effect/Result"
import { Buffer } from "node:buffer"
import { createHmac, timingSafeEqual } from "node:crypto"
import * as WebhookHeaders from "../WebhookHeaders.ts"
import * as WebhookKey from "../WebhookKey.ts"
import type { HexSignatureHeader } from "../WebhookKind.ts"
import { WebhookRefused } from "../WebhookRefused.ts"
import { decodeCanonical } from "./base64.ts"

/** What a request says about its own signature: it holds when `accepts` takes the HMAC of `message` under a key. */
export interface SignatureClaim {
  readonly headers: ReadonlyArray<string>
  readonly message: ReadonlyArray<Uint8Array>
  readonly keyBytes: (key: WebhookKey.WebhookKey) => Uint8Array
  readonly accepts: (mac: Uint8Array) => boolean
}

/** The claim of Standard Webhooks, with what it says about identity and time. */
export interface StandardClaim extends SignatureClaim {
  readonly id: string
  readonly timestampSeconds: number
}

const malformed = (header: string, problem: string): Result.Result<never, WebhookRefused> =>
  Result.fail(new WebhookRefused({ reason: { _tag: "MalformedSignature", header, problem } }))

const hexDigest = /^[0-9a-fA-F]{64}$/

/** The claim made by hex headers, if there is one; every header that is present has to agree. */
export const hexClaim = (
  headers: WebhookHeaders.WebhookHeaders,
  names: ReadonlyArray<HexSignatureHeader>,
  payload: Uint8Array
): Result.Result<SignatureClaim | undefined, WebhookRefused> => {
  const present: Array<string> = []
  const digests: Array<Uint8Array> = []
  for (const { name, prefix } of names) {
    const value = WebhookHeaders.get(headers, name)
    if (value === undefined) continue
    // Gitea without a secret sends its headers hollow; that is a refusal, not an absent header.
    if (value === "" || value === prefix) return malformed(name, "it is empty; the sender has no secret")
    if (!value.startsWith(prefix) || !hexDigest.test(value.slice(prefix.length))) {
      return malformed(name, `expected exactly 64 hex digits${prefix === "" ? "" : ` behind ${prefix}`}, once`)
    }
    present.push(name)
    digests.push(Buffer.from(value.slice(prefix.length), "hex"))
  }
  if (present.length === 0) return Result.succeed(undefined)
  return Result.succeed({
    headers: present,
    message: [payload],
    keyBytes: WebhookKey.hmacBytes,
    accepts: (mac) => count(digests, mac) === digests.length
  })
}

const standardHeaders = ["webhook-id", "webhook-timestamp", "webhook-signature"] as const

// No dot: it divides the signed text. No quote or brace: so that no JSON document signed in another way can be read
// as `id.timestamp.body`.
const idPattern = /^[A-Za-z0-9_:+/=-]{1,256}$/
const timestampPattern = /^[1-9][0-9]{0,11}$/
const otherVersion = /^v[0-9]+[a-z]*,[A-Za-z0-9+/=]{1,512}$/
const maxSignatures = 16

/** The claim made by the three Standard Webhooks headers, if any of them is there. */
export const standardClaim = (
  headers: WebhookHeaders.WebhookHeaders,
  body: Uint8Array
): Result.Result<StandardClaim | undefined, WebhookRefused> => {
  const [id, timestamp, signature] = standardHeaders.map((name) => WebhookHeaders.get(headers, name))
  if (id === undefined && timestamp === undefined && signature === undefined) return Result.succeed(undefined)
  if (id === undefined || !idPattern.test(id)) {
    return malformed("webhook-id", "expected 1 to 256 letters, digits or any of _ : + / = -")
  }
  if (timestamp === undefined || !timestampPattern.test(timestamp)) {
    return malformed("webhook-timestamp", "expected whole seconds since the epoch, digits only")
  }
  if (signature === undefined || signature === "") return malformed("webhook-signature", "it is empty or absent")
  return Result.map(parseStandardSignatures(signature), (digests): StandardClaim => ({
    id,
    timestampSeconds: Number(timestamp),
    headers: ["webhook-signature"],
    message: [Buffer.from(`${id}.${timestamp}.`), body],
    keyBytes: WebhookKey.standardHmacBytes,
    accepts: (mac) => count(digests, mac) > 0
  }))
}

const parseStandardSignatures = (value: string): Result.Result<ReadonlyArray<Uint8Array>, WebhookRefused> => {
  const entries = value.split(" ")
  if (entries.length > maxSignatures) return malformed("webhook-signature", `more than ${maxSignatures} signatures`)
  const digests: Array<Uint8Array> = []
  for (const entry of entries) {
    if (!entry.startsWith("v1,")) {
      // Other versions (v1a is asymmetric) may stand beside v1 and prove nothing here.
      if (!otherVersion.test(entry)) return malformed("webhook-signature", "expected v1,<base64> parted by one blank")
      continue
    }
    const digest = decodeCanonical(entry.slice(3))
    if (digest === undefined || digest.length !== 32) {
      return malformed("webhook-signature", "v1: expected canonical base64 of 32 bytes")
    }
    digests.push(digest)
  }
  return digests.length === 0 ? malformed("webhook-signature", "it holds no v1 signature") : Result.succeed(digests)
}

// Counts without leaving early, so that time does not tell which one was right.
const count = (digests: ReadonlyArray<Uint8Array>, mac: Uint8Array): number => {
  let equal = 0
  for (const digest of digests) equal += Number(timingSafeEqual(digest, mac))
  return equal
}

/** Whether a claim holds under a key. */
export const holds = (claim: SignatureClaim, key: WebhookKey.WebhookKey): boolean => {
  const hmac = createHmac("sha256", claim.keyBytes(key))
  for (const part of claim.message) hmac.update(part)
  return claim.accepts(hmac.digest())
}
