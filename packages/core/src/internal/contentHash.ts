import * as Effect from "effect/Effect"
import * as Hex from "effect/encoding/Hex"

/** JSON with sorted keys and without absent fields, so that equal values have equal texts. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, sortKeys) ?? "null"

const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => left < right ? -1 : left > right ? 1 : 0))
    : value

/** SHA-256 of a text in UTF-8, hexadecimal. */
export const sha256Hex = (text: string): Effect.Effect<string> =>
  Effect.map(
    Effect.promise(() => globalThis.crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))),
    (digest) => Hex.encode(new Uint8Array(digest))
  )

/** SHA-256 of a value's canonical JSON, hexadecimal. */
export const hashOf = (value: unknown): Effect.Effect<string> => sha256Hex(canonicalJson(value))
