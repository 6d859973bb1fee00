import { KeyRing, WebhookKey } from "@lamina/gitea"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"

export const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

export const text = (value: Uint8Array): string => new TextDecoder().decode(value)

export const key = (id: string, secret: string, validity: { notBefore?: number; notAfter?: number } = {}) =>
  Result.getOrThrow(WebhookKey.make({ id, secret: Redacted.make(secret), ...validity }))

export const ring = (...keys: ReadonlyArray<WebhookKey.WebhookKey>) => Result.getOrThrow(KeyRing.make(keys))

export const now = 1_780_000_000_000
