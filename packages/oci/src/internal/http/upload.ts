/** Upload sessions: distribution-spec end-4 to end-6, end-13 and end-14, from the client's side. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import { createHash } from "node:crypto"
import type { Descriptor } from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as MediaType from "../../MediaType.ts"
import type { Upload } from "../../Registry.ts"
import {
  DigestMismatch,
  isTransient,
  LimitExceeded,
  Malformed,
  NotFound,
  UnexpectedResponse
} from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { checkDigest, type Failing, orFail } from "../failure.ts"
import type { Call, Client } from "./client.ts"
import * as replies from "./reply.ts"
import * as scope from "./scope.ts"
import * as target from "./target.ts"
import type { Reply, Sent } from "./transport.ts"

/** An upload that the registry has opened. The location is opaque and changes with every answer. */
export interface Session {
  readonly repository: string
  readonly scopes: ReadonlyArray<string>
  readonly chunkBytes: number
  location: URL
  finished: boolean
}

const gone = new NotFound({ kind: "upload", name: "that was begun" })

/** Opens a session, which is cancelled with the scope unless it was finished. */
export const open = Effect.fnUntraced(function*(
  client: Client,
  repository: string,
  algorithm: Digest.Algorithm,
  fail: Failing
): Effect.fn.Return<Session, RegistryError, Scope.Scope> {
  const query = algorithm === "sha256" ? {} : { "digest-algorithm": algorithm }
  const scopes = [scope.push(repository)]
  const call: Call = { method: "POST", url: client.url(`${repository}/blobs/uploads/`, query), scopes }
  const missing = new NotFound({ kind: "repository", name: repository })
  const reply = yield* client.expect(call, fail, missing, 202)
  const minimum = Number(reply.header("oci-chunk-min-length") ?? "0")
  const { chunkBytes } = client.settings.upload
  return yield* adopt(client, repository, scopes, reply, fail, Number.isFinite(minimum) ? minimum : chunkBytes)
})

/** Takes over the session that an answer has opened. */
export const adopt = Effect.fnUntraced(function*(
  client: Client,
  repository: string,
  scopes: ReadonlyArray<string>,
  reply: Reply,
  fail: Failing,
  minimumChunk = 0
): Effect.fn.Return<Session, RegistryError, Scope.Scope> {
  yield* reply.discard
  const { chunkBytes } = client.settings.upload
  const location = yield* locationOf(client, reply, fail)
  const session: Session = {
    repository,
    scopes,
    chunkBytes: Math.min(Math.max(chunkBytes, minimumChunk), 8 * chunkBytes),
    location,
    finished: false
  }
  yield* Effect.addFinalizer(() => session.finished ? Effect.void : cancel(client, session, fail))
  return session
})

/** Where the upload goes on. Another host may be named, but gets no credentials. */
const locationOf = Effect.fnUntraced(function*(client: Client, reply: Reply, fail: Failing) {
  const text = reply.header("location")
  const location = text === undefined ? null : URL.parse(text, reply.url)
  if (location === null) {
    return yield* fail(new Malformed({ what: "Location of an upload", detail: "it is absent or not a URL" }))
  }
  return yield* orFail(target.check(client.settings.registry, location, client.settings), fail)
})

const cancel = (client: Client, session: Session, fail: Failing): Effect.Effect<void> =>
  client.send({ method: "DELETE", url: session.location, scopes: session.scopes, bestEffort: true }, fail).pipe(
    Effect.flatMap((reply) => reply.discard),
    Effect.scoped,
    Effect.ignore
  )

/** PUT: ends the upload with a body, which is all of it unless chunks went before. */
export const finish = Effect.fnUntraced(function*(
  client: Client,
  session: Session,
  digest: Digest.Digest,
  body: Sent["body"],
  fail: Failing
): Effect.fn.Return<void, RegistryError, Scope.Scope> {
  const url = new URL(session.location)
  url.searchParams.set("digest", digest)
  const headers = { "content-type": MediaType.octetStream }
  const call: Call = { method: "PUT", url, scopes: session.scopes, headers, body, repeatable: false }
  const reply = yield* client.expect(call, fail, gone, 201, 204)
  session.finished = true
  yield* reply.discard
  const stored = reply.header("docker-content-digest")
  // Some registries answer with the digest by their own favourite algorithm.
  if (stored !== undefined && stored !== digest && stored.split(":")[0] === Digest.algorithm(digest)) {
    return yield* fail(new DigestMismatch({ expected: digest, actual: replies.printable(stored) }))
  }
})

/** PATCH: sends the chunk that begins at `start`, and makes sure that the registry has neither less nor more. */
const sendChunk = Effect.fnUntraced(function*(
  client: Client,
  session: Session,
  chunk: Uint8Array,
  start: number,
  fail: Failing
): Effect.fn.Return<void, RegistryError> {
  const end = start + chunk.byteLength - 1
  const headers = { "content-type": MediaType.octetStream, "content-range": `${start}-${end}` }
  // The location is looked up for each attempt: asking how far the upload is may have moved it.
  const attempt = Effect.suspend(() => {
    const { location: url, scopes } = session
    const call: Call = { method: "PATCH", url, scopes, headers, body: chunk, repeatable: false }
    return client.expect(call, fail, gone, 202, 201, 204)
  }).pipe(Effect.flatMap((reply) => advance(client, session, reply, end, fail)), Effect.scoped)
  const result = yield* Effect.result(attempt)
  if (Result.isSuccess(result)) return
  if (!isTransient(result.failure)) return yield* result.failure
  // Nobody knows how much of the chunk arrived; only the registry does. It must never get bytes twice.
  const received = yield* receivedBytes(client, session, fail).pipe(Effect.mapError(() => result.failure))
  if (received === end + 1) return
  if (received !== start) return yield* result.failure
  yield* attempt
})

const advance = Effect.fnUntraced(
  function*(client: Client, session: Session, reply: Reply, end: number, fail: Failing) {
    yield* reply.discard
    if (reply.header("location") !== undefined) session.location = yield* locationOf(client, reply, fail)
    const last = lastByte(reply)
    if (last !== undefined && last !== end) {
      const detail = `expected the registry to have the bytes 0-${end}, got 0-${last}`
      return yield* fail(new UnexpectedResponse({ status: reply.status, detail }))
    }
  }
)

const receivedBytes = Effect.fnUntraced(function*(client: Client, session: Session, fail: Failing) {
  const call: Call = { method: "GET", url: session.location, scopes: session.scopes }
  const reply = yield* client.expect(call, fail, gone, 204, 202, 200)
  yield* reply.discard
  if (reply.header("location") !== undefined) session.location = yield* locationOf(client, reply, fail)
  const last = lastByte(reply)
  // "0-0" is also what a registry says that has nothing yet.
  return last === undefined || last === 0 ? 0 : last + 1
}, Effect.scoped)

const lastByte = (reply: Reply): number | undefined => {
  const [, end] = /^(?:bytes=)?0-([0-9]{1,15})$/.exec(reply.header("range") ?? "") ?? []
  return end === undefined ? undefined : Number(end)
}

/** An upload in chunks of equal size, whatever the sizes in which it is written. */
export const chunked = (
  client: Client,
  session: Session,
  algorithm: Digest.Algorithm,
  fail: Failing
): Upload => {
  const hash = createHash(algorithm)
  let pending: Array<Uint8Array> = []
  let pendingBytes = 0
  let sent = 0
  let open = true

  const flush = Effect.suspend(() => {
    const chunk = Buffer.concat(pending)
    return Effect.map(sendChunk(client, session, chunk, sent, fail), () => {
      sent += chunk.byteLength
      pending = []
      pendingBytes = 0
    })
  })

  const write: Upload["write"] = Effect.fnUntraced(function*(chunk, offset) {
    if (!open) return yield* fail(gone)
    const written = sent + pendingBytes
    if (offset !== written) {
      return yield* fail(new Malformed({ what: "upload offset", detail: `${offset}, expected ${written}` }))
    }
    if (written + chunk.byteLength > client.settings.limits.blobBytes) {
      return yield* fail(
        new LimitExceeded({ what: "the size of the blob in bytes", limit: client.settings.limits.blobBytes })
      )
    }
    hash.update(chunk)
    for (let start = 0; start < chunk.byteLength; start += session.chunkBytes) {
      const part = chunk.slice(start, start + session.chunkBytes)
      pending.push(part)
      pendingBytes += part.byteLength
      if (pendingBytes >= session.chunkBytes) yield* flush
    }
    return sent + pendingBytes
  })

  const commit: Upload["commit"] = Effect.fnUntraced(function*(expected) {
    yield* orFail(checkDigest(expected), fail)
    if (!open) return yield* fail(gone)
    if (Digest.algorithm(expected) !== algorithm) {
      return yield* fail(new Malformed({ what: "digest", detail: `the upload was begun for ${algorithm}` }))
    }
    open = false
    const actual = Digest.finish(hash, algorithm)
    if (actual !== expected) return yield* fail(new DigestMismatch({ expected, actual }))
    if (sent === 0) {
      yield* finish(client, session, expected, Buffer.concat(pending), fail)
      return described(expected, pendingBytes)
    }
    if (pendingBytes > 0) yield* flush
    yield* finish(client, session, expected, undefined, fail)
    return described(expected, sent)
  }, Effect.scoped)

  return { write, commit }
}

const described = (digest: Digest.Digest, size: number): Descriptor => ({
  mediaType: MediaType.octetStream,
  digest,
  size
})
