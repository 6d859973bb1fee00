/**
 * A registry in memory: for tests, for dry runs, and as what a server serves that keeps nothing.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Blob from "./Blob.ts"
import type { Descriptor } from "./Descriptor.ts"
import * as Digest from "./Digest.ts"
import { admit, type Admitted, type Holdings } from "./internal/admission.ts"
import {
  checkDigest,
  checkNames,
  checkReference,
  checkRepository,
  failing,
  orFail,
  unknownReference
} from "./internal/failure.ts"
import type { Failing } from "./internal/failure.ts"
import { page } from "./internal/paging.ts"
import * as MediaType from "./MediaType.ts"
import * as Referrers from "./Referrers.ts"
import type { BlobContent, ByteRange, Registry, Upload } from "./Registry.ts"
import { DigestMismatch, LimitExceeded, Malformed, NotFound, SizeMismatch } from "./RegistryError.ts"
import type { RegistryError } from "./RegistryError.ts"

/**
 * What a memory registry accepts.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Takes manifests whose parts are not there, as the specification allows. Default `false`. */
  readonly allowSparse?: boolean | undefined
  /** The largest blob in bytes. Default 1 GiB. */
  readonly maximumBlobBytes?: number | undefined
}

interface Repository {
  readonly blobs: Map<Digest.Digest, Uint8Array>
  readonly manifests: Map<Digest.Digest, Admitted>
  readonly tags: Map<string, Digest.Digest>
}

/**
 * Makes an empty registry.
 *
 * @example
 * ```ts
 * import { Artifact, MemoryRegistry } from "@lamina/oci"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const registry = yield* MemoryRegistry.make()
 *   yield* Artifact.push(registry, "demo/app", { artifactType: "application/vnd.example", tags: ["v1"] })
 *   return (yield* registry.listTags("demo/app")).names
 * })
 *
 * console.log(await Effect.runPromise(program)) // => [ "v1" ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options?: Options): Effect.Effect<Registry> => Effect.sync(() => makeUnsafe(options ?? {}))

const makeUnsafe = (options: Options): Registry => {
  const repositories = new Map<string, Repository>()
  const maximumBlobBytes = options.maximumBlobBytes ?? 1024 * 1024 * 1024

  const find = (fail: Failing, name: string): Effect.Effect<Repository, RegistryError> => {
    const repository = repositories.get(name)
    return repository === undefined
      ? Effect.fail(fail(new NotFound({ kind: "repository", name })))
      : Effect.succeed(repository)
  }
  const create = (name: string): Repository => {
    const repository = repositories.get(name) ?? { blobs: new Map(), manifests: new Map(), tags: new Map() }
    repositories.set(name, repository)
    return repository
  }

  const findBlob = Effect.fnUntraced(function*(operation: string, name: string, digest: Digest.Digest) {
    const fail = failing(operation, name, digest)
    yield* checkNames(fail, name, checkDigest(digest))
    const bytes = repositories.get(name)?.blobs.get(digest)
    return bytes ?? (yield* fail(new NotFound({ kind: "blob", name: digest })))
  })

  const findManifest = Effect.fnUntraced(function*(operation: string, name: string, reference: string) {
    const fail = failing(operation, name, reference)
    yield* checkNames(fail, name, checkReference(reference))
    const repository = repositories.get(name)
    const digest = Digest.is(reference) ? reference : repository?.tags.get(reference)
    const found = digest === undefined ? undefined : repository?.manifests.get(digest)
    return found ?? (yield* fail(unknownReference(reference)))
  })

  const headBlob: Registry["headBlob"] = Effect.fnUntraced(function*(repository, digest) {
    return describe(digest, yield* findBlob("headBlob", repository, digest))
  })

  const getBlob: Registry["getBlob"] = Effect.fnUntraced(function*(repository, digest, options) {
    const bytes = yield* findBlob("getBlob", repository, digest)
    return yield* open(failing("getBlob", repository, digest), digest, bytes, options)
  })

  const startUpload: Registry["startUpload"] = Effect.fnUntraced(function*(repository) {
    const fail = failing("upload", repository)
    yield* checkNames(fail, repository)
    return makeUpload(fail, maximumBlobBytes, (digest, bytes) => create(repository).blobs.set(digest, bytes))
  })

  const putBlob: Registry["putBlob"] = Effect.fnUntraced(function*(repository, descriptor, content) {
    const fail = failing("putBlob", repository, descriptor.digest)
    yield* checkNames(fail, repository, checkDigest(descriptor.digest))
    if (repositories.get(repository)?.blobs.has(descriptor.digest) === true) return
    if (descriptor.size > maximumBlobBytes) {
      return yield* fail(new LimitExceeded({ what: "the size of the blob in bytes", limit: maximumBlobBytes }))
    }
    const stream = content instanceof Uint8Array ? Stream.succeed(content) : content
    const bytes = yield* Blob.collect(Blob.verified(stream, descriptor, fail), descriptor.size, fail)
    create(repository).blobs.set(descriptor.digest, bytes)
  })

  const mountBlob: Registry["mountBlob"] = Effect.fnUntraced(function*(repository, from, digest) {
    yield* checkNames(
      failing("mountBlob", repository, digest),
      repository,
      checkRepository(from),
      checkDigest(digest)
    )
    const bytes = repositories.get(from)?.blobs.get(digest)
    if (bytes === undefined) return false
    create(repository).blobs.set(digest, bytes)
    return true
  })

  const deleteBlob: Registry["deleteBlob"] = Effect.fnUntraced(function*(repository, digest) {
    yield* findBlob("deleteBlob", repository, digest)
    repositories.get(repository)?.blobs.delete(digest)
  })

  const holdings = (name: string): Holdings => ({
    hasBlob: ({ digest }) => Effect.sync(() => repositories.get(name)?.blobs.has(digest) === true),
    hasManifest: ({ digest }) => Effect.sync(() => repositories.get(name)?.manifests.has(digest) === true)
  })

  const putManifest: Registry["putManifest"] = Effect.fnUntraced(function*(name, input, putOptions) {
    const fail = failing("putManifest", name, putOptions?.tags?.[0])
    const parts = options.allowSparse === true ? undefined : holdings(name)
    const admitted = yield* admit(fail, name, input, putOptions ?? {}, parts)
    const repository = create(name)
    repository.manifests.set(admitted.descriptor.digest, admitted)
    for (const tag of putOptions?.tags ?? []) repository.tags.set(tag, admitted.descriptor.digest)
    return admitted.descriptor
  })

  const deleteManifest: Registry["deleteManifest"] = Effect.fnUntraced(function*(name, reference) {
    const { descriptor } = yield* findManifest("deleteManifest", name, reference)
    const repository = create(name)
    if (!Digest.is(reference)) {
      repository.tags.delete(reference)
      return
    }
    repository.manifests.delete(descriptor.digest)
    for (const [tag, digest] of repository.tags) {
      if (digest === descriptor.digest) repository.tags.delete(tag)
    }
  })

  return {
    headBlob,
    getBlob,
    putBlob,
    startUpload,
    mountBlob,
    deleteBlob,
    putManifest,
    deleteManifest,
    resolve: Effect.fnUntraced(function*(repository, reference) {
      return (yield* findManifest("resolve", repository, reference)).descriptor
    }),
    getManifest: Effect.fnUntraced(function*(repository, reference) {
      const { bytes, descriptor } = yield* findManifest("getManifest", repository, reference)
      return { bytes, descriptor }
    }),
    listTags: Effect.fnUntraced(function*(name, options) {
      const fail = failing("listTags", name)
      yield* checkNames(fail, name)
      return page((yield* find(fail, name)).tags.keys(), options)
    }),
    referrers: Effect.fnUntraced(function*(name, subject, options) {
      yield* checkNames(failing("referrers", name, subject), name, checkDigest(subject))
      const manifests = [...(repositories.get(name)?.manifests.values() ?? [])]
      return Referrers.ofType(
        manifests.filter(({ manifest }) => manifest.document.subject?.digest === subject)
          .map(({ descriptor, manifest }) => Referrers.describe(manifest, descriptor)),
        options?.artifactType
      )
    }),
    listRepositories: (options) => Effect.sync(() => page(repositories.keys(), options))
  }
}

const describe = (digest: Digest.Digest, bytes: Uint8Array): Descriptor => ({
  mediaType: MediaType.octetStream,
  digest,
  size: bytes.byteLength
})

const open = (
  fail: Failing,
  digest: Digest.Digest,
  bytes: Uint8Array,
  options: { readonly size?: number | undefined; readonly range?: ByteRange | undefined } | undefined
): Effect.Effect<BlobContent, RegistryError> => {
  const size = bytes.byteLength
  if (options?.size !== undefined && options.size !== size) {
    return Effect.fail(fail(new SizeMismatch({ expected: options.size, actual: size })))
  }
  const descriptor = describe(digest, bytes)
  if (options?.range === undefined) return Effect.succeed({ descriptor, stream: Stream.succeed(bytes) })
  const { end, start } = options.range
  return start > end || start < 0 || start >= size
    ? Effect.fail(fail(new Malformed({ what: "range", detail: `${start}-${end} of ${size} bytes` })))
    : Effect.succeed({ descriptor, stream: Stream.succeed(bytes.subarray(start, end + 1)) })
}

const makeUpload = (
  fail: Failing,
  limit: number,
  store: (digest: Digest.Digest, bytes: Uint8Array) => void
): Upload => {
  const chunks: Array<Uint8Array> = []
  let size = 0
  let open = true
  const closed = () => fail(new NotFound({ kind: "upload", name: "that was committed" }))
  return {
    write: (chunk, offset) =>
      Effect.suspend(() => {
        if (!open) return Effect.fail(closed())
        if (offset !== size) {
          return Effect.fail(fail(new Malformed({ what: "upload offset", detail: `${offset}, expected ${size}` })))
        }
        if (size + chunk.byteLength > limit) {
          return Effect.fail(fail(new LimitExceeded({ what: "the size of the blob in bytes", limit })))
        }
        chunks.push(chunk.slice())
        size += chunk.byteLength
        return Effect.succeed(size)
      }),
    commit: Effect.fnUntraced(function*(expected) {
      yield* orFail(checkDigest(expected), fail)
      if (!open) return yield* closed()
      open = false
      const bytes = Buffer.concat(chunks)
      const actual = Digest.ofBytes(bytes, Digest.algorithm(expected))
      if (actual !== expected) return yield* fail(new DigestMismatch({ expected, actual }))
      store(expected, bytes)
      return describe(expected, bytes)
    })
  }
}
