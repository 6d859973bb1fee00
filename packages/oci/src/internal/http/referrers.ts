/** Referrers over HTTP: the API (distribution-spec end-12), and the tag schema where there is none. */
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import type { Descriptor } from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as Manifest from "../../Manifest.ts"
import * as MediaType from "../../MediaType.ts"
import * as ReferrersIndex from "../../Referrers.ts"
import type { Registry } from "../../Registry.ts"
import { LimitExceeded, Malformed, NotFound, UnexpectedResponse } from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { checkDigest, checkNames, type Failing, failing, orFail } from "../failure.ts"
import * as keyedMutex from "../keyedMutex.ts"
import type { Call, Client } from "./client.ts"
import { nextPage } from "./links.ts"
import * as manifests from "./manifestRequests.ts"
import * as replies from "./reply.ts"
import * as scope from "./scope.ts"
import type { Reply } from "./transport.ts"

/** Finding referrers, and keeping the fallback index where the registry does not. */
export interface Referrers {
  readonly referrers: Registry["referrers"]
  /** A manifest with a subject was pushed; `subjectTaken` when the registry said `OCI-Subject`. */
  readonly added: (
    repository: string,
    subject: Digest.Digest,
    manifest: Manifest.Manifest,
    descriptor: Descriptor,
    subjectTaken: boolean,
    fail: Failing
  ) => Effect.Effect<void, RegistryError>
  /** A manifest with a subject was deleted. */
  readonly removed: (
    repository: string,
    subject: Digest.Digest,
    referrer: Digest.Digest,
    fail: Failing
  ) => Effect.Effect<void, RegistryError>
}

interface Change {
  readonly added?: Descriptor
  readonly removed?: Digest.Digest
  readonly done: Deferred.Deferred<void, RegistryError>
}

const zeroDigest = Digest.parse(`sha256:${"0".repeat(64)}`)
const knowledgeMillis = 10 * 60 * 1000
const maximumKnown = 1000
const writeAttempts = 6

/** How many pages of the largest size are kept in memory; of small ones there may be more. */
const largePages = 8

/** The referrers of a client. */
export const make = (client: Client): Referrers => {
  const { limits } = client.settings
  const support = new Map<string, { readonly supported: boolean; readonly until: number }>()
  const pending = new Map<string, Array<Change>>()
  const writing = keyedMutex.make()

  const learn = Effect.fnUntraced(function*(repository: string, supported: boolean) {
    if (support.size >= maximumKnown) support.clear()
    support.set(repository, { supported, until: (yield* Clock.currentTimeMillis) + knowledgeMillis })
  })

  /** All pages of the API; `undefined` when the registry does not have it. */
  const fromApi = Effect.fnUntraced(function*(
    repository: string,
    subject: Digest.Digest,
    artifactType: string | undefined,
    fail: Failing
  ): Effect.fn.Return<ReadonlyArray<Descriptor> | undefined, RegistryError> {
    const path = `${repository}/referrers/${subject}`
    let url: URL | undefined = client.url(path, artifactType === undefined ? {} : { artifactType })
    const found: Array<Descriptor> = []
    let bytes = 0
    for (let page = 0; url !== undefined; page++) {
      if (page >= limits.listPages) return yield* tooManyPages(fail, limits.listPages)
      const result: ApiPage | undefined = yield* Effect.scoped(getPage(repository, url, path, fail))
      if (result === undefined) {
        if (page === 0) return undefined
        return yield* fail(new UnexpectedResponse({ status: 404, detail: "a page of referrers is missing" }))
      }
      bytes += result.bytes
      if (bytes > largePages * limits.manifestBytes) {
        const what = "the size of all lists of referrers in bytes"
        return yield* fail(new LimitExceeded({ what, limit: largePages * limits.manifestBytes }))
      }
      for (const referrer of result.referrers) found.push(referrer)
      url = result.next
    }
    return found
  })

  const getPage = Effect.fnUntraced(function*(repository: string, url: URL, path: string, fail: Failing) {
    const headers = { accept: MediaType.imageIndex }
    const call: Call = { method: "GET", url, headers, scopes: [scope.pull(repository)] }
    const reply: Reply = yield* client.send(call, fail)
    const isIndex = MediaType.essence(reply.header("content-type") ?? "") === MediaType.imageIndex
    if (reply.status === 200 && isIndex) {
      yield* learn(repository, true)
      const bytes = yield* replies.bytes(reply, limits.manifestBytes, "size of the list of referrers", fail)
      const parsed = yield* orFail(Manifest.parse(bytes, MediaType.imageIndex), fail)
      const next = yield* orFail(nextPage(reply, client.url(path)), fail)
      return { referrers: Manifest.children(parsed), bytes: bytes.byteLength, next } satisfies ApiPage
    }
    if (![200, 400, 404, 405, 406].includes(reply.status)) {
      return yield* yield* replies.toError(
        reply,
        fail,
        new NotFound({ kind: "repository", name: repository }),
        yield* Clock.currentTimeMillis
      )
    }
    const { code } = yield* replies.complaint(reply, fail)
    // A repository that is not there says nothing about the API.
    if (code !== "NAME_UNKNOWN") yield* learn(repository, false)
    return undefined
  })

  const hasApi = Effect.fnUntraced(function*(repository: string, fail: Failing) {
    const known = support.get(repository)
    if (known !== undefined && known.until > (yield* Clock.currentTimeMillis)) return known.supported
    const probe = yield* Effect.fromResult(zeroDigest).pipe(Effect.orDie)
    return (yield* fromApi(repository, probe, undefined, fail)) !== undefined
  })

  /** The index behind the fallback tag. */
  const readIndex = Effect.fnUntraced(function*(repository: string, subject: Digest.Digest, fail: Failing) {
    const tag = ReferrersIndex.fallbackTag(subject)
    const result = yield* Effect.result(manifests.fetch(client, repository, tag, fail))
    if (Result.isFailure(result)) {
      return result.failure.reason._tag === "NotFound" ? undefined : yield* result.failure
    }
    // Some registries read the tag as the digest that it is made of, and serve the subject itself.
    if (result.success.descriptor.digest === subject) return undefined
    if (result.success.manifest._tag !== "Index") {
      return yield* fail(new Malformed({ what: "referrers tag", detail: `${tag} is not an index` }))
    }
    return { referrers: result.success.manifest.document.manifests, etag: result.success.etag }
  })

  const referrers: Registry["referrers"] = Effect.fnUntraced(function*(repository, subject, options) {
    const fail = failing("referrers", repository, subject)
    yield* checkNames(fail, repository, checkDigest(subject))
    const known = support.get(repository)
    const now = yield* Clock.currentTimeMillis
    const withoutApi = known?.supported === false && known.until > now
    const found = withoutApi ? undefined : yield* fromApi(repository, subject, options?.artifactType, fail)
    const all = found ?? (yield* readIndex(repository, subject, fail))?.referrers ?? []
    return ReferrersIndex.ofType(ReferrersIndex.merge(all), options?.artifactType)
  })

  /** Changes the index once, and looks whether the change has survived other writers. */
  const writeOnce = Effect.fnUntraced(function*(
    repository: string,
    subject: Digest.Digest,
    changes: ReadonlyArray<Change>,
    fail: Failing
  ): Effect.fn.Return<boolean, RegistryError> {
    const current = yield* readIndex(repository, subject, fail)
    const before = current?.referrers ?? []
    const after = apply(before, changes)
    if (sameDigests(before, after)) return true
    const condition = current === undefined ? { "if-none-match": "*" } : ifMatch(current.etag)
    const index = Manifest.index({ manifests: after })
    const written = yield* Effect.result(
      manifests.put(client, repository, ReferrersIndex.fallbackTag(subject), index, fail, condition)
    )
    if (Result.isFailure(written)) {
      const { reason } = written.failure
      return reason._tag === "UnexpectedResponse" && reason.status === 412 ? false : yield* written.failure
    }
    if (!client.settings.verifyFallback) return true
    // Registries ignore If-Match, so that another process may overwrite the index; measured on docker-registry 2.8:
    // two looks, apart from each other, see every loss among 16 writers.
    for (const [shortest, longest] of [[30, 90], [120, 180]] as const) {
      yield* Effect.sleep(yield* Random.nextBetween(shortest, longest))
      const seen = (yield* readIndex(repository, subject, fail))?.referrers ?? []
      if (!sameDigests(seen, apply(seen, changes))) return false
    }
    return true
  })

  const write = Effect.fnUntraced(function*(
    repository: string,
    subject: Digest.Digest,
    changes: ReadonlyArray<Change>,
    fail: Failing
  ): Effect.fn.Return<void, RegistryError> {
    for (let attempt = 0; attempt < writeAttempts; attempt++) {
      if (yield* writeOnce(repository, subject, changes, fail)) return
    }
    return yield* fail(
      new UnexpectedResponse({
        status: 409,
        detail: `the index behind ${ReferrersIndex.fallbackTag(subject)} is overwritten by other writers`
      })
    )
  })

  /** Changes of one index that come at the same time are written together, by whoever comes first. */
  const change = Effect.fnUntraced(function*(
    repository: string,
    subject: Digest.Digest,
    what: Omit<Change, "done">,
    fail: Failing
  ): Effect.fn.Return<void, RegistryError> {
    const key = `${repository}@${subject}`
    const own: Change = { ...what, done: yield* Deferred.make<void, RegistryError>() }
    pending.set(key, [...(pending.get(key) ?? []), own])
    yield* writing.withLock(key)(
      Effect.suspend(() => {
        const batch = pending.get(key) ?? []
        if (!batch.includes(own)) return Effect.void
        pending.delete(key)
        return write(repository, subject, batch, fail).pipe(
          Effect.onExit((exit) => {
            if (!Exit.hasInterrupts(exit)) {
              return Effect.forEach(batch, ({ done }) => Deferred.done(done, exit), { discard: true })
            }
            // The others wait for the lock and will write their changes themselves.
            const others = batch.filter((other) => other !== own)
            pending.set(key, [...others, ...(pending.get(key) ?? [])])
            return Effect.void
          }),
          Effect.ignore
        )
      })
    )
    yield* Deferred.await(own.done)
  })

  return {
    referrers,
    added: Effect.fnUntraced(function*(repository, subject, manifest, descriptor, subjectTaken, fail) {
      // OCI-Subject alone is not enough: there are registries that say it and lack the API.
      if (subjectTaken && (yield* hasApi(repository, fail))) return
      yield* change(repository, subject, { added: ReferrersIndex.describe(manifest, descriptor) }, fail)
    }),
    removed: Effect.fnUntraced(function*(repository, subject, referrer, fail) {
      if (yield* hasApi(repository, fail)) return
      yield* change(repository, subject, { removed: referrer }, fail)
    })
  }
}

interface ApiPage {
  readonly referrers: ReadonlyArray<Descriptor>
  readonly bytes: number
  readonly next: URL | undefined
}

const tooManyPages = (fail: Failing, limit: number) =>
  fail(new UnexpectedResponse({ status: 200, detail: `the list has more than ${limit} pages` }))

const ifMatch = (etag: string | undefined): Record<string, string> => etag === undefined ? {} : { "if-match": etag }

const apply = (list: ReadonlyArray<Descriptor>, changes: ReadonlyArray<Change>): ReadonlyArray<Descriptor> => {
  const removed = new Set(changes.flatMap(({ removed }) => removed === undefined ? [] : [removed]))
  const added = changes.flatMap(({ added }) => added === undefined ? [] : [added])
  return ReferrersIndex.merge(ReferrersIndex.without(list, removed), added)
}

const sameDigests = (left: ReadonlyArray<Descriptor>, right: ReadonlyArray<Descriptor>): boolean => {
  const digests = new Set(left.map(({ digest }) => digest))
  return left.length === right.length && right.every(({ digest }) => digests.has(digest))
}
