/**
 * A registry in a directory: one OCI image layout per repository, `ROOT/<repository>/{oci-layout,index.json,blobs}`,
 * which `skopeo`, `umoci` and `oras` read and write too.
 *
 * Several processes may use it at the same time: files are written beside their place and renamed, `index.json` is
 * changed under a lock. Referrers are found by the subjects of all manifests. Symbolic links are refused. A component
 * of a repository name must not be `blobs`, `ingest`, `index.json` or `oci-layout`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as fs from "node:fs/promises"
import { join, resolve as resolvePath } from "node:path"
import type { Descriptor } from "./Descriptor.ts"
import * as Digest from "./Digest.ts"
import { admit, type Holdings } from "./internal/admission.ts"
import {
  checkDigest,
  checkNames,
  checkReference,
  checkRepository,
  type Failing,
  failing,
  unknownReference
} from "./internal/failure.ts"
import * as keyedMutex from "./internal/keyedMutex.ts"
import * as blobs from "./internal/layout/blobs.ts"
import * as entries from "./internal/layout/entries.ts"
import * as files from "./internal/layout/files.ts"
import * as store from "./internal/layout/repository.ts"
import { ascending, page } from "./internal/paging.ts"
import * as Manifest from "./Manifest.ts"
import * as MediaType from "./MediaType.ts"
import * as Reference from "./Reference.ts"
import * as Referrers from "./Referrers.ts"
import type { Registry } from "./Registry.ts"
import { LimitExceeded, NotFound } from "./RegistryError.ts"
import type { RegistryError } from "./RegistryError.ts"

/**
 * Where the layouts are, and what they accept.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** A directory; it is made when something is written first. */
  readonly root: string
  /** Makes `root` itself the one layout, and this the name of its repository. Default: a layout per repository below. */
  readonly repository?: string | undefined
  /** Flushes files to the disk before they appear. Default `true`. */
  readonly durable?: boolean | undefined
  /** Takes manifests whose parts are not there, as the specification allows. Default `false`. */
  readonly allowSparse?: boolean | undefined
  /** The largest blob in bytes. Default 64 GiB. */
  readonly maximumBlobBytes?: number | undefined
}

const maximumDepth = 32
const maximumRepositories = 100_000
const maximumParsed = 10_000

/**
 * Opens a directory of layouts.
 *
 * @example
 * ```ts
 * import { Artifact, LayoutRegistry } from "@lamina/oci"
 * import { Effect } from "effect"
 * import { mkdtempSync } from "node:fs"
 * import { tmpdir } from "node:os"
 * import { join } from "node:path"
 *
 * const program = Effect.gen(function*() {
 *   const registry = yield* LayoutRegistry.make({ root: mkdtempSync(join(tmpdir(), "layouts-")) })
 *   yield* Artifact.push(registry, "demo", { artifactType: "application/vnd.example", tags: ["v1"] })
 *   return (yield* registry.listRepositories()).names
 * })
 *
 * console.log(await Effect.runPromise(program)) // => [ "demo" ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Effect.Effect<Registry> => Effect.sync(() => makeUnsafe(options))

const makeUnsafe = (options: Options): Registry => {
  const place: store.Place = {
    root: resolvePath(options.root),
    durable: options.durable !== false,
    only: options.repository
  }
  const maximumBytes = options.maximumBlobBytes ?? 64 * 1024 ** 3
  // The file lock keeps other processes out; waiting in line in this process costs nothing.
  const updating = keyedMutex.make()

  const update = <A>(
    repository: string,
    components: ReadonlyArray<string>,
    change: (before: entries.Entries) => Effect.Effect<readonly [entries.Entries, A], RegistryError>,
    fail: Failing
  ) => updating.withLock(repository)(store.updateEntries(place, components, change, fail))

  /** Checks the names of an operation, and gives the path components of its repository. */
  const enter = Effect.fnUntraced(function*(
    fail: Failing,
    repository: string,
    ...items: ReadonlyArray<ReturnType<typeof checkRepository>>
  ) {
    yield* checkNames(fail, repository, ...items)
    return yield* store.componentsOf(place, repository, fail)
  })

  const headBlob: Registry["headBlob"] = Effect.fnUntraced(function*(repository, digest) {
    const fail = failing("headBlob", repository, digest)
    const components = yield* enter(fail, repository, checkDigest(digest))
    const found = yield* blobs.head(place, components, digest, fail)
    return found ?? (yield* fail(new NotFound({ kind: "blob", name: digest })))
  })

  const getBlob: Registry["getBlob"] = Effect.fnUntraced(function*(repository, digest, blobOptions) {
    const fail = failing("getBlob", repository, digest)
    const components = yield* enter(fail, repository, checkDigest(digest))
    return yield* blobs.open(place, components, digest, blobOptions ?? {}, fail)
  })

  const putBlob: Registry["putBlob"] = Effect.fnUntraced(function*(repository, descriptor, content) {
    const fail = failing("putBlob", repository, descriptor.digest)
    const components = yield* enter(fail, repository, checkDigest(descriptor.digest))
    // A file of another size is the rest of an accident, and is replaced.
    if ((yield* blobs.head(place, components, descriptor.digest, fail))?.size === descriptor.size) return
    if (descriptor.size > maximumBytes) {
      return yield* fail(new LimitExceeded({ what: "the size of the blob in bytes", limit: maximumBytes }))
    }
    const stream = content instanceof Uint8Array ? Stream.succeed(content) : content
    yield* blobs.put(place, components, descriptor, stream, maximumBytes, fail)
  })

  const startUpload: Registry["startUpload"] = Effect.fnUntraced(function*(repository, uploadOptions) {
    const fail = failing("upload", repository)
    const components = yield* enter(fail, repository)
    const algorithm = uploadOptions?.algorithm ?? "sha256"
    return yield* blobs.upload(place, components, { algorithm, maximumBytes }, fail)
  })

  const mountBlob: Registry["mountBlob"] = Effect.fnUntraced(function*(repository, from, digest) {
    const fail = failing("mountBlob", repository, digest)
    const components = yield* enter(fail, repository, checkRepository(from), checkDigest(digest))
    if (place.only !== undefined && from !== place.only) return false
    const source = yield* store.componentsOf(place, from, fail)
    const size = (yield* blobs.head(place, source, digest, fail))?.size
    if (size === undefined) return false
    yield* store.create(place, components, fail)
    // Blobs never change, so that two layouts can share one file.
    const linked = yield* files.link(
      store.blobPath(place, source, digest),
      store.blobPath(place, components, digest),
      fail
    )
    // What was there before may be of another size, the rest of an accident, which only `putBlob` replaces.
    return linked && (yield* blobs.head(place, components, digest, fail))?.size === size
  })

  const deleteBlob: Registry["deleteBlob"] = Effect.fnUntraced(function*(repository, digest) {
    const fail = failing("deleteBlob", repository, digest)
    const components = yield* enter(fail, repository, checkDigest(digest))
    const path = yield* store.safeBlobPath(place, components, digest, fail)
    const listed = (yield* store.readEntries(place, components, fail)) ?? []
    const removable = path !== undefined && entries.findDigest(listed, digest) === undefined
    if (!removable || !(yield* files.remove(path, fail))) {
      return yield* fail(new NotFound({ kind: "blob", name: digest }))
    }
  })

  /** The manifest behind a tag or digest, whether `index.json` lists it or an index in the layout holds it. */
  const findManifest = Effect.fnUntraced(function*(
    components: ReadonlyArray<string>,
    reference: string,
    fail: Failing
  ) {
    const listed = (yield* store.readEntries(place, components, fail)) ?? []
    const entry = Digest.is(reference) ? entries.findDigest(listed, reference) : entries.findTag(listed, reference)
    if (entry !== undefined) return yield* store.readManifest(place, components, entry, fail)
    return Digest.is(reference)
      ? yield* store.readUnlistedManifest(place, components, reference, fail)
      : undefined
  })

  const getManifest = Effect.fnUntraced(function*(operation: string, repository: string, reference: string) {
    const fail = failing(operation, repository, reference)
    const components = yield* enter(fail, repository, checkReference(reference))
    const found = yield* findManifest(components, reference, fail)
    return found ?? (yield* fail(unknownReference(reference)))
  })

  const holdings = (components: ReadonlyArray<string>, fail: Failing): Holdings => ({
    hasBlob: ({ digest, size }) =>
      Effect.map(blobs.head(place, components, digest, fail), (found) => found?.size === size),
    hasManifest: ({ digest }) => Effect.map(findManifest(components, digest, fail), (found) => found !== undefined)
  })

  const putManifest: Registry["putManifest"] = Effect.fnUntraced(function*(repository, input, putOptions) {
    const fail = failing("putManifest", repository, putOptions?.tags?.[0] ?? putOptions?.digest)
    const components = yield* enter(fail, repository)
    const parts = options.allowSparse === true ? undefined : holdings(components, fail)
    const { bytes, descriptor } = yield* admit(fail, repository, input, putOptions ?? {}, parts)
    const tags = putOptions?.tags ?? []
    yield* store.create(place, components, fail)
    yield* update(repository, components, (before) =>
      Effect.as(
        // Under the lock, so that a deletion of the same manifest comes wholly before or after.
        blobs.put(place, components, descriptor, Stream.succeed(bytes), maximumBytes, fail),
        [entries.add(before, descriptor, tags), undefined] as const
      ), fail)
    return descriptor
  })

  const deleteManifest: Registry["deleteManifest"] = Effect.fnUntraced(function*(repository, reference) {
    const fail = failing("deleteManifest", repository, reference)
    const components = yield* enter(fail, repository, checkReference(reference))
    const unknown = fail(unknownReference(reference))
    if (!(yield* store.exists(place, components, fail))) return yield* unknown
    yield* update(
      repository,
      components,
      Effect.fnUntraced(function*(before) {
        // An entry whose manifest is gone, as a crash between the two leaves it, is removed like any other.
        if (!Digest.is(reference)) {
          if (entries.findTag(before, reference) === undefined) return yield* unknown
          return [entries.removeTag(before, reference), undefined] as const
        }
        const isListed = entries.findDigest(before, reference) !== undefined
        if (!isListed && (yield* findManifest(components, reference, fail)) === undefined) return yield* unknown
        const path = yield* store.safeBlobPath(place, components, reference, fail)
        if (path !== undefined) yield* files.remove(path, fail)
        return [entries.removeDigest(before, reference), undefined] as const
      }),
      fail
    )
  })

  const parsed = new Map<string, Manifest.Manifest>()

  /** A listed manifest, parsed at most once: what a digest names never changes. */
  const parse = Effect.fnUntraced(function*(
    repository: string,
    components: ReadonlyArray<string>,
    entry: Descriptor,
    fail: Failing
  ) {
    const key = `${repository}@${entry.digest}`
    const known = parsed.get(key)
    if (known !== undefined) return known
    const found = yield* store.readManifest(place, components, entry, fail)
    if (found === undefined) return undefined
    if (parsed.size >= maximumParsed) parsed.clear()
    parsed.set(key, found.manifest)
    return found.manifest
  })

  const referrers: Registry["referrers"] = Effect.fnUntraced(function*(repository, subject, referrerOptions) {
    const fail = failing("referrers", repository, subject)
    const components = yield* enter(fail, repository, checkDigest(subject))
    const listed = (yield* store.readEntries(place, components, fail)) ?? []
    const found: Array<Descriptor> = []
    for (const entry of new Map(listed.map((entry) => [entry.digest, entry])).values()) {
      if (!MediaType.isManifest(entry.mediaType)) continue
      const manifest = yield* parse(repository, components, entry, fail)
      if (manifest?.document.subject?.digest === subject) found.push(Referrers.describe(manifest, entry))
    }
    const byTag = yield* fallbackReferrers(components, listed, subject, fail)
    return Referrers.ofType(Referrers.merge(byTag, found), referrerOptions?.artifactType)
  })

  /** What other tools have put behind the referrers tag, as far as it is there. */
  const fallbackReferrers = Effect.fnUntraced(function*(
    components: ReadonlyArray<string>,
    listed: entries.Entries,
    subject: Digest.Digest,
    fail: Failing
  ) {
    const entry = entries.findTag(listed, Referrers.fallbackTag(subject))
    if (entry === undefined || entry.digest === subject) return []
    const index = yield* store.readManifest(place, components, entry, fail)
    if (index?.manifest._tag !== "Index") return []
    return yield* Effect.filter(
      index.manifest.document.manifests,
      ({ digest }) => Effect.map(blobs.head(place, components, digest, fail), (blob) => blob !== undefined)
    )
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
    referrers,
    resolve: Effect.fnUntraced(function*(repository, reference) {
      return (yield* getManifest("resolve", repository, reference)).descriptor
    }),
    getManifest: Effect.fnUntraced(function*(repository, reference) {
      const { bytes, descriptor } = yield* getManifest("getManifest", repository, reference)
      return { bytes, descriptor }
    }),
    listTags: Effect.fnUntraced(function*(repository, pageOptions) {
      const fail = failing("listTags", repository)
      const components = yield* enter(fail, repository)
      const listed = yield* store.readEntries(place, components, fail)
      if (listed === undefined) return yield* fail(new NotFound({ kind: "repository", name: repository }))
      return page(entries.tags(listed), pageOptions)
    }),
    listRepositories: Effect.fnUntraced(function*(pageOptions) {
      const fail = failing("listRepositories", options.root)
      return page(
        yield* place.only === undefined ? findRepositories(place, fail) : onlyRepository(place, place.only, fail),
        pageOptions
      )
    })
  }
}

const onlyRepository = (place: store.Place, name: string, fail: Failing) =>
  Effect.map(store.exists(place, [], fail), (isThere) => isThere ? [name] : [])

/** The directories below the root that hold a layout; bounded, and not through symbolic links. */
const findRepositories = Effect.fnUntraced(function*(place: store.Place, fail: Failing) {
  const found: Array<string> = []
  let level: ReadonlyArray<ReadonlyArray<string>> = [[]]
  for (let depth = 0; depth < maximumDepth && level.length > 0; depth++) {
    const below: Array<ReadonlyArray<string>> = []
    for (const components of level) {
      const directory = join(place.root, ...components)
      const children = (yield* files.optional(() => fs.readdir(directory, { withFileTypes: true }), fail)) ?? []
      const name = components.join("/")
      if (Reference.isRepository(name) && children.some((child) => child.name === "oci-layout" && child.isFile())) {
        found.push(name)
      }
      for (const child of children) {
        if (child.isDirectory() && !store.reservedNames.has(child.name)) below.push([...components, child.name])
      }
      if (found.length + below.length > maximumRepositories) {
        return yield* fail(new LimitExceeded({ what: "the number of repositories", limit: maximumRepositories }))
      }
    }
    level = below
  }
  return found.sort(ascending)
})
