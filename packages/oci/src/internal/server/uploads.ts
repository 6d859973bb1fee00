/** Pushing blobs: distribution-spec end-4 to end-6, end-11, end-13 and end-14. */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Digest from "../../Digest.ts"
import { type Answer, type Exchange, requestBytes } from "./exchange.ts"
import { HttpFailure } from "./failure.ts"
import type { Session } from "./sessions.ts"

const created = (repository: string, digest: string): Response =>
  new Response(null, {
    status: 201,
    headers: { location: `/v2/${repository}/blobs/${digest}`, "docker-content-digest": digest, "content-length": "0" }
  })

/** Where the upload goes on, and how much of it is here. Nothing yet is `0-0`, for want of a better form. */
const progress = (session: Session): Record<string, string> => ({
  location: `/v2/${session.repository}/blobs/uploads/${session.id}`,
  range: `0-${Math.max(0, session.offset - 1)}`,
  "docker-upload-uuid": session.id
})

const accepted = (session: Session): Response =>
  new Response(null, { status: 202, headers: { ...progress(session), "content-length": "0" } })

/** POST: mounts, takes all at once, or opens a session. */
export const start = Effect.fnUntraced(function*(exchange: Exchange, repository: string): Effect.fn.Return<
  Response,
  Effect.Error<Answer>
> {
  const query = exchange.url.searchParams
  const mount = query.get("mount")
  if (mount !== null && (yield* mountFrom(exchange, repository, mount, query.get("from")))) {
    return created(repository, mount)
  }
  const digest = query.get("digest")
  const wanted = digest === null ? query.get("digest-algorithm") ?? "sha256" : yield* digestOf(digest)
  const algorithm = Digest.is(wanted) ? Digest.algorithm(wanted) : wanted
  if (algorithm !== "sha256" && algorithm !== "sha512") {
    return yield* new HttpFailure({
      status: 400,
      code: "DIGEST_INVALID",
      detail: `expected the algorithm sha256 or sha512, got ${JSON.stringify(algorithm.slice(0, 40))}`
    })
  }
  const session = yield* exchange.sessions.start(repository, algorithm)
  return digest === null
    ? accepted(session)
    : yield* exchange.sessions.withSession(repository, session.id, (session) => finish(exchange, session)).pipe(
      // Nobody was told where it is, so that nobody can go on with it.
      Effect.onError(() => exchange.sessions.close(session))
    )
})

const mountFrom = Effect.fnUntraced(function*(
  { registry }: Exchange,
  repository: string,
  mount: string,
  from: string | null
) {
  const digest = yield* digestOf(mount)
  if (from !== null) return yield* registry.mountBlob(repository, from, digest)
  // Without a source, only what the repository holds itself: another one's content would be revealed.
  return yield* Effect.map(Effect.exit(registry.headBlob(repository, digest)), Exit.isSuccess)
})

/** PATCH: appends a chunk. */
export const append = (exchange: Exchange, repository: string, id: string): Answer =>
  exchange.sessions.withSession(
    repository,
    id,
    (session) => Effect.as(write(exchange, session), session).pipe(Effect.map(accepted))
  )

/** PUT: appends what is left and ends the upload. */
export const complete = (exchange: Exchange, repository: string, id: string): Answer =>
  exchange.sessions.withSession(repository, id, (session) => finish(exchange, session))

const finish = Effect.fnUntraced(function*(exchange: Exchange, session: Session) {
  const digest = yield* digestOf(exchange.url.searchParams.get("digest") ?? "")
  yield* write(exchange, session)
  yield* session.upload.commit(digest).pipe(Effect.onExit(() => exchange.sessions.close(session)))
  return created(session.repository, digest)
})

/** GET: how far the upload is. */
export const status = ({ sessions }: Exchange, repository: string, id: string): Answer =>
  sessions.withSession(
    repository,
    id,
    (session) => Effect.succeed(new Response(null, { status: 204, headers: progress(session) }))
  )

/** DELETE: gives the upload up. */
export const cancel = ({ sessions }: Exchange, repository: string, id: string): Answer =>
  sessions.withSession(
    repository,
    id,
    (session) => Effect.as(sessions.close(session), new Response(null, { status: 204 }))
  )

const digestOf = (text: string): Effect.Effect<Digest.Digest, HttpFailure> =>
  Digest.is(text)
    ? Effect.succeed(text)
    : Effect.fail(
      new HttpFailure({ status: 400, code: "DIGEST_INVALID", detail: "expected a sha256 or sha512 digest" })
    )

/** Appends the body. What arrived before it broke off stays, so that a client can resume. */
const write = Effect.fnUntraced(function*(exchange: Exchange, session: Session) {
  const announced = yield* chunkRange(exchange.request, session)
  const end = announced === undefined ? exchange.maximumBlobBytes : announced.end + 1
  yield* Stream.runForEach(requestBytes(exchange), (chunk) =>
    Effect.gen(function*() {
      if (session.offset + chunk.byteLength > exchange.maximumBlobBytes) return yield* tooLarge(exchange)
      if (session.offset + chunk.byteLength > end) return yield* wrongSize
      session.offset = yield* session.upload.write(chunk, session.offset)
    }))
  if (announced !== undefined && session.offset !== end) return yield* wrongSize
})

const tooLarge = ({ maximumBlobBytes }: Exchange) =>
  new HttpFailure({ status: 413, code: "SIZE_INVALID", detail: `a blob may have ${maximumBlobBytes} bytes` })

const wrongSize = new HttpFailure({
  status: 400,
  code: "SIZE_INVALID",
  detail: "the body does not have the length of its Content-Range"
})

/** The `Content-Range` of a chunk: `start-end` without a unit, both inclusive; it must go on where the upload is. */
const chunkRange = Effect.fnUntraced(function*(request: Request, session: Session) {
  const header = request.headers.get("content-range")
  if (header === null) return undefined
  const [, start, end] = /^(?:bytes )?([0-9]{1,15})-([0-9]{1,15})(?:\/\*)?$/.exec(header) ?? []
  const outOfOrder = (detail: string) =>
    new HttpFailure({ status: 416, code: "BLOB_UPLOAD_INVALID", detail, headers: progress(session) })
  if (start === undefined || end === undefined || Number(end) < Number(start)) {
    return yield* outOfOrder("expected a Content-Range of the form start-end")
  }
  if (Number(start) !== session.offset) return yield* outOfOrder(`expected a chunk at ${session.offset}, got ${start}`)
  return { end: Number(end) }
})
