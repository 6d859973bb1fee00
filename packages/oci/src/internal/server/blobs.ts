/** Reading and deleting blobs: distribution-spec end-2 and end-10. */
import * as Effect from "effect/Effect"
import type { Descriptor } from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import type { ByteRange } from "../../Registry.ts"
import { type Answer, type Exchange, isCurrent, streamResponse } from "./exchange.ts"
import { HttpFailure } from "./failure.ts"

const headers = (descriptor: Descriptor, length: number): Record<string, string> => ({
  "content-type": "application/octet-stream",
  "content-length": String(length),
  "docker-content-digest": descriptor.digest,
  etag: `"${descriptor.digest}"`,
  "accept-ranges": "bytes",
  "cache-control": "max-age=31536000"
})

const digestOf = (text: string): Effect.Effect<Digest.Digest, HttpFailure> =>
  Digest.is(text)
    ? Effect.succeed(text)
    : Effect.fail(
      new HttpFailure({ status: 400, code: "DIGEST_INVALID", detail: "expected a sha256 or sha512 digest" })
    )

/** HEAD and GET, with a part of the blob when one range is asked for. */
export const get = Effect.fnUntraced(function*(exchange: Exchange, repository: string, text: string): Effect.fn.Return<
  Response,
  Effect.Error<Answer>
> {
  const { registry, request } = exchange
  const digest = yield* digestOf(text)
  const wholly = request.headers.get("range") === null
  if (request.method === "HEAD" || !wholly || isCurrent(request, digest)) {
    const descriptor = yield* registry.headBlob(repository, digest)
    if (isCurrent(request, digest)) return new Response(null, { status: 304, headers: { etag: `"${digest}"` } })
    if (request.method === "HEAD") return new Response(null, { headers: headers(descriptor, descriptor.size) })
    const range = yield* requestedRange(request, descriptor.size)
    if (range !== undefined) return yield* getPart(exchange, repository, descriptor, range)
  }
  return yield* streamResponse(
    exchange,
    registry.getBlob(repository, digest),
    ({ descriptor }) => ({ headers: headers(descriptor, descriptor.size) })
  )
})

const getPart = (exchange: Exchange, repository: string, descriptor: Descriptor, range: ByteRange) =>
  streamResponse(
    exchange,
    exchange.registry.getBlob(repository, descriptor.digest, { size: descriptor.size, range }),
    () => ({
      status: 206,
      headers: {
        ...headers(descriptor, range.end - range.start + 1),
        "content-range": `bytes ${range.start}-${range.end}/${descriptor.size}`
      }
    })
  )

/** The one range of a `Range` header (RFC 9110); several ranges, or other units, are answered with the whole blob. */
const requestedRange = Effect.fnUntraced(function*(request: Request, size: number): Effect.fn.Return<
  ByteRange | undefined,
  HttpFailure
> {
  const [, from, to] = /^bytes=([0-9]{0,15})-([0-9]{0,15})$/.exec(request.headers.get("range") ?? "") ?? []
  if (from === undefined || to === undefined || (from === "" && to === "")) return undefined
  const start = from === "" ? Math.max(0, size - Number(to)) : Number(from)
  const end = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1)
  if (start > end || start >= size) {
    return yield* new HttpFailure({
      status: 416,
      code: "SIZE_INVALID",
      detail: `the blob has ${size} bytes`,
      headers: { "content-range": `bytes */${size}` }
    })
  }
  return { start, end }
})

/** DELETE. */
export const remove = Effect.fnUntraced(
  function*(exchange: Exchange, repository: string, text: string): Effect.fn.Return<
    Response,
    Effect.Error<Answer>
  > {
    yield* exchange.registry.deleteBlob(repository, yield* digestOf(text))
    return new Response(null, { status: 202, headers: { "content-length": "0" } })
  }
)
