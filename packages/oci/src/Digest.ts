/**
 * Content digests, `algorithm:encoded`, as the OCI image specification defines them.
 *
 * A digest goes into URLs and file paths, so nothing but a checked `Digest` is accepted there (CVE-2024-3727).
 *
 * @since 0.1.0
 */
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { createHash, type Hash } from "node:crypto"

const pattern = /^(?:sha256:[a-f0-9]{64}|sha512:[a-f0-9]{128})$/

/**
 * A verifiable digest: `sha256:` with 64, or `sha512:` with 128 lower-case hexadecimal digits.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Digest = Schema.String.check(Schema.isPattern(pattern)).pipe(Schema.brand("@lamina/oci/Digest"))

/**
 * A verifiable digest: `sha256:` with 64, or `sha512:` with 128 lower-case hexadecimal digits.
 *
 * @category models
 * @since 0.1.0
 */
export type Digest = typeof Digest.Type

/**
 * The digest algorithms that can be verified.
 *
 * @category models
 * @since 0.1.0
 */
export type Algorithm = "sha256" | "sha512"

/**
 * Text which is no digest.
 *
 * @category errors
 * @since 0.1.0
 */
export class InvalidDigest extends Schema.TaggedError<InvalidDigest>("@lamina/oci/Digest/InvalidDigest")(
  "InvalidDigest",
  { actual: Schema.String }
) {
  override get message(): string {
    return `expected sha256: with 64 or sha512: with 128 lower-case hexadecimal digits, got ${
      JSON.stringify(this.actual)
    }`
  }
}

/**
 * Says whether a text is a digest.
 *
 * @category guards
 * @since 0.1.0
 */
export const is = (text: string): text is Digest => pattern.test(text)

/**
 * Reads a digest from text.
 *
 * @example
 * ```ts
 * import { Digest } from "@lamina/oci"
 * import { Result } from "effect"
 *
 * console.log(Result.isFailure(Digest.parse("sha256:../../etc/passwd"))) // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const parse = (text: string): Result.Result<Digest, InvalidDigest> =>
  is(text) ? Result.succeed(text) : Result.fail(new InvalidDigest({ actual: text.slice(0, 160) }))

/**
 * Computes the digest of bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ofBytes = (bytes: Uint8Array, algorithm: Algorithm = "sha256"): Digest =>
  finish(createHash(algorithm).update(bytes), algorithm)

/**
 * Turns a `node:crypto` hash that has seen all bytes into a digest.
 *
 * @category constructors
 * @since 0.1.0
 */
export const finish = (hash: Hash, algorithm: Algorithm = "sha256"): Digest =>
  `${algorithm}:${hash.digest("hex")}` as Digest

/**
 * The algorithm of a digest.
 *
 * @category getters
 * @since 0.1.0
 */
export const algorithm = (digest: Digest): Algorithm => digest.startsWith("sha512:") ? "sha512" : "sha256"

/**
 * The hexadecimal part of a digest.
 *
 * @category getters
 * @since 0.1.0
 */
export const hex = (digest: Digest): string => digest.slice(digest.indexOf(":") + 1)
