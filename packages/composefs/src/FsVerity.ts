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
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { hash } from "node:crypto"
import { eachChunk } from "./internal/files.ts"

/**
 * The hash behind a digest; composefs images written by mkcomposefs use sha256, composefs-rs repositories either.
 *
 * @category models
 * @since 0.1.0
 */
export type Algorithm = "sha256" | "sha512"

/**
 * What a digest depends on besides the bytes. The block size is always 4096 bytes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Parameters {
  readonly algorithm: Algorithm
  /** At most 32 bytes; empty for no salt. composefs never salts. */
  readonly salt: Uint8Array
}

/**
 * The block size of every digest, in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const blockSize = 4096

/**
 * The longest salt that fits an fs-verity descriptor, in bytes.
 *
 * @category constants
 * @since 0.1.0
 */
export const maxSaltSize = 32

/**
 * SHA-256 without salt: the default of this module and the only choice of mkcomposefs.
 *
 * @category constants
 * @since 0.1.0
 */
export const sha256: Parameters = { algorithm: "sha256", salt: new Uint8Array(0) }

/**
 * SHA-512 without salt.
 *
 * @category constants
 * @since 0.1.0
 */
export const sha512: Parameters = { algorithm: "sha512", salt: new Uint8Array(0) }

/**
 * Why a digest could not be computed, read or confirmed.
 *
 * @category errors
 * @since 0.1.0
 */
export class FsVerityError extends Schema.TaggedError<FsVerityError>("@lamina/composefs/FsVerityError")(
  "FsVerityError",
  {
    reason: Schema.Union([
      Schema.TaggedStruct("InvalidSalt", { size: Schema.Finite }),
      Schema.TaggedStruct("InvalidDigest", { text: Schema.String }),
      Schema.TaggedStruct("Mismatch", { expected: Schema.String, actual: Schema.String }),
      Schema.TaggedStruct("Unreadable", { path: Schema.String, problem: Schema.String })
    ])
  }
) {
  override get message(): string {
    const reason = this.reason
    switch (reason._tag) {
      case "InvalidSalt":
        return `salt: expected at most ${maxSaltSize} bytes, got ${reason.size}`
      case "InvalidDigest":
        return `fs-verity digest: expected 64 or 128 lower-case hex digits, optionally after "sha256:" or "sha512:", got ${
          JSON.stringify(reason.text.slice(0, 160))
        }`
      case "Mismatch":
        return `fs-verity digest: expected ${reason.expected}, got ${reason.actual}`
      case "Unreadable":
        return `cannot read ${reason.path}: ${reason.problem}`
    }
  }
}

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
export const digest = (bytes: Uint8Array, using: Parameters = sha256): string => hasher(using).update(bytes).digest()

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
 * The fs-verity digest of a file, read in chunks of 1 MiB while the chunk before is hashed.
 *
 * @category hashing
 * @since 0.1.0
 */
export const digestFile = (path: string, using: Parameters = sha256): Effect.Effect<string, FsVerityError> =>
  Effect.suspend(() => {
    const state = hasher(using)
    return eachChunk(path, (chunk) => {
      state.update(chunk)
    }).pipe(
      Effect.mapError(({ problem }) => new FsVerityError({ reason: { _tag: "Unreadable", path, problem } })),
      Effect.map(() => state.digest())
    )
  })

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
): Result.Result<void, FsVerityError> => compare(expected, digest(bytes, using), using)

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
    const confirmed = Effect.suspend(() => Effect.fromResult(compare(expected, state.digest(), using)))
    return Stream.concat(passing, Stream.drain(Stream.fromEffect(confirmed)))
  })

/**
 * Reads a digest in bare form or as `fsverity digest` prints it.
 *
 * @category text form
 * @since 0.1.0
 */
export const parse = (
  text: string
): Result.Result<{ readonly algorithm: Algorithm; readonly hex: string }, FsVerityError> => {
  const match = /^(?:(sha256|sha512):)?((?:[0-9a-f]{64}){1,2})$/.exec(text)
  const hex = match?.[2] ?? ""
  const algorithm: Algorithm = hex.length === 64 ? "sha256" : "sha512"
  return hex === "" || (match?.[1] ?? algorithm) !== algorithm
    ? Result.fail(new FsVerityError({ reason: { _tag: "InvalidDigest", text } }))
    : Result.succeed({ algorithm, hex })
}

/**
 * Prints a bare digest the way `fsverity digest` does: `sha256:<hex>`.
 *
 * @category text form
 * @since 0.1.0
 */
export const format = (hex: string): string => `${hex.length === 64 ? "sha256" : "sha512"}:${hex}`

const compare = (expected: string, actual: string, using: Parameters): Result.Result<void, FsVerityError> =>
  Result.flatMap(parse(expected), ({ algorithm, hex }) =>
    algorithm === using.algorithm && hex === actual
      ? Result.succeed(undefined)
      : Result.fail(
        new FsVerityError({ reason: { _tag: "Mismatch", expected: `${algorithm}:${hex}`, actual: format(actual) } })
      ))

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

/** One level of the Merkle tree: how many digests it got, and those which do not yet fill a block. */
interface Level {
  readonly block: Buffer
  used: number
  count: number
}

class MerkleHasher implements Hasher {
  readonly #parameters: Parameters
  readonly #digestSize: number
  readonly #hashBlock: (block: Uint8Array) => string
  readonly #levels: Array<Level> = []
  readonly #partial = Buffer.allocUnsafe(blockSize)
  #partialSize = 0
  #size = 0

  constructor(using: Parameters) {
    if (using.salt.length > maxSaltSize) throw new RangeError(`salt: at most ${maxSaltSize} bytes`)
    this.#parameters = using
    this.#digestSize = using.algorithm === "sha256" ? 32 : 64
    this.#hashBlock = blockHash(using)
  }

  update(chunk: Uint8Array): this {
    let at = 0
    if (this.#partialSize > 0) {
      at = Math.min(blockSize - this.#partialSize, chunk.length)
      this.#keep(chunk.subarray(0, at))
      if (this.#partialSize === blockSize) {
        this.#push(0, this.#hashBlock(this.#partial))
        this.#partialSize = 0
      }
    }
    for (; at + blockSize <= chunk.length; at += blockSize) {
      this.#push(0, this.#hashBlock(chunk.subarray(at, at + blockSize)))
    }
    if (at < chunk.length) this.#keep(chunk.subarray(at))
    this.#size += chunk.length
    return this
  }

  digest(): string {
    return hash(this.#parameters.algorithm, descriptor(this.#parameters, this.#size, this.#root()), "hex")
  }

  #keep(bytes: Uint8Array): void {
    this.#partial.set(bytes, this.#partialSize)
    this.#partialSize += bytes.length
  }

  #push(depth: number, hex: string): void {
    const level = this.#levels[depth] ?? this.#addLevel()
    level.used += level.block.write(hex, level.used, "hex")
    level.count++
    if (level.used < blockSize) return
    level.used = 0
    this.#push(depth + 1, this.#hashBlock(level.block))
  }

  #addLevel(): Level {
    const level = { block: Buffer.allocUnsafe(blockSize), used: 0, count: 0 }
    this.#levels.push(level)
    return level
  }

  /** Closes every level from the bottom up, on copies: the first level of a single digest holds the root. */
  #root(): string {
    let carry = this.#partialSize === 0 ? undefined : this.#hashPadded(this.#partial, this.#partialSize)
    for (const level of this.#levels) {
      const block = Buffer.from(level.block)
      const used = carry === undefined ? level.used : level.used + block.write(carry, level.used, "hex")
      const count = carry === undefined ? level.count : level.count + 1
      if (count === 1) return block.toString("hex", 0, this.#digestSize)
      carry = used === 0 ? undefined : this.#hashPadded(block, used)
    }
    return carry ?? "0".repeat(2 * this.#digestSize)
  }

  #hashPadded(block: Buffer, used: number): string {
    return this.#hashBlock(Buffer.concat([block.subarray(0, used)], blockSize))
  }
}

/**
 * Hashes one block after the salt, which is zero-padded to the hash's own block so that its state could be reused.
 * The hex text beats a Buffer: it spares an ArrayBuffer per block, most of the cost of a call.
 */
const blockHash = ({ algorithm, salt }: Parameters): (block: Uint8Array) => string => {
  if (salt.length === 0) return (block) => hash(algorithm, block, "hex")
  const saltSize = algorithm === "sha256" ? 64 : 128
  const salted = Buffer.alloc(saltSize + blockSize)
  salted.set(salt)
  return (block) => {
    salted.set(block, saltSize)
    return hash(algorithm, salted, "hex")
  }
}

/** struct fsverity_descriptor, 256 bytes: the size is in it, so zero padding of the last block is unambiguous. */
const descriptor = ({ algorithm, salt }: Parameters, size: number, root: string): Buffer => {
  const bytes = Buffer.alloc(256)
  bytes.writeUInt8(1, 0)
  bytes.writeUInt8(algorithm === "sha256" ? 1 : 2, 1)
  bytes.writeUInt8(Math.log2(blockSize), 2)
  bytes.writeUInt8(salt.length, 3)
  bytes.writeBigUInt64LE(BigInt(size), 8)
  bytes.write(root, 16, "hex")
  bytes.set(salt, 80)
  return bytes
}
