/**
 * fs-verity file digests, as the Linux kernel and `fsverity digest` compute them: a Merkle tree over 4096-byte blocks
 * whose root, with the file size and the parameters, is hashed once more.
 *
 * Source: "fs-verity: read-only file-based authenticity protection", Merkle tree and fs-verity descriptor
 * (docs.kernel.org/filesystems/fsverity.html).
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import { type Algorithm, blockSize, maxSaltSize, type Parameters, sha256 } from "./internal/verity/blockHash.ts"
import { compareDigests, formatDigest, parseDigest } from "./internal/verity/digestText.ts"
import { digestOfFile } from "./internal/verity/file.ts"
import { FsVerityError } from "./internal/verity/fsVerityError.ts"
import { digestOfBlock, MerkleHasher } from "./internal/verity/merkleHasher.ts"

export { type Algorithm, blockSize, maxSaltSize, type Parameters, sha256, sha512 } from "./internal/verity/blockHash.ts"
export { FsVerityError } from "./internal/verity/fsVerityError.ts"
export * as MerkleTree from "./MerkleTree.ts"

/**
 * Checks parameters that come from elsewhere: refuses a salt longer than 32 bytes.
 *
 * @category constructors
 * @since 0.1.0
 */
export const parameters = (
  options: { readonly algorithm?: Algorithm | undefined; readonly salt?: Uint8Array | undefined }
): Result.Result<Parameters, FsVerityError> => {
  const salt = Uint8Array.from(options.salt ?? [])
  return salt.length > maxSaltSize
    ? Result.fail(new FsVerityError({ reason: { _tag: "InvalidSalt", size: salt.length } }))
    : Result.succeed({ algorithm: options.algorithm ?? "sha256", salt })
}

/**
 * The fs-verity digest of bytes in memory, as lower-case hex (64 digits for sha256, 128 for sha512).
 *
 * No bytes have the digest that the kernel gives an empty file, 3d248ca5…; composefs up to 1.0.8 took cfc33910… for it, the
 * hash of a block of zeros. No image shows the difference: a file without content carries no digest.
 *
 * **Example**
 *
 * ```ts
 * import { FsVerity } from "@lamina/composefs"
 *
 * FsVerity.digest(new TextEncoder().encode("hello world"))
 * // => "1e2eaa4202d750a41174ee454970b92c1bc2f925b1e35076d8c7d5f56362ba64"
 * ```
 *
 * @category hashing
 * @since 0.1.0
 */
export const digest = (bytes: Uint8Array, using: Parameters = sha256): string =>
  bytes.length <= blockSize ? digestOfBlock(bytes, using) : hasher(using).update(bytes).digest()

/**
 * The fs-verity digest of a stream whose chunks may have any size.
 *
 * @category hashing
 * @since 0.1.0
 */
export const digestStream = <E, R>(
  stream: Stream.Stream<Uint8Array, E, R>,
  using: Parameters = sha256
): Effect.Effect<string, E, R> =>
  Effect.suspend(() => {
    const state = hasher(using)
    return Effect.map(
      Stream.runForEach(stream, (chunk) => Effect.sync(() => state.update(chunk))),
      () => state.digest()
    )
  })

/**
 * The fs-verity digest of an async iterable (a Node readable, for one) whose chunks may have any size.
 *
 * @category hashing
 * @since 0.1.0
 */
export const digestAsyncIterable = <E>(
  chunks: AsyncIterable<Uint8Array>,
  onError: (cause: unknown) => E,
  using: Parameters = sha256
): Effect.Effect<string, E> => digestStream(Stream.fromAsyncIterable(chunks, onError), using)

/**
 * How the digest of a file is computed.
 *
 * @category models
 * @since 0.1.0
 */
export interface FileOptions {
  /**
   * How many threads hash a file of more than 4 MiB, the calling one included. Default: one for a file below 64 MiB, which
   * is hashed before another thread has started, else one per core, at most 16. The digest does not depend on it.
   */
  readonly threads?: number | undefined
}

/**
 * The fs-verity digest of a file; that of a large one on all cores.
 *
 * The calling thread hashes too, and gives way after each MiB, which takes about a millisecond; reads that turn out to
 * wait for a disk are left to Node's own threads, at the latest from the second one of a segment on. A regular file
 * that is shortened or written to meanwhile is refused, as far as its size and times tell; pipes and devices are read to
 * their end. Interruption stops the other threads.
 *
 * **Example**
 *
 * ```ts
 * import { FsVerity } from "@lamina/composefs"
 * import * as Effect from "effect/Effect"
 *
 * const digest = await Effect.runPromise(FsVerity.digestFile(process.execPath))
 * console.log(FsVerity.format(digest))
 * ```
 *
 * @category hashing
 * @since 0.1.0
 */
export const digestFile = (
  path: string | Buffer,
  using: Parameters = sha256,
  options: FileOptions = {}
): Effect.Effect<string, FsVerityError> => digestOfFile(path, using, options)

/**
 * Confirms that bytes have the expected digest, which may be bare hex or `sha256:<hex>`.
 *
 * @category verification
 * @since 0.1.0
 */
export const verify = (
  bytes: Uint8Array,
  expected: string,
  using: Parameters = sha256
): Result.Result<void, FsVerityError> => compareDigests(expected, digest(bytes, using), using)

/**
 * Passes a stream through and fails at its end unless the bytes had the expected digest.
 *
 * The bytes flow before they are confirmed: act on them only after the stream has ended well.
 *
 * @category verification
 * @since 0.1.0
 */
export const verifyStream = <E, R>(
  stream: Stream.Stream<Uint8Array, E, R>,
  expected: string,
  using: Parameters = sha256
): Stream.Stream<Uint8Array, E | FsVerityError, R> =>
  Stream.suspend(() => {
    const state = hasher(using)
    const passing = Stream.tap(stream, (chunk) => Effect.sync(() => state.update(chunk)))
    const confirmed = Effect.suspend(() => Effect.fromResult(compareDigests(expected, state.digest(), using)))
    return Stream.concat(passing, Stream.drain(Stream.fromEffect(confirmed)))
  })

/**
 * Reads a digest in bare form or as `fsverity digest` prints it.
 *
 * @category text form
 * @since 0.1.0
 */
export const parse: (
  text: string
) => Result.Result<{ readonly algorithm: Algorithm; readonly hex: string }, FsVerityError> = parseDigest

/**
 * Prints a bare digest the way `fsverity digest` does: `sha256:<hex>`.
 *
 * @category text form
 * @since 0.1.0
 */
export const format: (hex: string) => string = formatDigest

/**
 * An incremental digest: feed it chunks of any size in order, ask for the digest at any time.
 *
 * `digest` leaves the state as it is, so more may follow.
 *
 * @category hashing
 * @since 0.1.0
 */
export interface Hasher {
  readonly update: (chunk: Uint8Array) => Hasher
  readonly digest: () => string
}

/**
 * Starts an incremental digest. A salt longer than 32 bytes is a defect; see {@link parameters}.
 *
 * @category hashing
 * @since 0.1.0
 */
export const hasher = (using: Parameters = sha256): Hasher => new MerkleHasher(using)
