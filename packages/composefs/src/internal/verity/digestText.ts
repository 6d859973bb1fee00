/** Digests as text, and their comparison. */
import * as Result from "effect/Result"
import type { Algorithm, Parameters } from "./blockHash.ts"
import { FsVerityError } from "./fsVerityError.ts"

export const parseDigest = (
  text: string
): Result.Result<{ readonly algorithm: Algorithm; readonly hex: string }, FsVerityError> => {
  const match = /^(?:(sha256|sha512):)?((?:[0-9a-f]{64}){1,2})$/.exec(text)
  const hex = match?.[2] ?? ""
  const algorithm: Algorithm = hex.length === 64 ? "sha256" : "sha512"
  return hex === "" || (match?.[1] ?? algorithm) !== algorithm
    ? Result.fail(new FsVerityError({ reason: { _tag: "InvalidDigest", text } }))
    : Result.succeed({ algorithm, hex })
}

export const formatDigest = (hex: string): string => `${hex.length === 64 ? "sha256" : "sha512"}:${hex}`

export const compareDigests = (
  expected: string,
  actual: string,
  { algorithm }: Parameters
): Result.Result<void, FsVerityError> =>
  Result.flatMap(parseDigest(expected), (parsed) =>
    parsed.algorithm === algorithm && parsed.hex === actual
      ? Result.succeed(undefined)
      : Result.fail(
        new FsVerityError({
          reason: {
            _tag: "Mismatch",
            expected: `${parsed.algorithm}:${parsed.hex}`,
            actual: formatDigest(actual)
          }
        })
      ))
