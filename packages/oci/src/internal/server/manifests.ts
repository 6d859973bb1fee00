/** Manifests, tags, referrers and the catalog: distribution-spec end-3, end-7 to end-9 and end-12. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Blob from "../../Blob.ts"
import type { Descriptor } from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as Manifest from "../../Manifest.ts"
import * as MediaType from "../../MediaType.ts"
import { failing } from "../failure.ts"
import { ascending } from "../paging.ts"
import { type Answer, type Exchange, isCurrent, nextLink, pageOptions, requestBytes } from "./exchange.ts"
import { HttpFailure } from "./failure.ts"

type Answering = Effect.fn.Return<Response, Effect.Error<Answer>>

/** How many referrers a page holds, so that the index stays below the 4 MiB that clients read. */
const referrersPage = 1000

/** HEAD and GET. */
export const get = Effect.fnUntraced(function*(
  { registry, request }: Exchange,
  repository: string,
  reference: string
): Answering {
  if (request.method === "HEAD") return answer(request, yield* registry.resolve(repository, reference), null)
  const { bytes, descriptor } = yield* registry.getManifest(repository, reference)
  return answer(request, descriptor, bytes)
})

const answer = (request: Request, { digest, mediaType, size }: Descriptor, bytes: Uint8Array | null): Response => {
  const headers = { "docker-content-digest": digest, etag: `"${digest}"` }
  if (isCurrent(request, digest)) return new Response(null, { status: 304, headers })
  return new Response(bytes === null ? null : bytes.slice(), {
    headers: { ...headers, "content-type": mediaType, "content-length": String(size) }
  })
}

/** PUT by tag, or by digest with any number of tags beside it. */
export const put = Effect.fnUntraced(function*(exchange: Exchange, repository: string, reference: string): Answering {
  const bytes = yield* Blob.collect(
    requestBytes(exchange),
    Manifest.maximumPushBytes,
    failing("putManifest", repository, reference)
  ).pipe(
    Effect.catchReason("RegistryError", "LimitExceeded", () => tooLarge)
  )
  const mediaType = MediaType.essence(exchange.request.headers.get("content-type") ?? "")
  const byDigest = reference.includes(":")
  const tags = byDigest ? exchange.url.searchParams.getAll("tag").slice(0, 100) : [reference]
  const digest = byDigest ? yield* digestOf(reference) : undefined
  const descriptor = yield* exchange.registry.putManifest(repository, { mediaType, bytes }, { tags, digest }).pipe(
    // A part that is missing is the client's omission, not a missing resource.
    Effect.catchReason(
      "RegistryError",
      "NotFound",
      ({ message }) => new HttpFailure({ status: 400, code: "MANIFEST_BLOB_UNKNOWN", detail: message })
    )
  )
  const subject = Result.getOrUndefined(Manifest.parse(bytes, mediaType))?.document.subject
  return new Response(null, {
    status: 201,
    headers: {
      location: `/v2/${repository}/manifests/${descriptor.digest}`,
      "docker-content-digest": descriptor.digest,
      "content-length": "0",
      ...(subject === undefined ? {} : { "oci-subject": subject.digest }),
      ...(byDigest && tags.length > 0 ? { "oci-tag": tags.join(", ") } : {})
    }
  })
})

const tooLarge = new HttpFailure({
  status: 413,
  code: "MANIFEST_INVALID",
  detail: `a manifest may have ${Manifest.maximumPushBytes} bytes`
})

/** DELETE of a manifest, or of one tag. */
export const remove = Effect.fnUntraced(function*(
  { registry }: Exchange,
  repository: string,
  reference: string
): Answering {
  yield* registry.deleteManifest(repository, reference)
  return new Response(null, { status: 202, headers: { "content-length": "0" } })
})

/** GET of a repository's tags. */
export const tags = Effect.fnUntraced(function*({ registry, url }: Exchange, repository: string): Answering {
  const page = yield* registry.listTags(repository, yield* pageOptions(url))
  return Response.json({ name: repository, tags: page.names }, { headers: nextLink(url, page.next) })
})

/** GET of the repositories. */
export const catalog = Effect.fnUntraced(function*({ registry, url }: Exchange): Answering {
  const page = yield* registry.listRepositories(yield* pageOptions(url))
  return Response.json({ repositories: page.names }, { headers: nextLink(url, page.next) })
})

/** GET of a manifest's referrers: an index in pages, in the order of digests. */
export const referrers = Effect.fnUntraced(function*(
  { registry, url }: Exchange,
  repository: string,
  text: string
): Answering {
  const subject = yield* digestOf(text)
  const artifactType = url.searchParams.get("artifactType") ?? undefined
  const last = url.searchParams.get("last") ?? ""
  const all = yield* registry.referrers(repository, subject, { artifactType })
  const following = all.filter(({ digest }) => digest > last).sort((a, b) => ascending(a.digest, b.digest))
  const manifests = following.slice(0, referrersPage)
  const next = following.length > manifests.length ? manifests.at(-1)?.digest : undefined
  return new Response(Manifest.index({ manifests }).bytes.slice(), {
    headers: {
      "content-type": MediaType.imageIndex,
      ...(artifactType === undefined ? {} : { "oci-filters-applied": "artifactType" }),
      ...nextLink(url, next)
    }
  })
})

const digestOf = (text: string): Effect.Effect<Digest.Digest, HttpFailure> =>
  Digest.is(text)
    ? Effect.succeed(text)
    : Effect.fail(
      new HttpFailure({ status: 400, code: "DIGEST_INVALID", detail: "expected a sha256 or sha512 digest" })
    )
