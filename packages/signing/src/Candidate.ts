/**
 * Where signatures and attestations of an image may be: its referrers, by the registry's API and by the referrers tag,
 * and its `.sig` tag; always all of them.
 *
 * No form hides another, and what a candidate is, is decided by its own manifest: descriptors in fallback indexes carry
 * artifact types that cannot be relied on. `.att` tags of cosign 1 and 2 are not read yet.
 *
 * @since 0.1.0
 */
import { type Descriptor, type Digest, Manifest, Reference, Referrers, type Registry, RegistryError } from "@lamina/oci"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import type { Limits } from "./Limits.ts"
import * as Rejection from "./Rejection.ts"
import * as SimpleSigning from "./SimpleSigning.ts"

/**
 * Something that claims to be a signature or attestation. `digest` is that of its manifest, or of its `.sig` layer.
 *
 * @category models
 * @since 0.1.0
 */
export interface Candidate {
  readonly form: Rejection.Form
  readonly digest: Digest.Digest
  readonly layer: Descriptor.Descriptor
}

/**
 * What was found beside an image, and what was refused while looking.
 *
 * @category models
 * @since 0.1.0
 */
export interface Discovery {
  readonly candidates: ReadonlyArray<Candidate>
  readonly rejected: ReadonlyArray<Rejection.RejectedCandidate>
}

/**
 * Where to look, and how much at most.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  readonly registry: Registry.Registry
  readonly repository: string
  readonly digest: Digest.Digest
  readonly limits: Limits
}

/**
 * Finds every candidate. One that cannot be read is reported and does not stop the others; too many fail closed.
 *
 * @category discovery
 * @since 0.1.0
 */
export const discover = Effect.fn("Candidate.discover")(
  function*(options: Options): Effect.fn.Return<Discovery, RegistryError.RegistryError | Rejection.Rejection> {
    const referrers = yield* listReferrers(options)
    const layers = yield* readSignatureTag(options)
    yield* Effect.fromResult(checkCount(referrers.length + layers.candidates.length, options.limits))
    const found = yield* Effect.forEach(referrers, (referrer) => readReferrer(options, referrer), { concurrency: 4 })
    const all = [layers, ...found]
    const candidates = withoutRepeated(all.flatMap(({ candidates }) => candidates))
    yield* Effect.fromResult(checkCount(candidates.length, options.limits))
    return { candidates, rejected: all.flatMap(({ rejected }) => rejected) }
  }
)

/**
 * Reads the bytes of a candidate's bundle or payload.
 *
 * @category discovery
 * @since 0.1.0
 */
export const read = (
  { registry, repository, limits }: Omit<Options, "digest">,
  { layer }: Candidate
): Effect.Effect<Uint8Array, Rejection.Rejection> =>
  layer.size > limits.bundleBytes
    ? Effect.fromResult(tooLarge("bytes of a bundle", limits.bundleBytes, layer.size))
    : registry.getBlob(repository, layer.digest, { size: layer.size }).pipe(
      Effect.flatMap(({ stream }) => Stream.mkUint8Array(stream)),
      Effect.scoped,
      Effect.mapError(unreadable)
    )

/** Both lists: who signed before a registry had the API, or with a tool that knows the tag only, is in the tag's. */
const listReferrers = Effect.fnUntraced(function*(options: Options) {
  const tagged = yield* readReferrersTag(options)
  const listed = yield* options.registry.referrers(options.repository, options.digest).pipe(
    Effect.catchIf(
      (error) => RegistryError.isNotFound(error) || error.reason._tag === "Unsupported",
      () => Effect.succeed([])
    )
  )
  return Referrers.merge(tagged, listed)
})

/** Whatever else is behind the tag, the image itself for instance, lists no referrers and hides none. */
const readReferrersTag = Effect.fnUntraced(function*({ digest, registry, repository }: Options) {
  const found = yield* registry.getManifest(repository, Referrers.fallbackTag(digest)).pipe(
    Effect.catchIf(
      (error) => RegistryError.isNotFound(error) || error.reason._tag === "Malformed",
      () => Effect.void
    )
  )
  if (found === undefined || found.descriptor.digest === digest) return []
  const parsed = Manifest.parse(found.bytes, found.descriptor.mediaType)
  return Result.isSuccess(parsed) && parsed.success._tag === "Index" ? parsed.success.document.manifests : []
})

const readSignatureTag = Effect.fnUntraced(function*(options: Options) {
  const tag = SimpleSigning.tag(options.digest)
  // That of a sha512 is longer than tags may be.
  if (!Reference.isTag(tag)) return nothing
  const descriptor = yield* options.registry.resolve(options.repository, tag).pipe(
    Effect.catchIf(RegistryError.isNotFound, () => Effect.void)
  )
  return descriptor === undefined ? nothing : yield* readManifest(options, descriptor, "simplesigning", signatureLayers)
})

const readReferrer = (options: Options, referrer: Descriptor.Descriptor) =>
  readManifest(
    options,
    referrer,
    "bundle",
    (manifest, digest) => manifest.subject?.digest === options.digest ? classify(manifest, digest) : nothing
  )

/** A manifest that cannot be read is one refused candidate, whatever it may have been. */
const readManifest = (
  { limits, registry, repository }: Options,
  { digest, size }: Descriptor.Descriptor,
  form: Rejection.Form,
  toCandidates: (manifest: Manifest.ImageManifest, digest: Digest.Digest) => Discovery
): Effect.Effect<Discovery> =>
  (size > limits.manifestBytes
    ? Effect.fromResult(tooLarge("bytes of a signature's manifest", limits.manifestBytes, size))
    : registry.getManifest(repository, digest).pipe(Effect.mapError(unreadable))).pipe(
      Effect.flatMap(({ bytes, descriptor }) => Effect.fromResult(parseManifest(bytes, descriptor.mediaType, limits))),
      Effect.map((manifest) => manifest._tag === "Image" ? toCandidates(manifest.document, digest) : nothing),
      Effect.catch(({ reason }) => Effect.succeed({ candidates: [], rejected: [{ digest, form, reason }] }))
    )

const parseManifest = (bytes: Uint8Array, mediaType: string, limits: Limits) =>
  Result.mapError(
    Manifest.parse(bytes, mediaType, { maximumBytes: limits.manifestBytes }),
    ({ message }) => malformed(message)
  )

const bundleTypes = "application/vnd.dev.sigstore.bundle"

/** A bundle's referrer (cosign 3), or layers like a `.sig` tag's (cosign 2 in its OCI 1.1 mode); all else is not ours. */
const classify = (manifest: Manifest.ImageManifest, digest: Digest.Digest): Discovery => {
  const bundles = manifest.layers.filter(({ mediaType }) => mediaType.startsWith(bundleTypes))
  const [layer] = bundles
  if (layer === undefined) return signatureLayers(manifest)
  if (manifest.layers.length === 1) return { candidates: [{ form: "bundle", digest, layer }], rejected: [] }
  const { reason } = malformed(`expected one layer in a bundle's manifest, got ${manifest.layers.length}`)
  return { candidates: [], rejected: [{ digest, form: "bundle", reason }] }
}

const signatureLayers = (manifest: Manifest.ImageManifest): Discovery => ({
  candidates: manifest.layers
    .filter(({ mediaType }) => mediaType === SimpleSigning.mediaType)
    .map((layer) => ({ form: "simplesigning", digest: layer.digest, layer })),
  rejected: []
})

const nothing: Discovery = { candidates: [], rejected: [] }

/** The same bundle under two manifests, or the same layer in a tag and a referrer, is one candidate. */
const withoutRepeated = (candidates: ReadonlyArray<Candidate>): ReadonlyArray<Candidate> => [
  ...new Map(
    candidates.map((candidate) => {
      const { annotations, digest } = candidate.layer
      return [`${candidate.form} ${digest} ${JSON.stringify(annotations ?? {})}`, candidate]
    })
  ).values()
]

const checkCount = (count: number, limits: Limits) =>
  count > limits.candidates ? tooLarge("signature candidates of an image", limits.candidates, count) : Result.void

const tooLarge = (what: string, limit: number, actual: number) =>
  Rejection.fail({ _tag: "LimitExceeded", what, limit, actual })

const malformed = (detail: string) => Rejection.malformed("signature manifest", new Error(detail))

const transient = new Set(["Unavailable", "RateLimited", "UnexpectedResponse"])

const unreadable = (error: RegistryError.RegistryError) =>
  new Rejection.Rejection({
    reason: { _tag: "CandidateUnreadable", detail: error.message, retryable: transient.has(error.reason._tag) }
  })
