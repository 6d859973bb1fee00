/**
 * The quirks of docker-registry 2.8 (`distribution`), measured on Debian's 2.8.2, for clients to be tested against
 * where it is not installed.
 *
 * @since 0.1.0
 */
import * as MediaType from "../MediaType.ts"
import type { Handler } from "./Fault.ts"

const notFound = (): Response =>
  new Response("404 page not found\n", { status: 404, headers: { "content-type": "text/plain; charset=utf-8" } })

const failure = (status: number, code: string): Response =>
  Response.json({ errors: [{ code, message: code.toLowerCase() }] }, { status })

/**
 * Makes a handler behave like docker-registry 2.8: no referrers API and no `OCI-Subject`, tags unsorted, unpaged and
 * `null`, no deletion of tags, no OCI manifest without `Accept`, `Content-Range` and `?tag=` ignored, no upload in one
 * POST, no memory of uploads that broke off.
 *
 * @category combinators
 * @since 0.1.0
 */
export const imitate = (handler: Handler): Handler => async (request) => {
  const url = new URL(request.url)
  const path = url.pathname
  if (path.includes("/referrers/")) return notFound()
  if (path.endsWith("/tags/list")) return unsortedTags(await handler(new Request(`${url.origin}${path}`, request)))
  if (path.includes("/manifests/")) return manifests(handler, request, url)
  if (path.includes("/blobs/uploads/")) return uploads(handler, request, url)
  return handler(request)
}

const unsortedTags = async (response: Response): Promise<Response> => {
  if (response.status !== 200) return response
  const list: { readonly name: string; readonly tags: ReadonlyArray<string> } = await response.json()
  const tags = list.tags.length === 0 ? null : [...list.tags].reverse()
  return Response.json({ name: list.name, tags })
}

const manifests = async (handler: Handler, request: Request, url: URL): Promise<Response> => {
  const isDigest = url.pathname.slice(url.pathname.lastIndexOf("/")).includes(":")
  if (request.method === "DELETE" && !isDigest) return failure(400, "DIGEST_INVALID")
  if (request.method === "PUT") {
    url.searchParams.delete("tag")
    const headers = new Headers(request.headers)
    headers.delete("if-match")
    const response = await handler(withUrl(request, url, headers))
    if (response.status === 413) return failure(400, "MANIFEST_INVALID")
    return withoutHeaders(response, "oci-subject", "oci-tag")
  }
  const response = await handler(request)
  const type = response.headers.get("content-type") ?? ""
  const accept = request.headers.get("accept") ?? ""
  const isHidden = response.status === 200 && !accept.includes(type) && type !== MediaType.dockerManifest
  return isHidden ? failure(404, "MANIFEST_UNKNOWN") : response
}

const uploads = async (handler: Handler, request: Request, url: URL): Promise<Response> => {
  if (request.method === "GET") return failure(404, "BLOB_UPLOAD_INVALID")
  const headers = new Headers(request.headers)
  headers.delete("content-range")
  if (request.method !== "POST" || !url.searchParams.has("digest")) {
    return handler(withUrl(request, url, headers))
  }
  url.searchParams.delete("digest")
  return handler(withUrl(request, url, headers))
}

const withUrl = (request: Request, url: URL, headers: Headers): Request => {
  const { method } = request
  if (request.body === null) return new Request(url, { method, headers })
  const init: RequestInit & { readonly duplex: "half" } = { method, headers, body: request.body, duplex: "half" }
  return new Request(url, init)
}

const withoutHeaders = (response: Response, ...names: ReadonlyArray<string>): Response => {
  const headers = new Headers(response.headers)
  for (const name of names) headers.delete(name)
  return new Response(response.body, { status: response.status, headers })
}
