/** The two requests that everything about manifests is made of: GET and PUT, checked. */
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import type * as Descriptor from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as Manifest from "../../Manifest.ts"
import * as MediaType from "../../MediaType.ts"
import type { RawManifest } from "../../Registry.ts"
import { DigestMismatch, NotFound } from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { type Failing, orFail, unknownReference } from "../failure.ts"
import type { Call, Client } from "./client.ts"
import * as replies from "./reply.ts"
import * as scope from "./scope.ts"
import type { Reply } from "./transport.ts"

/** Without `Accept` some registries say that an OCI manifest does not exist. */
export const accept = [
  MediaType.imageIndex,
  MediaType.imageManifest,
  MediaType.dockerManifestList,
  MediaType.dockerManifest
].join(", ")

/** A manifest, parsed as the type that it was served as. */
export interface Fetched extends RawManifest {
  readonly manifest: Manifest.Manifest
  readonly etag: string | undefined
}

/** Fetches a manifest and proves that it is what was asked for. */
export const fetch = Effect.fnUntraced(function*(
  client: Client,
  repository: string,
  reference: string,
  fail: Failing
): Effect.fn.Return<Fetched, RegistryError, Scope.Scope> {
  const url = client.url(`${repository}/manifests/${reference}`)
  const call: Call = { method: "GET", url, headers: { accept }, scopes: [scope.pull(repository)] }
  const reply = yield* client.expect(call, fail, unknownReference(reference), 200)
  const { manifestBytes } = client.settings.limits
  const bytes = yield* replies.bytes(reply, manifestBytes, "size of the manifest", fail)
  const expected = Digest.is(reference) ? reference : yield* announcedDigest(reply, fail)
  const actual = Digest.ofBytes(bytes, expected === undefined ? "sha256" : Digest.algorithm(expected))
  if (expected !== undefined && actual !== expected) return yield* fail(new DigestMismatch({ expected, actual }))
  const mediaType = MediaType.essence(reply.header("content-type") ?? "")
  const manifest = yield* orFail(Manifest.parse(bytes, mediaType, { maximumBytes: manifestBytes }), fail)
  const descriptor = { mediaType, digest: actual, size: bytes.byteLength }
  return { bytes, manifest, descriptor, etag: reply.header("etag") }
}, Effect.scoped)

/** The digest that a registry announces; one that is no digest at all is an error rather than no answer. */
export const announcedDigest = (
  reply: Reply,
  fail: Failing
): Effect.Effect<Digest.Digest | undefined, RegistryError> => {
  const text = reply.header("docker-content-digest")
  if (text === undefined) return Effect.undefined
  return Digest.is(text)
    ? Effect.succeed(text)
    : Effect.fail(fail(new DigestMismatch({ expected: "a digest", actual: replies.printable(text).slice(0, 160) })))
}

/** PUT of a manifest's bytes under one tag or digest. */
export const put = Effect.fnUntraced(function*(
  client: Client,
  repository: string,
  reference: string,
  manifest: { readonly bytes: Uint8Array; readonly descriptor: Descriptor.Descriptor },
  fail: Failing,
  condition?: Readonly<Record<string, string>>
): Effect.fn.Return<Reply, RegistryError, Scope.Scope> {
  const { digest, mediaType } = manifest.descriptor
  const url = client.url(`${repository}/manifests/${reference}`)
  const headers = { "content-type": mediaType, ...condition }
  const call: Call = { method: "PUT", url, headers, body: manifest.bytes, scopes: [scope.push(repository)] }
  const missing = new NotFound({ kind: "repository", name: repository })
  const reply = yield* client.expect(call, fail, missing, 201, 200, 202, 204)
  const stored = reply.header("docker-content-digest")
  if (stored !== undefined && stored !== digest && stored.split(":")[0] === Digest.algorithm(digest)) {
    return yield* fail(new DigestMismatch({ expected: digest, actual: replies.printable(stored).slice(0, 160) }))
  }
  yield* reply.discard
  return reply
}, Effect.scoped)
