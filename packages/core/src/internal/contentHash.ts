import { digestOf } from "../specs/internal/Sha256.ts"

/** JSON with sorted keys and without absent fields, so that equal values have equal texts. */
export const canonicalJson = (value: unknown): string => JSON.stringify(value, sortKeys) ?? "null"

const sortKeys = (_key: string, value: unknown): unknown =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([left], [right]) => left < right ? -1 : left > right ? 1 : 0))
    : value

/** SHA-256 of a value's canonical JSON, as `sha256:` and hexadecimal digits. */
export const hashOf = (value: unknown): string => digestOf(canonicalJson(value))
