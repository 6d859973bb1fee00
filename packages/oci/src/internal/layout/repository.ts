/** One OCI image layout as the store of one repository. */
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import { join } from "node:path"
import * as Descriptor from "../../Descriptor.ts"
import * as Digest from "../../Digest.ts"
import * as Manifest from "../../Manifest.ts"
import * as MediaType from "../../MediaType.ts"
import { DigestMismatch, Malformed, NotFound, SizeMismatch } from "../../RegistryError.ts"
import type { RegistryError } from "../../RegistryError.ts"
import { type Failing, orFail } from "../failure.ts"
import * as strictJson from "../strictJson.ts"
import type { Entries } from "./entries.ts"
import * as files from "./files.ts"
import { withLock } from "./lock.ts"

/** Where the layouts are, and how they are written. */
export interface Place {
  readonly root: string
  readonly durable: boolean
  /** The one repository of which `root` itself is the layout. */
  readonly only?: string | undefined
}

const layoutDocument = new TextEncoder().encode(JSON.stringify({ imageLayoutVersion: "1.0.0" }))
const maximumIndexBytes = 64 * 1024 * 1024

/** Names of the layout's own files and directories, which no component of a repository name may have. */
export const reservedNames: ReadonlySet<string> = new Set(["blobs", "ingest", "index.json", "oci-layout"])

/** The path components of a repository, refused where they would lie inside another repository's layout. */
export const componentsOf = (
  place: Place,
  repository: string,
  fail: Failing
): Effect.Effect<ReadonlyArray<string>, RegistryError> => {
  if (place.only !== undefined) {
    return repository === place.only
      ? Effect.succeed([])
      : Effect.fail(fail(new NotFound({ kind: "repository", name: repository })))
  }
  const components = repository.split("/")
  const reserved = components.find((component) => reservedNames.has(component) || component.startsWith("index.lock"))
  return reserved === undefined
    ? Effect.succeed(components)
    : Effect.fail(fail(
      new Malformed({ what: "repository name", detail: `"${reserved}" is reserved in an image layout` })
    ))
}

/** The path of a blob in a layout. The digest has been checked, so that it is a file name. */
export const blobPath = (place: Place, components: ReadonlyArray<string>, digest: Digest.Digest): string =>
  join(place.root, ...components, "blobs", Digest.algorithm(digest), Digest.hex(digest))

/** Where temporary files of a repository go. */
export const ingestPath = (place: Place, components: ReadonlyArray<string>): string =>
  join(place.root, ...components, "ingest")

/** Says whether a directory holds a layout. */
export const exists = Effect.fnUntraced(function*(
  place: Place,
  components: ReadonlyArray<string>,
  fail: Failing
): Effect.fn.Return<boolean, RegistryError> {
  if (!(yield* files.directoryExists(place.root, components, fail))) return false
  return (yield* files.regularFile(join(place.root, ...components, "oci-layout"), fail)) !== undefined
})

/** Makes the layout of a repository unless it is there. */
export const create = Effect.fnUntraced(function*(
  place: Place,
  components: ReadonlyArray<string>,
  fail: Failing
): Effect.fn.Return<void, RegistryError> {
  const directory = join(place.root, ...components)
  for (const below of [["ingest"], ["blobs", "sha256"], ["blobs", "sha512"]]) {
    yield* files.makeDirectory(place.root, [...components, ...below], fail)
  }
  if (yield* exists(place, components, fail)) return
  const ingest = ingestPath(place, components)
  yield* withLock(join(directory, "index.lock"), fail)(
    Effect.gen(function*() {
      if (yield* exists(place, components, fail)) return
      const options = { durable: place.durable, mode: 0o644 }
      const index = join(directory, "index.json")
      if ((yield* files.regularFile(index, fail)) === undefined) {
        yield* files.write(index, ingest, Manifest.index({ manifests: [] }).bytes, options, fail)
      }
      yield* files.write(join(directory, "oci-layout"), ingest, layoutDocument, options, fail)
    })
  )
})

/** The path of a blob whose directories are no symbolic links; `undefined` when they do not exist. */
export const safeBlobPath = Effect.fnUntraced(function*(
  place: Place,
  components: ReadonlyArray<string>,
  digest: Digest.Digest,
  fail: Failing
): Effect.fn.Return<string | undefined, RegistryError> {
  const directory = [...components, "blobs", Digest.algorithm(digest)]
  return (yield* files.directoryExists(place.root, directory, fail)) ? blobPath(place, components, digest) : undefined
})

const IndexFile = Schema.Struct({
  schemaVersion: Schema.Literal(2),
  manifests: Schema.Array(Descriptor.Descriptor)
})
const decodeIndexFile = Schema.decodeUnknownResult(IndexFile)

const parseIndex = (bytes: Uint8Array): Result.Result<Entries, Malformed> =>
  Result.gen(function*() {
    const malformed = (error: { readonly message: string }) =>
      new Malformed({ what: "index.json", detail: error.message.slice(0, 500) })
    const value = yield* Result.mapError(strictJson.parse(bytes, "index.json", maximumIndexBytes), malformed)
    return (yield* Result.mapError(decodeIndexFile(value), malformed)).manifests
  })

/** The entries of `index.json`; `undefined` when there is no layout. */
export const readEntries = Effect.fnUntraced(function*(
  place: Place,
  components: ReadonlyArray<string>,
  fail: Failing
): Effect.fn.Return<Entries | undefined, RegistryError> {
  if (!(yield* files.directoryExists(place.root, components, fail))) return undefined
  const bytes = yield* files.read(join(place.root, ...components, "index.json"), maximumIndexBytes, fail)
  return bytes === undefined ? undefined : yield* orFail(parseIndex(bytes), fail)
})

/** Changes `index.json` under the lock of all processes; `change` may fail, and then nothing changes. */
export const updateEntries = <A>(
  place: Place,
  components: ReadonlyArray<string>,
  change: (entries: Entries) => Effect.Effect<readonly [Entries, A], RegistryError>,
  fail: Failing
): Effect.Effect<A, RegistryError> => {
  const directory = join(place.root, ...components)
  return withLock(join(directory, "index.lock"), fail)(
    Effect.gen(function*() {
      const before = (yield* readEntries(place, components, fail)) ?? []
      const [after, result] = yield* change(before)
      if (after !== before) {
        const { bytes } = Manifest.index({ manifests: after })
        const options = { durable: place.durable, mode: 0o644 }
        yield* files.write(join(directory, "index.json"), ingestPath(place, components), bytes, options, fail)
      }
      return result
    })
  )
}

/** A manifest in a layout, verified. */
export interface Stored {
  readonly manifest: Manifest.Manifest
  readonly bytes: Uint8Array
  readonly descriptor: Descriptor.Descriptor
}

/** Reads the manifest that an entry describes. */
export const readManifest = Effect.fnUntraced(function*(
  place: Place,
  components: ReadonlyArray<string>,
  entry: Descriptor.Descriptor,
  fail: Failing
): Effect.fn.Return<Stored | undefined, RegistryError> {
  const path = yield* safeBlobPath(place, components, entry.digest, fail)
  const bytes = path === undefined ? undefined : yield* files.read(path, Manifest.maximumReadBytes, fail)
  if (bytes === undefined) return undefined
  if (bytes.byteLength !== entry.size) {
    return yield* fail(new SizeMismatch({ expected: entry.size, actual: bytes.byteLength }))
  }
  yield* orFail(checkDigestOf(bytes, entry.digest), fail)
  const manifest = yield* orFail(Manifest.parse(bytes, entry.mediaType), fail)
  const { digest, mediaType, size } = entry
  return { manifest, bytes, descriptor: { mediaType, digest, size } }
})

const checkDigestOf = (bytes: Uint8Array, expected: Digest.Digest): Result.Result<void, DigestMismatch> => {
  const actual = Digest.ofBytes(bytes, Digest.algorithm(expected))
  return actual === expected ? Result.void : Result.fail(new DigestMismatch({ expected, actual }))
}

const Typed = Schema.fromJsonString(Schema.Struct({
  mediaType: Schema.optionalKey(Schema.String),
  manifests: Schema.optionalKey(Schema.Unknown)
}))

/**
 * Reads a manifest that `index.json` does not list, because another tool has put it there as a part of an index. Its
 * media type is the one that it gives itself.
 */
export const readUnlistedManifest = Effect.fnUntraced(function*(
  place: Place,
  components: ReadonlyArray<string>,
  digest: Digest.Digest,
  fail: Failing
): Effect.fn.Return<Stored | undefined, RegistryError> {
  const path = yield* safeBlobPath(place, components, digest, fail)
  const stats = path === undefined ? undefined : yield* files.regularFile(path, fail)
  if (path === undefined || stats === undefined || stats.size > Manifest.maximumReadBytes) return undefined
  const bytes = yield* files.read(path, Manifest.maximumReadBytes, fail)
  const document = Schema.decodeResult(Typed)(Buffer.from(bytes ?? []).toString("utf8"))
  if (Result.isFailure(document)) return undefined
  const { manifests, mediaType } = document.success
  const type = mediaType ?? (manifests === undefined ? MediaType.imageManifest : MediaType.imageIndex)
  const entry = { mediaType: type, digest, size: stats.size }
  return yield* readManifest(place, components, entry, fail).pipe(
    // Whatever it is, it is no manifest.
    Effect.catchReason("RegistryError", "Malformed", () => Effect.undefined)
  )
})
