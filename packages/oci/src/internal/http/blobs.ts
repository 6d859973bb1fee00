/** Blobs over HTTP: distribution-spec end-2, end-4 to end-6, end-10 and end-11. */
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Blob from "../../Blob.ts"
import type { Descriptor } from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as MediaType from "../../MediaType.ts"
import type { ByteRange, Registry } from "../../Registry.ts"
import {
  isTransient,
  LimitExceeded,
  Malformed,
  NotFound,
  SizeMismatch,
  UnexpectedResponse
} from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { checkDigest, checkNames, checkRepository, type Failing, failing } from "../failure.ts"
import * as keyedMutex from "../keyedMutex.ts"
import type { Call, Client } from "./client.ts"
import * as replies from "./reply.ts"
import * as scope from "./scope.ts"
import type { Reply } from "./transport.ts"
import * as upload from "./upload.ts"

type Blobs = Pick<Registry, "headBlob" | "getBlob" | "putBlob" | "startUpload" | "mountBlob" | "deleteBlob">

/** Streams up to this size are read into memory first, because bytes can be sent again and streams cannot. */
const smallBytes = 1024 * 1024

/** The blob operations of a client. */
export const make = (client: Client): Blobs => {
  const { limits, retry } = client.settings
  const pushing = keyedMutex.make()

  const headBlob: Registry["headBlob"] = Effect.fnUntraced(function*(repository, digest) {
    const fail = failing("headBlob", repository, digest)
    yield* checkNames(fail, repository, checkDigest(digest))
    const reply = yield* client.expect(
      { method: "HEAD", url: client.url(`${repository}/blobs/${digest}`), scopes: [scope.pull(repository)] },
      fail,
      new NotFound({ kind: "blob", name: digest }),
      200
    )
    const size = replies.contentLength(reply)
    if (size === undefined) {
      return yield* fail(new UnexpectedResponse({ status: reply.status, detail: "the size of the blob is missing" }))
    }
    return { mediaType: MediaType.octetStream, digest, size }
  }, Effect.scoped)

  /** Asks for a blob, or for the part of it in a closed range: an open one is refused by some registries. */
  const request = Effect.fnUntraced(function*(
    repository: string,
    digest: Digest.Digest,
    range: ByteRange | undefined,
    fail: Failing
  ) {
    const headers: Record<string, string> = range === undefined ? {} : { range: `bytes=${range.start}-${range.end}` }
    const url = client.url(`${repository}/blobs/${digest}`)
    const call: Call = { method: "GET", url, headers, scopes: [scope.pull(repository)] }
    return yield* client.expect(call, fail, new NotFound({ kind: "blob", name: digest }), 200, 206)
  })

  /** The bytes from `range.start` on; goes on where it was when the connection breaks. */
  const resuming = (
    repository: string,
    digest: Digest.Digest,
    range: ByteRange,
    opened: Effect.Effect<Stream.Stream<Uint8Array, RegistryError>, RegistryError, Scope.Scope>,
    attempts: number,
    fail: Failing
  ): Stream.Stream<Uint8Array, RegistryError> =>
    Stream.suspend(() => {
      let position = range.start
      const resume = (error: RegistryError): Stream.Stream<Uint8Array, RegistryError> => {
        const rest = { start: position, end: range.end }
        if (!isTransient(error) || attempts <= 0 || rest.start > rest.end) return Stream.fail(error)
        const reopened = Effect.flatMap(request(repository, digest, rest, fail), (reply) => partOf(reply, rest, fail))
        return resuming(repository, digest, rest, reopened, attempts - 1, fail)
      }
      return Stream.unwrap(opened).pipe(
        Stream.map((chunk) => {
          position += chunk.byteLength
          return chunk
        }),
        Stream.catchIf((error) => isTransient(error), resume)
      )
    })

  const getBlob: Registry["getBlob"] = Effect.fnUntraced(function*(repository, digest, options) {
    const fail = failing("getBlob", repository, digest)
    yield* checkNames(fail, repository, checkDigest(digest))
    yield* checkRange(options?.range, fail)
    const reply = yield* request(repository, digest, options?.range, fail)
    if (options?.range !== undefined) {
      const { end, start } = options.range
      const stream = yield* partOf(reply, options.range, fail)
      const size = options.size ?? totalOf(reply) ?? end + 1
      return {
        descriptor: { mediaType: MediaType.octetStream, digest, size },
        stream: bounded(stream, Math.min(end, size - 1) - start + 1, fail)
      }
    }
    const announced = reply.status === 200 ? replies.contentLength(reply) : undefined
    const size = options?.size ?? announced ?? (yield* headBlob(repository, digest)).size
    if (announced !== undefined && announced !== size) {
      return yield* fail(new SizeMismatch({ expected: size, actual: announced }))
    }
    if (size > limits.blobBytes) {
      return yield* fail(new LimitExceeded({ what: "the size of the blob in bytes", limit: limits.blobBytes }))
    }
    const whole = { start: 0, end: size - 1 }
    const bytes = resuming(repository, digest, whole, Effect.succeed(reply.body), retry.times, fail)
    return {
      descriptor: { mediaType: MediaType.octetStream, digest, size },
      stream: Blob.verified(bytes, { digest, size }, fail)
    }
  })

  const startUpload: Registry["startUpload"] = Effect.fnUntraced(function*(repository, options) {
    const fail = failing("upload", repository)
    yield* checkNames(fail, repository)
    const algorithm = options?.algorithm ?? "sha256"
    return upload.chunked(client, yield* upload.open(client, repository, algorithm, fail), algorithm, fail)
  })

  const putMonolithic = Effect.fnUntraced(function*(
    repository: string,
    digest: Digest.Digest,
    body: Uint8Array | { readonly stream: Stream.Stream<Uint8Array, RegistryError>; readonly length: number },
    fail: Failing
  ) {
    const session = yield* upload.open(client, repository, Digest.algorithm(digest), fail)
    yield* upload.finish(client, session, digest, body, fail)
  }, Effect.scoped)

  const putChunked = Effect.fnUntraced(function*(
    repository: string,
    digest: Digest.Digest,
    content: Stream.Stream<Uint8Array, RegistryError>
  ) {
    const target = yield* startUpload(repository, { algorithm: Digest.algorithm(digest) })
    let offset = 0
    yield* Stream.runForEach(content, (chunk) =>
      Effect.map(target.write(chunk, offset), (next) => {
        offset = next
      }))
    yield* target.commit(digest)
  }, Effect.scoped)

  const pushStream = (
    repository: string,
    { digest, size }: Descriptor,
    content: Stream.Stream<Uint8Array, RegistryError>,
    fail: Failing
  ) =>
    size > client.settings.upload.monolithicBytes
      ? putChunked(repository, digest, content)
      : putMonolithic(repository, digest, { stream: content, length: size }, fail)

  /** Bytes can be sent again from the beginning, which is the only thing that helps with all registries. */
  const pushBytes = (repository: string, { digest, size }: Descriptor, bytes: Uint8Array, fail: Failing) => {
    const inChunks = Effect.suspend(() => putChunked(repository, digest, Stream.succeed(bytes)))
    const atOnce = putMonolithic(repository, digest, bytes, fail).pipe(
      // Proxies in front of registries often take less in one request than the registry itself.
      Effect.catchIf(({ reason }) => reason._tag === "UnexpectedResponse" && reason.status === 413, () => inChunks)
    )
    return Effect.retry(size > client.settings.upload.monolithicBytes ? inChunks : atOnce, {
      while: isTransient,
      times: retry.times,
      schedule: Schedule.exponential(retry.initialMillis).pipe(Schedule.jittered)
    })
  }

  const push = Effect.fnUntraced(function*(
    repository: string,
    descriptor: Descriptor,
    content: Uint8Array | Stream.Stream<Uint8Array, RegistryError>,
    fail: Failing
  ) {
    const stream = content instanceof Uint8Array ? Stream.succeed(content) : content
    const verified = Blob.verified(stream, descriptor, fail)
    if (descriptor.size > smallBytes && !(content instanceof Uint8Array)) {
      return yield* pushStream(repository, descriptor, verified, fail)
    }
    const bytes = yield* Blob.collect(verified, descriptor.size, fail)
    yield* pushBytes(repository, descriptor, content instanceof Uint8Array ? content : bytes, fail)
  })

  const putBlob: Registry["putBlob"] = Effect.fnUntraced(function*(repository, descriptor, content) {
    const fail = failing("putBlob", repository, descriptor.digest)
    yield* checkNames(fail, repository, checkDigest(descriptor.digest))
    if (descriptor.size > limits.blobBytes) {
      return yield* fail(new LimitExceeded({ what: "the size of the blob in bytes", limit: limits.blobBytes }))
    }
    yield* pushing.withLock(`${repository}@${descriptor.digest}`)(
      headBlob(repository, descriptor.digest).pipe(
        Effect.asVoid,
        Effect.catchReason("RegistryError", "NotFound", () => push(repository, descriptor, content, fail))
      )
    )
  })

  const mountBlob: Registry["mountBlob"] = Effect.fnUntraced(function*(repository, from, digest) {
    const fail = failing("mountBlob", repository, digest)
    yield* checkNames(fail, repository, checkRepository(from), checkDigest(digest))
    const scopes = [scope.push(repository), scope.pull(from)]
    const url = client.url(`${repository}/blobs/uploads/`, { mount: digest, from })
    const missing = new NotFound({ kind: "repository", name: from })
    const reply = yield* client.expect({ method: "POST", url, scopes }, fail, missing, 201, 202)
    if (reply.status === 201) return true
    // The registry has opened an upload instead, which is not needed: closing the scope cancels it.
    yield* upload.adopt(client, repository, scopes, reply, fail)
    return false
  }, Effect.scoped)

  const deleteBlob: Registry["deleteBlob"] = Effect.fnUntraced(function*(repository, digest) {
    const fail = failing("deleteBlob", repository, digest)
    yield* checkNames(fail, repository, checkDigest(digest))
    const url = client.url(`${repository}/blobs/${digest}`)
    const missing = new NotFound({ kind: "blob", name: digest })
    const call: Call = { method: "DELETE", url, scopes: [scope.remove(repository)] }
    yield* (yield* client.expect(call, fail, missing, 202, 200, 204)).discard
  }, Effect.scoped)

  return { headBlob, getBlob, putBlob, startUpload, mountBlob, deleteBlob }
}

/** What is no range must not become a header that a registry ignores, and answers with the whole blob. */
const checkRange = (range: ByteRange | undefined, fail: Failing): Effect.Effect<void, RegistryError> =>
  range === undefined || (Number.isSafeInteger(range.start) && range.start >= 0 && range.start <= range.end)
    ? Effect.void
    : Effect.fail(fail(new Malformed({ what: "range", detail: `${range.start}-${range.end}` })))

/** The part of a blob in an answer, whether the registry has heeded the range or sent everything. */
const partOf = Effect.fnUntraced(function*(reply: Reply, range: ByteRange, fail: Failing): Effect.fn.Return<
  Stream.Stream<Uint8Array, RegistryError>,
  RegistryError
> {
  if (reply.status === 200) return skip(reply.body, range.start)
  const header = reply.header("content-range") ?? ""
  const [, start] = /^bytes ([0-9]{1,15})-[0-9]{1,15}\/(?:[0-9]{1,15}|\*)$/.exec(header) ?? []
  if (start === undefined || Number(start) !== range.start) {
    const detail = `expected the bytes from ${range.start} on, got ${replies.printable(header).slice(0, 80)}`
    return yield* fail(new UnexpectedResponse({ status: reply.status, detail }))
  }
  return reply.body
})

const totalOf = (reply: Reply): number | undefined => {
  if (reply.status === 200) return replies.contentLength(reply)
  const [, total] = /\/([0-9]{1,15})$/.exec(reply.header("content-range") ?? "") ?? []
  return total === undefined ? undefined : Number(total)
}

const skip = <E>(stream: Stream.Stream<Uint8Array, E>, bytes: number): Stream.Stream<Uint8Array, E> =>
  Stream.suspend(() => {
    let left = bytes
    return stream.pipe(
      Stream.map((chunk) => {
        const skipped = Math.min(left, chunk.byteLength)
        left -= skipped
        return chunk.subarray(skipped)
      }),
      Stream.filter((chunk) => chunk.byteLength > 0)
    )
  })

/** Exactly so many bytes: what follows is left unread, an early end is an error. */
const bounded = (
  stream: Stream.Stream<Uint8Array, RegistryError>,
  bytes: number,
  fail: Failing
): Stream.Stream<Uint8Array, RegistryError> =>
  Stream.suspend(() => {
    let seen = 0
    const taken = stream.pipe(
      Stream.map((chunk) => {
        const part = chunk.subarray(0, bytes - seen)
        seen += part.byteLength
        return part
      }),
      Stream.takeUntil(() => seen >= bytes)
    )
    const complete = Effect.suspend(() =>
      seen === bytes ? Effect.void : Effect.fail(fail(new SizeMismatch({ expected: bytes, actual: seen })))
    )
    return Stream.concat(taken, Stream.fromEffectDrain(complete))
  })
