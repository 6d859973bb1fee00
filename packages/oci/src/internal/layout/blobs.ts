/** Blobs as files of a layout. */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import { createHash } from "node:crypto"
import type { FileHandle } from "node:fs/promises"
import * as Blob from "../../Blob.ts"
import * as Descriptor from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as MediaType from "../../MediaType.ts"
import type { BlobContent, ByteRange, Upload } from "../../Registry.ts"
import { DigestMismatch, LimitExceeded, Malformed, NotFound, SizeMismatch } from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { checkDigest, type Failing, orFail } from "../failure.ts"
import * as files from "./files.ts"
import * as repository from "./repository.ts"

const readBytes = 256 * 1024
const blobMode = 0o444

/** The descriptor of a blob; `undefined` when there is none. */
export const head = Effect.fnUntraced(function*(
  place: repository.Place,
  components: ReadonlyArray<string>,
  digest: Digest.Digest,
  fail: Failing
): Effect.fn.Return<Descriptor.Descriptor | undefined, RegistryError> {
  const path = yield* repository.safeBlobPath(place, components, digest, fail)
  const stats = path === undefined ? undefined : yield* files.regularFile(path, fail)
  return stats === undefined ? undefined : { mediaType: MediaType.octetStream, digest, size: stats.size }
})

/** Opens a blob; the file is closed with the scope. */
export const open = Effect.fnUntraced(function*(
  place: repository.Place,
  components: ReadonlyArray<string>,
  digest: Digest.Digest,
  options: { readonly size?: number | undefined; readonly range?: ByteRange | undefined },
  fail: Failing
): Effect.fn.Return<BlobContent, RegistryError, Scope.Scope> {
  const path = yield* repository.safeBlobPath(place, components, digest, fail)
  const file = path === undefined ? undefined : yield* files.open(path, fail)
  if (file === undefined) return yield* fail(new NotFound({ kind: "blob", name: digest }))
  const { handle, size } = file
  if (options.size !== undefined && options.size !== size) {
    return yield* fail(new SizeMismatch({ expected: options.size, actual: size }))
  }
  const descriptor = { mediaType: MediaType.octetStream, digest, size }
  if (options.range === undefined) {
    const content = readRange(handle, { start: 0, end: size - 1 }, fail)
    return { descriptor, stream: Blob.verified(content, { digest, size }, fail) }
  }
  const { end, start } = options.range
  if (start > end || start < 0 || start >= size) {
    return yield* fail(new Malformed({ what: "range", detail: `${start}-${end} of ${size} bytes` }))
  }
  return { descriptor, stream: readRange(handle, { start, end: Math.min(end, size - 1) }, fail) }
})

const readRange = (
  handle: FileHandle,
  range: ByteRange,
  fail: Failing
): Stream.Stream<Uint8Array, RegistryError> =>
  Stream.fromPull(Effect.sync(() => {
    let position = range.start
    return Effect.suspend(() => {
      const wanted = Math.min(readBytes, range.end + 1 - position)
      if (wanted <= 0) return Cause.done()
      return Effect.flatMap(
        files.attempt(() => handle.read(Buffer.allocUnsafe(wanted), 0, wanted, position), fail),
        ({ buffer, bytesRead }) => {
          position += bytesRead
          return bytesRead === 0 ? Cause.done() : Effect.succeed([buffer.subarray(0, bytesRead)] as const)
        }
      )
    })
  }))

/** A blob being written: hashed on its way, and moved to its place once it is known to be right. */
export const upload = Effect.fnUntraced(function*(
  place: repository.Place,
  components: ReadonlyArray<string>,
  options: { readonly algorithm: Digest.Algorithm; readonly maximumBytes: number },
  fail: Failing
): Effect.fn.Return<Upload, RegistryError, Scope.Scope> {
  yield* repository.create(place, components, fail)
  const ingest = repository.ingestPath(place, components)
  const file = yield* files.temporary(ingest, { durable: place.durable, mode: blobMode }, fail)
  const hash = createHash(options.algorithm)
  let size = 0
  let isOpen = true

  const write: Upload["write"] = Effect.fnUntraced(function*(chunk, offset) {
    if (!isOpen) return yield* fail(new NotFound({ kind: "upload", name: "that was committed" }))
    if (offset !== size) {
      return yield* fail(new Malformed({ what: "upload offset", detail: `${offset}, expected ${size}` }))
    }
    if (size + chunk.byteLength > options.maximumBytes) {
      return yield* fail(new LimitExceeded({ what: "the size of the blob in bytes", limit: options.maximumBytes }))
    }
    hash.update(chunk)
    yield* files.attempt(() => file.handle.writeFile(chunk), fail)
    size += chunk.byteLength
    return size
  })

  const digestBy = (algorithm: Digest.Algorithm): Effect.Effect<Digest.Digest, RegistryError> => {
    if (algorithm === options.algorithm) return Effect.sync(() => Digest.finish(hash, algorithm))
    // The digest is of another algorithm than was announced: read what was written.
    const again = createHash(algorithm)
    const whole = readRange(file.handle, { start: 0, end: size - 1 }, fail)
    return Stream.runForEach(whole, (chunk) => Effect.sync(() => again.update(chunk))).pipe(
      Effect.map(() => Digest.finish(again, algorithm))
    )
  }

  const commit: Upload["commit"] = Effect.fnUntraced(function*(expected) {
    yield* orFail(checkDigest(expected), fail)
    if (!isOpen) return yield* fail(new NotFound({ kind: "upload", name: "that was committed" }))
    isOpen = false
    const actual = yield* digestBy(Digest.algorithm(expected))
    if (actual !== expected) return yield* fail(new DigestMismatch({ expected, actual }))
    yield* file.moveTo(repository.blobPath(place, components, expected))
    return { mediaType: MediaType.octetStream, digest: expected, size }
  })

  return { write, commit }
})

/** Writes a blob whose descriptor is known. */
export const put = Effect.fnUntraced(function*(
  place: repository.Place,
  components: ReadonlyArray<string>,
  { digest, size }: Descriptor.Descriptor,
  content: Stream.Stream<Uint8Array, RegistryError>,
  maximumBytes: number,
  fail: Failing
): Effect.fn.Return<void, RegistryError, Scope.Scope> {
  const algorithm = Digest.algorithm(digest)
  const target = yield* upload(place, components, { algorithm, maximumBytes }, fail)
  let written = 0
  yield* Stream.runForEach(content, (chunk) => {
    const total = written + chunk.byteLength
    return total > size
      ? Effect.fail(fail(new SizeMismatch({ expected: size, actual: total })))
      : Effect.map(target.write(chunk, written), (offset) => {
        written = offset
      })
  })
  if (written !== size) return yield* fail(new SizeMismatch({ expected: size, actual: written }))
  yield* target.commit(digest)
}, Effect.scoped)
