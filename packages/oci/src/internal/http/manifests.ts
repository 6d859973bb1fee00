/** Manifests over HTTP: distribution-spec end-3, end-7 and end-9. */
import * as Effect from "effect/Effect"
import * as Digest from "../../Digest.ts"
import * as MediaType from "../../MediaType.ts"
import type { Registry } from "../../Registry.ts"
import { DigestMismatch, Unsupported } from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { admit } from "../admission.ts"
import { checkNames, checkReference, type Failing, failing, unknownReference } from "../failure.ts"
import type { Call, Client } from "./client.ts"
import { accept, announcedDigest, fetch, put } from "./manifestRequests.ts"
import type { Referrers } from "./referrers.ts"
import * as replies from "./reply.ts"
import * as scope from "./scope.ts"

type Manifests = Pick<Registry, "resolve" | "getManifest" | "putManifest" | "deleteManifest">

/** The manifest operations of a client. */
export const make = (client: Client, referrers: Referrers): Manifests => {
  const getManifest: Registry["getManifest"] = Effect.fnUntraced(function*(repository, reference) {
    const fail = failing("getManifest", repository, reference)
    yield* checkNames(fail, repository, checkReference(reference))
    const { bytes, descriptor } = yield* fetch(client, repository, reference, fail)
    return { bytes, descriptor }
  })

  const resolve: Registry["resolve"] = Effect.fnUntraced(function*(repository, reference) {
    const fail = failing("resolve", repository, reference)
    yield* checkNames(fail, repository, checkReference(reference))
    const url = client.url(`${repository}/manifests/${reference}`)
    const call: Call = { method: "HEAD", url, headers: { accept }, scopes: [scope.pull(repository)] }
    const reply = yield* client.expect(call, fail, unknownReference(reference), 200)
    const digest = yield* announcedDigest(reply, fail)
    const size = replies.contentLength(reply)
    const mediaType = MediaType.essence(reply.header("content-type") ?? "")
    const known = Digest.is(reference) ? reference : digest
    if (digest !== undefined && known !== undefined && digest !== known) {
      if (Digest.algorithm(digest) === Digest.algorithm(known)) {
        return yield* fail(new DigestMismatch({ expected: known, actual: digest }))
      }
    }
    // A head that does not say everything is no answer: fetch and hash.
    return digest === undefined || known === undefined || size === undefined || !MediaType.isManifest(mediaType)
      ? (yield* fetch(client, repository, reference, fail)).descriptor
      : { mediaType, digest: known, size }
  }, Effect.scoped)

  const putManifest: Registry["putManifest"] = Effect.fnUntraced(function*(repository, input, options) {
    const fail = failing("putManifest", repository, options?.tags?.[0] ?? options?.digest)
    const admitted = yield* admit(fail, repository, input, options ?? {}, undefined)
    const { descriptor } = admitted
    const tags = options?.tags ?? []
    // A tag alone would make the registry choose the algorithm.
    const byDigest = tags.length === 0 || Digest.algorithm(descriptor.digest) !== "sha256"
    const references = byDigest ? [descriptor.digest, ...tags] : tags
    let subjectTaken = false
    for (const reference of references) {
      const reply = yield* put(client, repository, reference, admitted, fail)
      subjectTaken ||= reply.header("oci-subject") !== undefined
    }
    const { subject } = admitted.manifest.document
    if (subject !== undefined) {
      yield* referrers.added(repository, subject.digest, admitted.manifest, descriptor, subjectTaken, fail)
    }
    return descriptor
  })

  const deleteManifest: Registry["deleteManifest"] = Effect.fnUntraced(function*(repository, reference) {
    const fail = failing("deleteManifest", repository, reference)
    yield* checkNames(fail, repository, checkReference(reference))
    const subject = Digest.is(reference)
      ? (yield* fetch(client, repository, reference, fail)).manifest.document.subject
      : undefined
    const url = client.url(`${repository}/manifests/${reference}`)
    const call: Call = { method: "DELETE", url, scopes: [scope.remove(repository)] }
    const reply = yield* client.expect(call, fail, unknownReference(reference), 202, 200, 204).pipe(
      Effect.mapError((error) => Digest.is(reference) ? error : tagDeletionRefused(error, fail))
    )
    yield* reply.discard
    if (subject !== undefined && Digest.is(reference)) {
      yield* referrers.removed(repository, subject.digest, reference, fail)
    }
  }, Effect.scoped)

  return { resolve, getManifest, putManifest, deleteManifest }
}

/** docker-registry 2.8 answers DIGEST_INVALID to the deletion of a tag, others UNSUPPORTED or 405. */
const tagDeletionRefused = (error: RegistryError, fail: Failing): RegistryError =>
  error.reason._tag === "Unsupported" || (error.reason._tag === "UnexpectedResponse" && error.reason.status === 400)
    ? fail(new Unsupported({ operation: "the deletion of a tag; delete the manifest by its digest" }))
    : error
