/**
 * Copying between any two registries: a manifest with everything below it, and with its referrers when asked for.
 *
 * Parts go before what they are part of, so that the target never holds an incomplete manifest; the tags come last.
 * What the target holds already is not copied. Nodes, bytes and depth are bounded, because a graph of manifests is
 * written by strangers.
 *
 * @since 0.1.0
 */
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import type { Descriptor } from "./Descriptor.ts"
import * as Digest from "./Digest.ts"
import { failing, orFail } from "./internal/failure.ts"
import * as Manifest from "./Manifest.ts"
import * as MediaType from "./MediaType.ts"
import type { RawManifest, Registry } from "./Registry.ts"
import { isNotFound, isTransient, LimitExceeded, RegistryError } from "./RegistryError.ts"

/**
 * How much a copy may be.
 *
 * @category models
 * @since 0.1.0
 */
export interface Limits {
  /** Manifests and blobs. Default 10 000. */
  readonly nodes: number
  /** Bytes of all manifests and blobs together, also of those that the target has. Default 1 TiB. */
  readonly bytes: number
  /** Indexes in indexes and referrers of referrers. Default 8. */
  readonly depth: number
}

/**
 * How far a copy is. `copiedBytes` are those that went over; `totalBytes` is what is known to be there so far, and
 * grows while manifests are read.
 *
 * @category models
 * @since 0.1.0
 */
export interface Progress {
  readonly descriptor: Descriptor
  readonly status: "copying" | "copied" | "exists" | "mounted"
  readonly copiedBytes: number
  readonly totalBytes: number
}

/**
 * How to copy.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** Tags of the copy. Default the reference, when it is a tag. */
  readonly tags?: ReadonlyArray<string> | undefined
  /** How many blobs at a time. Default 4. */
  readonly concurrency?: number | undefined
  /** Copies what refers to the manifest, and to the manifests below it, too. Default `false`. */
  readonly includeReferrers?: boolean | undefined
  /** Called after each chunk and each node; it should be quick. */
  readonly onProgress?: ((progress: Progress) => Effect.Effect<void>) | undefined
  readonly limits?: Partial<Limits> | undefined
  /** How often one blob is tried again when a registry breaks off. Default 3. */
  readonly retries?: number | undefined
}

const defaultLimits: Limits = { nodes: 10_000, bytes: 1024 ** 4, depth: 8 }

/**
 * Copies a manifest by tag or digest, and returns its descriptor. A tag is resolved once.
 *
 * @example
 * ```ts
 * import { Artifact, Copy, MemoryRegistry } from "@lamina/oci"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const source = yield* MemoryRegistry.make()
 *   const target = yield* MemoryRegistry.make()
 *   yield* Artifact.push(source, "demo", { artifactType: "application/vnd.example", tags: ["v1"] })
 *   yield* Copy.copy(source, "demo", "v1", target, "mirror/demo")
 *   return (yield* target.listTags("mirror/demo")).names
 * })
 *
 * console.log(await Effect.runPromise(program)) // => [ "v1" ]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const copy = Effect.fn("Copy.copy")(function*(
  source: Registry,
  sourceRepository: string,
  reference: string,
  target: Registry,
  targetRepository: string,
  options?: Options
): Effect.fn.Return<Descriptor, RegistryError> {
  const from = { registry: source, repository: sourceRepository, origin: "source" } as const
  const to = { registry: target, repository: targetRepository, origin: "target" } as const
  const transfer = makeTransfer(from, to, options ?? {})
  const root = yield* at(from, source.getManifest(sourceRepository, reference))
  const tags = options?.tags ?? (Digest.is(reference) ? [] : [reference])
  yield* transfer.manifest(root.descriptor, 0, { raw: root, tags })
  return root.descriptor
})

interface Side {
  readonly registry: Registry
  readonly repository: string
  readonly origin: "source" | "target"
}

/** Errors of a copy say on which side they happened. */
const at = <A, R>({ origin }: Side, effect: Effect.Effect<A, RegistryError, R>): Effect.Effect<A, RegistryError, R> =>
  Effect.mapError(effect, (error) => inSubject(error, origin))

const inSubject = ({ operation, reason, subject }: RegistryError, origin: Side["origin"]): RegistryError =>
  // What the target reads is the source's stream, whose errors have been marked on their way.
  new RegistryError({
    operation,
    reason,
    subject: /^(?:source|target) /.test(subject) ? subject : `${origin} ${subject}`
  })

/** Says whether a registry holds what was looked up. */
const isHeld = (side: Side, lookup: Effect.Effect<unknown, RegistryError>): Effect.Effect<boolean, RegistryError> =>
  at(side, Effect.catchIf(Effect.as(lookup, true), isNotFound, () => Effect.succeed(false)))

interface Transfer {
  readonly manifest: (
    descriptor: Descriptor,
    depth: number,
    root?: { readonly raw: RawManifest; readonly tags: ReadonlyArray<string> }
  ) => Effect.Effect<void, RegistryError>
}

const makeTransfer = (from: Side, to: Side, options: Options): Transfer => {
  const fail = failing("copy", from.repository)
  const limits = { ...defaultLimits, ...options.limits }
  const permits = Semaphore.makeUnsafe(Math.max(1, options.concurrency ?? 4))
  const nodes = new Map<Digest.Digest, Deferred.Deferred<void, RegistryError>>()
  let totalBytes = 0
  let copiedBytes = 0

  const report = (descriptor: Descriptor, status: Progress["status"]): Effect.Effect<void> =>
    options.onProgress?.({ descriptor, status, copiedBytes, totalBytes }) ?? Effect.void

  /** Does the work of a node once, however many manifests have it; the others wait for it, and get `false`. */
  const once = Effect.fnUntraced(function*(
    descriptor: Descriptor,
    work: Effect.Effect<void, RegistryError>
  ): Effect.fn.Return<boolean, RegistryError> {
    const known = nodes.get(descriptor.digest)
    if (known !== undefined) return yield* Effect.as(Deferred.await(known), false)
    const done = yield* Deferred.make<void, RegistryError>()
    nodes.set(descriptor.digest, done)
    totalBytes += descriptor.size
    yield* Deferred.into(Effect.andThen(checkLimits, work), done)
    return yield* Effect.as(Deferred.await(done), true)
  })

  const checkLimits = Effect.suspend(() => {
    if (nodes.size > limits.nodes) {
      return Effect.fail(fail(new LimitExceeded({ what: "the number of manifests and blobs", limit: limits.nodes })))
    }
    return totalBytes > limits.bytes
      ? Effect.fail(fail(new LimitExceeded({ what: "the size of the copy in bytes", limit: limits.bytes })))
      : Effect.void
  })

  const blob = (descriptor: Descriptor): Effect.Effect<void, RegistryError> =>
    Effect.asVoid(once(descriptor, permits.withPermit(copyBlob(descriptor))))

  const copyBlob = Effect.fnUntraced(function*(descriptor: Descriptor): Effect.fn.Return<void, RegistryError> {
    const { digest, size } = descriptor
    if (yield* isHeld(to, to.registry.headBlob(to.repository, digest))) return yield* report(descriptor, "exists")
    if (from.registry === to.registry && from.repository !== to.repository) {
      const mounted = yield* at(to, to.registry.mountBlob(to.repository, from.repository, digest))
      if (mounted) return yield* report(descriptor, "mounted")
    }
    let transferred = 0
    const count = (chunk: Uint8Array) =>
      Effect.suspend(() => {
        transferred += chunk.byteLength
        copiedBytes += chunk.byteLength
        return report(descriptor, "copying")
      })
    yield* Effect.gen(function*() {
      const content = yield* at(from, from.registry.getBlob(from.repository, digest, { size }))
      const stream = content.stream.pipe(
        Stream.mapError((error) => inSubject(error, from.origin)),
        Stream.tap(count)
      )
      yield* at(to, to.registry.putBlob(to.repository, descriptor, stream))
    }).pipe(
      Effect.scoped,
      // What went over before it broke off went over for nothing.
      Effect.tapError(() =>
        Effect.sync(() => {
          copiedBytes -= transferred
          transferred = 0
        })
      ),
      Effect.retry({
        while: isTransient,
        times: options.retries ?? 3,
        schedule: Schedule.exponential("200 millis").pipe(Schedule.jittered)
      })
    )
    yield* report(descriptor, transferred === 0 && size > 0 ? "exists" : "copied")
  })

  const manifest: Transfer["manifest"] = Effect.fnUntraced(function*(descriptor, depth, root) {
    if (depth > limits.depth) {
      return yield* fail(new LimitExceeded({ what: "the depth of the graph", limit: limits.depth }))
    }
    const isFirst = yield* once(descriptor, copyManifest(descriptor, depth, root))
    // Outside of the node's own work: a referrer may be an index that has its subject as a part, and waits for it.
    if (isFirst && options.includeReferrers === true) yield* copyReferrers(descriptor, depth)
  })

  const copyManifest = Effect.fnUntraced(function*(
    descriptor: Descriptor,
    depth: number,
    root: { readonly raw: RawManifest; readonly tags: ReadonlyArray<string> } | undefined
  ): Effect.fn.Return<void, RegistryError> {
    const { digest } = descriptor
    const tags = root?.tags ?? []
    // A registry that holds a manifest holds its parts: they went there before it. Referrers of the parts did not.
    const complete = yield* permits.withPermit(isHeld(to, to.registry.resolve(to.repository, digest)))
    if (complete && tags.length === 0 && options.includeReferrers !== true) return yield* report(descriptor, "exists")
    const raw = root?.raw ??
      (yield* permits.withPermit(at(from, from.registry.getManifest(from.repository, digest))))
    const parsed = yield* orFail(Manifest.parse(raw.bytes, raw.descriptor.mediaType), fail)
    yield* copyParts(parsed, depth, complete)
    if (complete && tags.length === 0) return yield* report(descriptor, "exists")
    const algorithm = Digest.algorithm(digest) === "sha256" ? {} : { digest }
    const input = { mediaType: raw.descriptor.mediaType, bytes: raw.bytes }
    yield* permits.withPermit(at(to, to.registry.putManifest(to.repository, input, { tags, ...algorithm })))
    if (!complete) copiedBytes += raw.bytes.byteLength
    yield* report(descriptor, complete ? "exists" : "copied")
  })

  const copyParts = (parsed: Manifest.Manifest, depth: number, complete: boolean) =>
    Effect.forEach(
      Manifest.children(parsed),
      (part) => {
        if (parsed._tag === "Index" && MediaType.isManifest(part.mediaType)) return manifest(part, depth + 1)
        return complete || MediaType.isNonDistributable(part.mediaType) ? Effect.void : blob(part)
      },
      // The permits bound the work, this bounds how many wait for them.
      { concurrency: 32, discard: true }
    )

  const copyReferrers = Effect.fnUntraced(function*(subject: Descriptor, depth: number) {
    const referrers = yield* permits.withPermit(
      at(from, from.registry.referrers(from.repository, subject.digest))
    )
    yield* Effect.forEach(
      referrers.filter(({ mediaType }) => MediaType.isManifest(mediaType)),
      ({ digest, mediaType, size }) => manifest({ digest, mediaType, size }, depth + 1),
      { concurrency: 8, discard: true }
    )
  })

  return { manifest }
}
