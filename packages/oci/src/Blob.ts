/**
 * Blobs: streams of bytes that are what their digest says, or fail.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import type { Descriptor } from "./Descriptor.ts"
import * as Digest from "./Digest.ts"
import { failing } from "./internal/failure.ts"
import type { Registry } from "./Registry.ts"
import { DigestMismatch, LimitExceeded, SizeMismatch } from "./RegistryError.ts"
import type { Reason, RegistryError } from "./RegistryError.ts"

/**
 * What a stream of bytes has to be; without a `size` only the digest is checked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Expected {
  readonly digest: Digest.Digest
  readonly size?: number | undefined
}

type ChunkPull<E> = Pull.Pull<readonly [Uint8Array, ...Array<Uint8Array>], E | RegistryError>

/**
 * Lets bytes pass while they are hashed, and holds the last chunk back until digest and size are right.
 *
 * A consumer that counts bytes and stops early therefore never sees all of wrong content. One byte more than `size`
 * fails at once.
 *
 * @category combinators
 * @since 0.1.0
 */
export const verified = <E>(
  stream: Stream.Stream<Uint8Array, E>,
  expected: Expected,
  fail: (reason: Reason) => RegistryError
): Stream.Stream<Uint8Array, E | RegistryError> =>
  Stream.transformPull(stream, (pull) =>
    Effect.sync(() => {
      const algorithm = Digest.algorithm(expected.digest)
      const hash = createHash(algorithm)
      let seen = 0
      let held: Uint8Array | undefined
      let complete = false

      const finish = Effect.suspend((): ChunkPull<never> => {
        complete = true
        if (expected.size !== undefined && seen !== expected.size) {
          return Effect.fail(fail(new SizeMismatch({ expected: expected.size, actual: seen })))
        }
        const actual = Digest.finish(hash, algorithm)
        if (actual !== expected.digest) {
          return Effect.fail(fail(new DigestMismatch({ expected: expected.digest, actual })))
        }
        return held === undefined ? Cause.done() : Effect.succeed([held] as const)
      })

      const accept = (chunks: ReadonlyArray<Uint8Array>): ChunkPull<E> => {
        const released: Array<Uint8Array> = []
        for (const chunk of chunks) {
          if (chunk.byteLength === 0) continue
          hash.update(chunk)
          seen += chunk.byteLength
          if (held !== undefined) released.push(held)
          held = chunk
        }
        if (expected.size !== undefined && seen > expected.size) {
          return Effect.fail(fail(new SizeMismatch({ expected: expected.size, actual: seen })))
        }
        const [first, ...rest] = released
        return first === undefined ? next : Effect.succeed([first, ...rest] as const)
      }

      const next: ChunkPull<E> = Effect.suspend(() =>
        complete ? Cause.done() : Pull.matchEffect(pull, {
          onSuccess: accept,
          onFailure: Effect.failCause,
          onDone: () => finish
        })
      )
      return next
    }))

/**
 * Reads a whole stream into memory, of at most `limit` bytes.
 *
 * @category destructors
 * @since 0.1.0
 */
export const collect = <E>(
  stream: Stream.Stream<Uint8Array, E>,
  limit: number,
  fail: (reason: Reason) => RegistryError
): Effect.Effect<Uint8Array, E | RegistryError> =>
  Effect.suspend(() => {
    const chunks: Array<Uint8Array> = []
    let size = 0
    return stream.pipe(
      Stream.runForEach((chunk) => {
        size += chunk.byteLength
        if (size > limit) return Effect.fail(fail(new LimitExceeded({ what: "the content in bytes", limit })))
        chunks.push(chunk)
        return Effect.void
      }),
      Effect.map(() => concatenate(chunks, size))
    )
  })

const concatenate = (chunks: ReadonlyArray<Uint8Array>, size: number): Uint8Array => {
  const bytes = new Uint8Array(size)
  let offset = 0
  for (const chunk of chunks) {
    bytes.set(chunk, offset)
    offset += chunk.byteLength
  }
  return bytes
}

/**
 * The largest blob in bytes that `getBytes` reads into memory, unless a caller says otherwise.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultLimit = 16 * 1024 * 1024

/**
 * Reads a blob into memory, verified; fails before the first byte when its descriptor exceeds the limit.
 *
 * @category accessors
 * @since 0.1.0
 */
export const getBytes = Effect.fnUntraced(function*(
  registry: Registry,
  repository: string,
  descriptor: Descriptor,
  options?: { readonly limit?: number | undefined }
): Effect.fn.Return<Uint8Array, RegistryError, Scope.Scope> {
  const fail = failing("getBlob", repository, descriptor.digest)
  const limit = options?.limit ?? defaultLimit
  if (descriptor.size > limit) {
    return yield* fail(new LimitExceeded({ what: "the size of the blob in bytes", limit }))
  }
  const blob = yield* registry.getBlob(repository, descriptor.digest, { size: descriptor.size })
  return yield* collect(blob.stream, descriptor.size, fail)
}, Effect.scoped)
